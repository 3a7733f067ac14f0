//! The axum extractor for bearer tokens, and the response to rejected requests (RFC 6750, RFC 9457).

use axum::{
    Json,
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{Claims, Rejected, Verifier};

/// `Retry-After` in seconds; the feed reconnects about as often.
const RETRY_AFTER: u64 = 5;

/// Requires a valid access token. A missing token is 401 with a bare challenge; an invalid one is never treated as
/// missing.
#[derive(Clone, Debug)]
pub struct Bearer(pub Claims);

impl<S> FromRequestParts<S> for Bearer
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Rejected;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejected> {
        let token = bearer(&parts.headers)?;
        Verifier::from_ref(state).verify(token).await.map(Self)
    }
}

/// The token of the one `Authorization: Bearer` header (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Rejected> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Rejected::Unauthenticated)?;
    if values.next().is_some() {
        return Err(Rejected::InvalidToken);
    }
    let (scheme, token) = value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or(Rejected::InvalidToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_matches(' ')) } else { Err(Rejected::InvalidToken) }
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Rejected {
    /// The stable code, as in the server's own responses.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InvalidToken => "invalid_token",
            Self::SessionRevoked { .. } => "session_revoked",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::Stale => "verifier_stale",
        }
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "This needs an access token.",
            Self::InvalidToken => "The access token is not valid, or has expired.",
            Self::SessionRevoked { .. } => "This session has ended. Sign in again.",
            Self::InsufficientScope { .. } => "The access token does not allow this.",
            Self::Stale => "The sign-in server is out of reach. Try again soon.",
        }
    }
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        // RFC 6750, section 3.1: without credentials the challenge is bare.
        let (status, challenge) = match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, Some("Bearer".to_owned())),
            Self::InvalidToken | Self::SessionRevoked { .. } => {
                (StatusCode::UNAUTHORIZED, Some("Bearer error=\"invalid_token\"".to_owned()))
            }
            Self::InsufficientScope { scope } => {
                (StatusCode::FORBIDDEN, Some(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")))
            }
            Self::Stale => (StatusCode::SERVICE_UNAVAILABLE, None),
        };
        let reason = match &self {
            Self::SessionRevoked { reason } => Some(&**reason),
            _ => None,
        };
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.detail(),
            code: self.code(),
            reason,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
            Some(challenge) => headers.insert(header::WWW_AUTHENTICATE, challenge),
            None => headers.insert(header::RETRY_AFTER, RETRY_AFTER.into()),
        };
        response
    }
}
