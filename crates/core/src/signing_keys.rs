//! Signing keys and their rotation. A key is published before it signs, for longer than anybody may keep the list
//! ([`JWKS_MAX_AGE`]); it stays published until the last token that it signed has ended, and is removed then. A
//! withdrawn key is refused at once, and its tombstone stays, so that it is never taken for an unknown one again.
//!
//! Every node signs with the newest key of its configured algorithm that may sign by now. The rows say all that is
//! needed for that, so nodes agree without talking to each other, and different settings on two nodes, as in the
//! middle of a deployment, only mean two keys.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::Jwk};

use super::{
    Auth, RequestContext,
    access_token::{LEEWAY, TYPE},
    clock::rfc3339,
    event::{Entry, Kind},
    millis,
    secret::MasterSecret,
};
use crate::{
    db::{
        UnixMillis,
        signing_keys::{self, SigningKey},
    },
    error::Error,
};

mod generate;

use generate::{encoding_key, generate};

/// How long a cache may keep the published keys, in seconds.
pub const JWKS_MAX_AGE: i64 = 300;
/// A key is published so long before it signs: the caches' time, and a minute for clocks that differ.
const LEAD: UnixMillis = (JWKS_MAX_AGE + 60) * 1000;
/// A node says at each round of housekeeping (30 s) that it signs with a key; this long after the last time none does.
const SIGNS_FOR: UnixMillis = 120_000;
/// Unknown `kid`s make the keys be read again, at most this often.
const RELOAD_EVERY: UnixMillis = 5_000;
pub(super) const SEALED_FOR: &str = "signing-key";

/// What a key does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and signs from then on.
    Next(UnixMillis),
    Signing,
    /// Published until its last token has ended.
    Retiring(UnixMillis),
    Withdrawn(UnixMillis),
}

/// A key as those who run the server see it.
#[derive(Clone, Debug)]
pub struct KeyStatus {
    pub kid: String,
    pub algorithm: String,
    pub state: KeyState,
    pub created_at: UnixMillis,
}

/// A key that was made.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub kid: String,
    pub signs_at: UnixMillis,
}

/// The keys of the database, ready for use.
pub(super) struct KeyRing {
    pub version: i64,
    /// The newest first.
    signers: Vec<Signer>,
    verifiers: HashMap<Arc<str>, (DecodingKey, Validation)>,
    pub jwks: Arc<str>,
}

#[derive(Clone)]
struct Signer {
    kid: Arc<str>,
    signs_at: UnixMillis,
    header: Header,
    key: EncodingKey,
}

impl KeyRing {
    pub fn empty() -> Self {
        Self { version: 0, signers: Vec::new(), verifiers: HashMap::new(), jwks: "".into() }
    }

    /// Opens the stored keys, of which `before` has some open already.
    fn open(version: i64, stored: &[SigningKey], secret: &MasterSecret, before: &Self) -> Result<Self, Error> {
        let mut ring = Self { version, ..Self::empty() };
        let mut jwks = Vec::new();
        for key in stored.iter().filter(|key| key.withdrawn_at.is_none()) {
            let kid: Arc<str> = key.kid.as_str().into();
            let jwk: Jwk = serde_json::from_str(&key.public_jwk).map_err(Error::internal)?;
            let algorithm: Algorithm = key.algorithm.parse().map_err(Error::internal)?;
            let opened = before.signers.iter().find(|signer| signer.kid == kid).cloned();
            match opened.map_or_else(|| Signer::open(key, algorithm, secret), Ok) {
                Ok(signer) => ring.signers.push(Signer { signs_at: key.signs_at, ..signer }),
                // Another node's, sealed with a secret that is not ours yet: its tokens are good.
                Err(error) => tracing::warn!(kid = key.kid, %error, "this key can't sign here"),
            }
            // Exactly one algorithm per key (RFC 8725, section 3.1). Times are checked by our own clock.
            let mut validation = Validation::new(algorithm);
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            validation.validate_aud = false;
            let decoding = DecodingKey::from_jwk(&jwk).map_err(Error::internal)?;
            ring.verifiers.insert(kid, (decoding, validation));
            jwks.push(jwk);
        }
        ring.jwks = serde_json::json!({ "keys": jwks }).to_string().into();
        Ok(ring)
    }

