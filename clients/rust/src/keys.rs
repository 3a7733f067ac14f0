//! The server's public keys (JWKS): loaded at start, every few minutes, and for an unknown `kid`. Ignores keys of other
//! algorithms; reloads for unknown `kid`s are rate-limited, as they may be forged.

use std::{collections::HashMap, error::Error, sync::Arc, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, PublicKeyUse},
};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout, timeout_at},
};

use crate::{Pace, Rejected};

/// The allowed algorithms (ASVS 9.1.2).
const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum size of the key set; it is a few kilobytes.
const MAX_BYTES: usize = 256 * 1024;

/// Why a request to the server failed, for the log.
pub type Cause = Box<dyn Error + Send + Sync>;

pub struct Key {
    pub key: DecodingKey,
    /// Exactly one algorithm per key (RFC 8725, section 3.1).
    pub validation: Validation,
}

pub struct Keys {
    loaded: watch::Sender<Loaded>,
    wanted: Notify,
    pace: Pace,
}

#[derive(Default)]
struct Loaded {
    by_kid: HashMap<String, Arc<Key>>,
    tried_at: Option<Instant>,
    failed: bool,
}

impl Keys {
    pub fn new(pace: Pace) -> Self {
        Self { loaded: watch::Sender::new(Loaded::default()), wanted: Notify::new(), pace }
    }

    pub async fn ready(&self) {
        let mut loaded = self.loaded.subscribe();
        // Can't fail: `self` holds the sender.
        let _ = loaded.wait_for(|loaded| !loaded.by_kid.is_empty()).await;
    }

    /// The key named `kid`. If unknown, waits for a reload, unless there was one just now.
    pub async fn find(&self, kid: &str) -> Result<Arc<Key>, Rejected> {
        if let Some(key) = self.loaded.borrow().by_kid.get(kid) {
            return Ok(key.clone());
        }
        let mut loaded = self.loaded.subscribe();
        let just_loaded = loaded.borrow().tried_at.is_some_and(|at| at.elapsed() < self.pace.reload_every);
        if !just_loaded {
            self.wanted.notify_one();
            let _ = timeout(FETCH_TIMEOUT, loaded.changed()).await;
        }
        let loaded = loaded.borrow();
        match loaded.by_kid.get(kid) {
            Some(key) => Ok(key.clone()),
            // Not known to be forged: a 401 would make an honest client discard its token.
            None if loaded.failed || loaded.by_kid.is_empty() => Err(Rejected::Stale),
            None => Err(Rejected::InvalidToken),
        }
    }

    /// Refreshes the keys forever. The fetch runs here and not in a request, which its client could cancel.
    pub async fn refresh(self: Arc<Self>, client: Client, url: String) {
        loop {
            let began = Instant::now();
            let fetched = match timeout(FETCH_TIMEOUT, fetch(&client, &url)).await {
                Ok(fetched) => fetched,
                Err(elapsed) => Err(elapsed.into()),
            };
            let pause = if fetched.is_ok() { self.pace.refresh_every } else { self.pace.reload_every };
            self.loaded.send_modify(|loaded| {
                loaded.tried_at = Some(began);
                match fetched {
                    Ok(by_kid) => (loaded.by_kid, loaded.failed) = (by_kid, false),
                    // Keep the loaded keys.
                    Err(error) => {
                        if !loaded.failed {
                            tracing::warn!(
                                url,
                                error = &*error as &(dyn Error + 'static),
                                "the key set is unavailable, retrying"
                            );
                        }
                        loaded.failed = true;
                    }
                }
            });
            sleep_until(began + self.pace.reload_every).await;
            let _ = timeout_at(began + pause, self.wanted.notified()).await;
        }
    }
}

async fn fetch(client: &Client, url: &str) -> Result<HashMap<String, Arc<Key>>, Cause> {
    let mut response = client.get(url).send().await?;
    if response.status() != StatusCode::OK {
        return Err(format!("status {}", response.status()).into());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            return Err("the key set is too large".into());
        }
    }
    open(&body)
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

/// Ignores unusable keys (RFC 7517, section 5).
fn open(body: &[u8]) -> Result<HashMap<String, Arc<Key>>, Cause> {
    let set: JwkSet = serde_json::from_slice(body)?;
    let keys: HashMap<_, _> = set.keys.into_iter().filter_map(Key::open).collect();
    if keys.is_empty() { Err("there is no usable key in the set".into()) } else { Ok(keys) }
}

impl Key {
    fn open(jwk: serde_json::Value) -> Option<(String, Arc<Self>)> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let algorithm = ALGORITHMS.into_iter().find(|&known| jwk.common.key_algorithm == Some(known.into()))?;
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        // `Verifier::verify` checks times, issuer and audience.
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Some((jwk.common.key_id?, Arc::new(Self { key, validation })))
    }
}
