//! Runs the [`Model`] in a page: turns what happens into events, and carries out the effects. It decides nothing.

mod page_events;
mod requests;
mod tab_codec;

use std::cell::{Cell, OnceCell, RefCell};

use js_sys::Promise;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::HtmlFormElement;

pub use self::requests::SignInError;
use super::{
    config::KeeperConfig,
    model::{Destination, Effect, Environment, Event, Model, TimerId, TokenRequest, ViewState},
    tab_message::TabMessage,
};
use crate::{
    browser::{
        channel::Channel, clock, drafts::Drafts, event_stream::EventStream, page, session_storage, timer::Timer,
    },
    islands::protocol::{CHANNEL, path, storage_key::LEFT_AT},
};

/// One per page.
pub struct Keeper {
    user_id: String,
    email: String,
    model: RefCell<Model>,
    view: RwSignal<ViewState>,
    drafts: &'static Drafts,
    /// The sign-out form that waits for an answer.
    sign_out_form: RefCell<Option<HtmlFormElement>>,
    channel: OnceCell<Channel>,
    stream: RefCell<Option<EventStream>>,
    timers: [Timer; TimerId::COUNT],
    /// Resolves when the renewal that is under way is over.
    renewal: RefCell<Option<Promise>>,
}

thread_local! {
    static KEEPER: Cell<Option<&'static Keeper>> = const { Cell::new(None) };
}

/// An access token for `/api/v1`, for the islands of a page: requested when needed, renewed before it expires, and kept
/// in memory only. `None`: not signed in, offline, or a page without a [`crate::islands::SessionKeeper`], which must
/// come before the islands that call this.
pub async fn access_token() -> Option<String> {
    Keeper::current()?.access_token().await
}

/// The sign-in page that returns to this page. The server cannot know this: a page may be rendered at another path than
/// the one in the address bar.
pub fn sign_in_url() -> String {
    page::with_return_to(path::LOGIN_WITH_RETURN_TO)
}

impl Keeper {
    /// This page's keeper; `None` before it has started.
    pub fn current() -> Option<&'static Self> {
        KEEPER.get()
    }

    /// Once per page; a second call does nothing.
    pub fn start(config: &KeeperConfig, view: RwSignal<ViewState>, drafts: &'static Drafts) {
        if Self::current().is_some() {
            return;
        }
        let left_at = session_storage::get(LEFT_AT).and_then(|left_at| left_at.parse().ok());
        let keeper: &'static Self = Box::leak(Box::new(Self {
            user_id: config.user_id.clone(),
            email: config.email.clone(),
            model: RefCell::new(Model::new(config, environment(drafts), left_at)),
            view,
            drafts,
            sign_out_form: RefCell::default(),
            channel: OnceCell::new(),
            stream: RefCell::default(),
            timers: Default::default(),
            renewal: RefCell::default(),
        }));
        KEEPER.set(Some(keeper));
        keeper.follow_page();
        let on_message = |message| {
            if let Some((user_id, message)) = tab_codec::decode(&message) {
                keeper.dispatch(Event::TabMessage { user_id, message });
            }
        };
        let _ = keeper.channel.set(Channel::open(CHANNEL, on_message));
        keeper.dispatch(Event::Started);
    }

    /// "Stay signed in", or "Got it".
    pub fn answer_warning(&'static self) {
        self.dispatch(Event::WarningAnswered);
    }

    /// "Sign out and discard", or "Stay".
    pub fn answer_sign_out(&'static self, discard: bool) {
        self.dispatch(Event::SignOutAnswered { discard });
    }

    fn dispatch(&'static self, event: Event) {
        let effects = self.model.borrow_mut().update(event, environment(self.drafts));
        let view = self.model.borrow().view();
        if self.view.get_untracked() != view {
            self.view.set(view);
        }
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&'static self, effect: Effect) {
        match effect {
            Effect::Schedule(timer, wait) => {
                self.timers[timer as usize].set(wait, move || self.dispatch(Event::TimerFired(timer)));
            }
            Effect::Cancel(timer) => self.timers[timer as usize].clear(),
            Effect::CancelAll => self.timers.iter().for_each(Timer::clear),
            Effect::RenewToken => drop(self.renew_token()),
            Effect::CheckSession(request) => spawn_local(self.request_token(request)),
            Effect::ReportActivity => spawn_local(self.report_activity()),
            Effect::OpenStream => self.open_stream(),
            Effect::CloseStream => drop(self.stream.take()),
            Effect::Broadcast(message) => {
                if let Some(channel) = self.channel.get() {
                    channel.post(tab_codec::encode(message, &self.user_id));
                }
            }
            Effect::TellUnsaved => {
                for place in self.drafts.unsaved() {
                    self.perform(Effect::Broadcast(TabMessage::Unsaved(place)));
                }
            }
            Effect::SaveDrafts => self.drafts.save(),
            Effect::ForgetDrafts => self.drafts.forget(),
            Effect::SignOut => {
                if let Some(form) = self.sign_out_form.take() {
                    // It throws only for a form that has left the page. No event: this is not asked about again.
                    let _ = form.submit();
                }
            }
            Effect::SignOutBehind => page::send_behind(path::LOGOUT),
            Effect::RecordDeparture => session_storage::set(LEFT_AT, &clock::now().to_string()),
            Effect::Navigate(Destination::Reload) => page::reload(),
            Effect::Navigate(Destination::SignIn) => page::navigate(&sign_in_url()),
            Effect::Navigate(Destination::SignedOut) => page::navigate(path::LOGIN_AFTER_SIGN_OUT),
        }
    }

    async fn access_token(&'static self) -> Option<String> {
        let live = || self.model.borrow().live_token(clock::now()).map(|token| token.value.clone());
        if live().is_none() && !self.model.borrow().has_ended() {
            let _ = JsFuture::from(self.renew_token()).await;
        }
        live()
    }

    /// Whoever needs a token while it is being renewed waits for the same answer.
    fn renew_token(&'static self) -> Promise {
        let renewal = || {
            future_to_promise(async {
                self.request_token(TokenRequest::default()).await;
                self.renewal.take();
                Ok(JsValue::UNDEFINED)
            })
        };
        self.renewal.borrow_mut().get_or_insert_with(renewal).clone()
    }
}

fn environment(drafts: &Drafts) -> Environment {
    Environment {
        now: clock::now(),
        chance: clock::random(),
        is_visible: page::is_visible(),
        is_online: page::is_online(),
        keeps_draft: drafts.is_changed(),
    }
}
