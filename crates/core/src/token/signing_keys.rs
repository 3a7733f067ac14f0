//! Signing keys and their rotation. A key is published for longer than the JWKS may be cached ([`JWKS_MAX_AGE`]) before
//! it signs, and stays published until its last token has expired. A withdrawn key is rejected at once; its tombstone
//! stays, so that it is never accepted again.
//!
//! Every node signs with the newest active key of its configured algorithm. Nodes agree through the rows alone; different
//! algorithms on two nodes, as during a deployment, only mean two keys.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::{Algorithm, Header};
use sekisho_model::EventKind;
use serde::Serialize;
use tracing::instrument;

use super::{
    key_generation::{SEALED_FOR, generate},
    key_ring::KeyRing,
};
use crate::{
    audit::event::Entry,
    clock::{UnixMillis, millis, rfc3339},
    db::signing_keys::{self, SigningKey},
    error::Error,
    request_context::RequestContext,
    secret::{MasterSecret, Unsealable},
    unit_of_work::Store,
};

mod state;

pub use state::KeyState;

/// `max-age` of the published keys (JWKS), in seconds.
pub const JWKS_MAX_AGE: i64 = 300;
/// How long a key is published before it signs, in milliseconds: cache lifetime plus a minute of clock skew.
const LEAD: UnixMillis = (JWKS_MAX_AGE + 60) * 1000;
/// Minimum interval between reloads caused by unknown `kid`s, in milliseconds.
const RELOAD_EVERY: UnixMillis = 5_000;

/// A key as shown to operators.
#[derive(Clone, Debug)]
pub struct KeyStatus {
    /// The key id.
    pub kid: String,
    /// JWA name: `EdDSA`, `ES256` or `RS256`.
    pub algorithm: String,
    /// The current state.
    pub state: KeyState,
    /// When it was created and published.
    pub created_at: UnixMillis,
}

/// A key created or activated.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The key id.
    pub kid: String,
    /// When it begins to sign.
    pub signs_at: UnixMillis,
}

/// The stored keys: signing, rotation, withdrawal.
pub struct SigningKeys {
    store: Arc<Store>,
    secret: MasterSecret,
    algorithm: Algorithm,
    /// Rotation interval.
    rotation: Option<Duration>,
    /// Lifetime of access tokens issued now, in milliseconds.
    access_ttl: UnixMillis,
    ring: RwLock<Arc<KeyRing>>,
    /// Last reload caused by an unknown `kid`.
    read_at: AtomicI64,
}

impl SigningKeys {
    /// Loads the stored keys; generates one if there is none of the configured algorithm.
    pub(crate) async fn open(
        store: Arc<Store>,
        secret: MasterSecret,
        (algorithm, rotation, access_ttl): (Algorithm, Option<Duration>, UnixMillis),
    ) -> Result<Self, Error> {
        let ring = RwLock::new(Arc::new(KeyRing::empty()));
        let keys = Self { store, secret, algorithm, rotation, access_ttl, ring, read_at: AtomicI64::new(0) };
        keys.open_stored().await?;
        Ok(keys)
    }

    /// The current keys.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Installs these keys unless a newer version is installed.
    fn install(&self, ring: KeyRing) {
        let mut current = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if ring.version >= current.version {
            *current = Arc::new(ring);
        }
    }

    /// Signs an access token's claims with the current key.
    pub(crate) fn sign(&self, claims: &impl Serialize, now: UnixMillis) -> Result<String, Error> {
        let ring = self.ring();
        let (header, key) = ring.signing(self.algorithm, now)?;
        jsonwebtoken::encode(header, claims, key).map_err(Error::internal)
    }

    /// Signs another kind of token, of the type `typ`.
    pub(crate) fn sign_as(&self, typ: &str, claims: &impl Serialize, now: UnixMillis) -> Result<String, Error> {
        let ring = self.ring();
        let (header, key) = ring.signing(self.algorithm, now)?;
        let header = Header { typ: Some(typ.into()), ..header.clone() };
        jsonwebtoken::encode(&header, claims, key).map_err(Error::internal)
    }

