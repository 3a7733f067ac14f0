//! Records which access tokens were used: distinguishes refresh token reuse from a lost response.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use quick_cache::sync::Cache;

use crate::{
    clock::Clock,
    db::{Db, refresh_tokens},
    error::Error,
    secret::OpaqueToken,
};

/// Used access tokens of API sessions, each recorded once: if the access token was used, the response with the refresh
/// token was received. Buffered in memory and flushed in the background, off the bearer request's path.
pub(crate) struct AccessUses {
    db: Db,
    clock: Clock,
    recorded: Cache<u64, ()>,
    pending: Mutex<HashSet<u64>>,
}

/// Capacity of the recorded uses; beyond it, tokens are written again.
const RECORDED: usize = 100_000;
/// Limit of unflushed uses, while the database is unavailable.
const MAX_PENDING: usize = 100_000;
/// Rows per transaction: bounds how long others wait for the writer.
const BATCH: usize = 500;

impl AccessUses {
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, recorded: Cache::new(RECORDED), pending: Mutex::default() }
    }

    /// The `jti` of the access token issued with a refresh token: the first 64 bits of the latter's hash (not secret) and a
    /// unique id.
    pub fn jti(refresh_token: &OpaqueToken, id: &str) -> String {
        format!("{}.{id}", &refresh_token.hash()[..16])
    }

    /// Records a use of the access token with this `jti`.
    pub fn record(&self, jti: &str) {
        let Some(prefix) = jti.split_once('.').and_then(|(prefix, _)| parse_prefix(prefix)) else { return };
        if self.recorded.get(&prefix).is_some() {
            return;
        }
        let mut pending = self.pending();
        if pending.len() < MAX_PENDING {
            pending.insert(prefix);
            self.recorded.insert(prefix, ());
        }
    }

    /// Whether this process saw the access token issued with the refresh token of this hash.
    pub fn is_recorded(&self, refresh_hash: &str) -> bool {
        let prefix = refresh_hash.get(..16).and_then(parse_prefix);
        prefix.is_some_and(|prefix| self.recorded.get(&prefix).is_some())
    }

    /// Writes the uses recorded since the last call.
    pub async fn flush(&self) -> Result<(), Error> {
        let mut pending: Vec<u64> = mem::take(&mut *self.pending()).into_iter().collect();
        pending.sort_unstable(); // one lock order on every node
        for (n, some) in pending.chunks(BATCH).enumerate() {
            if let Err(error) = self.write(some).await {
                self.pending().extend(&pending[n * BATCH..]);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn write(&self, prefixes: &[u64]) -> Result<(), Error> {
        let (mut tx, now) = (self.db.begin().await?, self.clock.now());
        for prefix in prefixes {
            refresh_tokens::mark_access_used(&mut *tx, &format!("{prefix:016x}"), now).await?;
        }
        Ok(tx.commit().await?)
    }

    fn pending(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse_prefix(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex, 16).ok()
}
