//! The keeper of a page's session: what happens when.
//!
//! The server's deadlines are the truth and everything here is courtesy, which gives two rules. A session has ended
//! only when the server says so, by a 401 of its own: a deadline that passes here is a reason to ask, and silence means
//! offline. And nothing depends on which tab does it: tabs tell each other what they have learnt to spare requests,
//! and any of them can do everything alone.
//!
//! One keeper per page, living as long as the page does.

mod tab_message;

use std::cell::{Cell, OnceCell, RefCell};

use js_sys::Promise;
use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{Element, PageTransitionEvent};

use self::tab_message::TabMessage;
use super::{
    messages::KeeperMessages,
    timing::{self, Backoff, Deadlines, Limit, Outlook, Throttle},
};
use crate::browser::{
    channel::Channel,
    clock::{self, Millis},
    drafts,
    event_stream::{EventStream, StreamEvent},
    events::listen,
    fields::Fields,
    http::{self, Response},
    page,
    timer::Timer,
};

const TOKEN: &str = "/session/token";
const ACTIVITY: &str = "/session/activity";
const SIGN_IN: &str = "/session/sign-in";
const EVENTS: &str = "/session/events";
const LOGIN: &str = "/login?signed_out";
const LOGIN_AND_BACK: &str = "/login?next=";
const LOGOUT: &str = "/logout";

const CHANNEL: &str = "sekisho";

/// The reason that leaves nothing to come back to.
const SIGNED_OUT: &str = "signed_out";

/// What a person does. A poll, the event stream and a renewal are not activity.
const ACTIVITIES: [&str; 6] = ["pointerdown", "pointermove", "keydown", "touchstart", "scroll", "wheel"];

/// Between two questions at a deadline that the server sees differently.
const OVER_PAUSE: Millis = 5_000;

/// How long the other tabs have to offer their token.
const ASK_TABS_FOR: Millis = 150;

/// Until the server is asked again about a cookie that it did not know.
const DOUBT: Millis = 1_000;

/// A token that ends sooner is not handed out: it would die on the way.
const SHORTEST_LIFE: Millis = 5_000;

/// What the server knows when it renders the page. Times in milliseconds.
#[derive(Clone, Deserialize, Serialize)]
pub struct KeeperConfig {
    pub user_id: String,
    pub email: String,
    /// Without one, signing in again goes through another page.
    pub has_password: bool,
    /// Until the idle deadline; `None` is no idle timeout.
    pub idle_remaining: Option<Millis>,
    /// Until the absolute deadline.
    pub absolute_remaining: Option<Millis>,
    /// How long before a deadline to warn; 0 is not at all.
    pub warning: Millis,
    /// How long before its end an access token is renewed.
    pub refresh_lead: Millis,
    /// Activity is reported at most once in this time, by all tabs together.
    pub report_interval: Millis,
    pub messages: KeeperMessages,
}

/// What the views show of the keeper.
#[derive(Clone, Copy)]
pub struct Face {
    pub warning: RwSignal<Option<Warning>>,
    /// Why the session ended, while the person is asked to sign in again on this page.
    pub ended: RwSignal<Option<String>>,
    pub offline: RwSignal<bool>,
}

#[derive(Clone, Copy, PartialEq)]
pub struct Warning {
    pub limit: Limit,
    pub seconds: u32,
}

#[derive(Clone)]
struct Token {
    value: String,
    expires_at: Millis,
}

pub struct Keeper {
    config: KeeperConfig,
    face: Face,
    channel: OnceCell<Channel>,
    stream: RefCell<Option<EventStream>>,

    deadlines: Cell<Deadlines>,
    looked_at: Cell<Millis>,
    over: RefCell<Throttle>,
    /// The absolute deadline cannot be moved; who has read so is left alone.
    dismissed: Cell<bool>,
    ended: Cell<bool>,
    /// The server knew nothing of our cookie, and is asked once more.
    doubtful: Cell<bool>,
    /// Another tab signs out on purpose. A server that finds no cookie any more can't say so.
    signing_out: Cell<bool>,

    token: RefCell<Option<Token>>,
    asking: RefCell<Option<Promise>>,
    report: RefCell<Throttle>,
    unreported: Cell<bool>,
    contact: RefCell<Backoff>,
    listening: RefCell<Backoff>,

