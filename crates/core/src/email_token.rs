//! Tokens in the links of messages: random, stored as hashes, single-use, short-lived, bound to their purpose, to the
//! address they were sent to, and to the account's password at that time. Opening a link uses nothing up: scanners do.

use sekisho_model::{EmailTokenPurpose, EventKind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::AnyConnection;

use crate::{
    clock::{HOUR, UnixMillis},
    db::{
        Executor,
        email_tokens::{self, EmailToken},
        identities::DeletedIdentity,
        passkeys::Passkey,
        totp::Totp,
        users::User,
    },
    error::Error,
    secret::{MasterSecret, OpaqueToken},
};

/// Prefix of the tokens, by which secret scanners find leaks.
const PREFIX: &str = "sk_et_";
/// Encryption purpose of a token's detail.
pub(crate) const SEALED_FOR: &str = "email-token";
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
    /// A removed or replaced authenticator app.
    pub totp: Option<Totp>,
    /// Removed passkeys.
    #[serde(default)]
    pub passkeys: Vec<Passkey>,
}

/// The detail of a [`EmailTokenPurpose::NotMe`] token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reported {
    pub event: EventKind,
    pub at: UnixMillis,
    pub undo: Undo,
}

/// The detail of a [`EmailTokenPurpose::ResetPassword`] token after a reverted event: what comes back with the new
/// password, if its owner wants that. Until then nobody signs in by it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Parked {
    pub links: Vec<DeletedIdentity>,
    pub passkeys: Vec<Passkey>,
}

/// Issues a token for a link sent to `email`; `detail` is [sealed](seal).
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

/// Encrypts a token's detail.
pub(crate) fn seal(secret: &MasterSecret, detail: &impl Serialize) -> Result<String, Error> {
    Ok(secret.seal(SEALED_FOR, &serde_json::to_vec(detail).map_err(Error::internal)?))
}

/// Decrypts a token's detail; `None` if it has none.
pub(crate) fn open<T: DeserializeOwned>(secret: &MasterSecret, token: &EmailToken) -> Result<Option<T>, Error> {
    let Some(sealed) = &token.detail else { return Ok(None) };
    let plain = secret.open(SEALED_FOR, sealed).map_err(Error::internal)?;
    serde_json::from_slice(&plain).map_err(Error::internal)
}

impl Undo {
    /// Adds what a later notice says: the first address, and every removed link and passkey.
    pub fn merge(&mut self, later: Self) {
        self.previous_email = self.previous_email.take().or(later.previous_email);
        self.totp = self.totp.take().or(later.totp);
        for link in later.links {
            if !self.links.iter().any(|known| known.provider == link.provider) {
                self.links.push(link);
            }
        }
        for passkey in later.passkeys {
            if !self.passkeys.iter().any(|known| known.id == passkey.id) {
                self.passkeys.push(passkey);
            }
        }
    }
}
