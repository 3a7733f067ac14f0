//! Revocation: ended sessions are rejected at once, on this node and the others.
//!
//! Revocations by this process are [published](list::RevocationList::publish) after the commit. Revocations by other
//! processes (another node, the command line, a commit whose response was lost) arrive through a [`Transport`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use sekisho_model::EndReason;

use crate::{
    clock::{Clock, UnixMillis},
    db::{
        Db, access_ttls,
        sessions::page_tokens,
        sign_outs::{self, SignOut},
    },
    error::Error,
};

pub mod list;
mod transport;

pub use transport::{BoxFuture, Polling, Transport};

use list::{Revocation, RevocationList};

/// Polling interval for revocations by other processes.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// Overlap of polls in milliseconds: clock skew between nodes, and the time a revocation may wait for locks.
const OVERLAP: UnixMillis = 30_000;
/// Clock skew of other services in milliseconds, added to a token's lifetime.
const SLACK: UnixMillis = 60_000;
/// Longest duration of a sign-in's transaction that began before a global sign-out, in milliseconds.
const COMMITTED_WITHIN: UnixMillis = 15_000;

/// Keeps the revocation list complete.
pub struct Revocations {
    /// The list in memory.
    pub list: Arc<RevocationList>,
    db: Db,
    clock: Clock,
    transport: Arc<dyn Transport>,
    /// Lifetime of access tokens issued now, in milliseconds.
    access_ttl: UnixMillis,
    longest_access_ttl: AtomicI64,
}

impl Revocations {
    /// Loads all relevant revocations, so that a restart accepts no revoked session.
    pub(crate) async fn open(
        list: Arc<RevocationList>,
        db: Db,
        clock: Clock,
        transport: Arc<dyn Transport>,
        access_ttl: UnixMillis,
    ) -> Result<Self, Error> {
        let revocations = Self { list, db, clock, transport, access_ttl, longest_access_ttl: AtomicI64::new(0) };
        revocations.load_longest_access_ttl().await?;
        revocations.follow(None).await?;
        Ok(revocations)
    }

    /// Polls for revocations by other processes since `since` (`None`: all relevant ones). Returns the next `since`.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; nothing is lost if the next call uses the same `since`.
    pub async fn follow(&self, since: Option<UnixMillis>) -> Result<UnixMillis, Error> {
        let now = self.clock.now();
        // After a clock was set back, removed revocations may be relevant again: read everything.
        let since = since.filter(|at| *at <= now).unwrap_or_else(|| now - self.relevant_for());
        self.list.publish(self.transport.poll(since).await?);
        let renewed = page_tokens::list_renewed_since(self.db.reader(), since).await?;
        self.list.publish_renewals(renewed.into_iter().map(|session| (session.id, session.renewed_at)));
        self.follow_global_sign_outs().await?;
        Ok(now - OVERLAP)
    }

    /// Reloads removed revocations if the clock was set back: tokens whose revocations were removed are valid again.
    pub(crate) async fn reload_if_clock_set_back(&self, now: UnixMillis) -> Result<(), Error> {
        if self.list.removed_after(now) {
            self.follow(None).await?;
            self.list.set_complete(now);
        }
        Ok(())
    }

    /// How long a revocation is relevant, in milliseconds: the longest lifetime of a token that may still be valid (also
    /// from before the setting was shortened) plus clock skew.
    pub fn relevant_for(&self) -> UnixMillis {
        self.longest_access_ttl.load(Ordering::Relaxed).max(self.access_ttl) + SLACK
    }

    /// Records the current access token lifetime and reloads the longest one still relevant.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn record_access_ttl(&self) -> Result<(), Error> {
        let (now, writer) = (self.clock.now(), self.db.writer());
        access_ttls::save(writer, self.access_ttl.div_euclid(1_000), now).await?;
        access_ttls::delete_over(writer, now - SLACK).await?;
        self.load_longest_access_ttl().await
    }

    async fn load_longest_access_ttl(&self) -> Result<(), Error> {
        let longest = access_ttls::find_longest(self.db.reader(), self.clock.now() - SLACK).await?;
        self.longest_access_ttl.store(longest.unwrap_or(0) * 1_000, Ordering::Relaxed);
        Ok(())
    }
}

// Global sign-out: one row; the sessions' rows follow in batches
impl Revocations {
    /// Publishes global sign-outs recorded by other processes, or by this one before a restart.
    async fn follow_global_sign_outs(&self) -> Result<(), Error> {
        for sign_out in sign_outs::list(self.db.reader()).await? {
            // A concurrent sign-in may commit its session afterwards: repeat for a while.
            let is_recent = sign_out.at > self.clock.now() - COMMITTED_WITHIN;
            if is_recent || !self.list.has_global_sign_out(&sign_out.id) {
                self.publish_global_sign_out(&sign_out).await?;
            }
        }
        Ok(())
    }

    /// Publishes the revocation of all sessions but the one to keep; returns how many.
    pub(crate) async fn publish_global_sign_out(&self, sign_out: &SignOut) -> Result<usize, Error> {
        let ids = sign_outs::list_session_ids(self.db.reader(), sign_out).await?;
        let count = ids.len();
        let end = |session_id| Revocation { session_id, reason: EndReason::RevokedByAdmin, at: sign_out.at };
        self.list.publish(ids.into_iter().map(end));
        self.list.add_global_sign_out(&sign_out.id);
        Ok(count)
    }
}