    /// The key that signs at `now`: the newest of `preferred` that may; while none may yet, of another algorithm.
    fn signer(&self, preferred: Algorithm, now: UnixMillis) -> Option<&Signer> {
        let ready = self.signers.iter().filter(|signer| signer.signs_at <= now);
        let newest = ready.max_by_key(|signer| (signer.header.alg == preferred, signer.signs_at, &signer.kid));
        newest.or_else(|| self.signers.iter().min_by_key(|signer| signer.signs_at))
    }

    /// The header and the key to sign with at `now`.
    pub fn signing(&self, preferred: Algorithm, now: UnixMillis) -> Result<(&Header, &EncodingKey), Error> {
        let signer = self.signer(preferred, now).ok_or_else(|| Error::internal("there is no signing key"))?;
        Ok((&signer.header, &signer.key))
    }

    /// How to verify what this key signed, and the name that it is known by.
    pub fn verifier(&self, kid: &str) -> Option<(&Arc<str>, &DecodingKey, &Validation)> {
        self.verifiers.get_key_value(kid).map(|(kid, (key, validation))| (kid, key, validation))
    }
}

impl Signer {
    fn open(key: &SigningKey, algorithm: Algorithm, secret: &MasterSecret) -> Result<Self, Error> {
        let pkcs8 = secret.open(SEALED_FOR, &key.private_key).map_err(Error::internal)?;
        let mut header = Header::new(algorithm);
        header.typ = Some(TYPE.into());
        header.kid = Some(key.kid.clone());
        Ok(Self { kid: key.kid.as_str().into(), signs_at: key.signs_at, header, key: encoding_key(algorithm, &pkcs8)? })
    }
}

impl SigningKey {
    fn is_of(&self, algorithm: Algorithm) -> bool {
        self.algorithm.parse() == Ok(algorithm)
    }

    fn is_newer_than(&self, other: &Self) -> bool {
        (self.signs_at, &self.kid) > (other.signs_at, &other.kid)
    }

    fn state(&self, all: &[Self], now: UnixMillis) -> KeyState {
        if let Some(at) = self.withdrawn_at {
            return KeyState::Withdrawn(at);
        }
        if self.signs_at > now {
            return KeyState::Next(self.signs_at);
        }
        let others = || all.iter().filter(|key| key.algorithm == self.algorithm && key.is_newer_than(self));
        let succeeded = others().any(|key| key.withdrawn_at.is_none() && key.signs_at <= now);
        let said = self.signed_at.unwrap_or(self.signs_at) + SIGNS_FOR;
        if !succeeded && now < said {
            return KeyState::Signing;
        }
        // Whatever nodes managed to say, each signed with this key until the next one began to.
        let last = others().map(|key| key.signs_at).min().map_or(said, |next| said.max(next));
        KeyState::Retiring(last + self.longest_ttl + LEEWAY * 1000)
    }

    fn is_over(&self, all: &[Self], now: UnixMillis) -> bool {
        matches!(self.state(all, now), KeyState::Retiring(until) if until < now)
    }
}

impl Auth {
    /// Opens the keys at the start, and makes one if there is none of the configured algorithm.
    pub(super) async fn open_keys(&self) -> Result<(), Error> {
        let stored = signing_keys::list(self.db.reader()).await?;
        let mut live = stored.iter().filter(|key| key.withdrawn_at.is_none()).peekable();
        let secret = &self.access_tokens.secret;
        if live.peek().is_some() && live.all(|key| secret.open(SEALED_FOR, &key.private_key).is_err()) {
            return Err(Error::internal(super::secret::Unsealable));
        }
        if self.next_key_time(&stored, self.clock.now()).is_some() {
            self.make_due_key().await?;
        }
        self.reload_keys().await
    }

    /// Learns of changes to the keys that another process made.
    pub(super) async fn follow_keys(&self) -> Result<(), Error> {
        match signing_keys::version(self.db.reader()).await? == self.access_tokens.keys().version {
            true => Ok(()),
            false => self.reload_keys().await,
        }
    }

