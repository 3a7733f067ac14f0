//! The sessions that ended lately, in memory, and how the news of an end travels.
//!
//! Every bearer request asks this set instead of the database. It needs to hold an end only as long as an access
//! token made before it could still be valid. An end made by this process is [announced](EndedSessions::announce) as
//! soon as it is committed; one made by another (a second node, a restored answer of the database that never reached
//! us) is [found](Auth::follow_ends) within a second. A further way for ends to travel would call `announce` as well.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{Auth, millis, reason::Reason};
use crate::{
    db::{UnixMillis, access_ttls, sessions},
    error::Error,
};

/// How often a running server looks for ends that others made.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// How long it may fail at that until followers are told that the list is stale.
pub const STALE_AFTER: Duration = Duration::from_secs(5);
/// How far clocks of nodes may differ, and how long an end may wait for locks before it is committed.
const OVERLAP: UnixMillis = 30_000;
/// How far another service's clock may be off, on top of a token's life.
const SLACK: UnixMillis = 60_000;

/// One end, as it is announced.
#[derive(Clone, Debug)]
pub struct End {
    pub session_id: Arc<str>,
    pub reason: Reason,
    pub at: UnixMillis,
}

impl From<sessions::Ended> for End {
    fn from(row: sessions::Ended) -> Self {
        Self {
            session_id: row.id.into(),
            reason: row.ended_reason.parse().unwrap_or(Reason::SignedOut),
            at: row.ended_at,
        }
    }
}

/// A place in the order of ends as this process learnt of them: what a follower has seen so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Another process has another order.
    epoch: u32,
    n: u64,
}

impl Cursor {
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, n) = text.split_once('-')?;
        Some(Self { epoch: epoch.parse().ok()?, n: n.parse().ok()? })
    }
}

impl Cursor {
    /// The place `n` ends before this one.
    pub fn back(self, n: usize) -> Self {
        Self { n: self.n - n as u64, ..self }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.epoch, self.n)
    }
}

#[derive(Debug)]
pub struct EndedSessions {
    epoch: u32,
    recent: RwLock<Recent>,
    news: watch::Sender<u64>,
    started: Instant,
    /// Milliseconds after `started` until which the list is known to be complete; `u64::MAX`: nobody follows.
    fresh_until: AtomicU64,
    /// The time, by the clock, when ends were last forgotten.
    forgotten_at: AtomicI64,
    withdrawn_keys: RwLock<Arc<[String]>>,
}

#[derive(Debug, Default)]
struct Recent {
    reasons: HashMap<Arc<str>, Reason>,
    /// In the order in which they were learnt of; the first has the number `first`.
    order: VecDeque<End>,
    first: u64,
    /// Everybody's sign-outs whose ends are among these, by id.
    sign_outs: HashSet<String>,
}

impl EndedSessions {
    /// `epoch` is a random number.
    pub fn new(epoch: u32) -> Self {
        Self {
            epoch,
            recent: RwLock::default(),
            news: watch::Sender::new(0),
            started: Instant::now(),
            fresh_until: AtomicU64::new(u64::MAX),
            forgotten_at: AtomicI64::new(UnixMillis::MIN),
            withdrawn_keys: RwLock::new(Arc::from([])),
        }
    }