    async fn open_stored(&self) -> Result<(), Error> {
        let stored = signing_keys::list(self.store.reader()).await?;
        let mut live = stored.iter().filter(|key| key.withdrawn_at.is_none()).peekable();
        if live.peek().is_some() && live.all(|key| self.secret.open(SEALED_FOR, &key.private_key).is_err()) {
            return Err(Error::internal(Unsealable));
        }
        if self.next_key_time(&stored, self.store.now()).is_some() {
            self.make_due_key().await?;
        }
        self.reload().await
    }

    /// Reloads the keys if another process changed them.
    pub(crate) async fn follow(&self) -> Result<(), Error> {
        match signing_keys::version(self.store.reader()).await? == self.ring().version {
            true => Ok(()),
            false => self.reload().await,
        }
    }

    /// Reloads for an unknown `kid`, which another node may have created; rate-limited, as a `kid` may be forged.
    pub(crate) async fn reload_for_unknown(&self, now: UnixMillis) -> Result<(), Error> {
        let last = self.read_at.load(Ordering::Relaxed);
        let due = !(0..RELOAD_EVERY).contains(&(now - last));
        if due && self.read_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.reload().await?;
        }
        Ok(())
    }

    async fn reload(&self) -> Result<(), Error> {
        // Version first: a change in between is picked up by the next comparison.
        let version = signing_keys::version(self.store.reader()).await?;
        let stored = signing_keys::list(self.store.reader()).await?;
        self.install(KeyRing::open(version, &stored, &self.secret, &self.ring())?);
        let withdrawn = stored.into_iter().filter(|key| key.withdrawn_at.is_some());
        self.store.revocations.set_withdrawn_keys(withdrawn.map(|key| key.kid));
        Ok(())
    }

    /// Housekeeping: reports the key this node signs with, creates the next one in time, deletes expired ones.
    pub(crate) async fn maintain(&self) -> Result<(), Error> {
        let now = self.store.now();
        if let Some(signer) = self.ring().signer(self.algorithm, now) {
            signing_keys::record_signing(self.store.writer(), &signer.kid, now, self.access_ttl).await?;
        }
        let stored = signing_keys::list(self.store.reader()).await?;
        if self.next_key_time(&stored, now).is_some() {
            self.make_due_key().await?;
        }
        if stored.iter().any(|key| key.is_expired(&stored, now)) {
            let mut work = self.store.begin(None).await?;
            let stored = signing_keys::lock(work.db()).await?;
            for key in stored.iter().filter(|key| key.is_expired(&stored, now)) {
                signing_keys::delete(work.db(), &key.kid).await?;
            }
            work.commit().await?;
        }
        self.follow().await
    }

    /// When a key that is due now is to begin signing; `None` if none is due.
    fn next_key_time(&self, stored: &[SigningKey], now: UnixMillis) -> Option<UnixMillis> {
        let mut live = stored.iter().filter(|key| key.withdrawn_at.is_none());
        let newest = live.clone().find(|key| key.is_of(self.algorithm)); // sorted newest first
        match newest {
            Some(newest) => {
                let due = newest.signs_at + millis(self.rotation?);
                (due - LEAD <= now).then(|| due.max(now + LEAD))
            }
            // A key of another algorithm signs meanwhile.
            None if live.any(|key| key.signs_at <= now) => Some(now + LEAD),
            None => Some(now),
        }
    }

    /// Creates the due key, unless another node has.
    #[instrument(level = "debug", skip_all)]
    async fn make_due_key(&self) -> Result<(), Error> {
        let key = self.generate().await?;
        let mut work = self.store.begin(None).await?;
        let stored = signing_keys::lock(work.db()).await?;
        let Some(signs_at) = self.next_key_time(&stored, work.now) else { return Ok(()) };
        let key = SigningKey { created_at: work.now, signs_at, ..key };
        signing_keys::insert(work.db(), &key).await?;
        if !stored.is_empty() {
            work.log(rotated(&key));
        }
        work.commit().await?;
        self.reload().await
    }

    /// Creates the next key of the configured algorithm; it signs once it has been published long enough.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all)]
    pub async fn rotate(&self, context: &RequestContext) -> Result<NewKey, Error> {
        let key = self.generate().await?;
        let mut work = self.store.begin(Some(context)).await?;
        signing_keys::lock(work.db()).await?;
        let key = SigningKey { created_at: work.now, signs_at: work.now + LEAD, ..key };
        signing_keys::insert(work.db(), &key).await?;
        work.log(rotated(&key));
        work.commit().await?;
        self.reload().await?;
        Ok(NewKey { kid: key.kid, signs_at: key.signs_at })
    }

    /// Withdraws a key: it and its tokens are rejected from now on. If it was signing, returns its replacement, which signs
    /// at once even if not published long enough. Idempotent.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    #[instrument(level = "debug", skip_all, fields(kid = kid))]
    pub async fn withdraw(&self, kid: &str, context: &RequestContext) -> Result<Option<NewKey>, Error> {
        let spare = self.generate().await?;
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        let stored = signing_keys::lock(work.db()).await?;
        let key = stored.iter().find(|key| key.kid == kid).ok_or(Error::NotFound)?;
        if key.withdrawn_at.is_some() {
            return Ok(None);
        }
        let alike = || stored.iter().filter(|k| k.algorithm == key.algorithm && k.withdrawn_at.is_none());
        let signed = key.signs_at <= now && !alike().any(|k| k.is_newer_than(key) && k.signs_at <= now);
        signing_keys::withdraw(work.db(), kid, now).await?;
        work.log(Entry::new(EventKind::KeyWithdrawn).detail(format!("{} {}", key.algorithm, key.kid)));
        let configured = |k: &&SigningKey| k.is_of(self.algorithm) && k.withdrawn_at.is_none();
        let mut others = stored.iter().filter(configured).filter(|_| key.algorithm != spare.algorithm);
        let replacement = if !signed || others.clone().any(|k| k.signs_at <= now) {
            None // another key signs already
        } else if let Some(next) = alike().rfind(|k| k.is_newer_than(key)).or_else(|| others.next_back()) {
            // Prefer a published key: fewer services need to reload the JWKS.
            signing_keys::set_signs_at(work.db(), &next.kid, now).await?;
            Some(SigningKey { signs_at: now, ..next.clone() })
        } else {
            let key = SigningKey { created_at: now, signs_at: now, ..spare };
            signing_keys::insert(work.db(), &key).await?;
            Some(key)
        };
        if let Some(key) = &replacement {
            work.log(rotated(key));
        }
        work.commit().await?;
        self.reload().await?;
        Ok(replacement.map(|key| NewKey { kid: key.kid, signs_at: now }))
    }

    /// All keys, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(&self) -> Result<Vec<KeyStatus>, Error> {
        let stored = signing_keys::list(self.store.reader()).await?;
        let now = self.store.now();
        let status = |key: &SigningKey| KeyStatus {
            kid: key.kid.clone(),
            algorithm: key.algorithm.clone(),
            state: key.state(&stored, now),
            created_at: key.created_at,
        };
        Ok(stored.iter().map(status).collect())
    }

    /// Generates a key of the configured algorithm; on a blocking thread, as RSA is slow.
    async fn generate(&self) -> Result<SigningKey, Error> {
        let (algorithm, secret) = (self.algorithm, self.secret.clone());
        let ttl = self.access_ttl;
        let made = tokio::task::spawn_blocking(move || generate(algorithm, &secret)).await.map_err(Error::internal)?;
        Ok(SigningKey { longest_ttl: ttl, ..made? })
    }
}

fn rotated(key: &SigningKey) -> Entry {
    Entry::new(EventKind::KeyRotated).detail(format!("{} {} from {}", key.algorithm, key.kid, rfc3339(key.signs_at)))
}
