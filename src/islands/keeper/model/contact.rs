//! What an answer of the server means, or none: only a definite 401 ends the session.

use super::{Effect, Model, Refusal, SessionStatus, State, TimerId};
use crate::{
    browser::clock::Millis,
    islands::{keeper::model::Destination, protocol::EndReason},
};

/// Until the server is asked once more about a cookie that it did not know.
const DOUBT_PAUSE: Millis = 1_000;

impl Model {
    /// A request succeeded.
    pub(super) fn on_contact(&mut self) {
        self.contact.reset();
        // A doubt is about the token, which no other answer settles.
        if self.state != State::InDoubt {
            self.effect(Effect::Cancel(TimerId::Check));
        }
        self.view.offline = false;
        if self.has_unreported_activity {
            self.plan_report();
        }
    }

    /// A request failed. `told`: the end that somebody told before it was sent.
    pub(super) fn on_refusal(&mut self, refusal: Refusal, told: Option<EndReason>) {
        match (refusal, told) {
            (Refusal::Unauthorized(said), _) => match (said.or(told), self.state) {
                (None, State::SignedIn) => {
                    self.state = State::InDoubt;
                    self.schedule(TimerId::Check, DOUBT_PAUSE);
                }
                (reason, _) => self.end(reason),
            },
            (Refusal::Unavailable, Some(_)) => self.end(told),
            (Refusal::Unavailable, None) => self.on_contact_lost(),
        }
    }

    fn on_contact_lost(&mut self) {
        if self.has_ended() {
            return;
        }
        if self.deadlines_have_passed() {
            // Whether there still is a session is not known, and "Stay signed in" could not be kept.
            self.view.warning = None;
        }
        let wait = self.contact.fail();
        self.view.offline = self.contact.persists() || !self.environment.is_online;
        self.schedule(TimerId::Check, wait);
    }

    pub(super) fn on_session_status(&mut self, status: SessionStatus) {
        if status.user_id.is_some_and(|user_id| user_id != self.user_id) {
            // The cookie is another user's by now; this page is not for them.
            self.effect(Effect::Navigate(Destination::Reload));
        } else if let Some(server_now) = status.now {
            self.set_deadlines(status.deadlines.translated(server_now, self.now()));
        }
    }
}