    /// Why the session ended, if it did so lately.
    pub fn reason(&self, session_id: &str) -> Option<Reason> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner).reasons.get(session_id).copied()
    }

    /// Refuses the sessions' tokens from now on and tells every listener; what is known already is not told again.
    pub fn announce(&self, ends: impl IntoIterator<Item = End>) {
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
            self.news.send_replace(last);
        }
    }

    /// Whether the ends of this sign-out of everybody were announced.
    pub fn knows_sign_out(&self, id: &str) -> bool {
        self.recent.read().unwrap_or_else(PoisonError::into_inner).sign_outs.contains(id)
    }

    pub fn remember_sign_out(&self, id: &str) {
        self.recent.write().unwrap_or_else(PoisonError::into_inner).sign_outs.insert(id.into());
    }

    /// The list holds all ends that others made until now; it is stale [`STALE_AFTER`] later unless this is said again.
    pub fn set_fresh(&self) {
        let was_stale = self.is_stale();
        self.fresh_until.store(self.elapsed() + STALE_AFTER.as_millis() as u64, Ordering::Relaxed);
        if was_stale {
            self.news.send_modify(|_| ());
        }
    }

    /// As if nothing had been learnt for too long, for tests.
    pub fn set_stale(&self) {
        self.fresh_until.store(0, Ordering::Relaxed);
        self.news.send_modify(|_| ());
    }

    /// Whether others' ends could not be learnt of for too long: whoever relies on this list must not go on as if
    /// nothing ended. Computed from a time, so that it shows as well when whatever should learn of them is dead.
    pub fn is_stale(&self) -> bool {
        self.elapsed() > self.fresh_until.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// The ids of all withdrawn keys: told to followers at once, since they keep keys in memory, and so may caches.
    pub fn set_withdrawn_keys(&self, kids: impl IntoIterator<Item = String>) {
        let kids: Arc<[String]> = kids.into_iter().collect();
        let mut known = self.withdrawn_keys.write().unwrap_or_else(PoisonError::into_inner);
        let changed = *known != kids;
        *known = kids;
        drop(known);
        if changed {
            self.news.send_modify(|_| ());
        }
    }

    pub fn withdrawn_keys(&self) -> Arc<[String]> {
        self.withdrawn_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Wakes up when there are new ends or withdrawn keys; however many came meanwhile, they are one piece of news.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Where the list ends.
    pub fn place(&self) -> Cursor {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        Cursor { epoch: self.epoch, n: recent.first + recent.order.len() as u64 }
    }

    /// At most `limit` ends that were learnt of after `since`, or from the first on when `since` is not of this
    /// process; and the place behind them.
    pub fn since(&self, since: Option<Cursor>, limit: usize) -> (Vec<End>, Cursor) {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        let end = recent.first + recent.order.len() as u64;
        let from =
            since.filter(|c| c.epoch == self.epoch && c.n <= end).map_or(0, |c| c.n.saturating_sub(recent.first));
        let ends: Vec<_> = recent.order.iter().skip(from as usize).take(limit).cloned().collect();
        let n = recent.first + from + ends.len() as u64;
        (ends, Cursor { epoch: self.epoch, n })
    }

    pub fn len(&self) -> usize {
        self.recent.read().unwrap_or_else(PoisonError::into_inner).order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets, at `now`, ends before `before`: every token made until then has run out.
    pub fn forget(&self, before: UnixMillis, now: UnixMillis) {
        self.forgotten_at.fetch_max(now, Ordering::Relaxed);
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        while let Some(end) = recent.order.front().filter(|end| end.at < before).cloned() {
            recent.order.pop_front();
            recent.reasons.remove(&end.session_id);
            recent.first += 1;
        }
    }

    /// Whether ends were forgotten that matter at `now`: the clock was set back since.
    fn forgot_too_much(&self, now: UnixMillis) -> bool {
        self.forgotten_at.load(Ordering::Relaxed) > now
    }
}

impl Auth {
    /// Learns of ends that are in the database: at the start all that matter, then what is new since `since`.
    /// Returns from where to look the next time.
    pub async fn follow_ends(&self, since: Option<UnixMillis>) -> Result<UnixMillis, Error> {
        let now = self.clock.now();
        // A clock that was set back makes it look at everything again: what was forgotten may matter once more.
        let since = since.filter(|at| *at <= now).unwrap_or_else(|| self.ends_matter_since());
        let ends = sessions::list_ended_since(self.db.reader(), since).await?;
        self.ended.announce(ends.into_iter().map(End::from));
        self.follow_sign_outs().await?;
        self.follow_keys().await?;
        Ok(now - OVERLAP)
    }

    /// Makes sure, before a token is verified at `now`, that what ended is still known: after a clock was set back,
    /// tokens live again whose sessions' ends were forgotten.
    pub(super) async fn recall_ends(&self, now: UnixMillis) -> Result<(), Error> {
        if self.ended.forgot_too_much(now) {
            self.follow_ends(None).await?;
            self.ended.forgotten_at.store(now, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The time of the oldest end that an access token may still contradict: one token's life ago, and some slack.
    pub(super) fn ends_matter_since(&self) -> UnixMillis {
        self.clock.now() - self.ends_matter_for()
    }

    /// How long an end matters, in milliseconds: as long as the longest token that may still live, also one that was
    /// made before the setting was shortened.
    pub fn ends_matter_for(&self) -> UnixMillis {
        self.longest_access_ttl.load(Ordering::Relaxed).max(millis(self.policy.access_ttl)) + SLACK
    }

    /// Notes the life of the tokens that are made now, and which longer ones matter still.
    pub async fn note_access_ttl(&self) -> Result<(), Error> {
        let (now, writer) = (self.clock.now(), self.db.writer());
        access_ttls::save(writer, millis(self.policy.access_ttl).div_euclid(1_000), now).await?;
        access_ttls::delete_over(writer, now - SLACK).await?;
        self.load_longest_access_ttl().await
    }

    pub(super) async fn load_longest_access_ttl(&self) -> Result<(), Error> {
        let longest = access_ttls::find_longest(self.db.reader(), self.clock.now() - SLACK).await?;
        self.longest_access_ttl.store(longest.unwrap_or(0) * 1_000, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(id: &str, at: UnixMillis) -> End {
        End { session_id: id.into(), reason: Reason::SignedOut, at }
    }

    fn ids(ends: &[End]) -> Vec<&str> {
        ends.iter().map(|end| &*end.session_id).collect()
    }

    #[test]
    fn a_follower_gets_what_is_new_to_it_and_everything_after_a_restart() {
        let ended = EndedSessions::new(7);
        ended.announce([end("a", 1), end("b", 2)]);
        let (all, cursor) = ended.since(None, 9);
        assert_eq!(ids(&all), ["a", "b"]);
        assert!(ended.since(Some(cursor), 9).0.is_empty());
        ended.announce([end("b", 2), end("c", 3)]);
        let (new, next) = ended.since(Cursor::parse(&cursor.to_string()), 9);
        assert_eq!(ids(&new), ["c"]);
        assert_eq!(next, ended.place());
        let (some, place) = ended.since(None, 2);
        assert_eq!(ids(&some), ["a", "b"]);
        assert_eq!(ids(&ended.since(Some(place), 2).0), ["c"]);
        // Another process, or a place that is yet to come: start over.
        assert_eq!(ended.since(Cursor::parse("8-1"), 9).0.len(), 3);
        assert_eq!(ended.since(Cursor::parse("7-99"), 9).0.len(), 3);
        ended.forget(3, 3);
        assert_eq!((ended.len(), ended.reason("a")), (1, None));
        assert_eq!(ids(&ended.since(Some(cursor), 9).0), ["c"]);
        assert!(ended.since(Some(next), 9).0.is_empty());
        assert!(["", "1", "x-1", "1-x", "1-2-3"].iter().all(|text| Cursor::parse(text).is_none()));
    }
}
