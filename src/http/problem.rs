//! Errors as `application/problem+json` (RFC 9457), with the challenge of RFC 6750 on a 401.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::{HttpError, keep_headers, take};
use crate::locale::Lang;
use sekisho_core::Error;

/// An error on its way to a program.
#[derive(Debug)]
pub struct Problem {
    /// Decides status, code and text.
    pub error: HttpError,
    lang: Lang,
    members: Map<String, Value>,
}

impl<E: Into<HttpError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self { error: error.into(), lang: Lang::En, members: Map::new() }
    }
}

impl Problem {
    /// With its texts in `lang` instead of English.
    pub fn in_language(self, lang: Lang) -> Self {
        Self { lang, ..self }
    }

    /// With an extension member (RFC 9457, section 3.2).
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.members.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.error.log();
        respond(&self.error, self.lang, self.members)
    }
}

/// The outermost layer of a router whose errors are problems: renders those that are not rendered yet.
pub fn render(mut response: Response) -> Response {
    match take(&mut response) {
        Some(error) => {
            let mut rendered = respond(&error, Lang::En, Map::new());
            keep_headers(&mut rendered, &response);
            rendered
        }
        None => response,
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
    errors: Vec<InvalidField>,
    #[serde(flatten)]
    members: Map<String, Value>,
}

#[derive(Serialize)]
struct InvalidField {
    field: String,
    code: &'static str,
    message: String,
}

fn respond(error: &HttpError, lang: Lang, members: Map<String, Value>) -> Response {
    let status = error.status();
    let errors = match error {
        HttpError::Core(Error::InvalidInput(fields)) => fields
            .iter()
            .map(|field| InvalidField {
                field: field.field.clone(),
                code: field.code,
                message: lang.t(&format!("field-{}", field.code)),
            })
            .collect(),
        _ => Vec::new(),
    };
    let body = Body {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail: match error {
            HttpError::Core(Error::RateLimited(_)) => {
                lang.t1("error-rate_limited-wait", "seconds", error.retry_after().unwrap_or(1))
            }
            error => lang.t(&format!("error-{}", error.code())),
        },
        code: error.code(),
        reason: match error {
            HttpError::Core(Error::SessionEnded(reason)) => Some(reason.as_str()),
            _ => None,
        },
        errors,
        members,
    };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(challenge) = challenge(error, status) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// What a client is told about the token that it sent (RFC 6750, section 3.1).
fn challenge(error: &HttpError, status: StatusCode) -> Option<HeaderValue> {
    let fixed = HeaderValue::from_static;
    match error {
        HttpError::Core(Error::InvalidToken | Error::SessionEnded(_)) => Some(fixed("Bearer error=\"invalid_token\"")),
        HttpError::InvalidClient => Some(fixed("Basic realm=\"sekisho\"")),
        // RFC 9470, section 3
        HttpError::Core(Error::StepUpRequired { acr, max_age }) => {
            let acr = acr.map(|acr| format!(", acr_values=\"{acr}\"")).unwrap_or_default();
            let max_age = max_age.map(|age| format!(", max_age=\"{}\"", age.as_secs())).unwrap_or_default();
            HeaderValue::try_from(format!("Bearer error=\"insufficient_user_authentication\"{acr}{max_age}")).ok()
        }
        HttpError::Core(Error::InsufficientScope(scope)) => {
            let scope = scope.as_str();
            HeaderValue::try_from(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")).ok()
        }
        // Without credentials it is bare.
        _ => (status == StatusCode::UNAUTHORIZED).then(|| fixed("Bearer")),
    }
}
