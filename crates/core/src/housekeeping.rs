//! Background jobs: expire sessions, delete old rows, trim the log, rotate keys, poll other processes' changes. In small
//! batches, to keep sign-ins fast. No deadline depends on them: deadlines are compared on each request.

use std::{future::Future, time::Duration};

use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::{
    Core,
    clock::HOUR,
    db::{pending_flows, refresh_tokens, sessions},
    error::Error,
    revocation::{FOLLOW_EVERY, list::STALE_AFTER},
};

/// Interval of housekeeping.
const INTERVAL: Duration = Duration::from_secs(30);
/// Rows per transaction.
const BATCH: i64 = 200;
/// How long ended sessions are kept, in milliseconds, to report their end reason.
const KEEP_ENDED: i64 = 30 * 24 * HOUR;

impl Core {
    /// Runs all background jobs until `stopped`, then flushes what is buffered in memory.
    pub async fn run_background_jobs(&self, stopped: impl Future<Output = ()>) {
        if let Err(error) = self.revocations.note_access_ttl().await {
            error.log();
        }
        let jobs = async {
            tokio::join!(self.run_housekeeping_often(), self.flush_access_uses_often(), self.follow_revocations(),)
        };
        tokio::select! {
            _ = jobs => {}
            () = stopped => {}
        }
        for written in [self.access_uses.flush().await, self.statistics.flush().await.map(drop)] {
            if let Err(error) = written {
                error.log();
            }
        }
    }

    async fn run_housekeeping_often(&self) {
        let mut ticks = ticks(INTERVAL);
        loop {
            ticks.tick().await;
            if let Err(error) = self.run_housekeeping().await {
                error.log();
            }
        }
    }

    async fn flush_access_uses_often(&self) {
        let mut ticks = ticks(FOLLOW_EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = self.access_uses.flush().await {
                error.log();
            }
        }
    }

    /// Runs one complete pass.
    ///
    /// # Errors
    /// The first failure; the next pass retries.
    pub async fn run_housekeeping(&self) -> Result<(), Error> {
        if let Err(error) = self.signing_keys.maintain().await {
            error.log(); // does not keep sessions from expiring
        }
        self.global_sign_out.write_pending().await?;
        while self.end_expired().await? >= BATCH as usize {}
        self.revocations.note_access_ttl().await?;
        let now = self.store.now();
        let writer = self.store.writer();
        let relevant_for = self.revocations.relevant_for();
        while sessions::delete_ended(writer, now - KEEP_ENDED.max(relevant_for), BATCH).await? == BATCH as u64 {}
        while refresh_tokens::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        while pending_flows::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        self.trim_log().await?;
        self.statistics.flush().await?;
        self.audit.tampered_seq().await?;
        self.revocations.list.forget(now - relevant_for, now);
        self.limits.remove_idle();
        self.password.hashing.release_memory();
        Ok(())
    }

    async fn trim_log(&self) -> Result<(), Error> {
        let Some(keep) = self.policy.log_retention else { return Ok(()) };
        let Some(before) = self.audit.trim_before(keep).await? else { return Ok(()) };
        loop {
            let mut work = self.store.begin(None).await?;
            let Some(entry) = self.audit.trim(work.db(), before).await? else { return Ok(()) };
            work.log(entry);
            work.commit().await?;
        }
    }

    async fn end_expired(&self) -> Result<usize, Error> {
        let mut work = self.store.begin(None).await?;
        let now = work.now;
        let ended = sessions::end_expired(work.db(), now, BATCH, self.store.for_update()).await?;
        work.record_ended(ended);
        work.commit().await
    }

    /// Polls for revocations and key changes by other processes; a failed or hung poll is retried from the same time.
    async fn follow_revocations(&self) {
        let mut ticks = ticks(FOLLOW_EVERY);
        let mut since = None;
        self.revocations.list.set_fresh();
        loop {
            ticks.tick().await;
            match timeout(STALE_AFTER, self.follow(since)).await {
                Ok(Ok(next)) => {
                    since = Some(next);
                    self.revocations.list.set_fresh();
                }
                Ok(Err(error)) => error.log(),
                Err(_) => tracing::error!("polling for revocations timed out"),
            }
        }
    }

    /// Polls once for revocations and key changes since `since` (Unix milliseconds; `None`: all relevant ones). Returns the
    /// next `since`.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn follow(&self, since: Option<i64>) -> Result<i64, Error> {
        let next = self.revocations.follow(since).await?;
        self.signing_keys.follow().await?;
        Ok(next)
    }
}

/// Ticks that skip what was missed.
fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
