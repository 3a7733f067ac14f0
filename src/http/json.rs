//! JSON bodies, read strictly: unknown fields, wrong types and missing ones are told by name.

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::header,
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::HttpError;
use sekisho_core::Error;

/// A JSON body. `T` should refuse unknown fields.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(HttpError::UnsupportedMediaType);
        }
        let bytes = Bytes::from_request(request, state).await?;
        Ok(Self(parse(&bytes)?))
    }
}

/// As [`JsonBody`], or the default where there is no body at all.
pub struct OptionalJsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        JsonBody::from_request(request, state).await.map(|JsonBody(body)| Self(body))
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, HttpError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            Category::Data => field_error(&path, &inner.to_string()).into(),
            Category::Syntax | Category::Eof | Category::Io => HttpError::InvalidJson,
        }
    })?;
    json.end().map_err(|_| HttpError::InvalidJson)?;
    Ok(value)
}

/// serde says which field it means in its message only: "unknown field `x`, expected …".
pub fn field_error(path: &str, message: &str) -> Error {
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

    fn error_of(body: &str) -> String {
        match parse::<Shape>(body.as_bytes()) {
            Err(HttpError::Core(Error::InvalidInput(fields))) => format!("{} {}", fields[0].field, fields[0].code),
            Err(error) => error.code().to_owned(),
            Ok(_) => "fine".to_owned(),
        }
    }

    #[test]
    fn errors_name_the_field() {
        assert_eq!(error_of(r#"{"email":"a"}"#), "fine");
        assert_eq!(error_of(r#"{"email":"a","admin":true}"#), "admin unknown");
        assert_eq!(error_of("{}"), "email missing");
        assert_eq!(error_of(r#"{"email":1}"#), "email wrong-type");
        assert_eq!(error_of(r#"{"email":"a","email":"b"}"#), "email duplicate");
        assert_eq!(error_of(r#"{"email":"a"} x"#), "invalid_json");
        assert_eq!(error_of("{"), "invalid_json");
        assert_eq!(error_of("[]"), ". wrong-type");
    }
}
