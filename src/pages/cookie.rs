//! Cookies beside the session's own, which tower-sessions writes: all of them HttpOnly, Lax, and Secure over https.

use axum::http::{HeaderMap, HeaderName, header};

use crate::app::App;

/// `Set-Cookie` for a cookie that lives `max_age` seconds; 0 removes it.
pub fn set(app: &App, name: &str, value: &str, max_age: u32) -> (HeaderName, String) {
    let secure = if app.config.base_url.is_https() { "; Secure" } else { "" };
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
