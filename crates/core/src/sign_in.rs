//! The sign-in pipeline, the only way to begin a session. Every [`Authenticated`] user takes the same steps, whatever the
//! authenticator and client; a step that needs input is a [`SignInStep`]. A pending sign-in is encrypted, bound to the
//! browser and accepted nowhere else (GHSA-xg6x-h9c9-2m83).

use std::sync::Arc;

use sekisho_model::SessionId;
use tracing::instrument;

use crate::{
    account::second_factors::SecondFactors,
    authenticator::{Authenticated, Proof, second_factor::SecondFactorVerifier, trusted_browser},
    db::{sessions::Session, users::User},
    error::Error,
    pending_flow::PendingFlows,
    policy::Policy,
    request_context::RequestContext,
    secret::{OpaqueToken, random},
    session::{
        Sessions,
        begin::{Begun, NewSession},
        credential::{CookieToken, NewCredential},
        refresh_expiry::PREFIX,
    },
    token::{
        refresh::{Grant, RefreshTokens},
        request::TokenRequest,
    },
    unit_of_work::Store,
};

mod api_flow;
mod enrollment;
mod pending;
mod second_factor;

pub use pending::PendingSignIn;

/// An API client that signs in.
#[derive(Clone, Copy, Debug)]
pub struct ApiClient<'a> {
    /// Its name for the device; defaults to the user agent's.
    pub device: Option<&'a str>,
    /// Audience and scope of its tokens.
    pub request: &'a TokenRequest,
}

/// The next step of a sign-in that yields `T`.
#[derive(Debug)]
pub enum SignInStep<T> {
    /// The session has begun.
    Complete(T),
    /// A second factor must be presented.
    SecondFactor(PendingSignIn),
    /// A second factor must be enrolled: the policy requires one.
    EnrollSecondFactor(PendingSignIn),
    /// The device limit is reached: the user must choose one of these sessions to end.
    DeviceChoice(PendingSignIn, Box<[Session]>),
}

/// A browser's new session.
#[derive(Debug)]
pub struct BrowserSession {
    /// The signed-in user.
    pub user: User,
    /// The token to set as the cookie.
    pub token: CookieToken,
    /// The token to set as the cookie of a trusted browser, if it became one.
    pub trusted: Option<OpaqueToken>,
}

/// The sign-in pipeline.
pub struct SignIn {
    pub(crate) store: Arc<Store>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) refresh_tokens: Arc<RefreshTokens>,
    pub(crate) flows: PendingFlows,
    pub(crate) policy: Arc<Policy>,
    pub(crate) verifier: Arc<SecondFactorVerifier>,
    pub(crate) second_factors: Arc<SecondFactors>,
}

impl SignIn {
    /// Signs a browser in, up to the next step that needs input. `previous` is its current session, which ends (session
    /// fixation, ASVS 7.2.4); `evict` the user's session chosen to end at the device limit.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] if the proof is no longer valid, [`Error::AccountDisabled`].
    #[instrument(level = "debug", skip_all, fields(user.id = %authenticated.user().id))]
    pub async fn proceed_in_browser(
        &self,
        authenticated: Authenticated,
        previous: Option<&Session>,
        evict: Option<&SessionId>,
        context: &RequestContext,
    ) -> Result<SignInStep<BrowserSession>, Error> {
        let token = CookieToken::new(random());
        let credential = NewCredential::Cookie(token);
        let is_trusting = authenticated.is_trusting_browser() && self.policy.trust_browser.is_some();
        let trusted = is_trusting.then(|| OpaqueToken::generate(trusted_browser::PREFIX));
        let new = NewSession {
            credential,
            device: None,
            previous,
            evict_session_id: evict,
            scope: None,
            trust: trusted.as_ref(),
        };
        let step = self.begin(authenticated, new, context).await?;
        Ok(step.map(|(user, _)| BrowserSession { user, token, trusted }))
    }

    /// Signs an API client in, as [`SignIn::proceed_in_browser`].
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] if the proof is no longer valid, [`Error::AccountDisabled`].
    #[instrument(level = "debug", skip_all, fields(user.id = %authenticated.user().id))]
    pub async fn proceed_in_api(
        &self,
        authenticated: Authenticated,
        ApiClient { device, request }: ApiClient<'_>,
        evict: Option<&SessionId>,
        context: &RequestContext,
    ) -> Result<SignInStep<Grant>, Error> {
        let token = OpaqueToken::generate(PREFIX);
        let credential = NewCredential::RefreshToken(&token);
        let new = NewSession {
            credential,
            device,
            previous: None,
            evict_session_id: evict,
            scope: request.scope,
            trust: None,
        };
        Ok(match self.begin(authenticated, new, context).await? {
            SignInStep::Complete((user, session)) => {
                SignInStep::Complete(self.refresh_tokens.grant_first(&user, &session, token, request).await?)
            }
            SignInStep::SecondFactor(pending) => SignInStep::SecondFactor(pending),
            SignInStep::EnrollSecondFactor(pending) => SignInStep::EnrollSecondFactor(pending),
            SignInStep::DeviceChoice(pending, devices) => SignInStep::DeviceChoice(pending, devices),
        })
    }

    async fn begin(
        &self,
        authenticated: Authenticated,
        new: NewSession<'_>,
        context: &RequestContext,
    ) -> Result<SignInStep<(User, Box<Session>)>, Error> {
        let (user, proof) = authenticated.into_parts();
        Ok(match self.sessions.begin(&proof, new, context).await? {
            Begun::Session(session) => SignInStep::Complete((user, session)),
            Begun::SecondFactor => SignInStep::SecondFactor(PendingSignIn::new(user, proof)),
            Begun::EnrollSecondFactor => SignInStep::EnrollSecondFactor(PendingSignIn::new(user, proof)),
            Begun::DeviceLimit(devices) => SignInStep::DeviceChoice(PendingSignIn::new(user, proof), devices),
        })
    }
}

impl<T> SignInStep<T> {
    fn map<U>(self, finish: impl FnOnce(T) -> U) -> SignInStep<U> {
        match self {
            Self::Complete(begun) => SignInStep::Complete(finish(begun)),
            Self::SecondFactor(pending) => SignInStep::SecondFactor(pending),
            Self::EnrollSecondFactor(pending) => SignInStep::EnrollSecondFactor(pending),
            Self::DeviceChoice(pending, devices) => SignInStep::DeviceChoice(pending, devices),
        }
    }

    /// The result of a completed sign-in.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] with the live sessions, [`Error::SecondFactorRequired`], [`Error::SecondFactorEnrollment`]: for
    /// callers that can't ask for what is missing.
    pub fn into_complete(self) -> Result<T, Error> {
        match self {
            Self::Complete(complete) => Ok(complete),
            Self::SecondFactor(_) => Err(Error::SecondFactorRequired),
            Self::EnrollSecondFactor(_) => Err(Error::SecondFactorEnrollment),
            Self::DeviceChoice(_, devices) => Err(Error::DeviceLimit(devices)),
        }
    }
}
