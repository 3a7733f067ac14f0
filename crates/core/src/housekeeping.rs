//! Background jobs: expire sessions, delete old rows, trim the log, rotate keys, poll other processes' changes. In small
//! batches, to keep sign-ins fast. No deadline depends on them: deadlines are compared on each request.

use std::{future::Future, sync::Arc, time::Duration};

use sekisho_model::EventKind;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use crate::{
    Core,
    audit::event::Entry,
    clock::HOUR,
    db::{
        access_tokens, email_tokens, mails, pending_flows, refresh_tokens, sessions::ending, trusted_browsers, users,
    },
    error::Error,
    mail::{KEEP_FINISHED, Mailer},
    revocation::{FOLLOW_EVERY, list::STALE_AFTER},
};

/// Interval of housekeeping.
const INTERVAL: Duration = Duration::from_secs(30);
/// How soon messages of other processes, and those to be tried again, are looked for.
const DELIVER_EVERY: Duration = Duration::from_secs(2);
/// Rows per transaction.
const BATCH: i64 = 200;
/// How long a job may take to finish what it does when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How long ended sessions are kept, in milliseconds, to report their end reason.
const KEEP_ENDED: i64 = 30 * 24 * HOUR;

impl Core {
    /// Runs the background jobs until `stopped`, each as a task of its own: a panic in one does not stop the others, and
    /// none is cancelled between two statements.
    ///
    /// Messages are sent by `mailer`, if there is one.
    pub async fn run_background_jobs(&self, mailer: Option<Arc<dyn Mailer>>, stopped: impl Future<Output = ()>) {
        // From here on it shows when the revocations of other processes can't be polled.
        self.revocations.list.set_fresh();
        let (stop, stopping) = watch::channel(());
        let mut jobs = JoinSet::new();
        let (core, stop_signal) = (self.clone(), stopping.clone());
        jobs.spawn(async move { core.run_housekeeping_until(stop_signal).await });
        let (core, stop_signal) = (self.clone(), stopping.clone());
        jobs.spawn(async move { core.flush_access_uses_until(stop_signal).await });
        if let Some(mailer) = mailer {
            let (core, stop_signal) = (self.clone(), stopping.clone());
            jobs.spawn(async move { core.deliver_mail_until(&*mailer, stop_signal).await });
        }
        let core = self.clone();
        jobs.spawn(async move { core.follow_revocations_until(stopping).await });
        stopped.await;
        drop(stop);
        let joined = async {
            while let Some(job) = jobs.join_next().await {
                if let Err(error) = job {
                    tracing::error!(%error, "a background job failed");
                }
            }
        };
        if timeout(STOP_WITHIN, joined).await.is_err() {
            tracing::warn!("a background job did not stop in time");
        }
    }

    /// Writes what is buffered in memory: uses of access tokens, and counts.
    pub async fn flush(&self) {
        for written in [self.access_uses.flush().await, self.statistics.flush().await.map(drop)] {
            if let Err(error) = written {
                error.log();
            }
        }
    }

    async fn run_housekeeping_until(&self, mut stopping: watch::Receiver<()>) {
        let mut ticks = ticks(INTERVAL); // the first tick is immediate
        while next(&mut ticks, &mut stopping).await {
            if let Err(error) = self.run_housekeeping().await {
                error.log();
            }
        }
    }

    async fn flush_access_uses_until(&self, mut stopping: watch::Receiver<()>) {
        let mut ticks = ticks(FOLLOW_EVERY);
        while next(&mut ticks, &mut stopping).await {
            if let Err(error) = self.access_uses.flush().await {
                error.log();
            }
        }
    }

    /// Sends messages when this process has written one, and looks for those of other processes and for those to be tried
    /// again.
    async fn deliver_mail_until(&self, mailer: &dyn Mailer, mut stopping: watch::Receiver<()>) {
        let mut ticks = ticks(DELIVER_EVERY);
        loop {
            tokio::select! {
                going_on = next(&mut ticks, &mut stopping) => if !going_on { return },
                () = self.mails.written() => {}
            }
            // Several at once: one slow recipient does not hold up the others.
            let deliver = async || self.mails.deliver_due(mailer).await;
            let (a, b, c, d) = tokio::join!(deliver(), deliver(), deliver(), deliver());
            for delivered in [a, b, c, d] {
                if let Err(error) = delivered {
                    error.log();
                }
            }
        }
    }

    /// Runs one complete pass.
    ///
    /// # Errors
    /// The first failure; the next pass retries.
    pub async fn run_housekeeping(&self) -> Result<(), Error> {
        self.revocations.record_access_ttl().await?;
        if let Err(error) = self.signing_keys.maintain().await {
            error.log(); // does not keep sessions from expiring
        }
        self.global_sign_out.write_pending().await?;
        while self.end_expired().await? >= BATCH as usize {}
        let now = self.store.now();
        let writer = self.store.writer();
        let relevant_for = self.revocations.relevant_for();
        while ending::delete_ended(writer, now - KEEP_ENDED.max(relevant_for), BATCH).await? == BATCH as u64 {}
        while refresh_tokens::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        while access_tokens::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        while pending_flows::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        while email_tokens::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        while trusted_browsers::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        while mails::delete_finished(writer, now - KEEP_FINISHED, BATCH).await? == BATCH as u64 {}
        while self.policy.verify_email && self.remove_unverified().await? >= BATCH as usize {}
        self.delete_due_accounts().await?;
        self.administration.reset_factors_due().await?;
        self.trim_log().await?;
        self.statistics.flush().await?;
        self.audit.tampered_seq().await?;
        self.revocations.list.prune(now - relevant_for, now);
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

    /// Removes accounts whose address nobody verified in time.
    async fn remove_unverified(&self) -> Result<usize, Error> {
        let mut work = self.store.begin(None).await?;
        let now = work.now;
        let removed = users::delete_unverified(work.db(), now, BATCH).await?;
        for user_id in &removed {
            work.user_changed(user_id);
            work.log(Entry::new(EventKind::AccountRemoved).user(user_id).detail("address not verified"));
        }
        work.commit().await?;
        Ok(removed.len())
    }

    /// Carries out the deletions of accounts that are due, as far as that can be done by now.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn delete_due_accounts(&self) -> Result<(), Error> {
        self.accounts.delete_due(self.revocations.relevant_for()).await
    }

    async fn end_expired(&self) -> Result<usize, Error> {
        let mut work = self.store.begin(None).await?;
        let now = work.now;
        let ended = ending::end_expired(work.db(), now, BATCH, self.store.for_update()).await?;
        work.record_ended(ended);
        work.commit().await
    }

    /// Polls for revocations and key changes by other processes; a failed or hung poll is retried from the same time.
    async fn follow_revocations_until(&self, mut stopping: watch::Receiver<()>) {
        let mut ticks = ticks(FOLLOW_EVERY);
        let mut since = None;
        while next(&mut ticks, &mut stopping).await {
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

/// Waits for the next tick; false when the sender of `stopping` is gone.
async fn next(ticks: &mut Interval, stopping: &mut watch::Receiver<()>) -> bool {
    tokio::select! {
        _ = ticks.tick() => true,
        _ = stopping.changed() => false,
    }
}
