//! DOM events of the page, as events of the model.

use leptos::prelude::{document, window};
use wasm_bindgen::JsCast;
use web_sys::{HtmlFormElement, PageTransitionEvent};

use super::Keeper;
use crate::{
    browser::{
        events::{intercept, listen},
        page,
    },
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
        intercept(&document(), "submit", |event| {
            let form = event.target().map(JsCast::unchecked_into::<HtmlFormElement>);
            let form = form.filter(|form| form.get_attribute("action").as_deref() == Some(path::LOGOUT));
            let Some(form) = form.filter(|_| !self.model.borrow().has_ended()) else { return };
            event.prevent_default();
            self.sign_out_form.replace(Some(form));
            self.dispatch(Event::SignOutSubmitted { unsaved: self.drafts.unsaved() });
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
