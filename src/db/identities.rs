//! Statements on `identities`: which account a provider's person belongs to.

use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct Identity {
    pub subject: String,
    pub user_id: String,
    pub login: String,
}

/// Fails with a unique violation when the identity, or the user's place for this provider, is taken.
pub async fn insert(db: impl Executor<'_>, provider: &str, identity: &Identity, now: UnixMillis) -> Result<()> {
    sqlx::query("insert into identities (provider, subject, user_id, login, created_at) values ($1, $2, $3, $4, $5)")
        .bind(provider)
        .bind(&identity.subject)
        .bind(&identity.user_id)
        .bind(&identity.login)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

pub async fn find(db: impl Executor<'_>, provider: &str, subject: &str) -> Result<Option<Identity>> {
    sqlx::query_as("select subject, user_id, login from identities where provider = $1 and subject = $2")
        .bind(provider)
        .bind(subject)
        .fetch_optional(db)
        .await
}

pub async fn find_by_user(db: impl Executor<'_>, provider: &str, user_id: &str) -> Result<Option<Identity>> {
    sqlx::query_as("select subject, user_id, login from identities where provider = $1 and user_id = $2")
        .bind(provider)
        .bind(user_id)
        .fetch_optional(db)
        .await
}

/// Removes the link only while the account has a password: nobody is left without a way in.
pub async fn delete_if_password(db: impl Executor<'_>, provider: &str, user_id: &str) -> Result<bool> {
    sqlx::query(
        "delete from identities where provider = $1 and user_id = $2 \
         and exists (select 1 from users where id = $2 and password_hash is not null)",
    )
    .bind(provider)
    .bind(user_id)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}
