//! Every error that a request can be answered with: the core's, and those that only HTTP knows. Status codes (RFC 9110)
//! and `Retry-After` are decided here.
//!
//! The answer that an error becomes by itself is plain text. Which format a client gets is a property of the router
//! that the route is in: its outermost layer, [`problem::render`](super::problem::render) or the error page, takes the
//! error out of the answer ([`take`]) and renders it.

use std::sync::Arc;

use axum::{
    extract::rejection::{BytesRejection, PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sekisho_core::{Error, GithubError};
use sekisho_model::EndReason;

use crate::locale::Lang;

/// An error of a request; `Display` is for the log, the locales have the text for people.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// What the core refused, or failed at.
    #[error(transparent)]
    Core(Error),
    /// 400
    #[error("the body is not JSON")]
    InvalidJson,
    /// 400: what HTTP itself does not allow.
    #[error("the request is not valid HTTP")]
    BadRequest,
    /// 401: a service shows a wrong secret (RFC 6749, section 5.2).
    #[error("the service's credentials are wrong")]
    InvalidClient,
    /// 403, by the CSRF check (ASVS 3.5.1).
    #[error("the request is cross-site")]
    CrossOrigin,
    /// 405
    #[error("method not allowed")]
    MethodNotAllowed,
    /// 408: the body was not received in time.
    #[error("the body came too slowly")]
    RequestTimeout,
    /// 413
    #[error("the body is too large")]
    TooLarge,
    /// 414
    #[error("the URI is too long")]
    UriTooLong,
    /// 415
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// 431
    #[error("the headers are too large")]
    HeadersTooLarge,
    /// 503: no response in time.
    #[error("the request took too long")]
    Timeout,
}

impl HttpError {
    /// 500. The cause is logged, never shown.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Core(Error::internal(cause))
    }

    /// The stable name: the API's `code`, and `error-<code>` in the locales.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Core(error) => error.code(),
            Self::InvalidJson => "invalid_json",
            Self::BadRequest => "bad_request",
            Self::InvalidClient => "invalid_client",
            Self::CrossOrigin => "cross_origin",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::TooLarge => "too_large",
            Self::UriTooLong => "uri_too_long",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::HeadersTooLarge => "headers_too_large",
            Self::Timeout => "timeout",
        }
    }

    /// The status code of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Core(error) => status(error),
            Self::InvalidJson | Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// `Retry-After`, in seconds.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Core(Error::RateLimited(wait)) => Some(wait.as_secs() + 1),
            Self::Core(Error::Busy | Error::Unavailable(_)) | Self::Timeout => Some(2),
            _ => None,
        }
    }

    /// Logs what the client must not see; called once, where the response is made.
    pub fn log(&self) {
        if let Self::Core(error) = self {
            error.log();
        }
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::InvalidInput(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::InvalidCredentials
        | Error::Unauthenticated
        | Error::NotSignedIn
        | Error::InvalidToken
        | Error::InvalidRefreshToken
        | Error::SessionEnded(_)
        | Error::SecondFactorRequired
        | Error::InvalidCode
        | Error::PasskeyRefused
        | Error::StepUpRequired { .. } => StatusCode::UNAUTHORIZED,
        Error::AccountDisabled
        | Error::RegistrationClosed
        | Error::FlowGone
        | Error::SecondFactorEnrollment
        | Error::LinkGone
        | Error::EmailUnverified
        | Error::DeviceLimit(_)
        | Error::Forbidden
        | Error::NewDevice
        | Error::InsufficientScope(_) => StatusCode::FORBIDDEN,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::EmailTaken | Error::LastAdmin | Error::LastAuthMethod | Error::LastSecondFactor => StatusCode::CONFLICT,
        Error::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::Github(GithubError::Down | GithubError::Slow) => StatusCode::BAD_GATEWAY,
        Error::Github(_) => StatusCode::FORBIDDEN,
        Error::Busy | Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<EndReason> for HttpError {
    fn from(reason: EndReason) -> Self {
        Self::Core(reason.into())
    }
}

impl From<sqlx::Error> for HttpError {
    fn from(error: sqlx::Error) -> Self {
        Self::Core(error.into())
    }
}

/// A path that is not UTF-8, or a part of it that is not what the route asks for.
impl From<PathRejection> for HttpError {
    fn from(_: PathRejection) -> Self {
        Self::Core(Error::InvalidInput(Vec::new()))
    }
}

impl From<BytesRejection> for HttpError {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            _ => Self::Core(Error::InvalidInput(Vec::new())),
        }
    }
}

/// The error in a response that is not rendered yet.
#[derive(Clone)]
struct Unrendered(Arc<HttpError>);

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        self.log();
        let text = format!("{}\n", Lang::En.t(&format!("error-{}", self.code())));
        let mut response = (self.status(), text).into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Unrendered(Arc::new(self)));
        response
    }
}

/// Takes the error out of a response that is not rendered yet.
pub fn take(response: &mut Response) -> Option<Arc<HttpError>> {
    response.extensions_mut().remove::<Unrendered>().map(|Unrendered(error)| error)
}

/// What a response to an error keeps of the one that it was rendered from, such as `Allow` on a 405: all headers but
/// those of the body.
pub fn keep_headers(rendered: &mut Response, from: &Response) {
    for (name, value) in from.headers() {
        if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
            rendered.headers_mut().insert(name, value.clone());
        }
    }
}

/// The fallback of a router.
pub async fn not_found() -> HttpError {
    Error::NotFound.into()
}

/// The fallback of a route.
pub async fn method_not_allowed() -> HttpError {
    HttpError::MethodNotAllowed
}
