//! The e-mail address of an account: verification, and change. An address is changed only by whoever reads its mail.

use sekisho_model::{EmailTokenPurpose, EventKind, UserId};
use tracing::instrument;

use super::{Accounts, email_error};
use crate::{
    audit::event::Entry,
    clock::UnixMillis,
    db::{
        email_tokens,
        users::{self, User},
    },
    email::Email,
    email_token::{self, Undo, lifetime},
    error::Error,
    mail::messages::{mail_account_exists, mail_verification},
    outbox::{Draft, MailContent},
    request_context::RequestContext,
    unit_of_work::UnitOfWork,
};

/// How long an account may stay unverified where verification is required, in milliseconds.
pub(super) const VERIFY_WITHIN: UnixMillis = 7 * 24 * crate::clock::HOUR;

impl Accounts {
    /// Whether a signed-in user must verify their address before anything else.
    pub fn must_verify(&self, user: &User) -> bool {
        self.verify_email && user.email_verified_at.is_none()
    }

    /// Sends a signed-in user another message that verifies the address.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::NotFound`] if no mail server is configured.
    #[instrument(level = "debug", skip_all, fields(user.id = %user.id))]
    pub async fn send_verification(&self, user: &User, context: &RequestContext) -> Result<(), Error> {
        self.require_mail()?;
        if user.email_verified_at.is_some() {
            return Ok(());
        }
        self.limits.mail_user(&user.id)?;
        let mut work = self.store.begin(Some(context)).await?;
        mail_verification(&mut work, user).await?;
        work.commit().await.map(drop)
    }

    /// The address that a verification link is for; uses nothing up.
    ///
    /// # Errors
    /// [`Error::LinkGone`].
    pub async fn verifying(&self, token: &str) -> Result<String, Error> {
        let (db, now) = (self.store.reader(), self.store.now());
        Ok(email_token::find(db, token, EmailTokenPurpose::VerifyEmail, now).await?.email)
    }

    /// Verifies the address that the token was sent to; returns it.
    ///
    /// # Errors
    /// [`Error::LinkGone`], also if the account has another address by now.
    #[instrument(level = "debug", skip_all)]
    pub async fn verify_email(&self, token: &str, context: &RequestContext) -> Result<String, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        // The user's row is locked before the token's, as everywhere.
        let found = email_token::find(work.db(), token, EmailTokenPurpose::VerifyEmail, now).await?;
        work.lock_user(&found.user_id).await?;
        let token = email_token::take(work.db(), token, EmailTokenPurpose::VerifyEmail, now).await?;
        set_verified(&mut work, &token.user_id, &token.email).await?.then_some(()).ok_or(Error::LinkGone)?;
        work.commit().await?;
        Ok(token.email)
    }

    /// Sends a link to the new address of a signed-in user; the caller has made sure of a recent authentication. A registered address gets a
    /// message too, that it has an account already: the response does not tell (user enumeration, ASVS 6.3.8).
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::RateLimited`], [`Error::NotFound`] if no mail server is
    /// configured.
    #[instrument(level = "debug", skip_all, fields(user.id = %user.id))]
    pub async fn request_email_change(
        &self,
        user: &User,
        new_email: &str,
        context: &RequestContext,
    ) -> Result<String, Error> {
        self.require_mail()?;
        let email = Email::parse(new_email).ok_or_else(|| Error::field("email", "email-invalid"))?;
        if email.as_str() == user.email {
            return Err(Error::field("email", "email-same"));
        }
        self.limits.mail_user(&user.id)?;
        let mut work = self.store.begin(Some(context)).await?;
        if is_taken(&mut work, email.as_str(), &user.id).await? {
            mail_account_exists(&mut work, email.as_str(), user.locale.as_deref()).await?;
        } else {
            let (purpose, now) = (EmailTokenPurpose::ConfirmEmail, work.now);
            let token = email_token::issue(work.db(), user, purpose, email.as_str(), None, now).await?;
            let content = MailContent::ConfirmEmail { token: token.expose().to_owned(), old_email: user.email.clone() };
            let draft = Draft {
                to: email.as_str(),
                user: Some(user),
                locale: None,
                expires_in: lifetime(purpose),
                dedup: false,
                content,
            };
            work.mail(draft).await?;
        }
        work.commit().await?;
        Ok(email.as_str().to_owned())
    }

    /// The new address that a link confirms for a signed-in user; uses nothing up.
    ///
    /// # Errors
    /// [`Error::LinkGone`], also if it is another account's.
    pub async fn confirming(&self, user: &User, token: &str) -> Result<String, Error> {
        let (db, now) = (self.store.reader(), self.store.now());
        let token = email_token::find(db, token, EmailTokenPurpose::ConfirmEmail, now).await?;
        if token.user_id == user.id { Ok(token.email) } else { Err(Error::LinkGone) }
    }

    /// Changes the address of a signed-in user to the one that the token was sent to, and returns it: whoever only reads the
    /// new mailbox, or whose session has ended, changes nothing. The old address is told, with a link that undoes it; every
    /// other token of the account is revoked.
    ///
    /// # Errors
    /// [`Error::LinkGone`], also if it is another account's, or the password or the address was changed since;
    /// [`Error::EmailTaken`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user.id))]
    pub async fn confirm_email_change(
        &self,
        user: &User,
        token: &str,
        context: &RequestContext,
    ) -> Result<String, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let user = work.lock_user(&user.id).await?.ok_or(Error::LinkGone)?;
        let now = work.now;
        let token = email_token::take(work.db(), token, EmailTokenPurpose::ConfirmEmail, now).await?;
        let unchanged = user.password_changed_at == token.password_changed_at && user.id == token.user_id;
        if !unchanged || user.disabled_at.is_some() {
            return Err(Error::LinkGone);
        }
        if email_tokens::is_reserved(work.db(), &token.email, &user.id, now).await? {
            return Err(Error::EmailTaken);
        }
        users::set_email(work.db(), &user, &token.email, now).await.map_err(email_error)?;
        email_tokens::delete_all_but_not_me(work.db(), &user.id).await?;
        let undo = Undo { previous_email: Some(user.email.clone()), ..Undo::default() };
        work.notify(Entry::new(EventKind::EmailChanged).user(&user.id), undo).await?;
        work.commit().await?;
        Ok(token.email)
    }

    /// Turns messages about sign-ins on new devices on or off.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn set_new_device_mail(&self, user: &User, wanted: bool, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let off_at = (!wanted).then_some(work.now);
        users::set_new_device_mail_off(work.db(), &user.id, off_at).await?;
        work.user_changed(&user.id);
        work.commit().await.map(drop)
    }

    pub(super) fn require_mail(&self) -> Result<(), Error> {
        if self.store.outbox.enabled { Ok(()) } else { Err(Error::NotFound) }
    }
}

/// Whether an address is another account's, or may become it again.
pub(super) async fn is_taken(work: &mut UnitOfWork<'_>, email: &str, user_id: &UserId) -> Result<bool, Error> {
    let now = work.now;
    Ok(users::find_by_email(work.db(), email).await?.is_some()
        || email_tokens::is_reserved(work.db(), email, user_id, now).await?)
}

/// Marks an address as verified; false if it was, or if the account has another by now.
pub(super) async fn set_verified(work: &mut UnitOfWork<'_>, user_id: &UserId, email: &str) -> Result<bool, Error> {
    let now = work.now;
    let verified = users::set_email_verified(work.db(), user_id, email, now).await?;
    if verified {
        work.user_changed(user_id);
        work.log(Entry::new(EventKind::EmailVerified).user(user_id));
    }
    Ok(verified)
}
