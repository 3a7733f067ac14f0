//! DOM events of the page, as events of the model.

use leptos::prelude::{document, window};
use wasm_bindgen::JsCast;
use web_sys::{Element, PageTransitionEvent};

use super::Keeper;
use crate::{
    browser::{events::listen, page},
    islands::{keeper::model::Event, protocol::path},
};

/// A person's input. A poll, the event stream and a renewal are not activity.
const ACTIVITY: [&str; 6] = ["pointerdown", "pointermove", "keydown", "touchstart", "scroll", "wheel"];

impl Keeper {
    pub(super) fn follow_page(&'static self) {
        for input in ACTIVITY {
            listen(&window(), input, |_| {
                if self.model.borrow().awaits_activity() {
                    self.dispatch(Event::Activity);
                }
            });
        }
        listen(&document(), "submit", |event| {
            let form = event.target().map(JsCast::unchecked_into::<Element>);
            if form.is_some_and(|form| form.get_attribute("action").as_deref() == Some(path::LOGOUT)) {
                self.dispatch(Event::SignOutSubmitted);
            }
        });
        listen(&document(), "visibilitychange", |_| {
            if page::is_visible() {
                self.dispatch(Event::PageVisible);
            }
        });
        listen(&window(), "pageshow", |event| {
            // Not at the page's first load.
            if event.unchecked_into::<PageTransitionEvent>().persisted() {
                self.dispatch(Event::PageRestored);
            }
        });
        listen(&window(), "pagehide", |_| self.dispatch(Event::PageHidden));
        listen(&window(), "online", |_| self.dispatch(Event::Online));
        listen(&window(), "offline", |_| self.dispatch(Event::Offline));
    }
}
