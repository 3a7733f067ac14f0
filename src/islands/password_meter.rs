//! How strong a password is, said while it is typed. The server does the sum, as its dictionaries are heavier than
//! everything else that is sent to the browser.

use std::{cell::Cell, fmt, rc::Rc};

use leptos::{prelude::*, server_fn::codec::Json, task::spawn_local};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::{timing::Millis, words::MeterStrings};
use crate::browser::{events::listen, timer::Timer};

/// After the last key.
const PAUSE: Millis = 250;

/// A password on its way to the server. Its `Debug` says nothing, as the arguments of a server function have one.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct TypedPassword(String);

impl TypedPassword {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TypedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedPassword(…)")
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Strength {
    /// From 0, guessed at once, to 4, not in centuries.
    pub score: u8,
}

/// `context`: what somebody who knows the person would try first.
#[server(prefix = "/fn", endpoint = "password-strength", input = Json)]
pub async fn password_strength(password: TypedPassword, context: Vec<String>) -> Result<Strength, ServerFnError> {
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    Ok(Strength { score: crate::auth::password::strength(password.expose(), &context) })
}

/// `input` and `email` are the ids of fields on the page. Without JavaScript nothing is shown.
#[island]
pub fn PasswordMeter(input: String, #[prop(optional)] email: Option<String>, strings: MeterStrings) -> impl IntoView {
    let score = RwSignal::new(None::<u8>);
    let ready = RwSignal::new(false);
    Effect::new(move || {
        ready.set(true);
        if let Some(password) = field(&input) {
            follow(password, email.as_deref().and_then(field), score);
        }
    });

    let text = move || ready.get().then(|| strings.label(score.get()).to_owned());
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
    let later = Timer::default();
    let latest = Rc::new(Cell::new(0_u32));
    listen(&password.clone(), "input", move |_| {
        let (password, email, latest) = (password.clone(), email.clone(), latest.clone());
        let turn = latest.get() + 1;
        latest.set(turn);
        later.set(PAUSE, move || {
            let typed = TypedPassword(password.value());
            if typed.expose().is_empty() {
                return score.set(None);
            }
            let context = email.iter().map(HtmlInputElement::value).collect();
            spawn_local(async move {
                let strength = password_strength(typed, context).await;
                // More may have been typed while the server was thinking.
                if latest.get() == turn {
                    score.set(strength.ok().map(|strength| strength.score));
                }
            });
        });
    });
}
