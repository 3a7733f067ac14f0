//! The page's life, and the session's: start, visibility, end, and signing in again.

use std::mem;

use super::{Destination, Effect, Model, State, TimerId};
use crate::{
    browser::{clock::Millis, drafts::Unsaved},
    islands::{
        keeper::{deadlines::Deadlines, tab_message::TabMessage},
        protocol::EndReason,
    },
};
use sekisho_model::EndReason as Reason;

/// How long the other tabs have to offer their access token.
const OFFER_PAUSE: Millis = 150;

/// How long the other tabs have to say what a sign-out would lose.
const ANSWER_PAUSE: Millis = 100;

/// Two departures to the sign-in page within this time are a redirect loop: the page and the keeper's endpoints
/// disagree about the session.
const REDIRECT_LOOP: Millis = 3_000;

// The page
impl Model {
    pub(super) fn on_started(&mut self) {
        self.broadcast(TabMessage::Alive(self.deadlines));
        self.broadcast(TabMessage::TokenWanted);
        self.open_stream();
        self.check_deadlines();
        self.schedule(TimerId::Renewal, OFFER_PAUSE);
    }

    /// The tab comes to the front, perhaps after hours of sleep.
    pub(super) fn on_page_visible(&mut self) {
        if self.has_ended() {
            // The person may have signed in elsewhere meanwhile.
            return self.check_session(None);
        }
        self.open_stream();
        self.check_deadlines();
        self.on_activity();
    }

    pub(super) fn on_page_restored(&mut self) {
        if self.has_ended() {
            // It is shown as it was before the end.
            self.effect(Effect::Navigate(Destination::Reload));
        } else {
            self.on_page_visible();
        }
    }

    pub(super) fn on_page_hidden(&mut self) {
        // Whoever asked to be signed out and left meanwhile is.
        if self.state == State::AskingTabs && self.unsaved.is_empty() {
            self.effect(Effect::SignOutBehind);
        }
        self.close_stream();
        self.broadcast(TabMessage::Gone);
    }
}

// The end of the session, and after it
impl Model {
    /// The form waits until the other tabs have said what it would lose.
    pub(super) fn on_sign_out_submitted(&mut self, unsaved: Vec<Unsaved>) {
        self.unsaved = unsaved;
        self.state = State::AskingTabs;
        self.broadcast(TabMessage::UnsavedWanted);
        self.schedule(TimerId::SignOut, ANSWER_PAUSE);
    }

    /// A tab that was duplicated has the same drafts.
    pub(super) fn add_unsaved(&mut self, place: Unsaved) {
        if !self.unsaved.contains(&place) {
            self.unsaved.push(place);
        }
    }

    pub(super) fn on_tabs_answered(&mut self) {
        if self.state != State::AskingTabs {
            return;
        }
        self.state = State::SignedIn;
        self.view.unsaved = mem::take(&mut self.unsaved);
        if self.view.unsaved.is_empty() {
            self.sign_out(false);
        }
    }

    pub(super) fn on_sign_out_answered(&mut self, discard: bool) {
        self.view.unsaved.clear();
        if discard && !self.has_ended() {
            self.sign_out(true);
        }
    }

    /// The next page says that the person signed out; this one must not get in its way.
    fn sign_out(&mut self, discard: bool) {
        self.effect(Effect::ForgetDrafts);
        self.broadcast(TabMessage::SigningOut { discard });
        self.state = State::Ended;
        self.stop();
        self.effect(Effect::SignOut);
    }

    /// The server does not know the session any more.
    pub(super) fn end(&mut self, reason: Option<EndReason>) {
        self.view.offline = false;
        if self.has_ended() {
            return;
        }
        let implied =
            if self.state == State::SigningOut { EndReason::Known(Reason::SignedOut) } else { EndReason::Unknown };
        let reason = reason.unwrap_or(implied);
        self.state = State::Ended;
        self.stop();
        self.broadcast(TabMessage::Ended(reason));
        // After a sign-out too: whoever agreed to lose it has had it discarded by now.
        let signed_out = reason == EndReason::Known(Reason::SignedOut);
        if self.environment.keeps_draft || !signed_out && self.is_redirect_loop() {
            self.effect(Effect::SaveDrafts);
            self.view.end_reason = Some(reason);
        } else if signed_out {
            self.effect(Effect::Navigate(Destination::SignedOut));
        } else {
            self.effect(Effect::Navigate(Destination::SignIn));
        }
    }

    /// Whether this tab was sent to the sign-in page a moment ago, and came straight back.
    fn is_redirect_loop(&mut self) -> bool {
        let now = self.now();
        self.effect(Effect::RecordDeparture);
        self.left_at.replace(now).is_some_and(|left_at| (0..REDIRECT_LOOP).contains(&(now - left_at)))
    }

    fn stop(&mut self) {
        self.effect(Effect::CancelAll);
        self.close_stream();
        self.token = None;
        self.has_unreported_activity = false;
        self.view.warning = None;
        self.view.unsaved.clear();
    }

    /// The password was accepted on this page.
    pub(super) fn on_signed_in_again(&mut self, user_id: Option<String>) {
        if user_id.is_none_or(|user_id| user_id != self.user_id) {
            return self.effect(Effect::Navigate(Destination::Reload));
        }
        self.resume();
        self.report_activity();
        self.effect(Effect::RenewToken);
    }

    /// Signed in again, here or in another tab. The new stream's hello has the new deadlines.
    pub(super) fn resume(&mut self) {
        self.state = State::SignedIn;
        self.absolute_warning_dismissed = false;
        self.view.end_reason = None;
        self.set_deadlines(Deadlines::default());
        self.reopen_stream();
    }
}
