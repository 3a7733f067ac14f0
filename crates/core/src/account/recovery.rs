//! Recovery by e-mail: a forgotten password, and "This wasn't me", which reverts what an intruder did even if they have
//! the password and a session.

use sekisho_model::{AuthMethod, EmailTokenPurpose, EndReason, EventKind};
use tracing::instrument;

use super::{Accounts, deletion, email_address::set_verified, email_error, second_factors};
use crate::{
    audit::event::Entry,
    authenticator::second_factor::cancel_reset,
    clock::UnixMillis,
    db::{
        email_tokens::{self, EmailToken},
        identities, passkeys,
        sessions::ending::SessionSelector,
        trusted_browsers,
        users::{self, User},
    },
    email::Email,
    email_token::{self, Parked, Reported, Undo, lifetime},
    error::Error,
    link,
    outbox::{Draft, MailContent},
    request_context::RequestContext,
    secret::OpaqueToken,
};

/// An account whose password is about to be reset.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The account.
    pub user: User,
    /// Whether GitHub accounts are linked, which their owner may want to keep.
    pub linked: bool,
    /// Whether there are passkeys to restore after a reverted event.
    pub passkeys: bool,
}

/// The security event that a link reverts.
#[derive(Clone, Debug)]
pub struct ReportedEvent {
    /// What happened.
    pub event: EventKind,
    /// When, in Unix milliseconds.
    pub at: UnixMillis,
    /// The address that is restored.
    pub previous_email: Option<String>,
}

impl Accounts {
    /// Whether a forgotten password can be reset by e-mail.
    pub fn can_recover(&self) -> bool {
        self.store.outbox.enabled
    }

