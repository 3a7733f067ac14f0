//! Verifies Sekisho's access tokens inside another service, without asking Sekisho about each one, and still refuses
//! an ended session within a second.
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
//! One [`Verifier`] is enough for a process; clones share it. It keeps two things in memory, each brought by a
//! background task that ends with the last clone: the public keys of `/.well-known/jwks.json`, and the lately ended
//! sessions of `/api/v1/revocations`, which arrive over one open connection.
//!
//! **It fails closed** (ASVS 16.5.3). A token is accepted only if its signature, type, issuer, audience and times hold
//! *and* the verifier knows of all ended sessions: one that has not heard from the server for
//! [`Builder::stale_after`] answers [`Rejected::Stale`], 503, and never 200 or 401.
//!
//! It refuses to take a key from a token, to follow a redirect, and to decide what a token allows: ask
//! [`Claims::require_scope`], and compare [`Claims::roles`] yourself.

use std::{fmt, sync::Arc, time::Duration};

use jsonwebtoken::{decode, get_current_timestamp};
use reqwest::{Client, Url, header::HeaderValue, redirect::Policy};
use serde::{Deserialize, Deserializer, de::Error};
use tokio::{runtime::Handle, task::AbortHandle};

mod bearer;
mod feed;
mod jws;
mod keys;
mod sse;
#[cfg(test)]
mod tests;

pub use bearer::Bearer;
use feed::Feed;
use keys::Keys;

/// How far another machine's clock may be off, in seconds.
const LEEWAY: i64 = 5;
/// The largest whole number that every JSON parser reads alike (RFC 8259, section 6).
const MAX_TIME: u64 = (1 << 53) - 1;

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Claims {
    /// The server that made the token.
    pub iss: String,
    /// Whom the token is for.
    pub aud: String,
    /// The user's id.
    pub sub: String,
    /// The session's id: one signed-in device.
    pub sid: String,
    /// The token's own id.
    pub jti: String,
    /// When it was made, in Unix seconds, as are `exp` and `nbf`.
    #[serde(deserialize_with = "seconds")]
    pub iat: i64,
    /// When it runs out.
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
    /// When it begins to be valid, if not at once.
    #[serde(default, deserialize_with = "present")]
    pub nbf: Option<i64>,
    /// `browser` or `api`: the kind of session that it was made for.
    pub client_id: String,
    /// Scopes, with a space between them.
    pub scope: String,
    /// The user's roles when the token was made.
    pub roles: Vec<String>,
}

/// A claim that is there must have its type: `null` is not "absent" (CVE-2026-25537).
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    if seconds.unsigned_abs() > MAX_TIME { Err(D::Error::custom("out of range")) } else { Ok(seconds) }
}

impl Claims {
    /// Whether the token allows this.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|allowed| allowed == scope)
    }

    /// For a handler that asks for a scope: `claims.require_scope("orders:write")?`.
    ///
    /// # Errors
    /// [`Rejected::InsufficientScope`] unless the token allows this.
    pub fn require_scope(&self, scope: &'static str) -> Result<(), Rejected> {
        if self.has_scope(scope) { Ok(()) } else { Err(Rejected::InsufficientScope { scope }) }
    }
}

/// Why a request is not let in. As a response, it is the server's own answer: `application/problem+json` (RFC 9457)
/// with the same `code`, and the challenge of RFC 6750.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// No token at all: 401, `unauthenticated`.
    #[error("there is no access token")]
    Unauthenticated,
    /// A token that proves nothing, or has run out: 401, `invalid_token`.
    #[error("the access token is not valid")]
    InvalidToken,
    /// A good token of a session that has ended: 401, `session_revoked`.
    #[error("the session ended: {reason}")]
    SessionRevoked {
        /// `signed_out`, `revoked_by_user`, `password_changed`, …: what the server says.
        reason: Arc<str>,
    },
    /// A good token that does not allow this: 403, `insufficient_scope`.
    #[error("the access token lacks the scope {scope}")]
    InsufficientScope {
        /// What it takes.
        scope: &'static str,
    },
    /// The server is out of reach, so that nobody can say whether the token holds: 503, `verifier_stale`.
    #[error("the sign-in server is out of reach")]
    Stale,
}

/// Why a verifier can't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The server's address is no `http` or `https` URL.
    #[error("{0}: not an http or https URL")]
    Url(String),
    /// Without [`Builder::audience`], a token for any other service would open this one.
    #[error("a verifier is told its service's name, the audience")]
    NoAudience,
    /// What was given to [`Builder::service_secret`] can't be sent; it is not shown.
    #[error("the service secret has characters other than visible ASCII")]
    ServiceSecret,
    /// [`Builder::build`] starts background tasks, and was called outside of a Tokio runtime.
    #[error("a verifier is made inside a Tokio runtime")]
    NoRuntime,
    /// TLS can't be set up.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

/// What a verifier is made from; see [`Verifier::builder`].
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

