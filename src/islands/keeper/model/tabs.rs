//! The other tabs of this browser.

use super::{Destination, Effect, Model, State, TimerId};
use crate::{browser::clock::Millis, islands::keeper::tab_message::TabMessage};

/// How long a tab that takes over an event stream waits, so that not all tabs do at once.
const TAKEOVER_PAUSE: Millis = 500;
const TAKEOVER_JITTER: Millis = 1_000;

impl Model {
    pub(super) fn broadcast(&mut self, message: TabMessage) {
        self.effect(Effect::Broadcast(message));
    }

    pub(super) fn on_tab_message(&mut self, user_id: &str, message: TabMessage) {
        let same_user = user_id == self.user_id;
        let ended = self.has_ended();
        match message {
            // Somebody else has signed in, and the cookie is theirs.
            TabMessage::Alive(_) if !same_user => self.effect(Effect::Navigate(Destination::Reload)),
            TabMessage::Alive(_) if ended => self.check_session(None),
            TabMessage::Alive(deadlines) => {
                self.reports.mark(self.now());
                self.set_deadlines(deadlines);
            }
            TabMessage::SigningOut { discard } if same_user && !ended => {
                self.state = State::SigningOut;
                self.view.unsaved.clear();
                if discard {
                    self.effect(Effect::ForgetDrafts);
                }
            }
            TabMessage::UnsavedWanted if same_user && !ended => self.effect(Effect::TellUnsaved),
            TabMessage::Unsaved(place) if same_user && self.state == State::AskingTabs => self.add_unsaved(place),
            TabMessage::Ended(reason) if same_user && !ended => self.check_session(Some(reason)),
            TabMessage::Token(token) if same_user && !ended => self.set_token(token),
            TabMessage::TokenWanted if same_user => {
                if let Some(token) = self.live_token(self.now()).cloned() {
                    self.broadcast(TabMessage::Token(token));
                }
            }
            // HTTP/1.1: a browser opens six connections per host. A hidden tab leaves the event stream to the visible
            // one, and takes over when that one is gone.
            TabMessage::StreamOpened if !self.environment.is_visible => {
                self.effect(Effect::Cancel(TimerId::Stream));
                self.close_stream();
            }
            TabMessage::Gone if !ended => {
                let jitter = (self.environment.chance * TAKEOVER_JITTER as f64) as Millis;
                self.schedule(TimerId::Stream, TAKEOVER_PAUSE + jitter);
            }
            _ => {}
        }
    }
}
