//! The page: its location, its visibility, and navigation away from it.

use js_sys::encode_uri_component;
use leptos::prelude::{document, window};
use web_sys::VisibilityState;

pub fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

/// `navigator.onLine`: `false` is reliable, `true` only means that there is some network interface.
pub fn is_online() -> bool {
    window().navigator().on_line()
}

pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// `path` with this page's own path and query, encoded, at its end.
pub fn with_return_to(path: &str) -> String {
    let here = self::path() + &window().location().search().unwrap_or_default();
    path.to_owned() + &String::from(encode_uri_component(&here))
}

pub fn reload() {
    let _ = window().location().reload();
}

pub fn navigate(path: &str) {
    let _ = window().location().assign(path);
}

/// A POST that goes on when the page is left.
pub fn send_behind(path: &str) {
    let _ = window().navigator().send_beacon(path);
}
