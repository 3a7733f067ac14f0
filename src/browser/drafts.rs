//! Drafts: what was typed and chosen in the forms of a page and not saved yet, kept in this tab's `sessionStorage`.
//!
//! Every form in `<main>` that is sent by POST has one, but for `data-draft="off"`. The server marks a form with
//! `data-saved` when it is rendered after a successful save, and with `data-errors` when it is rendered again with what
//! was typed; a page that says that something was done says so of every form that was sent before. All else is
//! restored, for the same user only: after a reload, after a sign-in, and after a submit that met an ended session.
//! Where a page shows different records in one form, `data-draft` is the record's name. Passwords, one-time codes and
//! hidden fields are never stored.
//!
//! Owns what is stored and restored; telling the person about it is up to a view.

use std::cell::Cell;

use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{Element, Event, EventInit, HtmlElement, HtmlFormElement, NodeList};

use super::{clock::Millis, events::listen, fields::Fields, page, session_storage, timer::Timer};

const FORMS: &str = "main form[method=post]:not([data-draft=off])";
/// The record that a form shows.
const RECORD: &str = "data-draft";
/// Names the record as well, where many forms of one kind are on a page.
const HIDDEN: &str = "input[type=hidden][name]";

const SAVED: &str = "data-saved";
const ERRORS: &str = "data-errors";
/// On a page that says that something was done.
const DONE: &str = "main [data-kind=done]";

/// Fields that may be stored. `data-secret` marks a password field that is shown, and so is `type=text`.
const FIELDS: &str = "select[name],textarea[name],input[name]:not([data-secret],[hidden],[type=password],\
    [type=hidden],[type=file],[type=submit],[autocomplete*=password i],[autocomplete*=one-time-code i])";

/// From the last input event to the write.
const DEBOUNCE: Millis = 300;

#[wasm_bindgen]
extern "C" {
    /// What `<input>`, `<textarea>` and `<select>` have in common. The defaults are what the server rendered.
    #[wasm_bindgen(extends = HtmlElement)]
    type Field;
    #[wasm_bindgen(method, getter)]
    fn name(this: &Field) -> String;
    #[wasm_bindgen(method, getter, js_name = type)]
    fn kind(this: &Field) -> String;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Field) -> String;
    #[wasm_bindgen(method, setter)]
    fn set_value(this: &Field, value: &str);
    #[wasm_bindgen(method, getter, js_name = defaultValue)]
    fn default_value(this: &Field) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn checked(this: &Field) -> bool;
    #[wasm_bindgen(method, setter)]
    fn set_checked(this: &Field, checked: bool);
    #[wasm_bindgen(method, getter, js_name = defaultChecked)]
    fn default_checked(this: &Field) -> bool;
    #[wasm_bindgen(method, getter)]
    fn labels(this: &Field) -> Option<NodeList>;
}

const TICKED: &str = "on";

impl Field {
    fn is_box(&self) -> bool {
        matches!(self.kind().as_str(), "checkbox" | "radio")
    }

    /// Boxes of one name are told apart by their values.
    fn key(&self) -> String {
        if self.is_box() { self.name() + "=" + &self.value() } else { self.name() }
    }

    fn current(&self) -> String {
        match self.is_box() {
            true => if self.checked() { TICKED } else { "" }.to_owned(),
            false => self.value(),
        }
    }

    fn rendered(&self) -> String {
        if self.is_box() {
            return if self.default_checked() { TICKED } else { "" }.to_owned();
        }
        // A select has none: it shows the option that is marked, or the first one.
        let marked = || ["option[selected]", "option"].iter().find_map(|option| self.query_selector(option).ok()?);
        let marked = || marked().and_then(|option| option.get_attribute("value"));
        self.default_value().or_else(marked).unwrap_or_default()
    }

    fn is_changed(&self) -> bool {
        self.current() != self.rendered()
    }

    fn put(&self, text: &str) {
        match self.is_box() {
            true => self.set_checked(text == TICKED),
            false => self.set_value(text),
        }
    }

    /// As the person reads it.
    fn label(&self) -> String {
        let label = self.labels().and_then(|labels| labels.get(0)).and_then(|label| label.text_content());
        label.map_or_else(|| self.name(), |label| label.trim().to_owned())
    }
}

/// Where unsaved text is, as the person reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsaved {
    pub page: String,
    pub field: String,
}

/// The drafts of this page, and of this tab.
pub struct Drafts {
    /// What the keys of this user's drafts start with.
    own: String,
    forms: Vec<Draft>,
    /// Cleared after a sign-out: nothing more is stored.
    is_kept: Cell<bool>,
}

/// The draft of a form.
pub struct Draft {
    form: HtmlFormElement,
    key: String,
    /// Sent, and not changed since: `data-saved` and the like refer to these.
    submitted: Cell<bool>,
    write: Timer,
}

impl Drafts {
    /// Those of this page's forms. Removes the drafts of other users. Keys are
    /// `<prefix><user id>:<path>#<action>#<record>`.
    pub fn open(prefix: &str, user_id: &str) -> Self {
        let own = prefix.to_owned() + user_id + ":";
        session_storage::remove_all(|key| key.starts_with(prefix) && !key.starts_with(&own));
        let page_prefix = own.clone() + &page::path() + "#";
        let forms = all::<HtmlFormElement>(&document().query_selector_all(FORMS).ok());
        let forms = forms.map(|form| Draft {
            key: page_prefix.clone() + &record(&form),
            form,
            submitted: Cell::new(false),
            write: Timer::default(),
        });
        Self { forms: forms.collect(), own, is_kept: Cell::new(true) }
    }

