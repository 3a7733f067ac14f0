//! Pending sign-ins: a second factor must be presented or enrolled, or a session be chosen that ends at the device limit.
//! No session exists until then.

use sekisho_model::SessionId;
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::{BrowserSession, Proof, SignIn, SignInStep};
use crate::{
    authenticator::Authenticated,
    clock::millis,
    db::{
        sessions::Session,
        users::{self, User},
    },
    error::Error,
    pending_flow::{PendingFlow, TTL},
    request_context::RequestContext,
    secret::OpaqueToken,
};

/// Prefix of the token that continues a pending sign-in, by which secret scanners find leaks.
const PREFIX: &str = "sk_wt_";

/// A sign-in pending on a second factor or the device choice.
#[derive(Debug)]
pub struct PendingSignIn {
    user: Box<User>,
    proof: Proof,
}

/// The stored state.
#[derive(Serialize, Deserialize)]
struct StoredSignIn {
    proof: Proof,
    /// Local path to redirect to afterwards.
    return_to: String,
}

impl PendingFlow for StoredSignIn {
    const NAME: &'static str = "pending-sign-in";
}

impl PendingSignIn {
    pub(super) fn new(user: User, proof: Proof) -> Self {
        Self { user: Box::new(user), proof }
    }

    pub(super) fn into_parts(self) -> (User, Proof) {
        (*self.user, self.proof)
    }

    /// The user who signs in.
    pub fn user(&self) -> &User {
        &self.user
    }
}

impl SignIn {
    /// Stores a pending sign-in bound to the browser token; the returned token continues it. `return_to` is a local path.
    ///
    /// # Errors
    /// [`Error::FlowGone`] if the authentication is older than a flow's lifetime: suspending again does not extend it.
    #[instrument(level = "debug", skip_all, fields(user.id = %pending.user.id))]
    pub async fn suspend(
        &self,
        browser: &OpaqueToken,
        pending: &PendingSignIn,
        return_to: String,
    ) -> Result<OpaqueToken, Error> {
        if self.store.now() - pending.proof.at >= millis(TTL) {
            return Err(Error::FlowGone);
        }
        let token = OpaqueToken::generate(PREFIX);
        let stored = StoredSignIn { proof: pending.proof.clone(), return_to };
        self.flows.insert(&token.hash(), browser, &stored).await?;
        Ok(token)
    }

    /// Ends the session `evict` and continues the pending sign-in of a browser; returns the next step and the local path to
    /// redirect to. The step is [`SignInStep::DeviceChoice`] again if there are still too many sessions.
    ///
    /// # Errors
    /// As [`SignIn::proceed_pending`].
    pub async fn resolve_device_limit(
        &self,
        browser: &OpaqueToken,
        token: &str,
        evict: &SessionId,
        previous: Option<&Session>,
        context: &RequestContext,
    ) -> Result<(SignInStep<BrowserSession>, String), Error> {
        let (authenticated, return_to) = self.take_pending(browser, token).await?;
        let step = self.proceed_in_browser(authenticated, previous, Some(evict), context).await?;
        Ok((step, return_to))
    }

    /// Continues the pending sign-in of a browser; returns the next step and the local path to redirect to.
    ///
    /// # Errors
    /// [`Error::FlowGone`] if it expired, was used, or belongs to another browser; and those of
    /// [`SignIn::proceed_in_browser`].
    pub async fn proceed_pending(
        &self,
        browser: &OpaqueToken,
        token: &str,
        previous: Option<&Session>,
        context: &RequestContext,
    ) -> Result<(SignInStep<BrowserSession>, String), Error> {
        let (authenticated, return_to) = self.take_pending(browser, token).await?;
        let step = self.proceed_in_browser(authenticated, previous, None, context).await?;
        Ok((step, return_to))
    }

    /// The pending sign-in of a browser, and the local path to redirect to; uses nothing up.
    ///
    /// # Errors
    /// [`Error::FlowGone`].
    pub async fn find_pending(&self, browser: &OpaqueToken, token: &str) -> Result<(PendingSignIn, String), Error> {
        let (authenticated, return_to) = self.look_pending(browser, token).await?;
        let (user, proof) = authenticated.into_parts();
        Ok((PendingSignIn::new(user, proof), return_to))
    }

    pub(super) async fn look_pending(
        &self,
        browser: &OpaqueToken,
        token: &str,
    ) -> Result<(Authenticated, String), Error> {
        let token = OpaqueToken::parse(PREFIX, token).ok_or(Error::FlowGone)?;
        let stored: Option<StoredSignIn> = self.flows.find(&token.hash(), browser).await?;
        let StoredSignIn { proof, return_to } = stored.ok_or(Error::FlowGone)?;
        Ok((self.resume(proof).await?, return_to))
    }

    /// Uses a pending sign-in up: succeeds once.
    pub(super) async fn take_pending(
        &self,
        browser: &OpaqueToken,
        token: &str,
    ) -> Result<(Authenticated, String), Error> {
        let token = OpaqueToken::parse(PREFIX, token).ok_or(Error::FlowGone)?;
        let stored: Option<StoredSignIn> = self.flows.take(&token.hash(), browser).await?;
        let StoredSignIn { proof, return_to } = stored.ok_or(Error::FlowGone)?;
        Ok((self.resume(proof).await?, return_to))
    }

    /// Restores a proof that is no older than a flow's lifetime.
    pub(super) async fn resume(&self, proof: Proof) -> Result<Authenticated, Error> {
        if self.store.now() - proof.at >= millis(TTL) {
            return Err(Error::FlowGone);
        }
        let user = users::find(self.store.reader(), &proof.user_id).await?.ok_or(Error::FlowGone)?;
        Authenticated::resume(user, proof).ok_or(Error::FlowGone)
    }
}
