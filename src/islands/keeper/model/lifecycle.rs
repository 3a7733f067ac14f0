//! The page's life, and the session's: start, visibility, end, and signing in again.

use super::{Destination, Effect, Model, State, TimerId};
use crate::{
    browser::clock::Millis,
    islands::{
        keeper::{deadlines::Deadlines, tab_message::TabMessage},
        protocol::EndReason,
    },
};
use sekisho_model::EndReason as Reason;

/// How long the other tabs have to offer their access token.
const OFFER_PAUSE: Millis = 150;

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
        self.close_stream();
        self.broadcast(TabMessage::Gone);
    }
}

// The end of the session, and after it
impl Model {
    /// The next page says that the person signed out; this one must not get in its way.
    pub(super) fn on_sign_out_submitted(&mut self) {
        self.effect(Effect::ForgetDrafts);
        self.broadcast(TabMessage::SigningOut);
        self.state = State::Ended;
        self.stop();
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
        if reason == EndReason::Known(Reason::SignedOut) {
            self.effect(Effect::ForgetDrafts);
            self.effect(Effect::Navigate(Destination::SignedOut));
        } else if self.environment.keeps_draft || self.is_redirect_loop() {
            self.effect(Effect::SaveDraft);
            self.view.end_reason = Some(reason);
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