    /// Puts what is stored back into the forms; those that have unsaved text now.
    pub fn restore(&self) -> impl Iterator<Item = &Draft> {
        let is_done = document().query_selector(DONE).is_ok_and(|done| done.is_some());
        if is_done {
            session_storage::remove_all(|key| key.starts_with(&self.own) && is_submitted(key));
        }
        self.forms.iter().filter(|draft| draft.restore())
    }

    /// Saves from now on: a moment after input, on submit, and when the page is left.
    pub fn follow(&'static self) {
        for draft in &self.forms {
            for event in ["input", "change"] {
                listen(&draft.form, event, |_| {
                    draft.submitted.set(false);
                    draft.write.set(DEBOUNCE, || self.save());
                });
            }
            listen(&draft.form, "submit", |_| {
                draft.submitted.set(true);
                self.save();
            });
        }
        listen(&window(), "pagehide", |_| self.save());
    }

    /// Stores what differs from what the server rendered.
    pub fn save(&self) {
        if self.is_kept.get() {
            self.forms.iter().for_each(Draft::save);
        }
    }

    /// Whether this page has something that would be missed.
    pub fn is_changed(&self) -> bool {
        self.is_kept.get() && self.forms.iter().any(|draft| draft.fields().any(|field| field.is_changed()))
    }

    /// All that is unsaved in this tab: on this page, and on those before it.
    pub fn unsaved(&self) -> Vec<Unsaved> {
        self.save();
        let keys = session_storage::keys(|key| key.starts_with(&self.own) && !is_submitted(key));
        let place = |draft: Fields| Some(Unsaved { page: draft.text("page")?, field: draft.text("field")? });
        keys.iter().filter_map(|key| place(read(key)?)).collect()
    }

    /// Removes all drafts of this tab, and stores nothing from now on.
    pub fn forget(&self) {
        self.is_kept.set(false);
        session_storage::remove_all(|key| key.starts_with(&self.own));
    }
}

impl Draft {
    fn restore(&self) -> bool {
        if self.form.has_attribute(SAVED) && is_submitted(&self.key) {
            session_storage::remove(&self.key);
        }
        let Some(draft) = read(&self.key) else { return false };
        if self.form.has_attribute(ERRORS) {
            return false;
        }
        let texts = draft.object("texts");
        let mut restored = false;
        for field in self.fields() {
            let Some(text) = texts.text(&field.key()) else { continue };
            // What was typed before this code ran is newer than the draft.
            if !field.is_changed() && field.current() != text {
                field.put(&text);
                dispatch_input(&field);
            }
            restored |= field.is_changed();
        }
        if !restored {
            session_storage::remove(&self.key);
        }
        restored
    }

    fn save(&self) {
        let mut texts = Fields::empty();
        let mut first = None;
        for field in self.fields().filter(Field::is_changed) {
            texts = texts.with(&field.key(), field.current());
            first.get_or_insert_with(|| field.label());
        }
        let Some(field) = first else { return session_storage::remove(&self.key) };
        let draft = Fields::empty().with("texts", texts).with("submitted", self.submitted.get());
        let draft = draft.with("page", document().title()).with("field", field);
        session_storage::set(&self.key, &draft.json());
    }

    /// Resets the form to what the server rendered, and removes the draft.
    pub fn discard(&self) {
        self.form.reset();
        self.save();
        if let Some(first) = self.fields().next() {
            let _ = first.focus();
        }
    }

    /// Where a view can say that text was restored.
    pub fn form(&self) -> &HtmlFormElement {
        &self.form
    }

    fn fields(&self) -> impl Iterator<Item = Field> {
        all(&self.form.query_selector_all(FIELDS).ok())
    }
}

fn all<T: JsCast>(found: &Option<NodeList>) -> impl Iterator<Item = T> + use<T> {
    let found = found.clone();
    let length = found.as_ref().map_or(0, NodeList::length);
    (0..length).filter_map(move |index| found.as_ref()?.get(index)).map(JsCast::unchecked_into)
}

/// Tells the forms of a page apart.
fn record(form: &HtmlFormElement) -> String {
    let named = form.get_attribute(RECORD).filter(|record| !record.is_empty());
    let hidden = || form.query_selector(HIDDEN).ok().flatten().and_then(|field: Element| field.get_attribute("value"));
    form.get_attribute("action").unwrap_or_default() + "#" + &named.or_else(hidden).unwrap_or_default()
}

fn read(key: &str) -> Option<Fields> {
    session_storage::get(key).and_then(|json| Fields::parse(&json))
}

fn is_submitted(key: &str) -> bool {
    read(key).is_some_and(|draft| draft.is_true("submitted"))
}

/// For code of the page that follows the field.
fn dispatch_input(field: &Field) {
    let options = EventInit::new();
    options.set_bubbles(true);
    if let Ok(event) = Event::new_with_event_init_dict("input", &options) {
        let _ = field.dispatch_event(&event);
    }
}