    /// Another node may have made a key; forged `kid`s cannot make this read the database more than now and then.
    pub(super) async fn reload_for_unknown_key(&self, now: UnixMillis) -> Result<(), Error> {
        let read_at = &self.access_tokens.read_at;
        let last = read_at.load(Ordering::Relaxed);
        let due = !(0..RELOAD_EVERY).contains(&(now - last));
        if due && read_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.reload_keys().await?;
        }
        Ok(())
    }

    async fn reload_keys(&self) -> Result<(), Error> {
        // In this order: what changes in between is found again at the next look at the version.
        let version = signing_keys::version(self.db.reader()).await?;
        let stored = signing_keys::list(self.db.reader()).await?;
        let tokens = &self.access_tokens;
        tokens.install(KeyRing::open(version, &stored, &tokens.secret, &tokens.keys())?);
        let withdrawn = stored.into_iter().filter(|key| key.withdrawn_at.is_some());
        self.ended.set_withdrawn_keys(withdrawn.map(|key| key.kid));
        Ok(())
    }

    /// Housekeeping: says which key signs here, makes the next one in time, removes what has retired.
    pub(super) async fn keep_keys(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let (tokens, ttl) = (&self.access_tokens, millis(self.policy.access_ttl));
        if let Some(signer) = tokens.keys().signer(tokens.algorithm, now) {
            signing_keys::note_signing(self.db.writer(), &signer.kid, now, ttl).await?;
        }
        let stored = signing_keys::list(self.db.reader()).await?;
        if self.next_key_time(&stored, now).is_some() {
            self.make_due_key().await?;
        }
        if stored.iter().any(|key| key.is_over(&stored, now)) {
            let mut act = self.begin(None).await?;
            let stored = signing_keys::lock(act.db()).await?;
            for key in stored.iter().filter(|key| key.is_over(&stored, now)) {
                signing_keys::delete(act.db(), &key.kid).await?;
            }
            act.commit().await?;
        }
        self.follow_keys().await
    }

    /// From when on a key that has to be made now is to sign.
    fn next_key_time(&self, stored: &[SigningKey], now: UnixMillis) -> Option<UnixMillis> {
        let mut live = stored.iter().filter(|key| key.withdrawn_at.is_none());
        let newest = live.clone().find(|key| key.is_of(self.access_tokens.algorithm)); // they come the newest first
        match newest {
            Some(newest) => {
                let due = newest.signs_at + millis(self.access_tokens.rotation?);
                (due - LEAD <= now).then(|| due.max(now + LEAD))
            }
            // Another algorithm's goes on meanwhile.
            None if live.any(|key| key.signs_at <= now) => Some(now + LEAD),
            None => Some(now),
        }
    }

    /// Makes the key that is due, unless another node has made it by now.
    async fn make_due_key(&self) -> Result<(), Error> {
        let key = self.generate_key().await?;
        let mut act = self.begin(None).await?;
        let stored = signing_keys::lock(act.db()).await?;
        let Some(signs_at) = self.next_key_time(&stored, act.now) else { return Ok(()) };
        let key = SigningKey { created_at: act.now, signs_at, ..key };
        signing_keys::insert(act.db(), &key).await?;
        if !stored.is_empty() {
            act.log(rotated(&key));
        }
        act.commit().await?;
        self.reload_keys().await
    }

    /// Makes the next key of the configured algorithm.
    pub async fn rotate_key(&self, context: &RequestContext) -> Result<NewKey, Error> {
        let key = self.generate_key().await?;
        let mut act = self.begin(Some(context)).await?;
        signing_keys::lock(act.db()).await?;
        let key = SigningKey { created_at: act.now, signs_at: act.now + LEAD, ..key };
        signing_keys::insert(act.db(), &key).await?;
        act.log(rotated(&key));
        act.commit().await?;
        self.reload_keys().await?;
        Ok(NewKey { kid: key.kid, signs_at: key.signs_at })
    }

    /// Refuses a key from now on, and everything that it signed. Returns the key that signs in its place, if it was
    /// the one that signed: it does so at once, published or not, because the withdrawn one is burnt.
    pub async fn withdraw_key(&self, kid: &str, context: &RequestContext) -> Result<Option<NewKey>, Error> {
        let spare = self.generate_key().await?;
        let mut act = self.begin(Some(context)).await?;
        let now = act.now;
        let stored = signing_keys::lock(act.db()).await?;
        let key = stored.iter().find(|key| key.kid == kid).ok_or(Error::NotFound)?;
        if key.withdrawn_at.is_some() {
            return Ok(None);
        }
        let alike = || stored.iter().filter(|k| k.algorithm == key.algorithm && k.withdrawn_at.is_none());
        let signed = key.signs_at <= now && !alike().any(|k| k.is_newer_than(key) && k.signs_at <= now);
        signing_keys::withdraw(act.db(), kid, now).await?;
        act.log(Entry::new(Kind::KeyWithdrawn).detail(format!("{} {}", key.algorithm, key.kid)));
        let configured = |k: &&SigningKey| k.is_of(self.access_tokens.algorithm) && k.withdrawn_at.is_none();
        let mut others = stored.iter().filter(configured).filter(|_| key.algorithm != spare.algorithm);
        let replacement = if !signed || others.clone().any(|k| k.signs_at <= now) {
            None // another one signs already
        } else if let Some(next) = alike().rfind(|k| k.is_newer_than(key)).or_else(|| others.next_back()) {
            // What is published already comes first: the fewest services have to look for it.
            signing_keys::set_signs_at(act.db(), &next.kid, now).await?;
            Some(SigningKey { signs_at: now, ..next.clone() })
        } else {
            let key = SigningKey { created_at: now, signs_at: now, ..spare };
            signing_keys::insert(act.db(), &key).await?;
            Some(key)
        };
        if let Some(key) = &replacement {
            act.log(rotated(key));
        }
        act.commit().await?;
        self.reload_keys().await?;
        Ok(replacement.map(|key| NewKey { kid: key.kid, signs_at: now }))
    }

    /// All keys, the newest first.
    pub async fn list_keys(&self) -> Result<Vec<KeyStatus>, Error> {
        let stored = signing_keys::list(self.db.reader()).await?;
        let now = self.clock.now();
        let status = |key: &SigningKey| KeyStatus {
            kid: key.kid.clone(),
            algorithm: key.algorithm.clone(),
            state: key.state(&stored, now),
            created_at: key.created_at,
        };
        Ok(stored.iter().map(status).collect())
    }

    /// A key of the configured algorithm. An RSA key takes a while: not on an async worker.
    async fn generate_key(&self) -> Result<SigningKey, Error> {
        let (algorithm, secret) = (self.access_tokens.algorithm, self.access_tokens.secret.clone());
        let ttl = millis(self.policy.access_ttl);
        let made = tokio::task::spawn_blocking(move || generate(algorithm, &secret)).await.map_err(Error::internal)?;
        Ok(SigningKey { longest_ttl: ttl, ..made? })
    }
}

