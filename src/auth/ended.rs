//! The sessions that ended lately, in memory, and the bus on which ends travel.
//!
//! Every bearer request asks this set instead of the database. It needs to hold an end only as long as an access
//! token made before it could still be valid. Other nodes would feed it through [`EndedSessions::announce`].

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::broadcast;

use super::{Auth, millis, reason::Reason};
use crate::{
    db::{UnixMillis, sessions},
    error::Error,
};

/// Ends that a slow event stream may lag behind before it has to look the session up again.
const BUS_CAPACITY: usize = 1_024;

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

#[derive(Debug)]
pub struct EndedSessions {
    recent: RwLock<HashMap<Arc<str>, (Reason, UnixMillis)>>,
    bus: broadcast::Sender<End>,
}

impl Default for EndedSessions {
    fn default() -> Self {
        Self { recent: RwLock::default(), bus: broadcast::Sender::new(BUS_CAPACITY) }
    }
}

impl EndedSessions {
    /// Why the session ended, if it did so lately.
    pub fn reason(&self, session_id: &str) -> Option<Reason> {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        recent.get(session_id).map(|(reason, _)| *reason)
    }

    /// Refuses the sessions' tokens from now on and tells every listener.
    pub fn announce(&self, ends: impl IntoIterator<Item = End>) {
        for end in ends {
            let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
            recent.insert(end.session_id.clone(), (end.reason, end.at));
            drop(recent);
            let _ = self.bus.send(end); // fails only when nobody listens
        }
    }

    pub fn subscribe(&self) -> broadcast::Receiver<End> {
        self.bus.subscribe()
    }

    /// Forgets ends before `before`: every token made until then has run out.
    pub fn forget(&self, before: UnixMillis) {
        self.recent.write().unwrap_or_else(PoisonError::into_inner).retain(|_, (_, at)| *at >= before);
    }
}

impl Auth {
    pub(super) async fn load_ended(&self) -> Result<(), Error> {
        let ends = sessions::list_ended_since(self.db.reader(), self.ends_matter_since()).await?;
        self.ended.announce(ends.into_iter().map(End::from));
        Ok(())
    }

    /// The time of the oldest end that an access token may still contradict: one token's life ago, and the leeway.
    pub(super) fn ends_matter_since(&self) -> UnixMillis {
        self.clock.now() - millis(self.policy.access_ttl) - 60_000
    }
}
