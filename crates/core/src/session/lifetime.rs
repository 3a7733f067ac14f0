//! Deadlines of a session: idle and absolute timeout.

use sekisho_model::EndReason;

use crate::{clock::UnixMillis, db::sessions::Session};

impl Session {
    /// Why the session has ended by `now`: as stored, or by the deadline that passed first; `None` while it is live.
    pub fn end_reason(&self, now: UnixMillis) -> Option<EndReason> {
        if let Some(reason) = self.ended_reason.0 {
            return Some(reason);
        }
        let past = |deadline: Option<UnixMillis>| deadline.filter(|at| *at <= now);
        match (past(self.idle_expires_at), past(self.expires_at)) {
            (None, None) => None,
            (Some(idle), Some(absolute)) if absolute <= idle => Some(EndReason::AbsoluteTimeout),
            (Some(_), _) => Some(EndReason::IdleTimeout),
            (None, Some(_)) => Some(EndReason::AbsoluteTimeout),
        }
    }

    /// The earlier of the idle and absolute deadlines.
    pub fn deadline(&self) -> Option<UnixMillis> {
        self.idle_expires_at.into_iter().chain(self.expires_at).min()
    }
}
