//! One error type for all of the core. A variant says what the caller may know; its cause is logged once, where the
//! response is made, and never sent. Status codes are the web app's (`http::error`).

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
    /// What was begun in this browser is over, or was begun in another.
    #[error("nothing waits here")]
    CeremonyGone,
    #[error("not found")]
    NotFound,
    #[error("too many attempts")]
    RateLimited(Duration),
    #[error("too busy")]
    Busy,
    /// The database can't be reached, or not written to, just now. Nothing was done.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
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
            Self::CeremonyGone => "ceremony_gone",
            Self::NotFound => "not_found",
            Self::RateLimited(_) => "rate_limited",
            Self::Busy | Self::Unavailable(_) => "busy",
            Self::Github(code) => code,
            Self::Internal(_) => "internal",
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
