//! A button that asks for a passkey, or makes one, and sends the answer with the form that has the fields
//! [`PASSKEY_FIELD`] and [`PASSKEY_FLOW_FIELD`]. Hidden without JavaScript or WebAuthn.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{AbortController, HtmlInputElement};

use super::{
    messages::PasskeyMessages,
    protocol::{PASSKEY_FIELD, PASSKEY_FLOW_FIELD, STEP_UP_REQUIRED, WAITING_FIELD, path},
};
use crate::browser::{
    clock::Millis,
    fields::Fields,
    http,
    timer::Timer,
    webauthn::{self, WebauthnError},
};

/// A challenge for autofill is replaced before it expires on the server, after ten minutes.
const AUTOFILL_FOR: Millis = 540_000;

/// `path` begins the ceremony, for the sign-in that `waiting` continues if there is one. That of a sign-in also offers passkeys in the page's field with
/// `autocomplete="username webauthn"`.
#[island]
pub fn PasskeyButton(path: String, waiting: Option<String>, label: String, messages: PasskeyMessages) -> impl IntoView {
    let ready = RwSignal::new(false);
    let message = RwSignal::new(String::new());
    let button = Rc::new(Button { path, waiting, messages, message, ..Button::default() });

    let effects = button.clone();
    Effect::new(move || {
        ready.set(webauthn::is_supported());
        if ready.get_untracked() {
            effects.clone().offer();
        }
    });

    view! {
        <button type="button" class="secondary passkey" hidden=move || !ready.get() on:click=move |_| button.ask()>
            {label}
        </button>
        <p class="passkey-status" role="status">{message}</p>
    }
}

#[derive(Default)]
struct Button {
    path: String,
    waiting: Option<String>,
    messages: PasskeyMessages,
    message: RwSignal<String>,
    /// Whether the person was asked.
    asking: Cell<bool>,
    /// Of the request that is under way.
    abort: RefCell<Option<AbortController>>,
    renewal: Timer,
}

impl Button {
    /// Asks for a passkey; says why there is none.
    fn ask(self: &Rc<Self>) {
        if self.asking.replace(true) {
            return;
        }
        self.renewal.clear();
        self.message.set(String::new());
        let button = self.clone();
        spawn_local(async move {
            // A form that was sent leaves the page.
            let Err(error) = button.run(false).await else { return };
            button.asking.set(false);
            button.message.set(button.messages.of(error).to_owned());
            button.offer();
        });
    }

    /// Offers passkeys among the suggestions of a field, until one is chosen or the button is pressed.
    fn offer(self: Rc<Self>) {
        if self.path == path::PASSKEY_SIGN_IN {
            spawn_local(async move {
                if webauthn::can_autofill().await && !self.asking.get() {
                    let button = self.clone();
                    self.renewal.set(AUTOFILL_FOR, move || button.offer());
                    // Nobody asked for it: an error is not shown.
                    let _ = self.run(true).await;
                }
            });
        }
    }

    /// One ceremony, after which the form is sent.
    async fn run(&self, conditional: bool) -> Result<(), WebauthnError> {
        let controller = AbortController::new().map_err(|_| WebauthnError::Failed)?;
        let signal = controller.signal();
        // A browser allows one request at a time, and autofill is one (logto-io/logto#8345).
        if let Some(previous) = self.abort.replace(Some(controller)) {
            previous.abort();
        }
        let body = self.waiting.as_deref().map(|token| Fields::empty().with(WAITING_FIELD, token));
        let response = http::post(&self.path, body).await.ok_or(WebauthnError::Failed)?;
        if response.unauthorized().as_deref() == Some(STEP_UP_REQUIRED) {
            // The server asks for it in place of the form's answer.
            return send("", "");
        }
        let flow = response.body.text("flow").filter(|_| response.is_ok()).ok_or(WebauthnError::Failed)?;
        let options = response.body.object("options");
        let answer = if self.path == path::PASSKEY_ENROL {
            webauthn::create(options, &signal).await?
        } else {
            webauthn::get(options, conditional, &signal).await?
        };
        send(&flow, &answer)
    }
}

/// Puts the answer into the form and sends it, without validation: the other fields are not needed.
fn send(flow: &str, answer: &str) -> Result<(), WebauthnError> {
    let form = fill(PASSKEY_FLOW_FIELD, flow).and(fill(PASSKEY_FIELD, answer)).and_then(|field| field.form());
    form.and_then(|form| form.submit().ok()).ok_or(WebauthnError::Failed)
}

/// The field's id is its name.
fn fill(name: &str, value: &str) -> Option<HtmlInputElement> {
    let field: HtmlInputElement = document().get_element_by_id(name)?.unchecked_into();
    field.set_value(value);
    Some(field)
}
