//! Listening, for as long as the page lives.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{AddEventListenerOptions, Event, EventTarget};

/// Capturing, so that no handler of the page can hide an event; passive, so that scrolling never waits for it.
pub fn listen(target: &EventTarget, name: &str, handler: impl Fn(Event) + 'static) {
    add(target, name, Box::new(handler));
}

fn add(target: &EventTarget, name: &str, handler: Box<dyn Fn(Event)>) {
    let options = AddEventListenerOptions::new();
    options.set_capture(true);
    options.set_passive(true);
    let handler = Closure::wrap(handler).into_js_value();
    // It throws only for a handler that is none.
    let _ =
        target.add_event_listener_with_callback_and_add_event_listener_options(name, handler.unchecked_ref(), &options);
}
