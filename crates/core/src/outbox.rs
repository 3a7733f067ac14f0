//! Messages, and the table that they wait in.

use sekisho_model::{EmailTokenPurpose, EventKind, MailKind};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use tokio::sync::Notify;

use crate::{
    clock::UnixMillis,
    db::{
        mails::{self, NewMail},
        users::User,
    },
    email_token::lifetime,
    error::Error,
    metrics::Metrics,
    request_context::RequestContext,
    secret::{MasterSecret, mac},
    user_agent::device_name,
};

/// Encryption purpose of a message's content.
pub(crate) const SEALED_FOR: &str = "mail";
/// One message of a kind to an address per this interval, in milliseconds.
const DEDUP: UnixMillis = 60_000;

/// A message, to be rendered and sent.
#[derive(Clone, Debug)]
pub struct Mail {
    /// UUIDv7; the Message-ID's local part, the same for each attempt.
    pub id: String,
    /// The recipient's address, as stored.
    pub to: String,
    /// The recipient's name, if they have an account.
    pub name: Option<String>,
    /// `en` or `ja`, as the account or the request says.
    pub locale: Option<String>,
    /// When it was written.
    pub created_at: UnixMillis,
    /// What it says.
    pub content: MailContent,
}

/// What a message says. Tokens are plain: they go into links.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailContent {
    /// A request to reset the password of whoever has the address; resolved when it is sent, so that the request takes as
    /// long for an unknown address (user enumeration, ASVS 6.3.8).
    RecoveryRequest {
        /// The client that asked.
        by: Origin,
    },
    /// Verifies the address.
    VerifyEmail {
        /// For the link.
        token: String,
    },
    /// Somebody registered, or changed to, this address, which has an account.
    AccountExists {
        /// The client that asked.
        by: Origin,
    },
    /// Resets the password.
    ResetPassword {
        /// For the link.
        token: String,
        /// The client that asked.
        by: Origin,
    },
    /// Confirms a new address of an account.
    ConfirmEmail {
        /// For the link.
        token: String,
        /// The account's address until then.
        old_email: String,
    },
    /// A security event (ASVS 6.3.7).
    Notice {
        /// What happened.
        event: EventKind,
        /// The client that caused it.
        by: Origin,
        /// The account's new address, after a change.
        new_email: Option<String>,
        /// For the link "This wasn't me"; `None` if an administrator did it.
        token: Option<String>,
    },
}

impl MailContent {
    /// The kind, as stored.
    pub fn kind(&self) -> MailKind {
        match self {
            Self::RecoveryRequest { .. } => MailKind::RecoveryRequest,
            Self::VerifyEmail { .. } => MailKind::VerifyEmail,
            Self::AccountExists { .. } => MailKind::AccountExists,
            Self::ResetPassword { .. } => MailKind::ResetPassword,
            Self::ConfirmEmail { .. } => MailKind::ConfirmEmail,
            Self::Notice { .. } => MailKind::Notice,
        }
    }

    /// Lifetime of the token in its link, in milliseconds; `None`: it has no token.
    pub fn link_lifetime(&self) -> Option<UnixMillis> {
        match self {
            Self::VerifyEmail { .. } => Some(EmailTokenPurpose::VerifyEmail),
            Self::ResetPassword { .. } => Some(EmailTokenPurpose::ResetPassword),
            Self::ConfirmEmail { .. } => Some(EmailTokenPurpose::ConfirmEmail),
            Self::Notice { token: Some(_), .. } => Some(EmailTokenPurpose::NotMe),
            Self::RecoveryRequest { .. } | Self::AccountExists { .. } | Self::Notice { token: None, .. } => None,
        }
        .map(lifetime)
    }
}

/// The client that caused a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// Unix milliseconds.
    pub at: UnixMillis,
    /// Client address.
    pub ip: String,
    /// Device name, such as `Firefox · Linux`.
    pub device: String,
    user_agent: String,
    request_id: Option<String>,
}

impl Origin {
    pub(crate) fn new(context: &RequestContext, at: UnixMillis) -> Self {
        Self {
            at,
            ip: context.ip.to_string(),
            device: device_name(&context.user_agent),
            user_agent: context.user_agent.clone(),
            request_id: context.request_id.clone(),
        }
    }

    /// The request, for the log entry that a background job writes about it.
    pub(crate) fn context(&self) -> Result<RequestContext, Error> {
        Ok(RequestContext {
            ip: self.ip.parse().map_err(Error::internal)?,
            user_agent: self.user_agent.clone(),
            request_id: self.request_id.clone(),
            actor: None,
            session_id: None,
            received_at: self.at,
            device_cookie: None,
            trusted_browser: None,
        })
    }
}

/// The sealed content of a row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub to: String,
    pub name: Option<String>,
    pub locale: Option<String>,
    pub content: MailContent,
}

/// The outbox.
pub struct Outbox {
    /// Whether a mail server is configured; without one nothing is written.
    pub(crate) enabled: bool,
    pub(crate) secret: MasterSecret,
    pub(crate) metrics: Metrics,
    pub(crate) written: Notify,
}

/// A message about to be written.
pub(crate) struct Draft<'a> {
    pub to: &'a str,
    pub user: Option<&'a User>,
    pub locale: Option<&'a str>,
    pub expires_in: UnixMillis,
    /// Whether another of this kind to this address within the last minute is enough.
    pub dedup: bool,
    pub content: MailContent,
}

impl Outbox {
    /// Writes a message in the transaction of what causes it.
    pub(crate) async fn write(
        &self,
        db: &mut AnyConnection,
        id: &str,
        draft: Draft<'_>,
        now: UnixMillis,
    ) -> Result<(), Error> {
        let kind = draft.content.kind();
        let dedup_key = draft.dedup.then(|| {
            let key = self.secret.derive("mail-dedup");
            mac(&key, format!("{kind} {} {}", draft.to, now.div_euclid(DEDUP)).as_bytes())
        });
        let sealed = self.seal(&Sealed {
            to: draft.to.into(),
            name: draft.user.map(|user| user.name.clone()),
            locale: draft.user.and_then(|user| user.locale.as_deref()).or(draft.locale).map(Into::into),
            content: draft.content,
        })?;
        let mail = NewMail {
            id,
            user_id: draft.user.map(|user| &user.id),
            kind,
            dedup_key: dedup_key.as_deref(),
            sealed: &sealed,
            created_at: now,
            expires_at: now + draft.expires_in,
        };
        Ok(mails::insert(db, mail).await.map(drop)?)
    }

    pub(crate) fn seal(&self, mail: &Sealed) -> Result<String, Error> {
        Ok(self.secret.seal(SEALED_FOR, &serde_json::to_vec(mail).map_err(Error::internal)?))
    }

    pub(crate) fn open(&self, sealed: &str) -> Result<Sealed, Error> {
        let plain = self.secret.open(SEALED_FOR, sealed).map_err(Error::internal)?;
        serde_json::from_slice(&plain).map_err(Error::internal)
    }
}