    /// Sends a link to reset the password to `email`, if it has an account. The account is looked up by the background
    /// job: the response and its time are the same for every address (user enumeration, ASVS 6.3.8).
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::RateLimited`], [`Error::NotFound`] if no mail server is configured.
    #[instrument(level = "debug", skip_all)]
    pub async fn request_recovery(
        &self,
        email: &str,
        locale: Option<&str>,
        context: &RequestContext,
    ) -> Result<(), Error> {
        self.require_mail()?;
        let email = Email::parse(email).ok_or_else(|| Error::field("email", "email-invalid"))?;
        self.limits.mail(context.ip, email.as_str())?;
        let mut work = self.store.begin(Some(context)).await?;
        let Some(by) = work.origin() else { return Err(Error::internal("a request has an origin")) };
        let expires_in = lifetime(EmailTokenPurpose::ResetPassword);
        let content = MailContent::RecoveryRequest { by };
        work.mail(Draft { to: email.as_str(), user: None, locale, expires_in, dedup: true, content }).await?;
        work.commit().await.map(drop)
    }

    /// The account whose password a link resets; uses nothing up.
    ///
    /// # Errors
    /// [`Error::LinkGone`], also if the password or the address was changed since.
    pub async fn recovering(&self, token: &str) -> Result<Recovery, Error> {
        let (db, now) = (self.store.reader(), self.store.now());
        let token = email_token::find(db, token, EmailTokenPurpose::ResetPassword, now).await?;
        let user = users::find(db, &token.user_id).await?.ok_or(Error::LinkGone)?;
        recoverable(&user, &token)?;
        let parked = self.parked(&token)?;
        let linked = user.auth_methods.contains(AuthMethod::Github) || !parked.links.is_empty();
        let verified = user.email_verified_at.is_some();
        Ok(Recovery { linked: linked && verified, passkeys: !parked.passkeys.is_empty() && verified, user })
    }

    /// Sets a new password by a token, verifies the address and ends all sessions; second factors stay, as a mailbox is
    /// none. Links are removed unless `keep_links`, which also restores the passkeys of a reverted event. From an account
    /// whose address was not verified, links and second factors are always removed: whoever registered it was not its
    /// owner. Returns the address.
    ///
    /// # Errors
    /// [`Error::LinkGone`], [`Error::InvalidInput`] for a weak password, which uses nothing up; [`Error::Busy`].
    #[instrument(level = "debug", skip_all)]
    pub async fn recover(
        &self,
        token: &str,
        new_password: &str,
        keep_links: bool,
        context: &RequestContext,
    ) -> Result<String, Error> {
        let Recovery { user, .. } = self.recovering(token).await?;
        let hash = self.password.choose("new_password", new_password, &user).await?;
        let mut work = self.store.begin(Some(context)).await?;
        let user = work.lock_user(&user.id).await?.ok_or(Error::LinkGone)?;
        let now = work.now;
        let token = email_token::take(work.db(), token, EmailTokenPurpose::ResetPassword, now).await?;
        recoverable(&user, &token)?;
        users::swap_password(work.db(), &user.id, user.password_hash.as_deref(), &hash, now).await?;
        email_tokens::delete_all_but_not_me(work.db(), &user.id).await?;
        trusted_browsers::delete_all(work.db(), &user.id).await?;
        work.notify(Entry::new(EventKind::RecoveryUsed).user(&user.id), Undo::default()).await?;
        let unverified = set_verified(&mut work, &user.id, &user.email).await?;
        if unverified || !keep_links {
            link::remove_all(&mut work, &user.id).await?;
        } else {
            let Parked { links, passkeys } = self.parked(&token)?;
            for link in &links {
                identities::restore(work.db(), &user.id, link).await?;
            }
            for passkey in &passkeys {
                passkeys::restore(work.db(), passkey).await?;
            }
        }
        if unverified {
            second_factors::remove_all(&mut work, &user.id).await?;
        }
        work.end(SessionSelector::AllOf(&user.id), EndReason::PasswordChanged).await?;
        work.commit().await?;
        Ok(user.email)
    }

    fn parked(&self, token: &EmailToken) -> Result<Parked, Error> {
        Ok(email_token::open(&self.store.outbox.secret, token)?.unwrap_or_default())
    }

    /// What a link "This wasn't me" reverts; uses nothing up.
    ///
    /// # Errors
    /// [`Error::LinkGone`].
    pub async fn reported(&self, token: &str) -> Result<ReportedEvent, Error> {
        let token = email_token::find(self.store.reader(), token, EmailTokenPurpose::NotMe, self.store.now()).await?;
        let Reported { event, at, undo } = self.open_report(&token)?;
        Ok(ReportedEvent { event, at, previous_email: undo.previous_email })
    }

    /// Reverts a security event and all that came after it: ends all sessions, restores the address and the second factor,
    /// revokes later tokens and the password, cancels a requested deletion and removal of factors. Nobody signs in by a link or a passkey until a
    /// new password is set: those added since are removed, and the others, with those that were removed since, are kept in
    /// the returned token for [`Accounts::recover`].
    ///
    /// # Errors
    /// [`Error::LinkGone`], also once a deletion is being carried out; [`Error::EmailTaken`] if another account has the address by now.
    #[instrument(level = "debug", skip_all)]
    pub async fn revert(&self, token: &str, context: &RequestContext) -> Result<OpaqueToken, Error> {
        let purpose = EmailTokenPurpose::NotMe;
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        let found = email_token::find(work.db(), token, purpose, now).await?;
        let user = work.lock_user(&found.user_id).await?.ok_or(Error::LinkGone)?;
        let now = work.now;
        if user.is_being_deleted(now) {
            return Err(Error::LinkGone);
        }
        deletion::cancel(&mut work, &user).await?;
        cancel_reset(&mut work, &user).await?;
        let pressed = email_token::take(work.db(), token, purpose, now).await?;
        let Reported { event, at, mut undo } = self.open_report(&pressed)?;
        // Later notices say what else to restore. Their links die with this one: whoever else reads them is not asked.
        for later in email_tokens::list_since(work.db(), &user.id, purpose, at, now).await? {
            undo.merge(self.open_report(&later)?.undo);
        }
        email_tokens::delete_since(work.db(), &user.id, at).await?;

        let totp = undo.totp.take().filter(|totp| totp.created_at < at);
        second_factors::revert(&mut work, &user.id, at, totp, &self.store.outbox.secret).await?;
        let removed = identities::delete_since(work.db(), &user.id, 0).await?;
        undo.merge(Undo { links: removed, ..Undo::default() });
        undo.links.retain(|link| link.created_at < at);
        let removed = passkeys::delete_since(work.db(), &user.id, 0).await?;
        undo.merge(Undo { passkeys: removed, ..Undo::default() });
        undo.passkeys.retain(|passkey| passkey.created_at < at);
        if let Some(email) = undo.previous_email.as_deref().filter(|email| *email != user.email) {
            users::set_email(work.db(), &user, email, now).await.map_err(email_error)?;
            if let Some(by) = work.origin() {
                let content = MailContent::Notice { event: EventKind::NotMe, by, new_email: None, token: None };
                let expires_in = lifetime(purpose);
                work.mail(Draft { to: &user.email, user: None, locale: None, expires_in, dedup: false, content })
                    .await?;
            }
        }
        users::remove_password(work.db(), &user.id, now).await?;
        work.log(Entry::new(EventKind::NotMe).user(&user.id).detail(event.as_str()));
        work.user_changed(&user.id);
        work.end(SessionSelector::AllOf(&user.id), EndReason::RevokedByUser).await?;

        let user = users::find(work.db(), &user.id).await?.ok_or(Error::LinkGone)?;
        let parked =
            email_token::seal(&self.store.outbox.secret, &Parked { links: undo.links, passkeys: undo.passkeys })?;
        let purpose = EmailTokenPurpose::ResetPassword;
        let reset = email_token::issue(work.db(), &user, purpose, &user.email, Some(parked), now).await?;
        work.commit().await?;
        Ok(reset)
    }

    fn open_report(&self, token: &EmailToken) -> Result<Reported, Error> {
        email_token::open(&self.store.outbox.secret, token)?.ok_or(Error::LinkGone)
    }
}

/// Whether a token still resets the password of this account.
fn recoverable(user: &User, token: &EmailToken) -> Result<(), Error> {
    let unchanged = user.email == token.email && user.password_changed_at == token.password_changed_at;
    if unchanged && user.disabled_at.is_none() { Ok(()) } else { Err(Error::LinkGone) }
}
