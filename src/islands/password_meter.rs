//! How strong a password is, said while it is typed. The server does the sum, as its dictionaries are heavier than
//! everything else that is sent to the browser.

use std::{cell::Cell, rc::Rc};

use js_sys::Array;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlInputElement;

use super::{messages::MeterMessages, timing::Millis};
use crate::browser::{events::listen, fields::Fields, http::post, timer::Timer};

/// After the last key.
const PAUSE: Millis = 400;
/// After the server was too busy, or asked too often.
const AGAIN: Millis = 2_000;

/// `input` and `email` are the ids of fields on the page. Without JavaScript nothing is shown.
#[island]
pub fn PasswordMeter(input: String, #[prop(optional)] email: Option<String>, messages: MeterMessages) -> impl IntoView {
    let score = RwSignal::new(None::<u8>);
    let ready = RwSignal::new(false);
    Effect::new(move || {
        ready.set(true);
        if let Some(password) = field(&input) {
            follow(password, email.as_deref().and_then(field), score);
        }
    });

    let text = move || ready.get().then(|| messages.label(score.get()).to_owned());
    view! {
        <div class="password-meter" hidden=move || !ready.get()>
            // The line below says the same in words.
            <meter
                min="0"
                max="4"
                low="2"
                high="2.5"
                optimum="4"
                aria-hidden="true"
                prop:value=move || score.get().unwrap_or(0)
            ></meter>
            <p role="status">{text}</p>
        </div>
    }
}

fn field(id: &str) -> Option<HtmlInputElement> {
    document().get_element_by_id(id).map(JsCast::unchecked_into)
}

fn follow(password: HtmlInputElement, email: Option<HtmlInputElement>, score: RwSignal<Option<u8>>) {
    let meter =
        Rc::new(Meter { password: password.clone(), email, score, later: Timer::default(), latest: Cell::new(0) });
    listen(&password, "input", move |_| meter.ask_in(PAUSE));
}

struct Meter {
    password: HtmlInputElement,
    email: Option<HtmlInputElement>,
    score: RwSignal<Option<u8>>,
    later: Timer,
    /// Counts the questions: an answer to an older one comes too late.
    latest: Cell<u32>,
}

impl Meter {
    fn ask_in(self: &Rc<Self>, pause: Millis) {
        let turn = self.latest.get().wrapping_add(1);
        self.latest.set(turn);
        let meter = self.clone();
        self.later.set(pause, move || meter.ask(turn));
    }

    fn ask(self: Rc<Self>, turn: u32) {
        let typed = self.password.value();
        if typed.is_empty() {
            return self.score.set(None);
        }
        // What somebody who knows the person would try first.
        let context: Array = self.email.iter().map(|email| JsValue::from(email.value())).collect();
        let body = Fields::empty().with("password", typed).with("context", context);
        spawn_local(async move {
            let answer = post("/fn/password-strength", Some(body)).await;
            // More may have been typed while the server was thinking.
            if self.latest.get() != turn {
                return;
            }
            match answer {
                Some(answer) if answer.is_ok() => self.score.set(answer.body.number("score").map(|score| score as u8)),
                // The last score stays until there is a new one.
                Some(answer) if answer.is_overload() => self.ask_in(AGAIN),
                _ => self.score.set(None),
            }
        });
    }
}
