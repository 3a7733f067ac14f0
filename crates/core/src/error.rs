//! The error type of the core. A variant is what the caller may learn; its cause is logged once, where the response is
//! made, and never sent. Status codes are the web app's (`http::error`).

use std::{error::Error as StdError, time::Duration};

use sekisho_model::{AssuranceLevel, EndReason, Scope};

use crate::db::{is_unavailable, sessions::Session};

/// A validation error of one field; its text is `field-<code>` in the locales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in the request.
    pub field: String,
    /// The stable code.
    pub code: &'static str,
}

impl FieldError {
    /// An error of `field`.
    pub fn new(field: impl Into<String>, code: &'static str) -> Self {
        Self { field: field.into(), code }
    }
}

/// Why an operation failed; [`Error::code`] is the API's. Any use of the database may also fail
/// with [`Error::Unavailable`] or [`Error::Internal`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One or more fields are invalid.
    #[error("the input has faults")]
    InvalidInput(Vec<FieldError>),
    /// Unknown user or wrong password; not distinguished (user enumeration, ASVS 6.3.8).
    #[error("wrong e-mail address or password")]
    InvalidCredentials,
    /// No credential was sent.
    #[error("not signed in")]
    Unauthenticated,
    /// A page's session ended during the request.
    #[error("not signed in any more")]
    NotSignedIn,
    /// The access token does not verify (RFC 6750 `invalid_token`).
    #[error("invalid access token")]
    InvalidToken,
    /// The refresh token is unknown or expired.
    #[error("invalid refresh token")]
    InvalidRefreshToken,
    /// The session was revoked or expired.
    #[error("the session ended: {0}")]
    SessionEnded(EndReason),
    /// The credentials are valid, but the account is disabled.
    #[error("the account is disabled")]
    AccountDisabled,
    /// The e-mail address is registered already.
    #[error("the e-mail address has an account")]
    EmailTaken,
    /// `SEKISHO_REGISTRATION` is `closed`.
    #[error("registration is closed")]
    RegistrationClosed,
    /// The device limit is reached by these sessions; one must be revoked first.
    #[error("too many devices")]
    DeviceLimit(Box<[Session]>),
    /// The user lacks a permission.
    #[error("not permitted")]
    Forbidden,
    /// Not allowed from a device first seen less than 24 h ago.
    #[error("the device is too new for this")]
    NewDevice,
    /// The access token lacks this scope (RFC 6750 `insufficient_scope`).
    #[error("the token lacks a scope")]
    InsufficientScope(Scope),
    /// The change would remove the last enabled administrator.
    #[error("the last administrator can't be removed")]
    LastAdmin,
    /// Reauthentication is required (ASVS 7.5.1).
    #[error("the sign-in is too old, or too weak, for this")]
    StepUpRequired {
        /// The level that the authentication must have (RFC 9470, `acr_values`); `None`: any.
        acr: Option<AssuranceLevel>,
        /// How old it may be (`max_age`); `None`: any age.
        max_age: Option<Duration>,
    },
    /// The change would remove the account's last authenticator.
    #[error("the last authenticator can't be removed")]
    LastAuthMethod,
    /// The policy requires a second factor, and this is the account's last one.
    #[error("the last second factor can't be removed")]
    LastSecondFactor,
    /// The pending flow expired, was used, or belongs to another browser.
    #[error("the flow has expired")]
    FlowGone,
    /// The sign-in needs a second factor, which this caller can't ask for.
    #[error("a second factor is required")]
    SecondFactorRequired,
    /// A second factor must be enrolled first, on the sign-in page.
    #[error("a second factor must be enrolled")]
    SecondFactorEnrollment,
    /// A second factor's code is wrong or was used.
    #[error("wrong code")]
    InvalidCode,
    /// A passkey was not accepted: unknown, removed, suspended, or its answer does not verify; not distinguished.
    #[error("the passkey was refused")]
    PasskeyRefused,
    /// The link in a message is unknown, expired or used, or its account has changed since.
    #[error("the link is not valid any more")]
    LinkGone,
    /// The e-mail address must be verified first (`SEKISHO_VERIFY_EMAIL=required`).
    #[error("the e-mail address is not verified")]
    EmailUnverified,
    /// Unknown, or another user's.
    #[error("not found")]
    NotFound,
    /// A rate limit was exceeded; retry after this time.
    #[error("too many attempts")]
    RateLimited(Duration),
    /// A bounded queue is full.
    #[error("too busy")]
    Busy,
    /// The database is temporarily unreachable or read-only; nothing was changed.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// An OAuth flow with GitHub failed.
    #[error("GitHub: {}", .0.code())]
    Github(GithubError),
    /// A bug or a misconfiguration; the cause is only logged.
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Wraps a cause as [`Error::Internal`].
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// [`Error::InvalidInput`] with one field error.
    pub fn field(field: impl Into<String>, code: &'static str) -> Self {
        Self::InvalidInput(vec![FieldError::new(field, code)])
    }

    /// The stable code: `code` in problem+json, `error-<code>` in the locales.
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
            Self::StepUpRequired { .. } => "step_up_required",
            Self::LastAuthMethod => "last_way_in",
            Self::LastSecondFactor => "last_second_factor",
            Self::FlowGone => "ceremony_gone",
            Self::SecondFactorRequired => "second_factor_required",
            Self::SecondFactorEnrollment => "second_factor_enrollment_required",
            Self::InvalidCode => "invalid_code",
            Self::PasskeyRefused => "passkey_refused",
            Self::LinkGone => "link_gone",
            Self::EmailUnverified => "email_unverified",
            Self::NotFound => "not_found",
            Self::RateLimited(_) => "rate_limited",
            Self::Busy | Self::Unavailable(_) => "busy",
            Self::Github(error) => error.code(),
            Self::Internal(_) => "internal",
        }
    }

    /// Logs the cause, which the caller must not see; called once, where the response is made.
    pub fn log(&self) {
        match self {
            Self::Internal(cause) => tracing::error!(error = %cause, "request failed"),
            Self::Unavailable(cause) => tracing::error!(error = %cause, "the database is not available"),
            _ => {}
        }
    }
}

/// Why an OAuth flow with GitHub failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GithubError {
    /// The `state` is unknown or expired, or belongs to another browser or session.
    State,
    /// The user denied access (`access_denied`).
    Denied,
    /// The authorization code expired or was used before.
    Expired,
    /// Another OAuth error from GitHub.
    Refused,
    /// GitHub did not respond in time.
    Slow,
    /// GitHub is unreachable or failing.
    Down,
    /// Not the linked GitHub account.
    OtherAccount,
    /// The GitHub account is linked to another account.
    Taken,
    /// GitHub reports no verified primary e-mail address.
    NoEmail,
}

impl GithubError {
    /// The stable code, as [`Error::code`].
    pub fn code(self) -> &'static str {
        match self {
            Self::State => "github_state",
            Self::Denied => "github_denied",
            Self::Expired => "github_expired",
            Self::Refused => "github_refused",
            Self::Slow => "github_slow",
            Self::Down => "github_down",
            Self::OtherAccount => "github_other",
            Self::Taken => "github_taken",
            Self::NoEmail => "github_no_email",
        }
    }
}

impl From<GithubError> for Error {
    fn from(error: GithubError) -> Self {
        Self::Github(error)
    }
}

impl From<EndReason> for Error {
    fn from(reason: EndReason) -> Self {
        Self::SessionEnded(reason)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) { Self::Unavailable(error) } else { Self::internal(error) }
    }
}
