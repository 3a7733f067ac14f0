//! Hourly event counts for plots, buffered in memory and flushed by housekeeping, off the sign-in path. A killed process
//! loses at most 30 s of them.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use crate::{
    clock::{Clock, HOUR, UnixMillis},
    db::{
        Db, counts,
        sessions::{self, LiveCount},
    },
    error::Error,
    metrics::Metrics,
};

/// Count name: refreshed tokens.
pub const REFRESHES: &str = "refresh";
/// Count name: peak number of live sessions in an hour.
pub const LIVE: &str = "live_sessions";

/// Unflushed counts, by Unix hour and kind.
pub(crate) struct Statistics {
    db: Db,
    clock: Clock,
    metrics: Metrics,
    counts: Mutex<HashMap<(i64, &'static str), i64>>,
}

impl Statistics {
    pub fn new(db: Db, clock: Clock, metrics: Metrics) -> Self {
        Self { db, clock, metrics, counts: Mutex::default() }
    }

    /// Counts one event.
    pub fn add(&self, at: UnixMillis, kind: &'static str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry((at.div_euclid(HOUR), kind)).or_default() +=
            1;
    }

    fn take(&self) -> HashMap<(i64, &'static str), i64> {
        mem::take(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Live sessions by kind. Flushes the counts if the database is writable.
    pub async fn live_sessions(&self) -> Result<Vec<LiveCount>, Error> {
        match self.flush().await {
            Err(Error::Unavailable(_)) => Ok(sessions::count_live(self.db.reader()).await?),
            flushed => flushed,
        }
    }

    /// Writes the counts and the number of live sessions; returns the latter by kind.
    pub async fn flush(&self) -> Result<Vec<LiveCount>, Error> {
        let live = sessions::count_live(self.db.reader()).await?;
        self.metrics.live(&live);
        let mut tx = self.db.begin().await?;
        let hour = self.clock.now().div_euclid(HOUR);
        counts::raise(&mut *tx, hour, LIVE, live.iter().map(|live| live.n).sum()).await?;
        let mut counted: Vec<_> = self.take().into_iter().collect();
        counted.sort_unstable(); // one lock order on every node
        for ((hour, kind), n) in counted {
            counts::add(&mut *tx, hour, kind, n).await?;
        }
        tx.commit().await?;
        Ok(live)
    }
}