fn rotated(key: &SigningKey) -> Entry {
    Entry::new(Kind::KeyRotated).detail(format!("{} {} from {}", key.algorithm, key.kid, rfc3339(key.signs_at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: i64 = 900_000;

    fn key(kid: &str, signs_at: UnixMillis) -> SigningKey {
        SigningKey {
            kid: kid.into(),
            algorithm: "EdDSA".into(),
            public_jwk: String::new(),
            private_key: String::new(),
            created_at: 0,
            signs_at,
            signed_at: None,
            longest_ttl: TTL,
            withdrawn_at: None,
        }
    }

    #[test]
    fn a_key_retires_when_its_last_token_has_ended_whatever_nodes_managed_to_say() {
        let (old, next) = (key("old", 0), key("next", 10_000_000));
        let keys = [next, old];
        let old = &keys[1];
        assert_eq!(old.state(&keys, 1_000), KeyState::Signing);
        assert_eq!(keys[0].state(&keys, 9_999_999), KeyState::Next(10_000_000));
        assert_eq!(keys[0].state(&keys, 10_000_000), KeyState::Signing);
        // It signed until the next one did, though nobody said so.
        let until = 10_000_000 + TTL + 5_000;
        assert_eq!(old.state(&keys, 10_000_000), KeyState::Retiring(until));
        assert!(!old.is_over(&keys, until) && old.is_over(&keys, until + 1));
        // A node that still signs with it, by a clock that is slow, keeps it.
        let said = SigningKey { signed_at: Some(11_000_000), ..old.clone() };
        assert_eq!(said.state(&keys, 11_000_001), KeyState::Retiring(11_000_000 + SIGNS_FOR + TTL + 5_000));
        // Another algorithm's key has no successor: it retires once nobody says that it signs.
        let other = SigningKey { algorithm: "ES256".into(), signed_at: Some(11_000_000), ..key("other", 5) };
        assert_eq!(other.state(&keys, 11_000_000), KeyState::Signing);
        assert!(matches!(other.state(&keys, 11_000_000 + SIGNS_FOR), KeyState::Retiring(_)));
    }
}
