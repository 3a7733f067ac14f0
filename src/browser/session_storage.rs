//! `sessionStorage`: strings of this tab that survive a navigation. Reads nothing and writes nothing where the browser
//! forbids storage or it is full.

use leptos::prelude::window;
use web_sys::Storage;

pub fn get(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

pub fn set(key: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(key, value);
    }
}

pub fn remove(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
}

/// The keys that `matches`.
pub fn keys(matches: impl Fn(&str) -> bool) -> Vec<String> {
    let Some(storage) = storage() else { return Vec::new() };
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|index| storage.key(index).ok().flatten());
    keys.filter(|key| matches(key)).collect()
}

/// Removes every entry whose key is one that `matches`.
pub fn remove_all(matches: impl Fn(&str) -> bool) {
    keys(matches).iter().for_each(|key| remove(key));
}

fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}
