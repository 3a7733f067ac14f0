//! HMAC keys of the audit chain: stored encrypted, each for a range of entries. Rotating `SEKISHO_SECRET` closes the
//! last range and starts a new key ([`ChainKeys::rotate_secret`]): the old secret can append nothing, and a closed key
//! is never accepted as the open one, so truncating the log to its range is detected as well.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretBox};
use sqlx::AnyConnection;

use crate::{
    db::{
        Db, Executor,
        chain_keys::{self, StoredChainKey},
        events::{self, Chain},
    },
    error::Error,
    secret::{MasterSecret, Unsealable, mac, random},
};

/// The purpose from which the first key is derived.
const KEY: &str = "audit-chain";
const SEALED_FOR: &str = "audit-chain-key";
/// End of the open range.
const OPEN: i64 = i64::MAX;

struct ChainKey {
    from: i64,
    /// Last entry of the range, or [`OPEN`].
    until: i64,
    key: SecretBox<[u8; 32]>,
}

impl ChainKey {
    fn seal(&self, secret: &MasterSecret) -> StoredChainKey {
        let plain = [&self.from.to_be_bytes()[..], &self.until.to_be_bytes(), self.key.expose_secret()].concat();
        StoredChainKey { from_seq: self.from, sealed: secret.seal(SEALED_FOR, &plain) }
    }

    fn open(stored: &StoredChainKey, secret: &MasterSecret) -> Result<Self, Unsealable> {
        let plain = secret.open(SEALED_FOR, &stored.sealed)?;
        let (from, rest) = plain.split_first_chunk().ok_or(Unsealable)?;
        let (until, key) = rest.split_first_chunk().ok_or(Unsealable)?;
        let key: Box<[u8; 32]> = Box::new(key.try_into().map_err(|_| Unsealable)?);
        Ok(Self { from: i64::from_be_bytes(*from), until: i64::from_be_bytes(*until), key: key.into() })
    }
}

/// The decrypted keys.
pub(super) struct ChainKeys {
    secret: MasterSecret,
    keys: RwLock<Arc<Vec<ChainKey>>>,
    /// A random key for entries outside of every range: their hashes never match.
    none: [u8; 32],
}

/// The fields covered by the chain's seal.
fn sealed_fields(chain: &Chain) -> Vec<u8> {
    let ends = (chain.first_seq, &chain.first_hash, chain.last_seq, &chain.last_hash);
    let fields = match chain.broken_seq {
        None => serde_json::to_vec(&("chain", ends.0, ends.1, ends.2, ends.3)),
        Some(seq) => serde_json::to_vec(&("broken-chain", ends.0, ends.1, ends.2, ends.3, seq)),
    };
    fields.unwrap_or_default()
}

impl ChainKeys {
    /// Loads the keys at start. The first is derived from the secret, as before keys were stored.
    pub async fn open(secret: MasterSecret, db: &Db) -> Result<Self, Error> {
        let chain = events::find_chain(db.reader()).await?;
        let first = secret.each().map(|secret| {
            let key = ChainKey { from: 0, until: OPEN, key: Box::new(secret.derive(KEY)).into() };
            let fits =
                chain.as_ref().is_none_or(|chain| chain.seal == mac(key.key.expose_secret(), &sealed_fields(chain)));
            (fits, key.seal(&secret))
        });
        let mut first: Vec<_> = first.collect();
        let at = first.iter().position(|(fits, _)| *fits).unwrap_or_default();
        chain_keys::insert_first(db.writer(), &first.swap_remove(at).1).await?;
        let keys = Self { secret, keys: RwLock::default(), none: random() };
        keys.load(db.reader()).await?;
        Ok(keys)
    }

    /// Reloads the keys.
    pub async fn load(&self, db: impl Executor<'_>) -> Result<(), Error> {
        let stored = chain_keys::list(db).await?;
        let keys: Result<Vec<_>, _> = stored.iter().map(|key| ChainKey::open(key, &self.secret)).collect();
        let keys = Arc::new(keys.map_err(Error::internal)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Reloads the keys if another process rotated them: then the chain's seal does not match ours.
    pub async fn follow(&self, tx: &mut AnyConnection, chain: &Chain) -> Result<(), Error> {
        if chain.seal != self.seal(chain) {
            self.load(tx).await?;
        }
        Ok(())
    }

    /// Re-encrypts keys sealed with the previous secret, closes the last range at `last_seq` and starts a new key; false if
    /// there were none.
    pub async fn rotate_secret(&self, tx: &mut AnyConnection, last_seq: i64) -> Result<bool, Error> {
        let stored = chain_keys::list(&mut *tx).await?;
        let old: Vec<_> = stored.iter().filter(|key| !self.secret.is_current(SEALED_FOR, &key.sealed)).collect();
        for stored in &old {
            let mut key = ChainKey::open(stored, &self.secret).map_err(Error::internal)?;
            if key.until == OPEN {
                key.until = last_seq;
                let next = ChainKey { from: last_seq + 1, until: OPEN, key: Box::new(random()).into() };
                chain_keys::save(&mut *tx, &next.seal(&self.secret)).await?;
            }
            chain_keys::save(&mut *tx, &key.seal(&self.secret)).await?;
        }
        if !old.is_empty() {
            self.load(&mut *tx).await?;
        }
        Ok(!old.is_empty())
    }

    /// The seal over both ends of the chain.
    pub fn seal(&self, chain: &Chain) -> String {
        self.mac_entry(OPEN, &sealed_fields(chain))
    }

    /// The HMAC of an entry.
    pub fn mac_entry(&self, seq: i64, message: &[u8]) -> String {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let key = keys.iter().find(|key| (key.from..=key.until).contains(&seq));
        mac(key.map_or(&self.none, |key| key.key.expose_secret()), message)
    }
}
