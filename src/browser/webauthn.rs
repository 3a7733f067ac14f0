//! `navigator.credentials` for passkeys (W3C WebAuthn Level 3): options and results are JSON, converted by the browser.
//! The buttons of pages are `public/page.js`'s.

use js_sys::{Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use super::fields::Fields;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = PublicKeyCredential, js_name = parseRequestOptionsFromJSON, catch)]
    fn parse_request_options(json: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["navigator", "credentials"], js_name = get, catch)]
    fn get_credential(options: &JsValue) -> Result<Promise, JsValue>;
}

/// Why there is no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebauthnError {
    /// The person cancelled or did not answer in time, or has no passkey here: not told apart (W3C WebAuthn, section
    /// 14.5.2).
    NotAllowed,
    /// Anything else.
    Failed,
}

/// Whether this browser has passkeys and takes options as JSON.
pub fn is_supported() -> bool {
    let class = Reflect::get(&window(), &"PublicKeyCredential".into()).unwrap_or(JsValue::UNDEFINED);
    // Of an absent class it throws.
    Reflect::get(&class, &"parseRequestOptionsFromJSON".into()).is_ok_and(|function| function.is_function())
}

/// Asks for a passkey; returns the `AuthenticationResponseJSON`.
pub async fn get(options: Fields) -> Result<String, WebauthnError> {
    let options = parse_request_options(&options.into()).map_err(error_of)?;
    let promise = get_credential(&Fields::empty().with("publicKey", options).into());
    let credential = JsFuture::from(promise.map_err(error_of)?).await.map_err(error_of)?;
    // `JSON.stringify` calls the credential's `toJSON`.
    Ok(Fields::from(credential).json())
}

fn error_of(thrown: JsValue) -> WebauthnError {
    match Fields::from(thrown).text("name").as_deref() {
        Some("NotAllowedError" | "AbortError") => WebauthnError::NotAllowed,
        _ => WebauthnError::Failed,
    }
}
