//! Opaque access tokens: asks the server about each one once (RFC 7662), and follows the feed from then on, as for JWTs.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::{Claims, Rejected, keys::Cause};

/// Prefix of opaque access tokens.
pub const PREFIX: &str = "sk_at_";
/// Length of a token: the prefix, and 256 bits in base64url.
const LENGTH: usize = PREFIX.len() + 43;
const ASK_WITHIN: Duration = Duration::from_secs(5);
/// Maximum size of an answer; it is under a kilobyte, but for many roles.
const MAX_BYTES: usize = 64 * 1024;
/// Requests at a time: unknown tokens are untrusted input, and each is a request.
const MAX_REQUESTS: usize = 16;
/// Tokens kept in memory.
const MAX_KNOWN: usize = 10_000;

pub struct Introspection {
    client: Client,
    url: String,
    /// Audience and service secret; `None`: without a secret nobody is asked.
    credentials: Option<(String, HeaderValue)>,
    requests: Semaphore,
    /// Claims of active tokens; the caller checks times and revocations.
    known: Mutex<HashMap<Box<str>, Claims>>,
}

impl Introspection {
    pub fn new(client: Client, server: &str, audience: &str, secret: Option<HeaderValue>) -> Self {
        // RFC 6749, section 2.3.1; an audience has no other special characters.
        let name = audience.replace('%', "%25").replace(':', "%3A").replace('/', "%2F");
        Self {
            client,
            url: format!("{server}/oauth/introspect"),
            credentials: secret.map(|secret| (name, secret)),
            requests: Semaphore::new(MAX_REQUESTS),
            known: Mutex::default(),
        }
    }

    /// The claims of a token that was active when the server was asked.
    pub async fn claims(&self, token: &str, now: i64) -> Result<Claims, Rejected> {
        let body = &token[PREFIX.len()..];
        let is_base64url = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if token.len() != LENGTH || !is_base64url {
            return Err(Rejected::InvalidToken);
        }
        if let Some(claims) = self.known().get(token) {
            return Ok(claims.clone());
        }
        let Some((name, secret)) = &self.credentials else {
            tracing::warn!("an opaque token can't be verified without a service secret");
            return Err(Rejected::InvalidToken);
        };
        let claims = match self.ask(token, name, secret).await {
            Ok(claims) => claims.ok_or(Rejected::InvalidToken)?,
            Err(error) => {
                tracing::warn!(error, "the sign-in server can't be asked about a token");
                return Err(Rejected::Stale);
            }
        };
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.retain(|_, claims| claims.exp > now);
        }
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(token.into(), claims.clone());
        Ok(claims)
    }

    async fn ask(&self, token: &str, name: &str, secret: &HeaderValue) -> Result<Option<Claims>, Cause> {
        let _permit = self.requests.acquire().await?;
        let request = self.client.post(&self.url).basic_auth(name, Some(secret.to_str()?)).timeout(ASK_WITHIN);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        // Its characters need no encoding.
        let mut answer = request.body(format!("token={token}")).send().await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answered {}", answer.status()).into());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err("its answer is too large".into());
            }
        }
        let told: Value = serde_json::from_slice(&body)?;
        match &told["active"] {
            Value::Bool(true) => Ok(Some(serde_json::from_value(told)?)),
            Value::Bool(false) => Ok(None),
            _ => Err("its answer is no introspection response".into()),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Box<str>, Claims>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
