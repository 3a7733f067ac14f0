//! `EventSource`: server-sent events. The browser reconnects by itself after a network failure, and closes the stream
//! for good when the server answers anything but an event stream.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

use super::fields::Fields;

pub enum StreamEvent {
    Named(String, Fields),
    /// The browser will not reconnect.
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
                // Only an `error` event has no data.
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