    next_look: Timer,
    next_renewal: Timer,
    next_report: Timer,
    next_contact: Timer,
    next_listening: Timer,
}

thread_local! {
    static KEEPER: Cell<Option<&'static Keeper>> = const { Cell::new(None) };
}

/// A bearer token for `/api/v1`, for the islands of a page. It is asked for when needed, renewed before it ends and
/// kept in memory only. `None`: not signed in, offline, or a page without a [`super::SessionKeeper`], which must come
/// before the islands that want a token.
pub async fn access_token() -> Option<String> {
    Keeper::here()?.fresh_token().await
}

impl Face {
    pub fn new() -> Self {
        Self { warning: RwSignal::new(None), ended: RwSignal::new(None), offline: RwSignal::new(false) }
    }
}

// Beginning
impl Keeper {
    pub fn here() -> Option<&'static Self> {
        KEEPER.get()
    }

    pub fn start(config: KeeperConfig, face: Face) {
        if Self::here().is_some() {
            return;
        }
        let now = clock::now();
        let keeper: &'static Self = Box::leak(Box::new(Self {
            face,
            channel: OnceCell::new(),
            stream: RefCell::default(),
            deadlines: Cell::new(Deadlines::after(now, config.idle_remaining, config.absolute_remaining)),
            looked_at: Cell::new(now),
            over: RefCell::new(Throttle::new(OVER_PAUSE, 0)),
            dismissed: Cell::default(),
            ended: Cell::default(),
            doubtful: Cell::default(),
            signing_out: Cell::default(),
            token: RefCell::default(),
            asking: RefCell::default(),
            // The request for this page was activity.
            report: RefCell::new(Throttle::new(config.report_interval, now)),
            unreported: Cell::default(),
            contact: RefCell::default(),
            listening: RefCell::default(),
            next_look: Timer::default(),
            next_renewal: Timer::default(),
            next_report: Timer::default(),
            next_contact: Timer::default(),
            next_listening: Timer::default(),
            config,
        }));
        KEEPER.set(Some(keeper));

        let messages = &keeper.config.messages;
        drafts::keep(&keeper.config.user_id, &messages.draft_restored, &messages.draft_discard);
        keeper.follow_page();
        let _ = keeper.channel.set(Channel::open(CHANNEL, |message| keeper.hear(message)));
        keeper.tell(TabMessage::Alive(keeper.deadlines.get()));
        keeper.tell(TabMessage::TokenWanted);
        keeper.listen();
        keeper.look();
        keeper.next_renewal.set(ASK_TABS_FOR, || keeper.renew());
    }

    fn follow_page(&'static self) {
        for activity in ACTIVITIES {
            listen(&window(), activity, |_| self.active());
        }
        listen(&document(), "submit", |event| {
            let form = event.target().map(JsCast::unchecked_into::<Element>);
            if form.is_some_and(|form| form.get_attribute("action").as_deref() == Some(LOGOUT)) {
                self.sign_out();
            }
        });
        listen(&document(), "visibilitychange", |_| {
            if page::is_visible() {
                self.seen();
            }
        });
        listen(&window(), "pageshow", |event| {
            match event.unchecked_into::<PageTransitionEvent>().persisted() {
                // Back to a page that was signed out, as it was frozen: the server shall say what is to be seen.
                true if self.ended.get() => page::reload(),
                true => self.seen(),
                false => {}
            }
        });
        listen(&window(), "pagehide", |_| {
            self.stream.take();
            self.tell(TabMessage::Gone);
        });
        listen(&window(), "online", |_| self.check_in_background());
        listen(&window(), "offline", |_| self.face.offline.set(true));
    }

    /// The browser is about to do it. The end is told by the page that comes, and must not get in its way here.
    fn sign_out(&'static self) {
        drafts::forget_all();
        self.tell(TabMessage::SigningOut);
        self.ended.set(true);
        self.rest();
    }

    /// The tab comes to the front, perhaps after hours of sleep.
    fn seen(&'static self) {
        if self.ended.get() {
            // Someone may have signed in meanwhile.
            self.check_in_background();
            return;
        }
        self.listen();
        self.look();
        self.active();
    }
}

