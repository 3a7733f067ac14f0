//! Recovery by e-mail: a forgotten password, and "This wasn't me", which reverts what an intruder did even if they have
//! the password and a session.

use sekisho_model::{EmailTokenPurpose, EndReason, EventKind};
use tracing::instrument;

use super::{Accounts, email_address::set_verified, insert_error};
use crate::{
    audit::event::Entry,
    clock::UnixMillis,
    db::{
        email_tokens::{self, EmailToken},
        identities,
        sessions::ending::SessionSelector,
        users::{self, User},
    },
    email::Email,
    email_token::{self, Reported, Undo, lifetime},
    error::Error,
    link,
    outbox::{Draft, MailContent},
    request_context::RequestContext,
    secret::OpaqueToken,
};

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
    pub async fn recovering(&self, token: &str) -> Result<User, Error> {
        let token =
            email_token::find(self.store.reader(), token, EmailTokenPurpose::ResetPassword, self.store.now()).await?;
        let user = users::find(self.store.reader(), &token.user_id).await?.ok_or(Error::LinkGone)?;
        recoverable(&user, &token)?;
        Ok(user)
    }

    /// Sets a new password by a token, verifies the address and ends all sessions; second factors stay. Links are removed
    /// unless `keep_links`, and always from an account whose address was not verified: whoever registered it was not its
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
        let user = self.recovering(token).await?;
        let hash = self.password.choose("new_password", new_password, &user).await?;
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        let token = email_token::take(work.db(), token, EmailTokenPurpose::ResetPassword, now).await?;
        let user = users::find_for_update(work.db(), &token.user_id).await?.ok_or(Error::LinkGone)?;
        recoverable(&user, &token)?;
        users::swap_password(work.db(), &user.id, user.password_hash.as_deref(), &hash, now).await?;
        email_tokens::delete_all_but_not_me(work.db(), &user.id).await?;
        work.notify(Entry::new(EventKind::RecoveryUsed).user(&user.id), Undo::default()).await?;
        let unverified = set_verified(&mut work, &user.id, &user.email).await?;
        if unverified || !keep_links {
            link::remove_all(&mut work, &user.id).await?;
        }
        work.end(SessionSelector::AllOf(&user.id), EndReason::PasswordChanged).await?;
        work.commit().await?;
        Ok(user.email)
    }

    /// What a link "This wasn't me" reverts; uses nothing up.
    ///
    /// # Errors
    /// [`Error::LinkGone`].
    pub async fn reported(&self, token: &str) -> Result<ReportedEvent, Error> {
        let token = email_token::find(self.store.reader(), token, EmailTokenPurpose::NotMe, self.store.now()).await?;
        let Reported { event, at, undo } = Reported::open(&self.store.outbox.secret, &token)?;
        Ok(ReportedEvent { event, at, previous_email: undo.previous_email })
    }

    /// Reverts a security event: ends all sessions, restores the address and the links that the event removed, removes
    /// links made since, revokes later tokens and the password. Returns a token for [`Accounts::recover`].
    ///
    /// # Errors
    /// [`Error::LinkGone`]; [`Error::EmailTaken`] if another account has the address by now.
    #[instrument(level = "debug", skip_all)]
    pub async fn revert(&self, token: &str, context: &RequestContext) -> Result<OpaqueToken, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        let token = email_token::take(work.db(), token, EmailTokenPurpose::NotMe, now).await?;
        let Reported { event, at, undo } = Reported::open(&self.store.outbox.secret, &token)?;
        let user = users::find_for_update(work.db(), &token.user_id).await?.ok_or(Error::LinkGone)?;
        identities::delete_since(work.db(), &user.id, at).await?;
        for identity in &undo.links {
            identities::restore(work.db(), &user.id, identity).await?;
        }
        if let Some(email) = undo.previous_email.as_deref().filter(|email| *email != user.email) {
            users::set_email(work.db(), &user, email, now).await.map_err(insert_error)?;
        }
        users::remove_password(work.db(), &user.id, now).await?;
        email_tokens::delete_since(work.db(), &user.id, at).await?;
        work.log(Entry::new(EventKind::NotMe).user(&user.id).detail(event.as_str()));
        work.user_changed(&user.id);
        work.end(SessionSelector::AllOf(&user.id), EndReason::RevokedByUser).await?;
        let user = users::find(work.db(), &user.id).await?.ok_or(Error::LinkGone)?;
        let reset =
            email_token::issue(work.db(), &user, EmailTokenPurpose::ResetPassword, &user.email, None, now).await?;
        work.commit().await?;
        Ok(reset)
    }
}

/// Whether a token still resets the password of this account.
fn recoverable(user: &User, token: &EmailToken) -> Result<(), Error> {
    let unchanged = user.email == token.email && user.password_changed_at == token.password_changed_at;
    if unchanged && user.disabled_at.is_none() { Ok(()) } else { Err(Error::LinkGone) }
}
