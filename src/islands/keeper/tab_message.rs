//! What the tabs of one browser say to each other. Deadlines are on the browser's clock, which the tabs share.

use wasm_bindgen::JsValue;

use crate::{
    browser::{clock::Millis, fields::Fields},
    islands::timing::Deadlines,
};

pub enum TabMessage {
    /// The server knows this user, until then.
    Alive(Deadlines),
    /// The server does not, for this reason.
    Ended(String),
    /// The person is about to sign out, on purpose.
    SigningOut,
    TokenWanted,
    Token {
        value: String,
        expires_at: Millis,
    },
    /// I hold an event stream.
    Listening,
    /// I did, perhaps, and no longer do.
    Gone,
}

impl TabMessage {
    pub fn sent_by(self, user_id: &str) -> Fields {
        let message = Fields::empty().with("user_id", user_id);
        match self {
            Self::Alive(Deadlines { idle, absolute }) => {
                message.with("kind", "alive").with("idle", number(idle)).with("absolute", number(absolute))
            }
            Self::Ended(reason) => message.with("kind", "ended").with("reason", reason),
            Self::SigningOut => message.with("kind", "signing-out"),
            Self::TokenWanted => message.with("kind", "token-wanted"),
            Self::Token { value, expires_at } => {
                message.with("kind", "token").with("value", value).with("expires_at", expires_at as f64)
            }
            Self::Listening => message.with("kind", "listening"),
            Self::Gone => message.with("kind", "gone"),
        }
    }

    /// The sender's user, and what they said. `None` for what another version of this code may say.
    pub fn read(message: &Fields) -> Option<(String, Self)> {
        let millis = |name: &str| message.number(name).map(|number| number as Millis);
        let said = match message.text("kind")?.as_str() {
            "alive" => Self::Alive(Deadlines { idle: millis("idle"), absolute: millis("absolute") }),
            "ended" => Self::Ended(message.text("reason")?),
            "signing-out" => Self::SigningOut,
            "token-wanted" => Self::TokenWanted,
            "token" => Self::Token { value: message.text("value")?, expires_at: millis("expires_at")? },
            "listening" => Self::Listening,
            "gone" => Self::Gone,
            _ => return None,
        };
        Some((message.text("user_id")?, said))
    }
}

fn number(millis: Option<Millis>) -> JsValue {
    millis.map_or(JsValue::NULL, |millis| JsValue::from_f64(millis as f64))
}
