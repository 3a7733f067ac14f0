//! Sends what waits in the outbox.

use std::{sync::Arc, time::Duration};

use sekisho_model::{EmailTokenPurpose, EventKind, MailKind};
use tokio::time::timeout;

use crate::{
    audit::event::Entry,
    clock::{HOUR, UnixMillis},
    db::{
        mails::{self, ClaimedMail, MailStatus},
        users,
    },
    email_token,
    error::Error,
    outbox::{Mail, MailContent, Sealed},
    revocation::BoxFuture,
    unit_of_work::Store,
};

/// How long a process may take to send a claimed message, in milliseconds.
const CLAIM: UnixMillis = 120_000;
/// How long a mail server may take.
const SEND_WITHIN: Duration = Duration::from_secs(30);
/// Waits before the next attempts, in milliseconds; the last one repeats.
const BACK_OFF: [UnixMillis; 6] = [5_000, 30_000, 120_000, 600_000, 1_800_000, HOUR];
/// How long finished messages are listed, in milliseconds.
pub(crate) const KEEP_FINISHED: UnixMillis = 7 * 24 * HOUR;

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// To be tried again: the server is unreachable, slow, or says "later" (4xx).
    #[error("{0}")]
    Temporary(String),
    /// Not to be tried again: the server refuses the message or the recipient (5xx).
    #[error("{0}")]
    Permanent(String),
}

/// Renders and sends messages.
pub trait Mailer: Send + Sync {
    /// Hands a message to the mail server. May be cancelled.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>>;
}

/// Delivery, status and retry of messages.
pub struct Mails {
    pub(crate) store: Arc<Store>,
}

impl Mails {
    /// Whether a mail server is configured.
    pub fn is_configured(&self) -> bool {
        self.store.outbox.enabled
    }

    /// Numbers of messages waiting, sent and failed, of the last 7 days; and the unsent ones, oldest first, at most 100.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn status(&self) -> Result<((i64, i64, i64), Vec<MailStatus>), Error> {
        let db = self.store.reader();
        Ok((mails::count(db).await?, mails::list_unsent(db, 100).await?))
    }

    /// Makes messages due that failed or wait, unless they have expired; returns how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn retry(&self) -> Result<u64, Error> {
        let retried = mails::retry(self.store.writer(), self.store.now()).await?;
        self.store.outbox.written.notify_one();
        Ok(retried)
    }

    /// Returns when this process has written a message.
    pub(crate) async fn written(&self) {
        self.store.outbox.written.notified().await;
    }

    /// Sends what is due, one after another; returns how many were sent.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; what was claimed is sent when the claim has expired.
    pub async fn deliver_due(&self, mailer: &dyn Mailer) -> Result<usize, Error> {
        let mut sent = 0;
        let lock = self.store.for_update();
        loop {
            let now = self.store.now();
            let Some(claimed) = mails::claim(self.store.writer(), now, now + CLAIM, lock).await? else {
                return Ok(sent);
            };
            sent += usize::from(self.deliver(claimed, mailer).await?);
        }
    }

    async fn deliver(&self, claimed: ClaimedMail, mailer: &dyn Mailer) -> Result<bool, Error> {
        let now = self.store.now();
        let failed = match () {
            () if claimed.expires_at <= now => Some("expired before it could be sent"),
            // Two processes died over it: each may have sent it.
            () if claimed.interrupted > 1 => Some("interrupted twice; it may have been sent"),
            () => None,
        };
        if let Some(error) = failed {
            return self.fail(&claimed, None, error).await;
        }
        let sealed = match self.store.outbox.open(&claimed.sealed) {
            Ok(sealed) => sealed,
            Err(error) => {
                error.log();
                return self.fail(&claimed, None, "its content can't be decrypted").await;
            }
        };
        let Some(sealed) = self.resolve(&claimed, sealed).await? else { return Ok(false) };
        let Sealed { to, name, locale, content } = sealed;
        let mail = Mail { id: claimed.id.clone(), to, name, locale, created_at: claimed.created_at, content };
        let result = match timeout(SEND_WITHIN, mailer.send(&mail)).await {
            Ok(result) => result,
            Err(_) => Err(SendError::Temporary("the mail server took too long".into())),
        };
        let now = self.store.now();
        match result {
            Ok(()) => {
                mails::set_sent(self.store.writer(), &claimed.id, now).await?;
                self.store.outbox.metrics.mail(true);
                Ok(true)
            }
            Err(SendError::Permanent(error)) => self.fail(&claimed, None, &error).await,
            Err(SendError::Temporary(error)) => {
                let wait = BACK_OFF[(claimed.attempts.max(1) as usize - 1).min(BACK_OFF.len() - 1)];
                let due_at = Some(now + wait).filter(|due_at| *due_at < claimed.expires_at);
                self.fail(&claimed, due_at, &error).await
            }
        }
    }

    async fn fail(&self, mail: &ClaimedMail, due_at: Option<UnixMillis>, error: &str) -> Result<bool, Error> {
        tracing::warn!(mail.id = mail.id, mail.kind = %mail.kind, retry = due_at.is_some(), error, "a message was not sent");
        mails::set_error(self.store.writer(), mail, due_at, error, self.store.now()).await?;
        self.store.outbox.metrics.mail(false);
        Ok(false)
    }

    /// Turns a request to reset a password into the message, if somebody enabled has the address.
    async fn resolve(&self, claimed: &ClaimedMail, sealed: Sealed) -> Result<Option<Sealed>, Error> {
        let MailContent::RecoveryRequest { by } = sealed.content else { return Ok(Some(sealed)) };
        let context = by.context()?;
        let mut work = self.store.begin(Some(&context)).await?;
        let user = users::find_by_email(work.db(), &sealed.to).await?.filter(|user| user.disabled_at.is_none());
        let Some(user) = user else {
            mails::delete(work.db(), &claimed.id).await?;
            work.commit().await?;
            return Ok(None);
        };
        let now = work.now;
        let purpose = EmailTokenPurpose::ResetPassword;
        let token = email_token::issue(work.db(), &user, purpose, &user.email, None, now).await?;
        let sealed = Sealed {
            to: user.email.clone(), // the stored address, never the typed one (CVE-2019-19844)
            name: Some(user.name.clone()),
            locale: user.locale.clone().or(sealed.locale),
            content: MailContent::ResetPassword { token: token.expose().to_owned(), by },
        };
        mails::set_content(
            work.db(),
            &claimed.id,
            &user.id,
            MailKind::ResetPassword,
            &self.store.outbox.seal(&sealed)?,
        )
        .await?;
        work.log(Entry::new(EventKind::RecoveryRequested).user(&user.id));
        work.commit().await?;
        Ok(Some(sealed))
    }
}
