//! Verifies Sekisho's access tokens in another service, without a request to Sekisho per token, and rejects a revoked
//! session within a second.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use sekisho_verifier::{Bearer, Verifier};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::builder("https://login.example.com").audience("orders").build()?;
//! verifier.ready().await;
//!
//! let app = Router::new().route("/hello", get(hello)).with_state(verifier);
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:4000").await?, app).await?;
//! # Ok(())
//! # }
//!
//! async fn hello(Bearer(claims): Bearer) -> String {
//!     format!("Hello, {}", claims.sub)
//! }
//! ```
//!
//! A state of your own works as well: give it `impl FromRef<YourState> for Verifier`.
//!
//! One [`Verifier`] per process is enough; clones share it. Two background tasks, which end with the last clone, keep in
//! memory the public keys of `/.well-known/jwks.json` and the recent revocations of `/api/v1/revocations`, streamed over
//! one connection (server-sent events).
//!
//! **It fails closed** (ASVS 16.5.3). A token is accepted only if signature, type, issuer, audience and times verify
//! *and* the list of revocations is complete: without contact to the server for [`Builder::stale_after`] the result is
//! [`Rejected::Stale`], 503, never 200 or 401.
//!
//! It never takes a key from a token, never follows a redirect, and does not authorize: use
//! [`Claims::require_scope`](sekisho_model::Claims::require_scope) and [`Claims::roles`].

use std::{fmt, sync::Arc, time::Duration};

use jsonwebtoken::{decode, get_current_timestamp};
use reqwest::{Client, Url, header::HeaderValue, redirect::Policy};
use sekisho_model::{LEEWAY, jws};
use tokio::{runtime::Handle, task::AbortHandle};

mod bearer;
mod feed;
mod introspection;
mod keys;
mod sse;
#[cfg(test)]
mod tests;

pub use bearer::Bearer;
use feed::Feed;
use introspection::Introspection;
use keys::Keys;
pub use sekisho_model::MissingScope;

/// The claims of an access token.
pub type Claims = sekisho_model::Claims<String>;

/// Why a request is rejected. As a response it equals the server's own: `application/problem+json` (RFC 9457) with the
/// same `code`, and the challenge of RFC 6750.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// No token: 401, `unauthenticated`.
    #[error("there is no access token")]
    Unauthenticated,
    /// An invalid or expired token: 401, `invalid_token`.
    #[error("the access token is not valid")]
    InvalidToken,
    /// A valid token of a revoked session: 401, `session_revoked`.
    #[error("the session ended: {reason}")]
    SessionRevoked {
        /// The server's end reason: `signed_out`, `revoked_by_user`, `password_changed`, …
        reason: Arc<str>,
    },
    /// A valid token without the required scope: 403, `insufficient_scope`.
    #[error("the access token lacks the scope {scope}")]
    InsufficientScope {
        /// The required scope.
        scope: &'static str,
    },
    /// The server is unreachable, so the token can't be verified: 503, `verifier_stale`.
    #[error("the sign-in server is out of reach")]
    Stale,
}

impl From<MissingScope> for Rejected {
    fn from(MissingScope(scope): MissingScope) -> Self {
        Self::InsufficientScope { scope }
    }
}

/// Why a verifier can't be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The server's address is not an `http` or `https` URL.
    #[error("{0}: not an http or https URL")]
    Url(String),
    /// [`Builder::audience`] is missing: tokens for any other service would be accepted.
    #[error("the audience, this service's name, is missing")]
    NoAudience,
    /// The [`Builder::service_secret`] can't be sent in a header; its value is not shown.
    #[error("the service secret has characters other than visible ASCII")]
    ServiceSecret,
    /// [`Builder::build`] starts background tasks and was called outside of a Tokio runtime.
    #[error("a verifier must be built inside a Tokio runtime")]
    NoRuntime,
    /// The HTTP client can't be built (TLS).
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

/// Configures a verifier; see [`Verifier::builder`].
#[derive(Clone)]
pub struct Builder {
    url: String,
    issuer: Option<String>,
    audience: String,
    service_secret: String,
    stale_after: Duration,
    pace: Pace,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, issuer, audience, stale_after, .. } = self;
        let mut shown = f.debug_struct("Builder");
        shown.field("url", url).field("issuer", issuer).field("audience", audience).field("stale_after", stale_after);
        shown.finish_non_exhaustive()
    }
}

/// Timing that is not configurable; tests shorten it.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Read timeout of the feed; the server writes at least every 15 s.
    silence: Duration,
    /// Minimum interval between reloads for an unknown `kid`, which is untrusted input (RFC 8725, section 3.10).
    reload_every: Duration,
    /// Refresh interval of the keys, the server's `max-age`.
    refresh_every: Duration,
    /// The current time in Unix seconds.
    now: fn() -> u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            reload_every: Duration::from_secs(3),
            refresh_every: Duration::from_secs(300),
            now: get_current_timestamp,
        }
    }
}

impl Builder {
    /// The expected `iss` (`SEKISHO_TOKEN_ISSUER`), if it differs from the URL given to [`Verifier::builder`], as when the
    /// server is reached under an internal name.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The expected `aud`: this service's name, one of the server's `SEKISHO_AUDIENCES`. Required: a token for another
    /// service, or for the server itself, is rejected.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// One of the server's `SEKISHO_SERVICE_SECRET`, if set. With it, unauthenticated clients can't exhaust this service's
    /// connection limit on the feed. Sent to the server only, never shown.
    #[must_use]
    pub fn service_secret(mut self, secret: impl Into<String>) -> Self {
        self.service_secret = secret.into();
        self
    }

