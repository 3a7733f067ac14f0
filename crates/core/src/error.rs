//! One error for the whole house. A variant says what the caller may know; what is inside is logged once, where
//! the answer is made, and never sent.

use std::{error::Error as StdError, time::Duration};

use crate::{
    db::{is_unavailable, sessions::Session},
    reason::Reason,
    scope::Scope,
};

/// A fault in one field of the input. Its text is `field-<code>` in the locales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name as the caller sent it.
    pub field: String,
    pub code: &'static str,
}

impl FieldError {
    pub fn new(field: impl Into<String>, code: &'static str) -> Self {
        Self { field: field.into(), code }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the input has faults")]
    InvalidInput(Vec<FieldError>),
    #[error("the body is not JSON")]
    InvalidJson,
    #[error("wrong e-mail address or password")]
    InvalidCredentials,
    /// No credential at all.
    #[error("not signed in")]
    Unauthenticated,
    /// Somebody on a page who was signed in until just now.
    #[error("not signed in any more")]
    NotSignedIn,
    /// A credential that proves nothing.
    #[error("invalid access token")]
    InvalidToken,
    #[error("invalid refresh token")]
    InvalidRefreshToken,
    #[error("the session ended: {0}")]
    SessionEnded(Reason),
    #[error("the account is disabled")]
    AccountDisabled,
    #[error("the e-mail address has an account")]
    EmailTaken,
    #[error("registration is closed")]
    RegistrationClosed,
    /// All devices are in use: these, one of which has to go first.
    #[error("too many devices")]
    DeviceLimit(Box<[Session]>),
    #[error("not permitted")]
    Forbidden,
    /// What only a device that the account knows for a while may do.
    #[error("the device is too new for this")]
    NewDevice,
    /// The token is good, but was not made for this.
    #[error("the token lacks a scope")]
    InsufficientScope(Scope),
    #[error("the house would be left without an administrator")]
    LastAdmin,
    #[error("the sign-in is too old for this")]
    StepUpRequired,
    #[error("the account would be left without a way in")]
    LastWayIn,
    #[error("the request comes from another site")]
    CrossOrigin,
    /// What was begun in this browser is over, or was begun in another.
    #[error("nothing waits here")]
    CeremonyGone,
    #[error("not found")]
    NotFound,
    #[error("method not allowed")]
    MethodNotAllowed,
    /// What HTTP itself does not allow.
    #[error("the request is not valid HTTP")]
    BadRequest,
    #[error("the address is too long")]
    UriTooLong,
    #[error("the headers are too large")]
    HeadersTooLarge,
    #[error("the body came too slowly")]
    RequestTimeout,
    #[error("the body is too large")]
    TooLarge,
    #[error("unsupported media type")]
    UnsupportedMediaType,
    #[error("too many attempts")]
    RateLimited(Duration),
    #[error("too busy")]
    Busy,
    /// The database can't be reached, or not written to, just now. Nothing was done.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    #[error("the request took too long")]
    Timeout,
    /// What GitHub answered, as a page can explain it.
    #[error("github: {0}")]
    Github(&'static str),
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    pub fn field(field: impl Into<String>, code: &'static str) -> Self {
        Self::InvalidInput(vec![FieldError::new(field, code)])
    }

    /// The stable name: the API's `code`, and `error-<code>` in the locales.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "invalid_input",
            Self::InvalidJson => "invalid_json",
            Self::InvalidCredentials => "invalid_credentials",
            Self::Unauthenticated => "unauthenticated",
            Self::NotSignedIn => "not_signed_in",
            Self::InvalidToken => "invalid_token",
            Self::InvalidRefreshToken => "invalid_refresh_token",
            Self::SessionEnded(_) => "session_revoked",
            Self::AccountDisabled => "account_disabled",
            Self::EmailTaken => "email_taken",
            Self::RegistrationClosed => "registration_closed",
            Self::DeviceLimit(_) => "device_limit",
            Self::Forbidden => "forbidden",
            Self::NewDevice => "new_device",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::LastAdmin => "last_admin",
            Self::StepUpRequired => "step_up_required",
            Self::LastWayIn => "last_way_in",
            Self::CrossOrigin => "cross_origin",
            Self::CeremonyGone => "ceremony_gone",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BadRequest => "bad_request",
            Self::UriTooLong => "uri_too_long",
            Self::HeadersTooLarge => "headers_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RateLimited(_) => "rate_limited",
            Self::Busy | Self::Unavailable(_) => "busy",
            Self::Timeout => "timeout",
            Self::Github(code) => code,
            Self::Internal(_) => "internal",
        }
    }

    /// The HTTP status (RFC 9110).
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidInput(_) => 422,
            Self::InvalidJson | Self::BadRequest => 400,
            Self::InvalidCredentials
            | Self::Unauthenticated
            | Self::NotSignedIn
            | Self::InvalidToken
            | Self::InvalidRefreshToken
            | Self::SessionEnded(_)
            | Self::StepUpRequired => 401,
            Self::AccountDisabled
            | Self::RegistrationClosed
            | Self::CeremonyGone
            | Self::DeviceLimit(_)
            | Self::Forbidden
            | Self::NewDevice
            | Self::InsufficientScope(_)
            | Self::CrossOrigin => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::EmailTaken | Self::LastAdmin | Self::LastWayIn => 409,
            Self::RequestTimeout => 408,
            Self::TooLarge => 413,
            Self::UriTooLong => 414,
            Self::UnsupportedMediaType => 415,
            Self::RateLimited(_) => 429,
            Self::HeadersTooLarge => 431,
            Self::Busy | Self::Unavailable(_) | Self::Timeout => 503,
            Self::Github("github_down" | "github_slow") => 502,
            Self::Github(_) => 403,
            Self::Internal(_) => 500,
        }
    }

    /// Seconds after which it is worth trying again.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited(wait) => Some(wait.as_secs() + 1),
            Self::Busy | Self::Unavailable(_) | Self::Timeout => Some(2),
            _ => None,
        }
    }

    /// Says in the log what the caller must not see; called once, where the answer is made.
    pub fn log(&self) {
        match self {
            Self::Internal(cause) => tracing::error!(error = %cause, "request failed"),
            Self::Unavailable(cause) => tracing::error!(error = %cause, "the database is not available"),
            _ => {}
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) { Self::Unavailable(error) } else { Self::internal(error) }
    }
}
