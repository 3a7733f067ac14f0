//! The revocation list in memory, checked by every bearer request instead of the database.
//!
//! A revocation is kept only as long as an access token issued before it could still be valid.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sekisho_model::{EndReason, SessionId};
use tokio::sync::watch;

use crate::{clock::UnixMillis, db::sessions::ending::Ended};

/// How long polling may fail before the list is stale.
pub const STALE_AFTER: Duration = Duration::from_secs(5);

/// The revocation of one session.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// The session.
    pub session_id: SessionId,
    /// Why it ended.
    pub reason: EndReason,
    /// When it ended.
    pub at: UnixMillis,
}

impl From<Ended> for Revocation {
    fn from(row: Ended) -> Self {
        Self { session_id: row.id, reason: row.ended_reason, at: row.ended_at }
    }
}

/// A reader's position in this process's order of revocations; as text `epoch-n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Identifies the process: each has its own order.
    epoch: u32,
    n: u64,
}

impl Cursor {
    /// Parses the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, n) = text.split_once('-')?;
        Some(Self { epoch: epoch.parse().ok()?, n: n.parse().ok()? })
    }

    /// The position `n` revocations before this one.
    pub fn back(self, n: usize) -> Self {
        Self { n: self.n - n as u64, ..self }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.epoch, self.n)
    }
}

/// Recent revocations and withdrawn signing keys, with change notification.
#[derive(Debug)]
pub struct RevocationList {
    epoch: u32,
    recent: RwLock<Recent>,
    changes: watch::Sender<u64>,
    started: Instant,
    /// Milliseconds after `started` at which the list becomes stale; `u64::MAX`: not polled.
    fresh_until: AtomicU64,
    /// Wall-clock time of the last removal.
    removed_at: AtomicI64,
    withdrawn_keys: RwLock<Arc<[String]>>,
    /// When sessions got a new secret lately.
    renewed: RwLock<HashMap<SessionId, UnixMillis>>,
}

#[derive(Debug, Default)]
struct Recent {
    reasons: HashMap<SessionId, EndReason>,
    /// In order of arrival; the first has the number `first`.
    order: VecDeque<Revocation>,
    first: u64,
    /// Ids of the published global sign-outs.
    sign_outs: HashSet<String>,
}

impl RevocationList {
    /// An empty list; `epoch` is random.
    pub fn new(epoch: u32) -> Self {
        Self {
            epoch,
            recent: RwLock::default(),
            changes: watch::Sender::new(0),
            started: Instant::now(),
            fresh_until: AtomicU64::new(u64::MAX),
            removed_at: AtomicI64::new(UnixMillis::MIN),
            withdrawn_keys: RwLock::new(Arc::from([])),
            renewed: RwLock::default(),
        }
    }

