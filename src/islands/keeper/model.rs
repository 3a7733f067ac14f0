//! The keeper's state machine. Pure: [`Model::update`] takes an [`Event`] and the [`Environment`], changes the state,
//! and returns the [`Effect`]s to carry out. No DOM, no clock, no randomness, no I/O.
//!
//! Two rules. The server's deadlines are the truth: a session has ended only when the server says so, by a 401 of its
//! own; a deadline that passes here is a reason to ask, and no answer means offline. And correctness never depends on
//! which tab does something: tabs share what they learn to save requests, and each can do everything alone.

mod activity;
mod contact;
mod deadline_check;
mod effect;
mod event;
mod lifecycle;
mod renewal;
mod stream;
mod tabs;
#[cfg(test)]
mod tests;

use std::mem;

pub use effect::{Destination, Effect, TimerId};
pub use event::{Environment, Event, Refusal, SessionStatus, TokenRequest};

use super::{
    config::KeeperConfig,
    deadlines::{Deadlines, Limit},
    pacing::{Backoff, Throttle},
    token::AccessToken,
};
use crate::{
    browser::{clock::Millis, drafts::Unsaved},
    islands::protocol::EndReason,
};

/// Between two checks of a session whose deadline has passed here and not on the server.
const OVERDUE_PAUSE: Millis = 5_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// As far as this page knows.
    SignedIn,
    /// A 401 came without a reason: the cookie is gone, or was replaced while the request was under way. The server is
    /// asked once more.
    InDoubt,
    /// The sign-out form was submitted in another tab. A 401 without a reason is that sign-out.
    SigningOut,
    /// It was submitted here, and the other tabs are asked what it would lose.
    AskingTabs,
    /// Nothing is done until the server knows a session of this user again.
    Ended,
}

/// What the views show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewState {
    pub warning: Option<Warning>,
    /// Why the session ended, while the person is asked to sign in again on this page.
    pub end_reason: Option<EndReason>,
    /// What a sign-out would lose, while the person is asked whether it may.
    pub unsaved: Vec<Unsaved>,
    pub offline: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warning {
    pub limit: Limit,
    pub seconds: u32,
}

pub struct Model {
    user_id: String,
    /// How long before a deadline to warn.
    warning: Millis,
    refresh_lead: Millis,

    state: State,
    view: ViewState,

    deadlines: Deadlines,
    /// When the deadlines were last checked: a clock that goes back is noticed by it.
    deadlines_checked_at: Millis,
    overdue_checks: Throttle,
    /// The absolute deadline cannot be moved, so its warning is not shown again.
    absolute_warning_dismissed: bool,

    reports: Throttle,
    has_unreported_activity: bool,

    token: Option<AccessToken>,
    /// Requests that failed in a row.
    contact: Backoff,

    has_stream: bool,
    /// Event streams that failed in a row.
    stream: Backoff,

    /// What a sign-out would lose, as far as the tabs have answered.
    unsaved: Vec<Unsaved>,

    /// When this tab was last sent to the sign-in page.
    left_at: Option<Millis>,

    /// Of the event that is handled.
    environment: Environment,
    effects: Vec<Effect>,
}

impl Model {
    /// `left_at`: the last [`Effect::RecordDeparture`] of this tab.
    pub fn new(config: &KeeperConfig, environment: Environment, left_at: Option<Millis>) -> Self {
        let now = environment.now;
        Self {
            user_id: config.user_id.clone(),
            warning: config.warning,
            refresh_lead: config.refresh_lead,
            state: State::SignedIn,
            view: ViewState::default(),
            deadlines: Deadlines::after(now, config.idle_remaining, config.absolute_remaining),
            deadlines_checked_at: now,
            overdue_checks: Throttle::new(OVERDUE_PAUSE, 0),
            absolute_warning_dismissed: false,
            // The request for this page was activity.
            reports: Throttle::new(config.report_interval, now),
            has_unreported_activity: false,
            token: None,
            contact: Backoff::default(),
            has_stream: false,
            stream: Backoff::default(),
            unsaved: Vec::new(),
            left_at,
            environment,
            effects: Vec::new(),
        }
    }

    pub fn update(&mut self, event: Event, environment: Environment) -> Vec<Effect> {
        self.environment = environment;
        match event {
            Event::Started => self.on_started(),
            Event::Activity => self.on_activity(),
            Event::WarningAnswered => self.on_warning_answered(),
            Event::SignOutSubmitted { unsaved } => self.on_sign_out_submitted(unsaved),
            Event::SignOutAnswered { discard } => self.on_sign_out_answered(discard),
            Event::SignedInAgain { user_id } => self.on_signed_in_again(user_id),
            Event::PageVisible => self.on_page_visible(),
            Event::PageRestored => self.on_page_restored(),
            Event::PageHidden => self.on_page_hidden(),
            Event::Online => self.check_session(None),
            Event::Offline => self.view.offline = true,
            Event::TimerFired(timer) => self.on_timer(timer),
            Event::TokenAnswered(request, answer) => self.on_token_answer(request, answer),
            Event::ActivityAnswered(answer) => self.on_activity_answer(answer),
            Event::StreamHello(status) => self.on_stream_hello(status),
            Event::StreamClosed(told) => self.on_stream_closed(told),
            Event::TabMessage { user_id, message } => self.on_tab_message(&user_id, message),
        }
        mem::take(&mut self.effects)
    }

    pub fn view(&self) -> ViewState {
        self.view.clone()
    }

    /// The access token, if it can still be used.
    pub fn live_token(&self, now: Millis) -> Option<&AccessToken> {
        self.token.as_ref().filter(|token| token.is_live(now))
    }

    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    fn on_timer(&mut self, timer: TimerId) {
        match timer {
            TimerId::Deadlines => self.check_deadlines(),
            TimerId::Renewal => self.effect(Effect::RenewToken),
            TimerId::Report => self.report_activity(),
            TimerId::Check => self.check_session(None),
            TimerId::Stream => self.open_stream(),
            TimerId::SignOut => self.on_tabs_answered(),
        }
    }

    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn schedule(&mut self, timer: TimerId, wait: Millis) {
        self.effect(Effect::Schedule(timer, wait));
    }

    fn now(&self) -> Millis {
        self.environment.now
    }
}
