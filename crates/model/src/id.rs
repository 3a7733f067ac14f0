//! Typed ids: a user's id can't be passed where a session's is asked.

use std::{fmt, sync::Arc};

/// A text that is no id. Its text is not repeated: it may be long, and from anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId {
    /// The kind of id, such as "session id".
    pub what: &'static str,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a {}", self.what)
    }
}

impl std::error::Error for InvalidId {}

/// Defines an id: the text of a UUID as it is stored, 36 characters in lower case. Clones share the text.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id of a UUID.
            pub fn from_u128(uuid: u128) -> Self {
                Self(text(uuid).into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn parse(text: &str) -> Result<Self, InvalidId> {
                if is_uuid(text) { Ok(Self(text.into())) } else { Err(InvalidId { what: $what }) }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = ::std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(::serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A user's id, `sub` in tokens: a UUIDv7. Not a secret.
    UserId, "user id";
    /// A session's id, `sid` in tokens: a UUIDv7. Not a secret.
    SessionId, "session id";
}

/// The text of a UUID (RFC 9562, section 4).
fn text(uuid: u128) -> String {
    let hex = format!("{uuid:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Rejects every spelling but the stored one, so that equal ids are equal texts.
fn is_uuid(text: &str) -> bool {
    let fits = |(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01935c1e-7b5a-7c3d-9e4f-0123456789ab";

    #[test]
    fn an_id_is_a_uuid_in_its_stored_spelling() {
        let id: SessionId = ID.parse().expect("an id");
        assert_eq!((id.as_str(), id.to_string()), (ID, ID.to_owned()));
        assert_eq!(id, SessionId::from_u128(0x0193_5c1e_7b5a_7c3d_9e4f_0123_4567_89ab));
        assert_eq!(UserId::from_u128(7).as_str(), "00000000-0000-0000-0000-000000000007");
        let simple = ID.replace('-', "");
        let braced = format!("{{{ID}}}");
        let urn = format!("urn:uuid:{ID}");
        let long = "a".repeat(100_000);
        let cut = "01935c1e-7b5a-7c3d-9e4f-01234567é9a"; // 36 bytes, not all ASCII
        for text in ["", "a", "command-line", &ID.to_uppercase(), &simple, &braced, &urn, &long, cut] {
            assert_eq!(text.parse::<UserId>(), Err(InvalidId { what: "user id" }), "{text:.50}");
        }
    }

    #[test]
    fn an_id_is_text_in_json() {
        let json = format!("\"{ID}\"");
        let id: UserId = serde_json::from_str(&json).expect("an id");
        assert_eq!(serde_json::to_string(&id).expect("text"), json);
        assert!(serde_json::from_str::<UserId>("\"somebody\"").is_err());
    }
}
