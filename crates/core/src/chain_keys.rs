//! What the log's entries are hashed with: keys of its own, stored sealed, each for a range of entries. With another
//! `SEKISHO_SECRET` the last range is closed and another begins ([`Auth::reseal`]): whoever knows the old secret can
//! add nothing, and a closed key is never taken for the last one, so that cutting the log back does not help either.

use std::sync::{Arc, PoisonError, RwLock};

use sqlx::AnyConnection;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    Auth,
    audit::{KEY, sealed_fields},
    secret::{MasterSecret, Unsealable, mac, random},
};
use crate::{
    db::{
        Executor,
        chain_keys::{self, StoredChainKey},
        events::{self, Chain},
    },
    error::Error,
};

const SEALED_FOR: &str = "audit-chain-key";
/// The end of a range that is not closed.
const OPEN: i64 = i64::MAX;

#[derive(Zeroize, ZeroizeOnDrop)]
struct ChainKey {
    from: i64,
    /// The last entry that it is for, or [`OPEN`].
    until: i64,
    key: [u8; 32],
}

impl ChainKey {
    fn seal(&self, secret: &MasterSecret) -> StoredChainKey {
        let plain = [&self.from.to_be_bytes()[..], &self.until.to_be_bytes(), &self.key].concat();
        StoredChainKey { from_seq: self.from, sealed: secret.seal(SEALED_FOR, &plain) }
    }

    fn open(stored: &StoredChainKey, secret: &MasterSecret) -> Result<Self, Unsealable> {
        let plain = secret.open(SEALED_FOR, &stored.sealed)?;
        let (from, rest) = plain.split_first_chunk().ok_or(Unsealable)?;
        let (until, key) = rest.split_first_chunk().ok_or(Unsealable)?;
        let key = key.try_into().map_err(|_| Unsealable)?;
        Ok(Self { from: i64::from_be_bytes(*from), until: i64::from_be_bytes(*until), key })
    }
}

pub(super) struct ChainKeys {
    keys: RwLock<Arc<Vec<ChainKey>>>,
    /// For entries that no key is for: nothing is ever equal to what it makes.
    none: [u8; 32],
}

impl Default for ChainKeys {
    fn default() -> Self {
        Self { keys: RwLock::default(), none: random() }
    }
}

impl ChainKeys {
    /// The keyed hash of an entry.
    pub fn mac_entry(&self, seq: i64, message: &[u8]) -> String {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let key = keys.iter().find(|key| (key.from..=key.until).contains(&seq));
        mac(key.map_or(&self.none, |key| &key.key), message)
    }

    /// The keyed hash of what says where the log begins and ends.
    pub fn mac_seal(&self, message: &[u8]) -> String {
        self.mac_entry(OPEN, message)
    }
}

impl Auth {
    /// Opens the keys at the start, and makes the first: the one derived from the secret, as it was before they were
    /// stored.
    pub(super) async fn open_chain_keys(&self) -> Result<(), Error> {
        let chain = events::find_chain(self.db.reader()).await?;
        let first = self.secret.each().map(|secret| {
            let key = ChainKey { from: 0, until: OPEN, key: secret.derive(KEY) };
            let fits = chain.as_ref().is_none_or(|chain| chain.seal == mac(&key.key, &sealed_fields(chain)));
            (fits, key.seal(&secret))
        });
        let mut first: Vec<_> = first.collect();
        let at = first.iter().position(|(fits, _)| *fits).unwrap_or_default();
        chain_keys::insert_first(self.db.writer(), &first.swap_remove(at).1).await?;
        self.load_chain_keys(self.db.reader()).await
    }

    pub(super) async fn load_chain_keys(&self, db: impl Executor<'_>) -> Result<(), Error> {
        let stored = chain_keys::list(db).await?;
        let keys: Result<Vec<_>, _> = stored.iter().map(|key| ChainKey::open(key, &self.secret)).collect();
        let keys = Arc::new(keys.map_err(Error::internal)?);
        *self.chain_keys.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Learns of keys that another process made, before the chain is trusted or goes on: by its seal, which is made
    /// with the last of them.
    pub(super) async fn follow_chain_keys(&self, tx: &mut AnyConnection, chain: &Chain) -> Result<(), Error> {
        if chain.seal != self.seal(chain) {
            self.load_chain_keys(tx).await?;
        }
        Ok(())
    }

    /// Seals the keys that the previous secret sealed; the chain goes on with a new one. Whether there were any.
    pub(super) async fn reseal_chain(&self, tx: &mut AnyConnection) -> Result<bool, Error> {
        // A chain that was tampered with is not made whole by this: that is recorded first.
        let mut chain = self.lock_chain(&mut *tx).await?;
        let stored = chain_keys::list(&mut *tx).await?;
        let old: Vec<_> = stored.iter().filter(|key| !self.secret.is_current(SEALED_FOR, &key.sealed)).collect();
        for stored in &old {
            let mut key = ChainKey::open(stored, &self.secret).map_err(Error::internal)?;
            if key.until == OPEN {
                key.until = chain.last_seq;
                let next = ChainKey { from: chain.last_seq + 1, until: OPEN, key: random() };
                chain_keys::save(&mut *tx, &next.seal(&self.secret)).await?;
            }
            chain_keys::save(&mut *tx, &key.seal(&self.secret)).await?;
        }
        if !old.is_empty() {
            self.load_chain_keys(&mut *tx).await?;
            chain.seal = self.seal(&chain);
            events::update_chain(tx, &chain).await?;
        }
        Ok(!old.is_empty())
    }
}