    /// Why the session was revoked, if it was recently.
    pub fn reason(&self, session_id: &SessionId) -> Option<EndReason> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner).reasons.get(session_id).copied()
    }

    /// Adds revocations and notifies subscribers; known ones are ignored.
    pub fn publish(&self, ends: impl IntoIterator<Item = Revocation>) {
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        let before = recent.order.len();
        for end in ends {
            if recent.reasons.insert(end.session_id.clone(), end.reason).is_none() {
                recent.order.push_back(end);
            }
        }
        let (after, last) = (recent.order.len(), recent.first + recent.order.len() as u64);
        drop(recent);
        if after > before {
            self.changes.send_replace(last);
        }
    }

    /// Adds sessions that got a new secret, and when: page tokens from before are superseded.
    pub fn publish_renewals(&self, renewals: impl IntoIterator<Item = (SessionId, UnixMillis)>) {
        let mut renewed = self.renewed.write().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in renewals {
            let latest = renewed.entry(id).or_insert(at);
            *latest = at.max(*latest);
        }
    }

    /// Whether a session got a new secret since the one of `renewed_at`.
    pub fn is_superseded(&self, session_id: &SessionId, renewed_at: Option<UnixMillis>) -> bool {
        let renewed = self.renewed.read().unwrap_or_else(PoisonError::into_inner);
        renewed.get(session_id).is_some_and(|at| renewed_at < Some(*at))
    }

    /// Whether this global sign-out was published.
    pub fn has_global_sign_out(&self, id: &str) -> bool {
        self.recent.read().unwrap_or_else(PoisonError::into_inner).sign_outs.contains(id)
    }

    /// Marks a global sign-out as published.
    pub fn add_global_sign_out(&self, id: &str) {
        self.recent.write().unwrap_or_else(PoisonError::into_inner).sign_outs.insert(id.into());
    }

    /// Marks the list complete as of now; it is stale [`STALE_AFTER`] later unless called again.
    pub fn set_fresh(&self) {
        let was_stale = self.is_stale();
        self.fresh_until.store(self.elapsed() + STALE_AFTER.as_millis() as u64, Ordering::Relaxed);
        if was_stale {
            self.changes.send_modify(|_| ());
        }
    }

    /// Marks the list stale; for tests.
    pub fn set_stale(&self) {
        self.fresh_until.store(0, Ordering::Relaxed);
        self.changes.send_modify(|_| ());
    }

    /// Whether revocations by other processes may be missing: callers must fail closed (ASVS 16.5.3). Derived from a time,
    /// so that a dead polling task is detected as well.
    pub fn is_stale(&self) -> bool {
        self.elapsed() > self.fresh_until.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Replaces the ids of withdrawn keys and notifies subscribers, since verifiers and caches keep public keys.
    pub fn set_withdrawn_keys(&self, kids: impl IntoIterator<Item = String>) {
        let kids: Arc<[String]> = kids.into_iter().collect();
        let mut known = self.withdrawn_keys.write().unwrap_or_else(PoisonError::into_inner);
        let changed = *known != kids;
        *known = kids;
        drop(known);
        if changed {
            self.changes.send_modify(|_| ());
        }
    }

    /// The `kid`s of all withdrawn keys.
    pub fn withdrawn_keys(&self) -> Arc<[String]> {
        self.withdrawn_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notifies of new revocations and withdrawn keys, coalesced.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The cursor at the end of the list.
    pub fn end_cursor(&self) -> Cursor {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        Cursor { epoch: self.epoch, n: recent.first + recent.order.len() as u64 }
    }

    /// At most `limit` revocations after the cursor, or from the start if it is another process's; and the next cursor.
    pub fn since(&self, since: Option<Cursor>, limit: usize) -> (Vec<Revocation>, Cursor) {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        let end = recent.first + recent.order.len() as u64;
        let from =
            since.filter(|c| c.epoch == self.epoch && c.n <= end).map_or(0, |c| c.n.saturating_sub(recent.first));
        let ends: Vec<_> = recent.order.iter().skip(from as usize).take(limit).cloned().collect();
        let n = recent.first + from + ends.len() as u64;
        (ends, Cursor { epoch: self.epoch, n })
    }

    /// Number of revocations.
    pub fn len(&self) -> usize {
        self.recent.read().unwrap_or_else(PoisonError::into_inner).order.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes, at `now`, revocations before `before`: every token issued until then has expired.
    pub fn prune(&self, before: UnixMillis, now: UnixMillis) {
        self.removed_at.fetch_max(now, Ordering::Relaxed);
        self.renewed.write().unwrap_or_else(PoisonError::into_inner).retain(|_, at| *at >= before);
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        while let Some(end) = recent.order.front().filter(|end| end.at < before).cloned() {
            recent.order.pop_front();
            recent.reasons.remove(&end.session_id);
            recent.first += 1;
        }
    }

    /// Marks removed revocations as reloaded at `now`.
    pub(crate) fn set_complete(&self, now: UnixMillis) {
        self.removed_at.store(now, Ordering::Relaxed);
    }

    /// Whether revocations were removed at a time after `now`: the clock was set back since.
    pub(crate) fn removed_after(&self, now: UnixMillis) -> bool {
        self.removed_at.load(Ordering::Relaxed) > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u128 = 0xa;
    const B: u128 = 0xb;
    const C: u128 = 0xc;

    fn end(id: u128, at: UnixMillis) -> Revocation {
        Revocation { session_id: SessionId::from_u128(id), reason: EndReason::SignedOut, at }
    }

    fn ids(ends: &[Revocation]) -> Vec<SessionId> {
        ends.iter().map(|end| end.session_id.clone()).collect()
    }

    #[test]
    fn a_cursor_continues_after_the_last_read_and_restarts_in_another_process() {
        let list = RevocationList::new(7);
        list.publish([end(A, 1), end(B, 2)]);
        let (all, cursor) = list.since(None, 9);
        assert_eq!(ids(&all), [A, B].map(SessionId::from_u128));
        assert!(list.since(Some(cursor), 9).0.is_empty());
        list.publish([end(B, 2), end(C, 3)]);
        let (new, next) = list.since(Cursor::parse(&cursor.to_string()), 9);
        assert_eq!(ids(&new), [C].map(SessionId::from_u128));
        assert_eq!(next, list.end_cursor());
        let (some, next_page) = list.since(None, 2);
        assert_eq!(ids(&some), [A, B].map(SessionId::from_u128));
        assert_eq!(ids(&list.since(Some(next_page), 2).0), [C].map(SessionId::from_u128));
        // Another process's cursor, or one behind the end: from the start.
        assert_eq!(list.since(Cursor::parse("8-1"), 9).0.len(), 3);
        assert_eq!(list.since(Cursor::parse("7-99"), 9).0.len(), 3);
        list.prune(3, 3);
        assert_eq!((list.len(), list.reason(&SessionId::from_u128(A))), (1, None));
        assert_eq!(ids(&list.since(Some(cursor), 9).0), [C].map(SessionId::from_u128));
        assert!(list.since(Some(next), 9).0.is_empty());
        assert!(["", "1", "x-1", "1-x", "1-2-3"].iter().all(|text| Cursor::parse(text).is_none()));
    }
}
