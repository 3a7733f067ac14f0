//! `navigator.credentials` for passkeys (W3C WebAuthn Level 3): options and results are JSON, converted by the browser.

use js_sys::{Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::fields::Fields;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = PublicKeyCredential, js_name = parseCreationOptionsFromJSON, catch)]
    fn parse_creation_options(json: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = PublicKeyCredential, js_name = parseRequestOptionsFromJSON, catch)]
    fn parse_request_options(json: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = PublicKeyCredential, js_name = isConditionalMediationAvailable, catch)]
    fn is_conditional_mediation_available() -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = PublicKeyCredential, js_name = isUserVerifyingPlatformAuthenticatorAvailable, catch)]
    fn is_platform_authenticator_available() -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["navigator", "credentials"], js_name = create, catch)]
    fn create_credential(options: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["navigator", "credentials"], js_name = get, catch)]
    fn get_credential(options: &JsValue) -> Result<Promise, JsValue>;
}

/// Why there is no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebauthnError {
    /// The person cancelled or did not answer in time, or has no passkey here: not told apart (W3C WebAuthn, section
    /// 14.5.2).
    NotAllowed,
    /// The authenticator has a passkey of this account (`excludeCredentials`).
    Exists,
    /// Anything else.
    Failed,
}

/// Whether this browser has passkeys and takes options as JSON.
pub fn is_supported() -> bool {
    let class = Reflect::get(&window(), &"PublicKeyCredential".into()).unwrap_or(JsValue::UNDEFINED);
    // Of an absent class it throws.
    Reflect::get(&class, &"parseRequestOptionsFromJSON".into()).is_ok_and(|function| function.is_function())
}

/// Whether this browser offers passkeys among a field's suggestions.
pub async fn can_autofill() -> bool {
    is_true(is_conditional_mediation_available()).await
}

/// Whether this device itself can make a passkey, as with a fingerprint or its screen lock.
pub async fn has_platform_authenticator() -> bool {
    is_supported() && is_true(is_platform_authenticator_available()).await
}

async fn is_true(promise: Result<Promise, JsValue>) -> bool {
    match promise {
        Ok(promise) => JsFuture::from(promise).await.is_ok_and(|value| value.is_truthy()),
        Err(_) => false,
    }
}

/// Makes a passkey; returns the `RegistrationResponseJSON`.
pub async fn create(options: Fields, signal: &AbortSignal) -> Result<String, WebauthnError> {
    let options = request(parse_creation_options(&options.into()), signal)?;
    answer(create_credential(&options.into())).await
}

/// Asks for a passkey; returns the `AuthenticationResponseJSON`. With `conditional`, waits until the person chooses one
/// among a field's suggestions.
pub async fn get(options: Fields, conditional: bool, signal: &AbortSignal) -> Result<String, WebauthnError> {
    let options = request(parse_request_options(&options.into()), signal)?
        .with("mediation", if conditional { "conditional" } else { "optional" });
    answer(get_credential(&options.into())).await
}

fn request(options: Result<JsValue, JsValue>, signal: &AbortSignal) -> Result<Fields, WebauthnError> {
    Ok(Fields::empty().with("publicKey", options.map_err(error_of)?).with("signal", signal))
}

async fn answer(promise: Result<Promise, JsValue>) -> Result<String, WebauthnError> {
    let credential = JsFuture::from(promise.map_err(error_of)?).await.map_err(error_of)?;
    // `JSON.stringify` calls the credential's `toJSON`.
    Ok(Fields::from(credential).json())
}

fn error_of(thrown: JsValue) -> WebauthnError {
    match Fields::from(thrown).text("name").as_deref() {
        Some("NotAllowedError" | "AbortError") => WebauthnError::NotAllowed,
        Some("InvalidStateError") => WebauthnError::Exists,
        _ => WebauthnError::Failed,
    }
}
