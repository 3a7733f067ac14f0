//! Strict parsing of compact JWS. Rejects every encoding but the server's own before the signature is verified, as JWT
//! libraries differ in leniency. `clients/vectors` tests the server and every verifier alike.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::ACCESS_TOKEN_TYPE;

/// The protected header: exactly these members. No embedded or referenced key (ASVS 9.1.3), no critical extension
/// (RFC 7515, section 4.1.11).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    #[serde(rename = "alg")]
    _alg: String,
    kid: String,
}

/// The `kid` of a compact JWS whose parts are canonical base64url (RFC 7515, sections 2 and 7.1) of unambiguous JSON
/// objects, and whose header is an access token's. Signature and claims are not verified yet.
pub fn kid(token: &str) -> Option<String> {
    kid_of_type(token, ACCESS_TOKEN_TYPE)
}

/// As [`kid`], for another kind of JWT: explicit typing keeps kinds apart (RFC 8725, section 3.11).
pub fn kid_of_type(token: &str, typ: &str) -> Option<String> {
    let parts: Vec<_> = token.split('.').map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok()).collect();
    let [Some(header), Some(claims), Some(_)] = &parts[..] else { return None };
    object(claims)?;
    let header: Header = serde_json::from_value(Value::Object(object(header)?)).ok()?;
    (header.typ == typ).then_some(header.kid)
}

fn object(json: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(json) {
        Ok(Unambiguous(Value::Object(object))) => Some(object),
        _ => None,
    }
}

/// JSON without duplicate members, which parsers resolve differently (RFC 7519, section 4).
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
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(members.into())
    }
}