// Deadlines
impl Keeper {
    fn look(&'static self) {
        if self.ended.get() {
            return;
        }
        let now = clock::now();
        if self.looked_at.replace(now) > now {
            // The clock was set back, and what was counted by it is wrong: the stream's greeting has the truth.
            self.listen_anew();
        }
        match self.deadlines.get().outlook(now, self.config.warning) {
            Outlook::Quiet { look_again_in } => {
                self.unwarn();
                self.next_look.set(look_again_in, || self.look());
            }
            Outlook::Closing { limit, left } => {
                if limit == Limit::Idle || !self.dismissed.get() {
                    self.face.warning.set(Some(Warning { limit, seconds: timing::seconds(left) }));
                }
                self.next_look.set(timing::until_next_second(left), || self.look());
            }
            Outlook::Over => {
                let wait = self.over.borrow().wait(now);
                if wait == 0 {
                    self.over.borrow_mut().mark(now);
                    self.check_in_background();
                } else {
                    self.next_look.set(wait, || self.look());
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.deadlines.get().outlook(clock::now(), 0) == Outlook::Over
    }

    fn set_deadlines(&'static self, deadlines: Deadlines) {
        self.deadlines.set(deadlines);
        self.look();
        self.plan_renewal();
    }

    fn unwarn(&self) {
        if self.face.warning.with_untracked(Option::is_some) {
            self.face.warning.set(None);
        }
    }

    /// "Stay signed in", or "Got it" where staying is not to be had.
    pub fn answer_warning(&'static self) {
        match self.face.warning.get_untracked() {
            Some(Warning { limit: Limit::Absolute, .. }) => {
                self.dismissed.set(true);
                self.unwarn();
            }
            Some(_) => spawn_local(self.report()),
            None => {}
        }
    }
}

// Activity
impl Keeper {
    /// Held back until the throttle lets it through. Not while the person is being asked: a nudged mouse is no answer.
    fn active(&'static self) {
        if self.ended.get() || self.unreported.get() || self.face.warning.with_untracked(Option::is_some) {
            return;
        }
        self.unreported.set(true);
        self.plan_report();
    }

    fn plan_report(&'static self) {
        let wait = self.report.borrow().wait(clock::now());
        self.next_report.set(wait, || spawn_local(self.report()));
    }

    async fn report(&'static self) {
        self.next_report.clear();
        self.unreported.set(false);
        self.report.borrow_mut().mark(clock::now());
        let answer = http::post(ACTIVITY, None).await;
        match self.judge(answer, None) {
            Some(body) => {
                self.learn(&body);
                self.tell(TabMessage::Alive(self.deadlines.get()));
            }
            // Reported when there is contact again.
            None => self.unreported.set(!self.ended.get()),
        }
    }

    /// Takes the deadlines out of what the server said.
    fn learn(&'static self, said: &Fields) {
        if said.text("user_id").is_some_and(|user_id| user_id != self.config.user_id) {
            // The cookie is another person's by now; this page is not for them.
            page::reload();
        } else if let Some(server_now) = said.time("now") {
            let deadlines =
                Deadlines { idle: said.time("idle_expires_at"), absolute: said.time("absolute_expires_at") };
            self.set_deadlines(deadlines.translated(server_now, clock::now()));
        }
    }
}

// The token, which is also the question "am I still signed in?"
impl Keeper {
    async fn fresh_token(&'static self) -> Option<String> {
        if self.live_token().is_none() && !self.ended.get() {
            let _ = JsFuture::from(self.ask()).await;
        }
        self.live_token().map(|token| token.value)
    }

    fn live_token(&self) -> Option<Token> {
        let dies_at = clock::now() + SHORTEST_LIFE;
        self.token.borrow().clone().filter(|token| token.expires_at > dies_at)
    }

    fn renew(&'static self) {
        let _ = self.ask();
    }

    /// Whoever asks while the question is on its way waits for the same answer.
    fn ask(&'static self) -> Promise {
        let question = || {
            future_to_promise(async {
                self.check(None).await;
                self.asking.take();
                Ok(JsValue::UNDEFINED)
            })
        };
        self.asking.borrow_mut().get_or_insert_with(question).clone()
    }

    fn check_in_background(&'static self) {
        spawn_local(self.check(None));
    }

    /// `told`: the reason why it has ended, if somebody said so. The server's own answer counts: the cookie may belong
    /// to a newer session by now.
    async fn check(&'static self, told: Option<String>) {
        let ended_before = self.ended.get();
        let answer = http::post(TOKEN, None).await;
        let Some(body) = self.judge(answer, told) else { return };
        self.doubtful.set(false);
        if self.ended.get() {
            if !ended_before {
                // The answer is older than the end, and says nothing about what came after.
                return;
            }
            self.resume();
        } else if self.is_over() {
            // Not over after all; the stream's greeting says when it will be.
            if self.stream.borrow().is_some() {
                self.listen_anew();
            }
            self.next_look.set(OVER_PAUSE, || self.look());
        }
        if let (Some(value), Some(seconds)) = (body.text("access_token"), body.number("expires_in")) {
            let token = Token { value, expires_at: clock::now() + (seconds * 1_000.0) as Millis };
            self.tell(TabMessage::Token { value: token.value.clone(), expires_at: token.expires_at });
            self.set_token(token);
        }
    }

    fn set_token(&'static self, token: Token) {
        // Another tab may offer one that is older than our own.
        if self.live_token().is_none_or(|own| own.expires_at < token.expires_at) {
            self.token.replace(Some(token));
        }
        self.plan_renewal();
    }

    fn plan_renewal(&'static self) {
        let Some(expires_at) = self.token.borrow().as_ref().map(|token| token.expires_at) else { return };
        // A tab in front comes first, and the others get their token from it.
        let chance = (clock::random() + if page::is_visible() { 1.0 } else { 0.0 }) / 2.0;
        let lead = self.config.refresh_lead;
        match timing::renewal(clock::now(), expires_at, self.deadlines.get(), lead, chance) {
            Some(wait) => self.next_renewal.set(wait, || self.renew()),
            None => self.next_renewal.clear(),
        }
    }
}

// What an answer means
impl Keeper {
    /// The body of a success. A definite 401 ends the session on this page; whatever else comes back, or nothing at
    /// all, means that the server cannot be asked now.
    fn judge(&'static self, answer: Option<Response>, told: Option<String>) -> Option<Fields> {
        match answer {
            Some(answer) if answer.is_ok() => {
                self.in_contact();
                return Some(answer.body);
            }
            Some(answer) if answer.unauthorized().is_some() => {
                let reason = answer.body.text("reason").or(told);
                // No reason is no session: the cookie is gone, or it was replaced while this was on its way.
                if reason.is_none() && !self.signing_out.get() && !self.doubtful.replace(true) {
                    self.next_contact.set(DOUBT, || self.check_in_background());
                } else {
                    self.end(reason);
                }
            }
            _ if told.is_some() => self.end(told),
            _ => self.out_of_contact(),
        }
        None
    }

    fn in_contact(&'static self) {
        self.contact.take();
        // A doubt is about the token, which nothing else settles.
        if !self.doubtful.get() {
            self.next_contact.clear();
        }
        self.face.offline.set(false);
        if self.unreported.get() {
            self.plan_report();
        }
    }

    fn out_of_contact(&'static self) {
        if self.ended.get() {
            return;
        }
        if self.is_over() {
            // Nothing can be promised any more, nor prevented.
            self.unwarn();
        }
        let mut contact = self.contact.borrow_mut();
        let wait = contact.fail();
        self.face.offline.set(contact.persists() || !page::is_online());
        self.next_contact.set(wait, || self.check_in_background());
    }
}

// The event stream
impl Keeper {
    fn listen(&'static self) {
        if self.stream.borrow().is_some() {
            return;
        }
        self.next_listening.clear();
        self.stream.replace(EventStream::open(EVENTS, &["hello", "ended"], |event| self.notice(event)));
        self.tell(TabMessage::Listening);
    }

    fn listen_anew(&'static self) {
        self.stream.take();
        self.listen();
    }

    fn notice(&'static self, event: StreamEvent) {
        match event {
            StreamEvent::Named(name, said) if name == "hello" => {
                self.listening.take();
                self.in_contact();
                self.learn(&said);
            }
            StreamEvent::Named(_, said) => spawn_local(self.lose_stream(said.text("reason").or_else(unknown))),
            StreamEvent::Closed => spawn_local(self.lose_stream(None)),
        }
    }

    async fn lose_stream(&'static self, told: Option<String>) {
        self.stream.take();
        let wait = self.listening.borrow_mut().fail();
        self.next_listening.set(wait, || self.listen());
        self.check(told).await;
    }
}

// The other tabs
impl Keeper {
    fn tell(&self, message: TabMessage) {
        if let Some(channel) = self.channel.get() {
            channel.post(message.sent_by(&self.config.user_id));
        }
    }

    fn hear(&'static self, message: Fields) {
        let Some((user_id, message)) = TabMessage::read(&message) else { return };
        let same_user = user_id == self.config.user_id;
        match message {
            TabMessage::Alive(_) if !same_user => page::reload(),
            TabMessage::Alive(_) if self.ended.get() => self.check_in_background(),
            TabMessage::Alive(deadlines) => {
                self.report.borrow_mut().mark(clock::now());
                self.set_deadlines(deadlines);
            }
            TabMessage::SigningOut if same_user => self.signing_out.set(true),
            TabMessage::Ended(reason) if same_user && !self.ended.get() => spawn_local(self.check(Some(reason))),
            TabMessage::Token { value, expires_at } if same_user && !self.ended.get() => {
                self.set_token(Token { value, expires_at });
            }
            TabMessage::TokenWanted if same_user => {
                if let Some(Token { value, expires_at }) = self.live_token() {
                    self.tell(TabMessage::Token { value, expires_at });
                }
            }
            // Six streams are all that HTTP/1.1 allows a browser: a tab in the background leaves it to the one in
            // front, and takes over when that one goes.
            TabMessage::Listening if !page::is_visible() => {
                self.next_listening.clear();
                self.stream.take();
            }
            TabMessage::Gone if !self.ended.get() => {
                let wait = 500 + (clock::random() * 1_000.0) as Millis;
                self.next_listening.set(wait, || self.listen());
            }
            _ => {}
        }
    }
}

// The end, and after it
impl Keeper {
    fn end(&'static self, reason: Option<String>) {
        // The server has spoken.
        self.face.offline.set(false);
        if self.ended.replace(true) {
            return;
        }
        self.rest();
        let unsaid = || if self.signing_out.get() { Some(SIGNED_OUT.to_owned()) } else { unknown() };
        let reason = reason.or_else(unsaid).unwrap_or_default();
        self.tell(TabMessage::Ended(reason.clone()));
        if reason == SIGNED_OUT {
            drafts::forget_all();
            page::go(LOGIN);
        } else if drafts::on_page() || page::is_going_round() {
            drafts::save();
            self.face.ended.set(Some(reason));
        } else {
            page::go(&page::returning(LOGIN_AND_BACK));
        }
    }

    fn rest(&self) {
        for timer in [&self.next_look, &self.next_renewal, &self.next_report, &self.next_contact, &self.next_listening]
        {
            timer.clear();
        }
        self.token.take();
        self.stream.take();
        self.unreported.set(false);
        self.unwarn();
    }

    /// Where to sign in, if not on this page.
    pub fn way_in(&self) -> String {
        page::returning(LOGIN_AND_BACK)
    }

    /// `Err` is what to tell the person.
    pub async fn sign_in(&'static self, password: String) -> Result<(), String> {
        let body = Fields::empty().with("email", self.config.email.as_str()).with("password", password);
        let messages = &self.config.messages;
        let Some(answer) = http::post(SIGN_IN, Some(body)).await else { return Err(messages.sign_in_failed.clone()) };
        if !answer.is_ok() {
            let wrong = answer.unauthorized().is_some_and(|code| code == "invalid_credentials");
            let detail = answer.body.text("detail").filter(|_| answer.is_refusal());
            return Err(match detail {
                Some(detail) => detail,
                None if wrong => messages.wrong_password.clone(),
                None => messages.sign_in_failed.clone(),
            });
        }
        if answer.body.text("user_id").is_none_or(|user_id| user_id != self.config.user_id) {
            page::reload();
            return Ok(());
        }
        self.resume();
        self.report().await;
        self.renew();
        Ok(())
    }

    /// Signed in again, here or in another tab. The old deadlines are forgotten; the stream's greeting has the new.
    fn resume(&'static self) {
        self.ended.set(false);
        self.signing_out.set(false);
        self.dismissed.set(false);
        self.face.ended.set(None);
        self.set_deadlines(Deadlines::default());
        self.listen_anew();
    }
}

fn unknown() -> Option<String> {
    Some("unknown".to_owned())
}
