//! Server-sent events. The browser reconnects by itself when the network fails, and gives up when the server refuses.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

use super::fields::Fields;

pub enum StreamEvent {
    Named(String, Fields),
    /// The browser has given up: the server refused.
    Closed,
}

/// Closed when dropped.
pub struct EventStream {
    source: EventSource,
    _handler: Closure<dyn Fn(MessageEvent)>,
}

impl EventStream {
    pub fn open(path: &str, names: &[&str], on_event: impl Fn(StreamEvent) + 'static) -> Option<Self> {
        let source = EventSource::new(path).ok()?;
        let handler = Closure::<dyn Fn(MessageEvent)>::new({
            let source = source.clone();
            move |event: MessageEvent| match event.data().as_string() {
                Some(data) => {
                    if let Some(fields) = Fields::parse(&data) {
                        on_event(StreamEvent::Named(event.type_(), fields));
                    }
                }
                // Only an `error` comes without data.
                None if source.ready_state() == EventSource::CLOSED => on_event(StreamEvent::Closed),
                None => {}
            }
        });
        for name in names.iter().chain(&["error"]) {
            source.add_event_listener_with_callback(name, handler.as_ref().unchecked_ref()).ok()?;
        }
        Some(Self { source, _handler: handler })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.close();
    }
}