/// How long things take that nobody needs to set; tests make them shorter.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// The server writes to the feed at least every 15 s: a connection that is silent for longer than this is dead.
    silence: Duration,
    /// An unknown `kid` makes the keys be read again, at most this often: it is hostile input (RFC 8725, section 3.10).
    reload_every: Duration,
    /// Keys are read again this often anyway, so that a withdrawn one goes. The server allows caching for as long.
    refresh_every: Duration,
    /// The time, in Unix seconds.
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
    /// The `iss` that tokens must have (`SEKISHO_TOKEN_ISSUER`), if it isn't the URL given to [`Verifier::builder`]:
    /// for instance when this service reaches the server under an internal name.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// This service's name, one of the server's `SEKISHO_AUDIENCES`: the `aud` that tokens must have. It must be given:
    /// a token that was made for another service, or for the server itself, opens nothing here.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// One of the server's `SEKISHO_SERVICE_SECRET`, where that is set. With it, this service follows the feed on a
    /// place that strangers can't take. It is sent to the server alone, and never shown.
    #[must_use]
    pub fn service_secret(mut self, secret: impl Into<String>) -> Self {
        self.service_secret = secret.into();
        self
    }

    /// For how long tokens are still accepted when the server is out of reach; 30 s unless set. It is the longest that
    /// an ended session can go unnoticed while the network is cut (or 30 s, when the cut can't be seen because the
    /// connection just falls silent).
    #[must_use]
    pub fn stale_after(mut self, stale_after: Duration) -> Self {
        self.stale_after = stale_after;
        self
    }

    /// Starts to follow the server, in the background.
    ///
    /// # Errors
    /// When the URL is none, without an audience, with a secret that can't be sent, outside of a Tokio runtime, or
    /// without a working TLS. A server that does not answer is no error here: see [`Verifier::ready`].
    pub fn build(self) -> Result<Verifier, BuildError> {
        let url = self.url.trim_end_matches('/');
        if !Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(BuildError::Url(self.url));
        }
        if self.audience.is_empty() {
            return Err(BuildError::NoAudience);
        }
        let credentials = credentials(&self.service_secret)?;
        let runtime = Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        // Keys and ends come from this server and from no other.
        let client = Client::builder().redirect(Policy::none()).build()?;

        let keys = Arc::new(Keys::new(self.pace));
        let feed = Arc::new(Feed::new(self.stale_after, self.pace));
        let issuer = self.issuer.unwrap_or_else(|| url.to_owned());
        let refresh = keys.clone().refresh(client.clone(), format!("{url}/.well-known/jwks.json"));
        let follow = feed.clone().follow(client, format!("{url}/api/v1/revocations"), credentials);
        let tasks = [runtime.spawn(refresh).abort_handle(), runtime.spawn(follow).abort_handle()];
        Ok(Verifier(Arc::new(Shared { audience: self.audience, issuer, keys, feed, now: self.pace.now, tasks })))
    }
}

/// The `Authorization` header that says which service this is; none without a secret.
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
    /// A verifier for the server at `url`, such as `https://login.example.com`. Over plain `http`, whoever sits between
    /// can bring keys of their own: only for one machine, or a network that you trust.
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

    /// Waits until the keys are there and all ended sessions are known. Before, every token is [`Rejected::Stale`].
    /// It waits for as long as the server does not answer, and the log says why.
    pub async fn ready(&self) {
        self.0.keys.ready().await;
        self.0.feed.ready().await;
    }

    /// The claims of a token that holds, at this moment.
    ///
    /// # Errors
    /// Why it does not; never [`Rejected::Unauthenticated`].
    pub async fn verify(&self, token: &str) -> Result<Claims, Rejected> {
        let Shared { issuer, audience, keys, feed, now, .. } = &*self.0;
        let kid = jws::kid(token).ok_or(Rejected::InvalidToken)?;
        let key = keys.find(&kid).await;
        if feed.is_withdrawn(&kid) {
            return Err(Rejected::InvalidToken);
        }
        let key = key?;
        let claims: Claims = decode(token, &key.key, &key.validation).map_err(|_| Rejected::InvalidToken)?.claims;
        let nobody = claims.sub.is_empty() || claims.sid.is_empty();
        if claims.iss != *issuer || claims.aud != *audience || nobody {
            return Err(Rejected::InvalidToken);
        }
        if let Some(reason) = feed.reason(&claims.sid) {
            return Err(Rejected::SessionRevoked { reason });
        }
        let now = now().cast_signed();
        let started = claims.iat <= now + LEEWAY && claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY);
        let running = now < claims.exp.saturating_add(LEEWAY);
        if !started || !running {
            return Err(Rejected::InvalidToken);
        }
        if feed.is_stale() {
            return Err(Rejected::Stale);
        }
        // The end of a session that made so old a token may be forgotten here.
        let remembered = now < claims.iat.saturating_add(feed.retains_for()).saturating_add(LEEWAY);
        if remembered { Ok(claims) } else { Err(Rejected::InvalidToken) }
    }
}
