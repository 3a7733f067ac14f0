//! JSON bodies, read strictly: unknown fields, wrong types and missing ones are told by name.

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::problem::Problem;
use sekisho_core::error::Error;

/// A JSON body. `T` should refuse unknown fields.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Problem(Error::UnsupportedMediaType));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|e| Problem(unreadable(&e)))?;
        Ok(Self(parse(&bytes)?))
    }
}

/// As [`Body`], or the default where there is no body at all.
pub struct OptionalBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        Body::from_request(request, state).await.map(|Body(body)| Self(body))
    }
}

/// Why a body could not be read at all.
pub fn unreadable(rejection: &BytesRejection) -> Error {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge,
        _ => Error::InvalidInput(Vec::new()),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            Category::Data => fault(&path, &inner.to_string()),
            Category::Syntax | Category::Eof | Category::Io => Error::InvalidJson,
        }
    })?;
    json.end().map_err(|_| Error::InvalidJson)?;
    Ok(value)
}

/// serde says which field it means in its message only: "unknown field `x`, expected …".
pub fn fault(path: &str, message: &str) -> Error {
    let code = match message {
        m if m.starts_with("unknown field") => "unknown",
        m if m.starts_with("missing field") => "missing",
        m if m.starts_with("duplicate field") => "duplicate",
        _ => "wrong-type",
    };
    let field = match code {
        "wrong-type" => path,
        _ => message.split('`').nth(1).unwrap_or(path),
    };
    Error::field(field.chars().filter(|c| !c.is_control()).take(100).collect::<String>(), code)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Shape {
        email: String,
        name: Option<String>,
    }

    fn fault_of(body: &str) -> String {
        match parse::<Shape>(body.as_bytes()) {
            Err(Error::InvalidInput(faults)) => format!("{} {}", faults[0].field, faults[0].code),
            Err(error) => error.code().to_owned(),
            Ok(_) => "fine".to_owned(),
        }
    }

    #[test]
    fn faults_are_told_by_field() {
        assert_eq!(fault_of(r#"{"email":"a"}"#), "fine");
        assert_eq!(fault_of(r#"{"email":"a","admin":true}"#), "admin unknown");
        assert_eq!(fault_of("{}"), "email missing");
        assert_eq!(fault_of(r#"{"email":1}"#), "email wrong-type");
        assert_eq!(fault_of(r#"{"email":"a","email":"b"}"#), "email duplicate");
        assert_eq!(fault_of(r#"{"email":"a"} x"#), "invalid_json");
        assert_eq!(fault_of("{"), "invalid_json");
        assert_eq!(fault_of("[]"), ". wrong-type");
    }
}
