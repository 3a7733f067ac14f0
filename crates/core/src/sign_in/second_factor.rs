//! The second factor of a pending sign-in in a browser.

use tracing::instrument;

use super::{BrowserSession, SignIn, SignInStep};
use crate::{
    authenticator::{
        passkey::{Ceremony, CeremonyResponse},
        second_factor::PresentedCode,
    },
    db::sessions::Session,
    error::Error,
    request_context::RequestContext,
    secret::OpaqueToken,
};

impl SignIn {
    /// Verifies a code and continues the pending sign-in of a browser; returns the next step and the local path to redirect
    /// to. `trust` asks for this browser to need no second factor for a while.
    ///
    /// # Errors
    /// [`Error::InvalidCode`] and [`Error::RateLimited`], which use nothing up; [`Error::FlowGone`] if the flow expired, was
    /// used, or belongs to another browser; and those of [`SignIn::proceed_in_browser`].
    #[instrument(level = "debug", skip_all)]
    pub async fn verify_in_browser(
        &self,
        (browser, token): (&OpaqueToken, &str),
        code: PresentedCode<'_>,
        trust: bool,
        previous: Option<&Session>,
        context: &RequestContext,
    ) -> Result<(SignInStep<BrowserSession>, String), Error> {
        let (authenticated, return_to) = self.look_pending(browser, token).await?;
        let authenticated = self.verifier.present(authenticated, code, context).await?.trusting_browser(trust);
        self.take_pending(browser, token).await?;
        let step = self.proceed_in_browser(authenticated, previous, None, context).await?;
        Ok((step, return_to))
    }
    /// Begins to present a passkey in the pending sign-in of a browser; uses nothing up.
    ///
    /// # Errors
    /// [`Error::FlowGone`], [`Error::RateLimited`], [`Error::NotFound`] if passkeys are not available.
    #[instrument(level = "debug", skip_all)]
    pub async fn begin_passkey(
        &self,
        (browser, token): (&OpaqueToken, &str),
        context: &RequestContext,
    ) -> Result<Ceremony, Error> {
        let (authenticated, _) = self.look_pending(browser, token).await?;
        self.verifier.passkey.begin_second_factor(authenticated.user(), browser, context).await
    }

    /// Verifies a passkey and continues the pending sign-in of a browser, as [`SignIn::verify_in_browser`].
    ///
    /// # Errors
    /// [`Error::PasskeyRefused`], which uses the ceremony up and not the sign-in; [`Error::FlowGone`]; and those of
    /// [`SignIn::proceed_in_browser`].
    #[instrument(level = "debug", skip_all)]
    pub async fn verify_passkey_in_browser(
        &self,
        (browser, token): (&OpaqueToken, &str),
        response: CeremonyResponse<'_>,
        previous: Option<&Session>,
        context: &RequestContext,
    ) -> Result<(SignInStep<BrowserSession>, String), Error> {
        let (authenticated, return_to) = self.look_pending(browser, token).await?;
        let authenticated = self.verifier.present_passkey(authenticated, browser, response, context).await?;
        self.take_pending(browser, token).await?;
        let step = self.proceed_in_browser(authenticated, previous, None, context).await?;
        Ok((step, return_to))
    }
}
