//! The state machine on a page whose clock, timers and server are the test's.

mod activity;
mod answers;
mod deadlines;
mod end;
mod resume;
mod stream;
mod tabs;
mod token;

use std::collections::HashMap;

use super::*;
use crate::islands::{keeper::tab_message::TabMessage, messages::KeeperMessages};

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
const NOW: Millis = 1_800_000_000_000;

const CHECK: Effect = Effect::CheckSession(TokenRequest { told: None, sent_after_end: false });
const CHECK_AFTER_END: Effect = Effect::CheckSession(TokenRequest { told: None, sent_after_end: true });

struct Page {
    model: Model,
    environment: Environment,
    /// When they fire.
    timers: HashMap<TimerId, Millis>,
}

impl Page {
    /// A page that was just opened in front: 1 h until the idle deadline, 24 h until the absolute one, a warning of
    /// 1 min, and at most one report a minute.
    fn open() -> Self {
        Self::open_with(|_, _| {})
    }

    fn open_with(change: impl FnOnce(&mut KeeperConfig, &mut Environment)) -> Self {
        let mut page = Self::unopened(change, None);
        page.on(Event::Started);
        page
    }

    /// `left_at`: when this tab was last sent to the sign-in page.
    fn unopened(change: impl FnOnce(&mut KeeperConfig, &mut Environment), left_at: Option<Millis>) -> Self {
        let mut config = KeeperConfig {
            user_id: "aoi".to_owned(),
            email: "aoi@example.com".to_owned(),
            has_password: true,
            has_passkey: false,
            idle_remaining: Some(HOUR),
            absolute_remaining: Some(24 * HOUR),
            warning: MINUTE,
            refresh_lead: 2 * MINUTE,
            report_interval: MINUTE,
            messages: KeeperMessages::from_lookup(str::to_owned),
        };
        let mut environment =
            Environment { now: NOW, chance: 0.0, is_visible: true, is_online: true, keeps_draft: false };
        change(&mut config, &mut environment);
        Self { model: Model::new(&config, environment, left_at), environment, timers: HashMap::new() }
    }

    fn now(&self) -> Millis {
        self.environment.now
    }

    /// The effects of an event, but for those on timers, which take place here.
    fn on(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = self.model.update(event, self.environment);
        effects.retain(|effect| match effect {
            Effect::Schedule(timer, wait) => {
                self.timers.insert(*timer, self.environment.now + wait);
                false
            }
            Effect::Cancel(timer) => {
                self.timers.remove(timer);
                false
            }
            Effect::CancelAll => {
                self.timers.clear();
                false
            }
            _ => true,
        });
        effects
    }

    /// Lets time pass, with its timers. Their effects.
    fn advance(&mut self, millis: Millis) -> Vec<Effect> {
        let until = self.now() + millis;
        let mut effects = Vec::new();
        while let Some((timer, at)) = self.next_timer().filter(|(_, at)| *at <= until) {
            self.timers.remove(&timer);
            self.environment.now = at;
            effects.extend(self.on(Event::TimerFired(timer)));
        }
        self.environment.now = until;
        effects
    }

    /// Lets time pass while the computer sleeps: no timer fires.
    fn sleep(&mut self, millis: Millis) {
        self.environment.now += millis;
    }

    fn next_timer(&self) -> Option<(TimerId, Millis)> {
        self.timers.iter().map(|(timer, at)| (*timer, *at)).min_by_key(|(_, at)| *at)
    }

    /// How long until a timer fires.
    fn wait(&self, timer: TimerId) -> Option<Millis> {
        self.timers.get(&timer).map(|at| at - self.now())
    }

    /// The answer to [`CHECK`] or [`Effect::RenewToken`].
    fn on_token_answer(&mut self, answer: Result<Option<AccessToken>, Refusal>) -> Vec<Effect> {
        self.on(Event::TokenAnswered(TokenRequest::default(), answer))
    }

    /// The answer to a check because of an end that somebody told.
    fn on_told_answer(&mut self, told: EndReason, answer: Result<Option<AccessToken>, Refusal>) -> Vec<Effect> {
        self.on(Event::TokenAnswered(TokenRequest { told: Some(told), sent_after_end: false }, answer))
    }

    fn on_answer_after_end(&mut self, answer: Result<Option<AccessToken>, Refusal>) -> Vec<Effect> {
        self.on(Event::TokenAnswered(TokenRequest { told: None, sent_after_end: true }, answer))
    }

    fn on_message(&mut self, message: TabMessage) -> Vec<Effect> {
        self.on(Event::TabMessage { user_id: "aoi".to_owned(), message })
    }

    fn on_message_of_another_user(&mut self, message: TabMessage) -> Vec<Effect> {
        self.on(Event::TabMessage { user_id: "somebody else".to_owned(), message })
    }

    /// A token that expires in this time.
    fn token(&self, lifetime: Millis) -> AccessToken {
        AccessToken { value: format!("expires in {lifetime}"), expires_at: self.now() + lifetime }
    }

    /// What the server says of this session with this idle deadline; its clock is an hour ahead.
    fn status(&self, idle_remaining: Millis) -> SessionStatus {
        let server_now = self.now() + HOUR;
        SessionStatus {
            user_id: Some("aoi".to_owned()),
            now: Some(server_now),
            deadlines: Deadlines::after(server_now, Some(idle_remaining), Some(24 * HOUR)),
        }
    }

    fn state(&self) -> State {
        self.model.state
    }

    fn warning(&self) -> Option<Warning> {
        self.model.view().warning
    }

    fn is_offline(&self) -> bool {
        self.model.view().offline
    }
}

fn unauthorized<T>(reason: EndReason) -> Result<T, Refusal> {
    Err(Refusal::Unauthorized(Some(reason)))
}

/// A 401 that does not say why.
fn unexplained<T>() -> Result<T, Refusal> {
    Err(Refusal::Unauthorized(None))
}

fn unavailable<T>() -> Result<T, Refusal> {
    Err(Refusal::Unavailable)
}
