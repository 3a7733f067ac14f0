//! Drafts: unsaved text of `form[data-draft]`, kept in this tab's `sessionStorage` until it is saved.
//!
//! The server marks the form: `data-saved` when it is rendered after a successful save, `data-errors` when it is
//! rendered again with what was typed. Other unsaved text is restored, for the same user only: after a reload, after a
//! sign-in, and after a submit that met an ended session. One such form per page; where a page shows different records
//! in it, `data-draft` is the record's name. Passwords and one-time codes are never stored.
//!
//! Owns what is stored and restored; telling the person about it is up to a view.

use std::cell::Cell;

use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{Event, EventInit, HtmlElement, HtmlFormElement};

use super::{clock::Millis, events::listen, fields::Fields, page, session_storage, timer::Timer};

/// The form, with the name of the record that it shows.
const RECORD: &str = "data-draft";
const FORM: &str = "form[data-draft]";

const SAVED: &str = "data-saved";
const ERRORS: &str = "data-errors";

/// Text fields that may be stored. `data-secret` marks a password field that is shown, and so is `type=text`.
const TEXT_FIELDS: &str = "textarea[name],input[name]:not([data-secret],[type=password],[type=hidden],[type=file],\
    [type=checkbox],[type=radio],[type=submit],[autocomplete*=password i],[autocomplete*=one-time-code i])";

/// From the last input event to the write.
const DEBOUNCE: Millis = 300;

#[wasm_bindgen]
extern "C" {
    /// What `<input>` and `<textarea>` have in common. `defaultValue` is what the server rendered.
    #[wasm_bindgen(extends = HtmlElement)]
    type Field;
    #[wasm_bindgen(method, getter)]
    fn name(this: &Field) -> String;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Field) -> String;
    #[wasm_bindgen(method, setter)]
    fn set_value(this: &Field, value: &str);
    #[wasm_bindgen(method, getter, js_name = defaultValue)]
    fn default_value(this: &Field) -> String;
}

/// The draft of this page's form.
pub struct Draft {
    form: HtmlFormElement,
    /// What the keys of this page's drafts start with, whatever the record.
    page_prefix: String,
    key: String,
    /// Submitted, and not changed since: `data-saved` refers to these.
    submitted: Cell<bool>,
    /// Cleared after a sign-out: nothing more is stored.
    is_kept: Cell<bool>,
    write: Timer,
}

/// Removes the drafts of all users, as after a deliberate sign-out. `prefix` is that of [`Draft::open`].
pub fn forget_all(prefix: &str) {
    session_storage::remove_all(|key| key.starts_with(prefix));
}

impl Draft {
    /// The draft of this page's form, if it has one. Removes the drafts of other users. Keys are
    /// `<prefix><user id>:<path>#<record>`.
    pub fn open(prefix: &str, user_id: &str) -> Option<Self> {
        let own = prefix.to_owned() + user_id + ":";
        session_storage::remove_all(|key| key.starts_with(prefix) && !key.starts_with(&own));
        let form: HtmlFormElement = document().query_selector(FORM).ok().flatten()?.unchecked_into();
        let page_prefix = own + &page::path() + "#";
        Some(Self {
            key: page_prefix.clone() + &form.get_attribute(RECORD).unwrap_or_default(),
            page_prefix,
            form,
            submitted: Cell::new(false),
            is_kept: Cell::new(true),
            write: Timer::default(),
        })
    }

    /// Puts stored text back into the form. Whether the form now has unsaved text.
    pub fn restore(&self) -> bool {
        if self.form.has_attribute(SAVED) {
            let is_submitted = |key: &str| read(key).is_some_and(|draft| draft.is_true("submitted"));
            session_storage::remove_all(|key| key.starts_with(&self.page_prefix) && is_submitted(key));
        }
        let Some(draft) = read(&self.key) else { return false };
        if self.form.has_attribute(ERRORS) {
            return false;
        }
        let texts = draft.object("texts");
        let mut restored = false;
        for field in self.fields() {
            let Some(text) = texts.text(&field.name()) else { continue };
            // What was typed before this code ran is newer than the draft.
            if field.value() == field.default_value() && field.value() != text {
                field.set_value(&text);
                dispatch_input(&field);
            }
            restored |= field.value() != field.default_value();
        }
        if !restored {
            session_storage::remove(&self.key);
        }
        restored
    }

    /// Saves from now on: a moment after input, on submit, and when the page is left.
    pub fn follow(&'static self) {
        listen(&self.form, "input", |_| {
            self.submitted.set(false);
            self.write.set(DEBOUNCE, || self.save());
        });
        listen(&self.form, "submit", |_| {
            self.submitted.set(true);
            self.save();
        });
        listen(&window(), "pagehide", |_| self.save());
    }

    /// Stores the fields that differ from what the server rendered; removes the draft if none does.
    pub fn save(&self) {
        if !self.is_kept() {
            return;
        }
        let mut texts = Fields::empty();
        let mut changed = false;
        for field in self.fields() {
            let value = field.value();
            if value != field.default_value() {
                texts = texts.with(&field.name(), value);
                changed = true;
            }
        }
        if changed {
            let draft = Fields::empty().with("texts", texts).with("submitted", self.submitted.get());
            session_storage::set(&self.key, &draft.json());
        } else {
            session_storage::remove(&self.key);
        }
    }

    /// Resets the form to what the server rendered, and removes the draft.
    pub fn discard(&self) {
        self.form.reset();
        self.save();
        if let Some(first) = self.fields().next() {
            let _ = first.focus();
        }
    }

    /// Stores nothing from now on.
    pub fn stop(&self) {
        self.is_kept.set(false);
    }

    /// Whether text on this page is stored, and so survives a navigation.
    pub fn is_kept(&self) -> bool {
        self.is_kept.get()
    }

    /// Where a view can say that text was restored.
    pub fn form(&self) -> &HtmlFormElement {
        &self.form
    }

    fn fields(&self) -> impl Iterator<Item = Field> {
        let fields = self.form.query_selector_all(TEXT_FIELDS).ok();
        let length = fields.as_ref().map_or(0, |fields| fields.length());
        (0..length).filter_map(move |index| fields.as_ref()?.get(index)).map(JsCast::unchecked_into)
    }
}

fn read(key: &str) -> Option<Fields> {
    session_storage::get(key).and_then(|json| Fields::parse(&json))
}

/// For code of the page that follows the field.
fn dispatch_input(field: &Field) {
    let options = EventInit::new();
    options.set_bubbles(true);
    if let Ok(event) = Event::new_with_event_init_dict("input", &options) {
        let _ = field.dispatch_event(&event);
    }
}
