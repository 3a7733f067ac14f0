//! Tokens in the links of messages: random, stored as hashes, single-use, short-lived, bound to their purpose, to the
//! address they were sent to, and to the account's password at that time. Opening a link uses nothing up: scanners do.

use sekisho_model::{EmailTokenPurpose, EventKind};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::{
    clock::{HOUR, UnixMillis},
    db::{
        Executor,
        email_tokens::{self, EmailToken},
        identities::DeletedIdentity,
        users::User,
    },
    error::Error,
    secret::{MasterSecret, OpaqueToken},
};

/// Prefix of the tokens, by which secret scanners find leaks.
const PREFIX: &str = "sk_et_";
/// Encryption purpose of a token's detail.
const SEALED_FOR: &str = "email-token";
const MINUTE: UnixMillis = 60_000;

/// Lifetime of a token in milliseconds.
pub(crate) fn lifetime(purpose: EmailTokenPurpose) -> UnixMillis {
    match purpose {
        EmailTokenPurpose::VerifyEmail => 24 * HOUR,
        EmailTokenPurpose::ResetPassword | EmailTokenPurpose::ConfirmEmail => 30 * MINUTE,
        EmailTokenPurpose::NotMe => 7 * 24 * HOUR,
    }
}

/// What reverts a security event, beside removing what was added since.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Undo {
    /// The address before a change.
    pub previous_email: Option<String>,
    /// Removed links.
    pub links: Vec<DeletedIdentity>,
}

/// The detail of a [`EmailTokenPurpose::NotMe`] token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reported {
    pub event: EventKind,
    pub at: UnixMillis,
    pub undo: Undo,
}

/// Issues a token for a link sent to `email`; `detail` is [sealed](Reported::seal).
pub(crate) async fn issue(
    db: &mut AnyConnection,
    user: &User,
    purpose: EmailTokenPurpose,
    email: &str,
    detail: Option<String>,
    now: UnixMillis,
) -> Result<OpaqueToken, Error> {
    let token = OpaqueToken::generate(PREFIX);
    let row = EmailToken {
        hash: token.hash(),
        purpose,
        user_id: user.id.clone(),
        email: email.into(),
        password_changed_at: user.password_changed_at,
        detail,
        created_at: now,
        expires_at: now + lifetime(purpose),
    };
    email_tokens::insert(db, &row).await?;
    Ok(token)
}

/// Reads a token without using it.
///
/// # Errors
/// [`Error::LinkGone`] if it is unknown, expired, used, or for something else.
pub(crate) async fn find(
    db: impl Executor<'_>,
    token: &str,
    purpose: EmailTokenPurpose,
    now: UnixMillis,
) -> Result<EmailToken, Error> {
    let token = OpaqueToken::parse(PREFIX, token).ok_or(Error::LinkGone)?;
    email_tokens::find(db, &token.hash(), purpose, now).await?.ok_or(Error::LinkGone)
}

/// Uses a token.
///
/// # Errors
/// As [`find`].
pub(crate) async fn take(
    db: impl Executor<'_>,
    token: &str,
    purpose: EmailTokenPurpose,
    now: UnixMillis,
) -> Result<EmailToken, Error> {
    let token = OpaqueToken::parse(PREFIX, token).ok_or(Error::LinkGone)?;
    email_tokens::take(db, &token.hash(), purpose, now).await?.ok_or(Error::LinkGone)
}

impl Reported {
    /// Encrypts it, as a token's detail.
    pub fn seal(&self, secret: &MasterSecret) -> Result<String, Error> {
        Ok(secret.seal(SEALED_FOR, &serde_json::to_vec(self).map_err(Error::internal)?))
    }

    /// Decrypts a token's detail.
    pub fn open(secret: &MasterSecret, token: &EmailToken) -> Result<Self, Error> {
        let sealed = token.detail.as_deref().unwrap_or_default();
        let plain = secret.open(SEALED_FOR, sealed).map_err(Error::internal)?;
        serde_json::from_slice(&plain).map_err(Error::internal)
    }
}
