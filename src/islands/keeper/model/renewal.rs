//! The access token, and with it the question whether the session is alive.

use super::{Effect, Model, OVERDUE_PAUSE, Refusal, State, TimerId, TokenRequest};
use crate::islands::{
    keeper::{tab_message::TabMessage, token::AccessToken},
    protocol::EndReason,
};

impl Model {
    /// Asks the server. Its answer counts more than `told`: the cookie may belong to a newer session by now.
    pub(super) fn check_session(&mut self, told: Option<EndReason>) {
        let request = TokenRequest { told, sent_after_end: self.has_ended() };
        self.effect(Effect::CheckSession(request));
    }

    pub(super) fn on_token_answer(&mut self, request: TokenRequest, answer: Result<Option<AccessToken>, Refusal>) {
        let token = match answer {
            Ok(token) => token,
            Err(refusal) => return self.on_refusal(refusal, request.told),
        };
        self.on_contact();
        match self.state {
            // The request is older than the end, and its answer says nothing about what came after.
            State::Ended if !request.sent_after_end => return,
            State::Ended => self.resume(),
            State::InDoubt => self.state = State::SignedIn,
            State::SignedIn | State::SigningOut | State::AskingTabs => {}
        }
        if self.deadlines_have_passed() {
            // Not on the server; the new stream's hello has its deadlines.
            if self.has_stream {
                self.reopen_stream();
            }
            self.schedule(TimerId::Deadlines, OVERDUE_PAUSE);
        }
        if let Some(token) = token {
            self.broadcast(TabMessage::Token(token.clone()));
            self.set_token(token);
        }
    }

    pub(super) fn set_token(&mut self, token: AccessToken) {
        // Another tab may offer one that is older than this tab's.
        if self.live_token(self.now()).is_none_or(|own| own.expires_at < token.expires_at) {
            self.token = Some(token);
        }
        self.plan_renewal();
    }

    pub(super) fn plan_renewal(&mut self) {
        let Some(token) = &self.token else { return };
        // A visible tab renews first, and shares the token with the others.
        let chance = (self.environment.chance + if self.environment.is_visible { 1.0 } else { 0.0 }) / 2.0;
        match self.deadlines.renewal(self.now(), token.expires_at, self.refresh_lead, chance) {
            Some(wait) => self.schedule(TimerId::Renewal, wait),
            None => self.effect(Effect::Cancel(TimerId::Renewal)),
        }
    }
}
