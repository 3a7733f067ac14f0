//! The sign-in pipeline, the only way to begin a session. Every [`Authenticated`] user takes the same steps, whatever the
//! authenticator and client; a step that needs input is a [`SignInStep`]. A pending sign-in is encrypted, bound to the
//! browser and accepted nowhere else (GHSA-xg6x-h9c9-2m83).

use std::sync::Arc;

use sekisho_model::SessionKind;
use tracing::instrument;

use crate::{
    authenticator::{Authenticated, Proof},
    db::{sessions::Session, users::User},
    error::Error,
    pending_flow::PendingFlows,
    request_context::RequestContext,
    session::{
        Sessions,
        begin::{Begun, NewSession},
        credential::{CookieToken, Credential},
    },
    token::{
        refresh::{Grant, RefreshTokens},
        request::TokenRequest,
    },
    unit_of_work::Store,
};

mod pending;

pub use pending::PendingSignIn;

/// The client that signs in.
#[derive(Clone, Copy, Debug)]
pub enum Client<'a> {
    /// A browser.
    Browser {
        /// Its current session, which ends (session fixation, ASVS 7.2.4).
        previous: Option<&'a Session>,
    },
    /// An API client.
    Api {
        /// Its name for the device; defaults to the user agent's.
        device: Option<&'a str>,
        /// Audience and scope of its tokens.
        request: &'a TokenRequest,
    },
}

/// The next step of a sign-in.
#[derive(Debug)]
pub enum SignInStep {
    /// The session has begun.
    Complete(Box<SignedInClient>),
    /// The device limit is reached: the user must choose a session to end.
    DeviceChoice(PendingSignIn),
}

/// A new session's user and credential.
#[derive(Debug)]
pub struct SignedInClient {
    /// The signed-in user.
    pub user: User,
    /// To be sent to the client.
    pub credential: ClientCredential,
}

/// A new session's credential, by kind of client.
#[derive(Debug)]
pub enum ClientCredential {
    /// A browser's cookie token.
    Cookie(CookieToken),
    /// An API client's access and refresh token.
    Tokens(Grant),
}

/// The sign-in pipeline.
pub struct SignIn {
    pub(crate) store: Arc<Store>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) refresh_tokens: Arc<RefreshTokens>,
    pub(crate) flows: PendingFlows,
}

impl SignIn {
    /// Runs a sign-in up to the next step that needs input. `evict` is the user's session chosen to end at the device
    /// limit.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] if the proof is no longer valid, [`Error::AccountDisabled`].
    #[instrument(level = "debug", skip_all, fields(user.id = authenticated.user().id))]
    pub async fn proceed(
        &self,
        authenticated: Authenticated,
        client: Client<'_>,
        evict: Option<&str>,
        context: &RequestContext,
    ) -> Result<SignInStep, Error> {
        let (user, proof) = authenticated.into_parts();
        match self.sessions.begin(&proof, new_session(client, evict), context).await? {
            Begun::DeviceLimit(devices) => Ok(SignInStep::DeviceChoice(PendingSignIn::new(user, proof, devices))),
            Begun::Session(session, credential) => {
                let credential = self.credential(&user, &session, credential, client)?;
                Ok(SignInStep::Complete(Box::new(SignedInClient { user, credential })))
            }
        }
    }

    fn credential(
        &self,
        user: &User,
        session: &Session,
        credential: Credential,
        client: Client<'_>,
    ) -> Result<ClientCredential, Error> {
        match (credential, client) {
            (Credential::Cookie(token), _) => Ok(ClientCredential::Cookie(token)),
            (Credential::RefreshToken(token, expires_at), Client::Api { request, .. }) => {
                let lifetime = expires_at - session.created_at;
                Ok(ClientCredential::Tokens(self.refresh_tokens.grant(user, session, token, lifetime, request)?))
            }
            (Credential::RefreshToken(..), Client::Browser { .. }) => {
                Err(Error::internal("a browser's session has a cookie"))
            }
        }
    }
}

fn new_session<'a>(client: Client<'a>, evict_session_id: Option<&'a str>) -> NewSession<'a> {
    let new = |kind| NewSession { kind, device: None, previous: None, evict_session_id, scope: None };
    match client {
        Client::Browser { previous } => NewSession { previous, ..new(SessionKind::Browser) },
        Client::Api { device, request } => NewSession { device, scope: request.scope, ..new(SessionKind::Api) },
    }
}

impl SignInStep {
    /// The user and cookie token of a completed browser sign-in.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`], for callers that can't ask for the device choice.
    pub fn into_cookie(self) -> Result<(User, CookieToken), Error> {
        match self {
            Self::Complete(client) => match client.credential {
                ClientCredential::Cookie(token) => Ok((client.user, token)),
                ClientCredential::Tokens(_) => Err(Error::internal("a browser's session has a cookie")),
            },
            Self::DeviceChoice(pending) => Err(Error::DeviceLimit(pending.devices)),
        }
    }

    /// The tokens of a completed API sign-in.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] with the live sessions.
    pub fn into_tokens(self) -> Result<Grant, Error> {
        match self {
            Self::Complete(client) => match client.credential {
                ClientCredential::Tokens(grant) => Ok(grant),
                ClientCredential::Cookie(_) => Err(Error::internal("an API session has a refresh token")),
            },
            Self::DeviceChoice(pending) => Err(Error::DeviceLimit(pending.devices)),
        }
    }
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grant(..)")
    }
}
