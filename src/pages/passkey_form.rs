//! What a form needs to send a passkey: two hidden fields, which `public/page.js` fills in before it submits the form.
//! So errors, the device choice and redirects are ordinary pages. Without JavaScript or WebAuthn there is no button.

use leptos::prelude::*;
use serde::Deserialize;

use super::script::use_script;
use crate::{
    islands::protocol::{PASSKEY_FIELD, PASSKEY_FLOW_FIELD, path},
    locale::Lang,
};
use sekisho_core::authenticator::passkey::CeremonyResponse;

/// The fields, as a form posts them.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PasskeyFields {
    #[serde(default, rename = "passkey_flow")]
    flow: String,
    #[serde(default, rename = "passkey")]
    credential: String,
}

impl PasskeyFields {
    /// Of the step-up page's form, by the names that they have there: puts a field in if it is one of them, else gives it
    /// back.
    pub fn take_step_up(&mut self, name: String, value: String) -> Option<(String, String)> {
        match name.strip_prefix(STEP_UP_PREFIX) {
            Some(PASSKEY_FLOW_FIELD) => self.flow = value,
            Some(PASSKEY_FIELD) => self.credential = value,
            _ => return Some((name, value)),
        }
        None
    }

    /// What the authenticator answered; `None` if it was not asked.
    pub fn response(&self) -> Option<CeremonyResponse<'_>> {
        let asked = !self.credential.is_empty();
        asked.then_some(CeremonyResponse { flow: &self.flow, credential: &self.credential })
    }
}

/// What the fields' names start with on the step-up page, which keeps another form's fields.
const STEP_UP_PREFIX: &str = "step_up_";

/// A ceremony, by who asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CeremonyKind {
    SignIn,
    StepUp,
    Enrolment,
    SecondFactor,
}

/// The button and the hidden fields.
#[component]
pub fn PasskeyInput(
    lang: Lang,
    kind: CeremonyKind,
    /// The button's locale key.
    label: &'static str,
    /// Of a second factor: the token of the sign-in that waits for it.
    #[prop(optional)]
    waiting: Option<String>,
) -> impl IntoView {
    let (path, prefix) = match kind {
        CeremonyKind::SignIn => (path::PASSKEY_SIGN_IN, ""),
        CeremonyKind::StepUp => ("/session/passkeys/step-up", STEP_UP_PREFIX),
        CeremonyKind::Enrolment => ("/session/passkeys/enrol", ""),
        CeremonyKind::SecondFactor => (path::PASSKEY_SECOND_FACTOR, ""),
    };
    use_script();
    let messages =
        ["passkey-button-cancelled", "passkey-button-exists", "passkey-button-failed"].map(|key| lang.t(key));
    view! {
        <input type="hidden" name=format!("{prefix}{PASSKEY_FLOW_FIELD}") data-passkey="flow" />
        <input type="hidden" name=format!("{prefix}{PASSKEY_FIELD}") data-passkey="answer" />
        <button type="button" class="secondary passkey" hidden data-path=path data-waiting=waiting
            data-messages=serde_json::json!(messages).to_string()>
            {lang.t(label)}
        </button>
        <p class="passkey-status" role="status"></p>
    }
}

/// Signs in with a passkey: the button, and autofill in a field with `autocomplete="username webauthn"`.
#[component]
pub fn PasskeySignIn(
    lang: Lang,
    /// Where the sign-in ends.
    return_to: String,
) -> impl IntoView {
    view! {
        <form method="post" action="/login/passkey" class="passkey">
            <input type="hidden" name="next" value=return_to />
            <PasskeyInput lang kind=CeremonyKind::SignIn label="passkey-sign-in" />
        </form>
    }
}
