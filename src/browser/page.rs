//! The page itself: where it is, whether it is seen, and leaving it.

use js_sys::encode_uri_component;
use leptos::prelude::{document, window};
use web_sys::{Storage, VisibilityState};

use super::clock::{Millis, now};

const LEFT_AT: &str = "sekisho.left-at";

/// Two forced departures within this time are a loop.
const LOOP: Millis = 3_000;

pub fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

/// Only a `false` can be trusted.
pub fn is_online() -> bool {
    window().navigator().on_line()
}

pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// A link that comes back to this page.
pub fn returning(path_to_next: &str) -> String {
    let here = path() + &window().location().search().unwrap_or_default();
    path_to_next.to_owned() + &String::from(encode_uri_component(&here))
}

pub fn reload() {
    let _ = window().location().reload();
}

pub fn go(path: &str) {
    let _ = window().location().assign(path);
}

/// Whether this tab was sent away only a moment ago. If it came straight back, page and server disagree about who is
/// signed in, and sending it away again would make a loop.
pub fn is_going_round() -> bool {
    let Some(storage) = storage() else { return false };
    let now = now();
    let left_at = storage.get_item(LEFT_AT).ok().flatten().and_then(|at| at.parse::<Millis>().ok());
    let _ = storage.set_item(LEFT_AT, &now.to_string());
    left_at.is_some_and(|at| (0..LOOP).contains(&(now - at)))
}

/// This tab's own storage; `None` where the browser forbids it.
pub fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}
