//! The password meter: how strong a password is, while it is typed. The server computes the score, because the
//! dictionaries are larger than everything else that is sent to the browser.

use std::{cell::Cell, rc::Rc};

use js_sys::Array;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlInputElement;

use super::{messages::MeterMessages, protocol::path};
use crate::browser::{clock::Millis, events::listen, fields::Fields, http, timer::Timer};

/// From the last input event to the request.
const DEBOUNCE: Millis = 400;
/// After the server was overloaded, or limited the rate.
const RETRY_AFTER: Millis = 2_000;

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
            // The line below says the same as text.
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
    let meter = Rc::new(Meter {
        password: password.clone(),
        email,
        score,
        next_request: Timer::default(),
        latest: Cell::new(0),
    });
    listen(&password, "input", move |_| meter.schedule(DEBOUNCE));
}

struct Meter {
    password: HtmlInputElement,
    email: Option<HtmlInputElement>,
    score: RwSignal<Option<u8>>,
    next_request: Timer,
    /// The number of the latest request: the answer to an older one is ignored.
    latest: Cell<u32>,
}

impl Meter {
    fn schedule(self: &Rc<Self>, pause: Millis) {
        let number = self.latest.get().wrapping_add(1);
        self.latest.set(number);
        let meter = self.clone();
        self.next_request.set(pause, move || meter.request(number));
    }

    fn request(self: Rc<Self>, number: u32) {
        let typed = self.password.value();
        if typed.is_empty() {
            return self.score.set(None);
        }
        // An attacker who knows the person tries these first.
        let context: Array = self.email.iter().map(|email| JsValue::from(email.value())).collect();
        let body = Fields::empty().with("password", typed).with("context", context);
        spawn_local(async move {
            let response = http::post(path::PASSWORD_STRENGTH, Some(body)).await;
            // The password has changed meanwhile.
            if self.latest.get() != number {
                return;
            }
            match response {
                Some(response) if response.is_ok() => {
                    self.score.set(response.body.number("score").map(|score| score as u8))
                }
                // The last score stays until there is a new one.
                Some(response) if response.is_overload() => self.schedule(RETRY_AFTER),
                _ => self.score.set(None),
            }
        });
    }
}
