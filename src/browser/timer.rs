//! `setTimeout`, with at most one callback pending.

use std::cell::Cell;

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};

use super::clock::Millis;

#[derive(Default)]
pub struct Timer {
    pending: Cell<Option<i32>>,
}

impl Timer {
    /// Calls `callback` in `millis`, and cancels the callback that was pending.
    pub fn set(&self, millis: Millis, callback: impl FnOnce() + 'static) {
        self.start(millis, Closure::once_into_js(Box::new(callback) as Box<dyn FnOnce()>));
    }

    // Apart from `set`, which is compiled once for each closure.
    fn start(&self, millis: Millis, callback: JsValue) {
        self.clear();
        // `setTimeout` takes an i32; a larger number would overflow and fire at once.
        let millis = i32::try_from(millis).unwrap_or(i32::MAX);
        let pending = window().set_timeout_with_callback_and_timeout_and_arguments_0(callback.unchecked_ref(), millis);
        self.pending.set(pending.ok());
    }

    pub fn clear(&self) {
        if let Some(pending) = self.pending.take() {
            window().clear_timeout_with_handle(pending);
        }
    }
}
