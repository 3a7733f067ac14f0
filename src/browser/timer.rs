//! One thing to do later.

use std::cell::Cell;

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};

use crate::islands::timing::Millis;

#[derive(Default)]
pub struct Timer {
    pending: Cell<Option<i32>>,
}

impl Timer {
    /// Calls `then` in `millis`, in place of whatever was to be called before.
    pub fn set(&self, millis: Millis, then: impl FnOnce() + 'static) {
        self.start(millis, Closure::once_into_js(Box::new(then) as Box<dyn FnOnce()>));
    }

    // Apart from `set`, as that is compiled anew for each closure.
    fn start(&self, millis: Millis, then: JsValue) {
        self.clear();
        // More than it can count it fires at once.
        let millis = i32::try_from(millis).unwrap_or(i32::MAX);
        let pending = window().set_timeout_with_callback_and_timeout_and_arguments_0(then.unchecked_ref(), millis);
        self.pending.set(pending.ok());
    }

    pub fn clear(&self) {
        if let Some(pending) = self.pending.take() {
            window().clear_timeout_with_handle(pending);
        }
    }
}