    /// How long tokens are accepted while the server is unreachable; 30 s by default. This is the longest that a revocation
    /// can go unnoticed during an outage (or 30 s, if the connection falls silent without an error).
    #[must_use]
    pub fn stale_after(mut self, stale_after: Duration) -> Self {
        self.stale_after = stale_after;
        self
    }

    /// Builds the verifier and starts its background tasks.
    ///
    /// # Errors
    /// [`BuildError`]. An unreachable server is not an error here: see [`Verifier::ready`].
    pub fn build(self) -> Result<Verifier, BuildError> {
        let url = self.url.trim_end_matches('/');
        if !Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(BuildError::Url(self.url));
        }
        if self.audience.is_empty() {
            return Err(BuildError::NoAudience);
        }
        let credentials = credentials(&self.service_secret)?;
        let secret = credentials.as_ref().and_then(|_| HeaderValue::from_str(&self.service_secret).ok());
        let runtime = Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        // Keys and revocations come from this server only.
        let client = Client::builder().redirect(Policy::none()).build()?;

        let introspection = Introspection::new(client.clone(), url, &self.audience, secret);
        let keys = Arc::new(Keys::new(self.pace));
        let feed = Arc::new(Feed::new(self.stale_after, self.pace));
        let issuer = self.issuer.unwrap_or_else(|| url.to_owned());
        let refresh = keys.clone().refresh(client.clone(), format!("{url}/.well-known/jwks.json"));
        let follow = feed.clone().follow(client, format!("{url}/api/v1/revocations"), credentials);
        let tasks = [runtime.spawn(refresh).abort_handle(), runtime.spawn(follow).abort_handle()];
        let (audience, now) = (self.audience, self.pace.now);
        Ok(Verifier(Arc::new(Shared { audience, issuer, keys, feed, introspection, now, tasks })))
    }
}

/// The `Authorization` header with the service secret, if there is one.
fn credentials(secret: &str) -> Result<Option<HeaderValue>, BuildError> {
    if secret.is_empty() {
        return Ok(None);
    }
    let graphic = secret.bytes().all(|byte| byte.is_ascii_graphic());
    let value = HeaderValue::from_str(&format!("Bearer {secret}")).ok().filter(|_| graphic);
    let mut value = value.ok_or(BuildError::ServiceSecret)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Verifies access tokens. Clones share one set of keys and one feed.
#[derive(Clone)]
pub struct Verifier(Arc<Shared>);

struct Shared {
    issuer: String,
    audience: String,
    keys: Arc<Keys>,
    feed: Arc<Feed>,
    introspection: Introspection,
    now: fn() -> u64,
    tasks: [AbortHandle; 2],
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { issuer, audience, .. } = &*self.0;
        f.debug_struct("Verifier").field("issuer", issuer).field("audience", audience).finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier for the server at `url`, such as `https://login.example.com`. Plain `http` allows a man in the middle to
    /// replace the keys: use it only on one machine or a trusted network.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder {
            url: url.into(),
            issuer: None,
            audience: String::new(),
            service_secret: String::new(),
            stale_after: Duration::from_secs(30),
            pace: Pace::default(),
        }
    }

    /// Waits until keys and revocations are loaded; until then every token is [`Rejected::Stale`]. Waits as long as the
    /// server is unreachable; the cause is logged.
    pub async fn ready(&self) {
        self.0.keys.ready().await;
        self.0.feed.ready().await;
    }

    /// Verifies a token and returns its claims. The server is asked about an opaque one, once.
    ///
    /// # Errors
    /// [`Rejected`], except [`Rejected::Unauthenticated`].
    pub async fn verify(&self, token: &str) -> Result<Claims, Rejected> {
        let Shared { issuer, audience, feed, introspection, now, .. } = &*self.0;
        let now = now().cast_signed();
        let claims = match token.starts_with(introspection::PREFIX) {
            true => introspection.claims(token, now).await?,
            false => self.check_signature(token).await?,
        };
        let nobody = claims.sub.is_empty() || claims.sid.is_empty();
        if claims.iss != *issuer || claims.aud != *audience || nobody {
            return Err(Rejected::InvalidToken);
        }
        if let Some(reason) = feed.reason(&claims.sid) {
            return Err(Rejected::SessionRevoked { reason });
        }
        let started = claims.iat <= now + LEEWAY && claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY);
        let running = now < claims.exp.saturating_add(LEEWAY);
        if !started || !running {
            return Err(Rejected::InvalidToken);
        }
        if feed.is_stale() {
            return Err(Rejected::Stale);
        }
        // Revocations of sessions with tokens older than this may have been removed.
        let covered = now < claims.iat.saturating_add(feed.retains_for()).saturating_add(LEEWAY);
        if covered { Ok(claims) } else { Err(Rejected::InvalidToken) }
    }

    /// The claims of a JWT with a good signature.
    async fn check_signature(&self, token: &str) -> Result<Claims, Rejected> {
        let Shared { keys, feed, .. } = &*self.0;
        let kid = jws::kid(token).ok_or(Rejected::InvalidToken)?;
        let key = keys.find(&kid).await;
        if feed.is_withdrawn(&kid) {
            return Err(Rejected::InvalidToken);
        }
        let key = key?;
        Ok(decode(token, &key.key, &key.validation).map_err(|_| Rejected::InvalidToken)?.claims)
    }
}
