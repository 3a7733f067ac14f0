//! What a person has typed into `form[data-draft]`, kept in this tab until it is saved.
//!
//! The server marks the form: `data-saved` when it comes back after a successful save, `data-errors` when it is
//! rendered again with what was typed. Anything else typed and not saved is offered again, to the same person only:
//! after a reload, after a sign-in, and after a submit that met an ended session. One such form per page; where a page
//! shows different things in it, `data-draft` names the one it shows. Passwords and one-time codes are never kept.

use std::cell::Cell;

use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{Element, Event, EventInit, HtmlElement, HtmlFormElement, Storage};

use super::{clock::Millis, events::listen, fields::Fields, page, timer::Timer};

const PREFIX: &str = "sekisho.draft:";

const FORM: &str = "form[data-draft]";

/// Fields of text that may be kept. `data-secret` marks a password that is being shown, and so is `type=text`.
const TEXT: &str = "textarea[name],input[name]:not([data-secret],[type=password],[type=hidden],[type=file],\
    [type=checkbox],[type=radio],[type=submit],[autocomplete*=password i],[autocomplete*=one-time-code i])";

/// After the last key.
const PAUSE: Millis = 300;

/// A screen reader notices text that comes into a status line, not a line that comes with its text.
const ANNOUNCE_AFTER: Millis = 100;

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

thread_local! {
    static DRAFT: Cell<Option<&'static Draft>> = const { Cell::new(None) };
}

struct Draft {
    form: HtmlFormElement,
    /// What the keys of all this page's drafts begin with.
    page: String,
    key: String,
    /// Sent, and not touched since: what `data-saved` may delete.
    submitted: Cell<bool>,
    later: Timer,
}

/// Starts keeping what `user_id` types, and brings back what was not saved. `restored` and `discard` are the words of
/// the line that says so.
pub fn keep(user_id: &str, restored: &str, discard: &str) {
    let own = PREFIX.to_owned() + user_id + ":";
    forget(|key| !key.starts_with(&own));
    let Some(form) = document().query_selector(FORM).ok().flatten() else { return };
    let page = own + &page::path() + "#";
    let draft: &Draft = Box::leak(Box::new(Draft {
        key: page.clone() + &form.get_attribute("data-draft").unwrap_or_default(),
        page,
        form: form.unchecked_into(),
        submitted: Cell::new(false),
        later: Timer::default(),
    }));
    DRAFT.set(Some(draft));
    if draft.restore() {
        draft.offer_to_discard(restored, discard);
    }
    listen(&draft.form, "input", |_| {
        draft.submitted.set(false);
        draft.later.set(PAUSE, save);
    });
    listen(&draft.form, "submit", |_| {
        draft.submitted.set(true);
        save();
    });
    listen(&window(), "pagehide", |_| save());
}

/// Whether this page has something to lose.
pub fn on_page() -> bool {
    DRAFT.get().is_some()
}

pub fn save() {
    if let (Some(draft), Some(storage)) = (DRAFT.get(), page::storage()) {
        draft.save(&storage);
    }
}

/// After a deliberate sign-out nothing stays, and nothing more is kept on this page.
pub fn forget_all() {
    DRAFT.set(None);
    forget(|_| true);
}

fn forget(which: impl Fn(&str) -> bool) {
    let Some(storage) = page::storage() else { return };
    // From the end, as those behind a removed one move up.
    for index in (0..storage.length().unwrap_or(0)).rev() {
        if let Ok(Some(key)) = storage.key(index)
            && key.starts_with(PREFIX)
            && which(&key)
        {
            let _ = storage.remove_item(&key);
        }
    }
}

impl Draft {
    /// Only what differs from what the server rendered; with nothing typed there is no draft.
    fn save(&self, storage: &Storage) {
        let mut texts = Fields::empty();
        let mut typed = false;
        for field in self.fields() {
            let value = field.value();
            if value != field.default_value() {
                texts = texts.with(&field.name(), value);
                typed = true;
            }
        }
        // A full storage loses the draft, not the page.
        let _ = if typed {
            let draft = Fields::empty().with("texts", texts).with("submitted", self.submitted.get());
            storage.set_item(&self.key, &draft.json())
        } else {
            storage.remove_item(&self.key)
        };
    }

    /// Whether the form now shows something unsaved.
    fn restore(&self) -> bool {
        let Some(storage) = page::storage() else { return false };
        let stored = |key: &str| storage.get_item(key).ok().flatten().and_then(|json| Fields::parse(&json));
        if self.form.has_attribute("data-saved") {
            forget(|key| key.starts_with(&self.page) && stored(key).is_some_and(|draft| draft.is_true("submitted")));
        }
        let Some(draft) = stored(&self.key) else { return false };
        if self.form.has_attribute("data-errors") {
            return false;
        }
        let texts = draft.object("texts");
        let mut restored = false;
        for field in self.fields() {
            let Some(text) = texts.text(&field.name()) else { continue };
            // Who is quicker than this code and already types keeps what they type.
            if field.value() == field.default_value() && field.value() != text {
                field.set_value(&text);
                announce_input(&field);
            }
            restored |= field.value() != field.default_value();
        }
        if !restored {
            let _ = storage.remove_item(&self.key);
        }
        restored
    }

    fn offer_to_discard(&'static self, restored: &str, discard: &str) {
        let [Some(line), Some(status), Some(button)] = ["p", "span", "button"].map(element) else { return };
        line.set_class_name("draft-restored");
        let _ = status.set_attribute("role", "status");
        let _ = button.set_attribute("type", "button");
        button.set_text_content(Some(discard));
        let _ = line.append_child(&status);
        let _ = line.append_child(&button);
        let _ = self.form.insert_before(&line, self.form.first_child().as_ref());

        let restored = restored.to_owned();
        Timer::default().set(ANNOUNCE_AFTER, move || status.set_text_content(Some(&restored)));
        listen(&button, "click", move |_| {
            line.remove();
            self.discard();
        });
    }

    /// Back to what the server rendered.
    fn discard(&self) {
        self.form.reset();
        save();
        let mut fields = self.fields();
        if let Some(first) = fields.next() {
            let _ = first.focus();
        }
    }

    fn fields(&self) -> impl Iterator<Item = Field> {
        let fields = self.form.query_selector_all(TEXT).ok();
        let length = fields.as_ref().map_or(0, |fields| fields.length());
        (0..length).filter_map(move |index| fields.as_ref()?.get(index)).map(JsCast::unchecked_into)
    }
}

fn element(tag: &str) -> Option<Element> {
    document().create_element(tag).ok()
}

/// Code of the page that follows its fields shall notice.
fn announce_input(field: &Field) {
    let options = EventInit::new();
    options.set_bubbles(true);
    if let Ok(event) = Event::new_with_event_init_dict("input", &options) {
        let _ = field.dispatch_event(&event);
    }
}
