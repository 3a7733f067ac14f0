//! Activity: reported to the server, throttled; the answer has the new deadlines.

use super::{Effect, Model, Refusal, SessionStatus, TimerId};
use crate::islands::keeper::tab_message::TabMessage;

impl Model {
    /// Whether [`super::Event::Activity`] would do anything: input events are frequent.
    pub fn awaits_activity(&self) -> bool {
        // A mouse that is nudged while the warning is shown is no answer to it.
        !self.has_ended() && !self.has_unreported_activity && self.view.warning.is_none()
    }

    pub(super) fn on_activity(&mut self) {
        if self.awaits_activity() {
            self.has_unreported_activity = true;
            self.plan_report();
        }
    }

    pub(super) fn plan_report(&mut self) {
        let wait = self.reports.wait(self.now());
        self.schedule(TimerId::Report, wait);
    }

    pub(super) fn report_activity(&mut self) {
        self.effect(Effect::Cancel(TimerId::Report));
        self.has_unreported_activity = false;
        self.reports.mark(self.now());
        self.effect(Effect::ReportActivity);
    }

    pub(super) fn on_activity_answer(&mut self, answer: Result<SessionStatus, Refusal>) {
        match answer {
            Ok(status) => {
                self.on_contact();
                self.on_session_status(status);
                self.broadcast(TabMessage::Alive(self.deadlines));
            }
            Err(refusal) => {
                self.on_refusal(refusal, None);
                // To be reported when there is contact again.
                self.has_unreported_activity = !self.has_ended();
            }
        }
    }
}
