//! Statements that read what is stored about a person, for their own copy of it. Each names the columns that may leave:
//! no password hash, token hash, sealed value or key is among them.

use sekisho_model::UserId;
use serde::{Serialize, Serializer};
use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};
use crate::clock::rfc3339;

/// A time, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, sqlx::Type)]
#[sqlx(transparent)]
pub struct At(UnixMillis);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* } $list:ident from $from:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, FromRow, Serialize)]
            pub struct $name {
                $($(#[$field_doc])* $field: $type,)*
            }

            pub async fn $list(db: impl Executor<'_>, user_id: &UserId) -> Result<Vec<$name>> {
                const COLUMNS: &[&str] = &[$(stringify!($field),)*];
                let statement = format!("select {} from {}", COLUMNS.join(", "), $from);
                sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(user_id.as_str()).fetch_all(db).await
            }
        )*
    };
}

rows! {
    /// The account.
    Account {
        id: String,
        email: String,
        email_verified_at: Option<At>,
        name: String,
        about: String,
        locale: Option<String>,
        created_at: At,
        updated_at: At,
        disabled_at: Option<At>,
        delete_at: Option<At>,
        factor_reset_at: Option<At>,
        /// The latest security notice, and up to when they were acknowledged.
        notice_at: Option<At>,
        notices_seen_at: Option<At>,
        new_device_mail_off_at: Option<At>,
        passkey_offer_declined_at: Option<At>,
    } list_account from "users where id = $1";

    /// The password, if there is one.
    Password {
        password_changed_at: Option<At>,
    } list_passwords from "users where id = $1 and password_hash is not null";

    /// A link to an account at a provider.
    Identity {
        provider: String,
        host: Option<String>,
        subject: String,
        login: String,
        created_at: At,
    } list_identities from "identities where user_id = $1 order by provider";

    /// An authenticator app.
    Totp {
        created_at: At,
        last_used_at: Option<At>,
    } list_totp from "totp where user_id = $1";

    /// A recovery code.
    RecoveryCode {
        created_at: At,
        used_at: Option<At>,
    } list_recovery_codes from "recovery_codes where user_id = $1 order by created_at";

    /// A passkey.
    Passkey {
        name: String,
        created_at: At,
        last_used_at: Option<At>,
        suspended_at: Option<At>,
    } list_passkeys from "passkeys where user_id = $1 order by created_at";

    /// A browser that needs no second factor for a while.
    TrustedBrowser {
        device: String,
        ip: String,
        created_at: At,
        last_used_at: Option<At>,
        expires_at: At,
    } list_trusted_browsers from "trusted_browsers where user_id = $1 order by created_at";

    /// A message that waits, or was finished within the last 7 days.
    Message {
        kind: String,
        created_at: At,
        sent_at: Option<At>,
        failed_at: Option<At>,
    } list_messages from "mails where user_id = $1 order by id";

    /// A link in a message that still works.
    Link {
        purpose: String,
        email: String,
        created_at: At,
        expires_at: At,
    } list_links from "email_tokens where user_id = $1 order by created_at";
}

/// The names of a user's roles, beside `user`, which everybody has.
pub async fn list_roles(db: impl Executor<'_>, user_id: &UserId) -> Result<Vec<String>> {
    sqlx::query_scalar("select role from user_roles where user_id = $1 order by role")
        .bind(user_id.as_str())
        .fetch_all(db)
        .await
}

/// A session, live or ended.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedSession {
    pub(crate) id: String,
    kind: String,
    device: String,
    /// What its owner calls the device.
    own_name: Option<String>,
    ip: String,
    user_agent: String,
    method: String,
    second_factor: Option<String>,
    scope: Option<String>,
    created_at: At,
    authenticated_at: At,
    last_active_at: At,
    idle_expires_at: Option<At>,
    expires_at: Option<At>,
    new_device_at: Option<At>,
    ended_at: Option<At>,
    ended_reason: Option<String>,
}

/// A user's sessions, live and ended, newest first, after the cursor `before`.
pub async fn list_sessions(
    db: impl Executor<'_>,
    user_id: &UserId,
    before: &str,
    limit: i64,
) -> Result<Vec<ExportedSession>> {
    sqlx::query_as(
        "select id, kind, device, \
         (select n.name from device_names n where n.session_id = sessions.id) as own_name, ip, user_agent, method, second_factor, scope, created_at, authenticated_at, \
         last_active_at, idle_expires_at, expires_at, new_device_at, ended_at, ended_reason \
         from sessions where user_id = $1 and id < $2 order by id desc limit $3",
    )
    .bind(user_id.as_str())
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}
