//! Cookies beside the session's own, which tower-sessions writes: all of them HttpOnly, Lax, and Secure over https.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::{locale::Lang, state::AppState};
use sekisho_core::{ceremony::BROWSER_PREFIX, secret::OpaqueToken};

const LANGUAGE_SECONDS: u32 = 31_536_000;
const CEREMONY_SECONDS: u32 = 600;

/// `Set-Cookie` for a cookie that lives `max_age` seconds; 0 removes it.
pub fn set(app: &AppState, name: &str, value: &str, max_age: u32) -> (HeaderName, String) {
    let secure = if app.config.core.base_url.is_https() { "; Secure" } else { "" };
    (header::SET_COOKIE, format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"))
}

/// A cookie's value as sent.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The name over https has the prefix that no other host, nor http, can set (ASVS 3.3.1).
fn language_name(app: &AppState) -> &'static str {
    if app.config.core.base_url.is_https() { "__Host-sekisho_language" } else { "sekisho_language" }
}

/// The language that was chosen in this browser.
pub fn language(app: &AppState, headers: &HeaderMap) -> Option<Lang> {
    read(headers, language_name(app)).and_then(Lang::from_code)
}

/// `Set-Cookie` for the language of this browser.
pub fn set_language(app: &AppState, lang: Lang) -> (HeaderName, String) {
    set(app, language_name(app), lang.code(), LANGUAGE_SECONDS)
}

/// Binds what was begun in this browser to it; `Lax`, as it must come along when GitHub sends the browser back.
fn ceremony_name(app: &AppState) -> &'static str {
    if app.config.core.base_url.is_https() { "__Host-sekisho_ceremony" } else { "sekisho_ceremony" }
}

/// The browser's secret, if something was begun in it.
pub fn browser(app: &AppState, headers: &HeaderMap) -> Option<OpaqueToken> {
    OpaqueToken::parse(BROWSER_PREFIX, read(headers, ceremony_name(app))?)
}

/// `Set-Cookie` for the browser's secret.
pub fn set_browser(app: &AppState, browser: &OpaqueToken) -> (HeaderName, String) {
    set(app, ceremony_name(app), browser.expose(), CEREMONY_SECONDS)
}

/// A device cookie to be set with the answer: see [`send_device_cookie`].
#[derive(Clone)]
pub struct SetDevice(pub String);

const DEVICE_SECONDS: u32 = 400 * 86_400;

fn device_name(app: &AppState) -> &'static str {
    if app.config.core.base_url.is_https() { "__Host-sekisho_device" } else { "sekisho_device" }
}

/// The browser's device cookie as sent.
pub fn device(app: &AppState, headers: &HeaderMap) -> Option<String> {
    read(headers, device_name(app)).map(Into::into)
}

/// Sends the device cookie that an answer brings, behind the session's own.
pub async fn send_device_cookie(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(SetDevice(value)) = response.extensions_mut().remove() {
        let (name, cookie) = set(&app, device_name(&app), &value, DEVICE_SECONDS);
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(name, cookie);
        }
    }
    response
}
