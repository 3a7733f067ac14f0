//! Errors as `application/problem+json` (RFC 9457), with the challenge of RFC 6750 on a 401.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::sessions::Item;
use crate::locale::Lang;
use sekisho_core::error::Error;

/// An error on its way to a program.
#[derive(Debug)]
pub struct Problem(pub Error);

impl<E: Into<Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

#[derive(Serialize)]
struct Body {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// What is signed in already, where one device has to go first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<Item>,
}

#[derive(Serialize)]
struct Fault {
    field: String,
    code: &'static str,
    message: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        problem(self.0, Lang::En)
    }
}

/// The answer for an error, its texts in `lang`.
pub fn problem(error: Error, lang: Lang) -> Response {
    error.log();
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let errors = match &error {
        Error::InvalidInput(faults) => faults
            .iter()
            .map(|fault| Fault {
                field: fault.field.clone(),
                code: fault.code,
                message: lang.t(&format!("field-{}", fault.code)),
            })
            .collect(),
        _ => Vec::new(),
    };
    let body = Body {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail: match &error {
            Error::RateLimited(_) => lang.t1("error-rate_limited-wait", "seconds", error.retry_after().unwrap_or(1)),
            error => lang.t(&format!("error-{}", error.code())),
        },
        code: error.code(),
        reason: match &error {
            Error::SessionEnded(reason) => Some(reason.as_str()),
            _ => None,
        },
        errors,
        devices: match &error {
            Error::DeviceLimit(devices) => devices.iter().map(|session| Item::new(session.clone(), "")).collect(),
            _ => Vec::new(),
        },
    };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(challenge) = challenge(&error, status) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// What a client is told about the token that it showed (RFC 6750, section 3.1).
fn challenge(error: &Error, status: StatusCode) -> Option<HeaderValue> {
    let fixed = HeaderValue::from_static;
    match error {
        Error::InvalidToken | Error::SessionEnded(_) => Some(fixed("Bearer error=\"invalid_token\"")),
        // RFC 9470
        Error::StepUpRequired => Some(fixed("Bearer error=\"insufficient_user_authentication\"")),
        Error::InsufficientScope(scope) => {
            let scope = scope.as_str();
            HeaderValue::try_from(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")).ok()
        }
        // Without credentials it is bare.
        _ => (status == StatusCode::UNAUTHORIZED).then(|| fixed("Bearer")),
    }
}
