//! `BroadcastChannel`: messages between the tabs of this origin, in memory, never stored.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use super::fields::Fields;

/// Empty where the browser has no `BroadcastChannel`: messages then go nowhere.
pub struct Channel(Option<BroadcastChannel>);

impl Channel {
    pub fn open(name: &str, on_message: impl Fn(Fields) + 'static) -> Self {
        let channel = BroadcastChannel::new(name).ok();
        if let Some(channel) = &channel {
            let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                on_message(event.data().into());
            });
            channel.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        }
        Self(channel)
    }

    /// To all other tabs; the sender does not receive it.
    pub fn post(&self, message: Fields) {
        if let Some(channel) = &self.0 {
            // It throws only for what cannot be cloned.
            let _ = channel.post_message(&message.into());
        }
    }
}
