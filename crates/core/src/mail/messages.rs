//! Messages that several subjects write.

use sekisho_model::EmailTokenPurpose;

use crate::{
    db::users::{self, User},
    email_token::{self, lifetime},
    error::Error,
    outbox::{Draft, MailContent},
    unit_of_work::UnitOfWork,
};

/// Writes the message that verifies an account's address.
pub async fn mail_verification(work: &mut UnitOfWork<'_>, user: &User) -> Result<(), Error> {
    let (purpose, now) = (EmailTokenPurpose::VerifyEmail, work.now);
    let token = email_token::issue(work.db(), user, purpose, &user.email, None, now).await?;
    let content = MailContent::VerifyEmail { token: token.expose().to_owned() };
    let (to, expires_in) = (user.email.as_str(), lifetime(purpose));
    work.mail(Draft { to, user: Some(user), locale: None, expires_in, dedup: true, content }).await
}

/// Writes the message to an address that has an account, and that somebody tried to use for another one.
pub async fn mail_account_exists(work: &mut UnitOfWork<'_>, email: &str, locale: Option<&str>) -> Result<(), Error> {
    let (user, by) = (users::find_by_email(work.db(), email).await?, work.origin());
    let (Some(user), Some(by)) = (user, by) else { return Ok(()) };
    let (content, expires_in) = (MailContent::AccountExists { by }, lifetime(EmailTokenPurpose::VerifyEmail));
    work.mail(Draft { to: &user.email, user: Some(&user), locale, expires_in, dedup: true, content }).await
}
