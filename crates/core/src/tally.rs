//! How often each kind of thing happened in each hour, in memory until housekeeping writes it down: only plots are
//! drawn from it, and a sign-in need not wait for that. A killed process forgets half a minute.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use super::{Auth, HOUR, admin::LIVE};
use crate::{
    db::{UnixMillis, counts, sessions},
    error::Error,
};

#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<HashMap<(i64, &'static str), i64>>);

impl Tally {
    pub fn add(&self, at: UnixMillis, kind: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((at.div_euclid(HOUR), kind)).or_default() += 1;
    }

    fn take(&self) -> HashMap<(i64, &'static str), i64> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Auth {
    /// How many are signed in, by kind. What was counted meanwhile is written down, if anything can be.
    pub(super) async fn live_sessions(&self) -> Result<Vec<(String, i64)>, Error> {
        match self.take_stock().await {
            Err(Error::Unavailable(_)) => Ok(sessions::count_live(self.db.reader()).await?),
            taken => taken,
        }
    }

    /// Writes down what was counted, and how many are signed in, which it returns by kind.
    pub async fn take_stock(&self) -> Result<Vec<(String, i64)>, Error> {
        let live = sessions::count_live(self.db.reader()).await?;
        self.metrics.live(&live);
        let mut tx = self.db.begin().await?;
        let hour = self.clock.now().div_euclid(HOUR);
        counts::raise(&mut *tx, hour, LIVE, live.iter().map(|(_, n)| n).sum()).await?;
        let mut tally: Vec<_> = self.tally.take().into_iter().collect();
        tally.sort_unstable(); // two nodes take the rows in one order
        for ((hour, kind), n) in tally {
            counts::add(&mut *tx, hour, kind, n).await?;
        }
        tx.commit().await?;
        Ok(live)
    }
}
