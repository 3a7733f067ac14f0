//! Statements on `identities`: which account a provider's person belongs to.

use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};

/// Who vouches for an identity: a user id of one host says nothing on another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The key in `identities`: `github`, or `github:` and the host of an Enterprise server.
    pub key: String,
    pub host: String,
}

#[derive(Clone, Debug, FromRow)]
pub struct Identity {
    pub provider: String,
    pub subject: String,
    pub user_id: String,
    pub login: String,
}

/// Fails with a unique violation when the identity, or the user's place for this provider, is taken.
pub async fn insert(db: impl Executor<'_>, identity: &Identity, host: &str, now: UnixMillis) -> Result<()> {
    sqlx::query(
        "insert into identities (provider, subject, user_id, login, created_at, host) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&identity.provider)
    .bind(&identity.subject)
    .bind(&identity.user_id)
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

/// All that is linked to a user.
pub async fn list(db: impl Executor<'_>, user_id: &str) -> Result<Vec<Identity>> {
    sqlx::query_as("select provider, subject, user_id, login from identities where user_id = $1 order by provider")
        .bind(user_id)
        .fetch_all(db)
        .await
}

/// Whether a provider's identity has been linked to a user since before `at`.
pub async fn any_since(db: impl Executor<'_>, provider: &str, user_id: &str, at: UnixMillis) -> Result<bool> {
    sqlx::query_scalar::<_, String>(
        "select subject from identities where provider = $1 and user_id = $2 and created_at <= $3",
    )
    .bind(provider)
    .bind(user_id)
    .bind(at)
    .fetch_optional(db)
    .await
    .map(|subject| subject.is_some())
}

/// Removes everything that is linked to a user; returns how many links there were.
pub async fn delete_all(db: impl Executor<'_>, user_id: &str) -> Result<u64> {
    sqlx::query("delete from identities where user_id = $1").bind(user_id).execute(db).await.map(|r| r.rows_affected())
}

/// Binds what was linked before hosts were recorded to this provider; returns how many links were bound.
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
