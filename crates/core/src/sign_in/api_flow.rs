//! The pending sign-in of an API client, which must present a second factor. It is found by its id, 256 random bits, and
//! is a flow of its own kind: worth nothing in a browser, as a browser's is worth nothing here.

use sekisho_model::SessionId;
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::{ApiClient, PendingSignIn, SignIn, SignInStep};
use crate::{
    authenticator::{Proof, second_factor::PresentedCode},
    error::Error,
    pending_flow::PendingFlow,
    request_context::RequestContext,
    secret::OpaqueToken,
    token::{refresh::Grant, request::TokenRequest},
};

/// Prefix of a flow's id, by which secret scanners find leaks.
const PREFIX: &str = "sk_af_";

/// The stored state: the proof, and what was asked for.
#[derive(Serialize, Deserialize)]
struct StoredApiSignIn {
    proof: Proof,
    device: Option<String>,
    request: TokenRequest,
    evict: Option<SessionId>,
}

impl PendingFlow for StoredApiSignIn {
    const NAME: &'static str = "pending-api-sign-in";
}

impl SignIn {
    /// Stores a pending sign-in with what its client asked for; the returned id continues it.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all, fields(user.id = %pending.user().id))]
    pub async fn suspend_api(
        &self,
        pending: PendingSignIn,
        client: ApiClient<'_>,
        evict: Option<&SessionId>,
    ) -> Result<OpaqueToken, Error> {
        let id = OpaqueToken::generate(PREFIX);
        let stored = StoredApiSignIn {
            proof: pending.into_parts().1,
            device: client.device.map(Into::into),
            request: client.request.clone(),
            evict: evict.cloned(),
        };
        // An API client has no browser to bind the flow to: the id is all there is.
        self.flows.insert(&id.hash(), &id, &stored).await?;
        Ok(id)
    }

    /// Verifies a code and continues the pending sign-in of an API client.
    ///
    /// # Errors
    /// [`Error::InvalidCode`] and [`Error::RateLimited`], which use nothing up; [`Error::FlowGone`] if the flow expired or
    /// was used; and those of [`SignIn::proceed_in_api`].
    #[instrument(level = "debug", skip_all)]
    pub async fn verify_in_api(
        &self,
        id: &str,
        code: PresentedCode<'_>,
        context: &RequestContext,
    ) -> Result<SignInStep<Grant>, Error> {
        let id = OpaqueToken::parse(PREFIX, id).ok_or(Error::FlowGone)?;
        let stored: Option<StoredApiSignIn> = self.flows.find(&id.hash(), &id).await?;
        let StoredApiSignIn { proof, device, request, evict } = stored.ok_or(Error::FlowGone)?;
        let authenticated = self.resume(proof).await?;
        let authenticated = self.verifier.present(authenticated, code, context).await?;
        let taken: Option<StoredApiSignIn> = self.flows.take(&id.hash(), &id).await?;
        taken.ok_or(Error::FlowGone)?;
        let client = ApiClient { device: device.as_deref(), request: &request };
        self.proceed_in_api(authenticated, client, evict.as_ref(), context).await
    }
}
