//! A person's copy of what is stored about them. What may leave is listed field by field in [`crate::db`]; what is not
//! listed stays: hashes, sealed values, keys. Sessions and events come a page at a time, as there may be many.

use sekisho_model::{EventKind, RoleName, UserId};
use serde::Serialize;
use tracing::instrument;

use super::Accounts;
use crate::{
    audit::event::Entry,
    clock::rfc3339,
    db::personal_data::{
        self, Account, ExportedSession, Identity, Link, Message, Passkey, Password, RecoveryCode, Totp, TrustedBrowser,
    },
    error::Error,
    paging::{NEWEST, page},
    request_context::RequestContext,
};

/// What is stored about a person, but their sessions and events.
#[derive(Debug, Serialize)]
pub struct PersonalData {
    exported_at: String,
    account: Account,
    roles: Vec<String>,
    sign_in_methods: SignInMethods,
    messages: Vec<Message>,
    /// The addresses that links in messages were sent to.
    links_in_messages: Vec<Link>,
}

#[derive(Debug, Serialize)]
struct SignInMethods {
    /// `None`: the account has none.
    password: Option<Password>,
    identities: Vec<Identity>,
    passkeys: Vec<Passkey>,
    authenticator_apps: Vec<Totp>,
    recovery_codes: Vec<RecoveryCode>,
    trusted_browsers: Vec<TrustedBrowser>,
}

impl Accounts {
    /// Reads what is stored about a person, and logs that it was exported. The caller has made sure of a recent
    /// authentication.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SessionEnded`], [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn export(&self, user_id: &UserId, context: &RequestContext) -> Result<PersonalData, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        work.log(Entry::new(EventKind::DataExported).user(user_id));
        work.commit().await?;
        let db = self.store.reader();
        let account = personal_data::list_account(db, user_id).await?.pop().ok_or(Error::NotFound)?;
        let assigned = personal_data::list_roles(db, user_id).await?;
        Ok(PersonalData {
            exported_at: rfc3339(self.store.now()),
            account,
            roles: std::iter::once(RoleName::USER.to_owned()).chain(assigned).collect(),
            sign_in_methods: SignInMethods {
                password: personal_data::list_passwords(db, user_id).await?.pop(),
                identities: personal_data::list_identities(db, user_id).await?,
                passkeys: personal_data::list_passkeys(db, user_id).await?,
                authenticator_apps: personal_data::list_totp(db, user_id).await?,
                recovery_codes: personal_data::list_recovery_codes(db, user_id).await?,
                trusted_browsers: personal_data::list_trusted_browsers(db, user_id).await?,
            },
            messages: personal_data::list_messages(db, user_id).await?,
            links_in_messages: personal_data::list_links(db, user_id).await?,
        })
    }

    /// A page of a user's sessions, live and ended, newest first: at most `limit`, after the cursor `before`; and the next
    /// page's cursor.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn export_sessions(
        &self,
        user_id: &UserId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<ExportedSession>, Option<String>), Error> {
        let before = before.unwrap_or(NEWEST);
        let found = personal_data::list_sessions(self.store.reader(), user_id, before, limit as i64 + 1).await?;
        Ok(page(found, limit, |session| &session.id))
    }
}
