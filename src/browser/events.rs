//! DOM event listeners that stay for the lifetime of the page.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{AddEventListenerOptions, Event, EventTarget};

/// Capturing, so that no handler of the page can stop an event before it gets here; passive, so that scrolling never
/// waits for it.
pub fn listen(target: &EventTarget, name: &str, handler: impl Fn(Event) + 'static) {
    add(target, name, true, Box::new(handler));
}

/// Capturing as well; the handler may prevent the event's default.
pub fn intercept(target: &EventTarget, name: &str, handler: impl Fn(Event) + 'static) {
    add(target, name, false, Box::new(handler));
}

fn add(target: &EventTarget, name: &str, is_passive: bool, handler: Box<dyn Fn(Event)>) {
    let options = AddEventListenerOptions::new();
    options.set_capture(true);
    options.set_passive(is_passive);
    let handler = Closure::wrap(handler).into_js_value();
    // It throws only for a handler that is not callable.
    let _ =
        target.add_event_listener_with_callback_and_add_event_listener_options(name, handler.unchecked_ref(), &options);
}
