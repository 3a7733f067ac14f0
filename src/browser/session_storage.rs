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

/// Removes every entry whose key is one that `matches`.
pub fn remove_all(matches: impl Fn(&str) -> bool) {
    let Some(storage) = storage() else { return };
    // Backwards: removing an entry shifts the index of those after it.
    for index in (0..storage.length().unwrap_or(0)).rev() {
        if let Ok(Some(key)) = storage.key(index)
            && matches(&key)
        {
            let _ = storage.remove_item(&key);
        }
    }
}

fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}
