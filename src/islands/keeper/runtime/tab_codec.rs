//! [`TabMessage`]s as objects on the tabs' channel.

use wasm_bindgen::JsValue;

use crate::{
    browser::{clock::Millis, drafts::Unsaved, fields::Fields},
    islands::{
        keeper::{deadlines::Deadlines, tab_message::TabMessage, token::AccessToken},
        protocol::EndReason,
    },
};

/// `user_id`: the sender's user.
pub fn encode(message: TabMessage, user_id: &str) -> Fields {
    let fields = Fields::empty().with("user_id", user_id);
    match message {
        TabMessage::Alive(Deadlines { idle, absolute }) => {
            fields.with("kind", "alive").with("idle", number(idle)).with("absolute", number(absolute))
        }
        TabMessage::Ended(reason) => fields.with("kind", "ended").with("reason", reason.as_str()),
        TabMessage::SigningOut { discard } => fields.with("kind", "signing-out").with("discard", discard),
        TabMessage::UnsavedWanted => fields.with("kind", "unsaved-wanted"),
        TabMessage::Unsaved(Unsaved { page, field }) => {
            fields.with("kind", "unsaved").with("page", page).with("field", field)
        }
        TabMessage::TokenWanted => fields.with("kind", "token-wanted"),
        TabMessage::Token(AccessToken { value, expires_at }) => {
            fields.with("kind", "token").with("value", value).with("expires_at", expires_at as f64)
        }
        TabMessage::StreamOpened => fields.with("kind", "listening"),
        TabMessage::Gone => fields.with("kind", "gone"),
    }
}

/// The sender's user, and the message. `None`: a message of another version of this code.
pub fn decode(fields: &Fields) -> Option<(String, TabMessage)> {
    let millis = |name: &str| fields.number(name).map(|number| number as Millis);
    let message = match fields.text("kind")?.as_str() {
        "alive" => TabMessage::Alive(Deadlines { idle: millis("idle"), absolute: millis("absolute") }),
        "ended" => TabMessage::Ended(EndReason::parse(&fields.text("reason")?)),
        "signing-out" => TabMessage::SigningOut { discard: fields.is_true("discard") },
        "unsaved-wanted" => TabMessage::UnsavedWanted,
        "unsaved" => TabMessage::Unsaved(Unsaved { page: fields.text("page")?, field: fields.text("field")? }),
        "token-wanted" => TabMessage::TokenWanted,
        "token" => TabMessage::Token(AccessToken { value: fields.text("value")?, expires_at: millis("expires_at")? }),
        "listening" => TabMessage::StreamOpened,
        "gone" => TabMessage::Gone,
        _ => return None,
    };
    Some((fields.text("user_id")?, message))
}

fn number(millis: Option<Millis>) -> JsValue {
    millis.map_or(JsValue::NULL, |millis| JsValue::from_f64(millis as f64))
}
