//! How an access token is written. Refuses every spelling but our own, before its signature is looked at: libraries are
//! generous, and differ in how. `clients/rust/src/jws.rs` reads alike: `clients/vectors` holds every verifier to it.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::access_token::TYPE;

/// The protected header: these three and nothing else. No key that a token brings along, or points to (ASVS 9.1.3),
/// and no critical extension, whose meaning is not known here (RFC 7515, section 4.1.11).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    #[serde(rename = "alg")]
    _alg: String,
    kid: String,
}

/// The key id of a compact JWS whose parts are canonical base64url (RFC 7515, sections 2 and 7.1) of unambiguous JSON
/// objects, and whose header is an access token's. Its signature is still to be checked, and so are its claims.
pub fn kid(token: &str) -> Option<String> {
    let parts: Vec<_> = token.split('.').map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok()).collect();
    let [Some(header), Some(claims), Some(_)] = &parts[..] else { return None };
    object(claims)?;
    let header: Header = serde_json::from_value(Value::Object(object(header)?)).ok()?;
    (header.typ == TYPE).then_some(header.kid)
}

fn object(json: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(json) {
        Ok(Unambiguous(Value::Object(object))) => Some(object),
        _ => None,
    }
}

/// JSON whose objects have no member twice: parsers disagree on which one counts (RFC 7519, section 4).
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Unambiguous(value))) = map.next_entry::<String, _>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(members.into())
    }
}
