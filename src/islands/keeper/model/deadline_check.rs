//! The deadlines: the warning before them, and asking the server once they have passed.

use super::{Model, TimerId, Warning};
use crate::islands::keeper::{
    countdown,
    deadlines::{Deadlines, Limit, Remaining},
};

impl Model {
    pub(super) fn set_deadlines(&mut self, deadlines: Deadlines) {
        self.deadlines = deadlines;
        self.check_deadlines();
        self.plan_renewal();
    }

    pub(super) fn check_deadlines(&mut self) {
        if self.has_ended() {
            return;
        }
        let now = self.now();
        if now < self.deadlines_checked_at {
            // The clock was set back, and the deadlines are wrong on it: the new stream's hello has them anew.
            self.reopen_stream();
        }
        self.deadlines_checked_at = now;
        match self.deadlines.remaining(now, self.warning) {
            Remaining::Plenty { check_in } => {
                self.view.warning = None;
                self.schedule(TimerId::Deadlines, check_in);
            }
            Remaining::Warning { limit, left } => {
                if limit == Limit::Idle || !self.absolute_warning_dismissed {
                    self.view.warning = Some(Warning { limit, seconds: countdown::seconds(left) });
                }
                self.schedule(TimerId::Deadlines, countdown::until_next_second(left));
            }
            Remaining::Passed => match self.overdue_checks.wait(now) {
                0 => {
                    self.overdue_checks.mark(now);
                    self.check_session(None);
                }
                wait => self.schedule(TimerId::Deadlines, wait),
            },
        }
    }

    /// "Stay signed in", or "Got it" where the deadline cannot be moved.
    pub(super) fn on_warning_answered(&mut self) {
        match self.view.warning {
            Some(Warning { limit: Limit::Absolute, .. }) => {
                self.absolute_warning_dismissed = true;
                self.view.warning = None;
            }
            Some(_) => self.report_activity(),
            None => {}
        }
    }

    pub(super) fn deadlines_have_passed(&self) -> bool {
        self.deadlines.have_passed(self.now())
    }
}
