//! Statements on `identities`: links between a provider's users and accounts.

use sekisho_model::UserId;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis, text::Text};

/// An identity provider; user ids are unique per host only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The key in `identities`: `github`, or `github:` and the host of an Enterprise server.
    pub key: String,
    pub host: String,
}

/// A link between a provider's user and an account.
#[derive(Clone, Debug, FromRow)]
pub struct Identity {
    /// The provider's key.
    pub provider: String,
    /// The provider's user id.
    pub subject: String,
    /// The local account.
    #[sqlx(try_from = "Text<UserId>")]
    pub user_id: UserId,
    /// The login name at the provider when linked; for display.
    pub login: String,
}

/// Unique violation if the identity is linked already, or the user has a link to this provider.
pub async fn insert(db: impl Executor<'_>, identity: &Identity, host: &str, now: UnixMillis) -> Result<()> {
    sqlx::query(
        "insert into identities (provider, subject, user_id, login, created_at, host) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&identity.provider)
    .bind(&identity.subject)
    .bind(identity.user_id.as_str())
    .bind(&identity.login)
    .bind(now)
    .bind(host)
    .execute(db)
    .await
    .map(drop)
}

pub async fn find(db: impl Executor<'_>, provider: &str, subject: &str) -> Result<Option<Identity>> {
    sqlx::query_as("select provider, subject, user_id, login from identities where provider = $1 and subject = $2")
        .bind(provider)
        .bind(subject)
        .fetch_optional(db)
        .await
}

/// All links of a user.
pub async fn list(db: impl Executor<'_>, user_id: &UserId) -> Result<Vec<Identity>> {
    sqlx::query_as("select provider, subject, user_id, login from identities where user_id = $1 order by provider")
        .bind(user_id.as_str())
        .fetch_all(db)
        .await
}

/// A deleted link, with what is needed to restore it.
#[derive(Clone, Debug, FromRow, Serialize, Deserialize)]
pub struct DeletedIdentity {
    pub provider: String,
    pub subject: String,
    pub login: String,
    pub created_at: UnixMillis,
    pub host: Option<String>,
}

/// Deletes a user's links made at `since` or later.
pub async fn delete_since(db: impl Executor<'_>, user_id: &UserId, since: UnixMillis) -> Result<Vec<DeletedIdentity>> {
    sqlx::query_as(
        "delete from identities where user_id = $1 and created_at >= $2 returning provider, subject, login, created_at, host",
    )
    .bind(user_id.as_str())
    .bind(since)
    .fetch_all(db)
    .await
}

/// Restores a deleted link, unless the provider's user, or the account, has another by now.
pub async fn restore(db: impl Executor<'_>, user_id: &UserId, identity: &DeletedIdentity) -> Result<()> {
    sqlx::query(
        "insert into identities (provider, subject, user_id, login, created_at, host) \
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
    )
    .bind(&identity.provider)
    .bind(&identity.subject)
    .bind(user_id.as_str())
    .bind(&identity.login)
    .bind(identity.created_at)
    .bind(&identity.host)
    .execute(db)
    .await
    .map(drop)
}

/// Sets provider and host of links without a recorded host; returns how many.
pub async fn bind(db: impl Executor<'_>, provider: &Provider) -> Result<u64> {
    sqlx::query(
        "update identities set provider = $1, host = $2 where host is null and provider = 'github' \
         and not exists (select 1 from identities o where o.provider = $1 and o.host is not null \
         and (o.subject = identities.subject or o.user_id = identities.user_id))",
    )
    .bind(&provider.key)
    .bind(&provider.host)
    .execute(db)
    .await
    .map(|r| r.rows_affected())
}
