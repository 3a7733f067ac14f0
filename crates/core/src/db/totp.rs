//! Statements on `totp`: one authenticator app per account.

use sekisho_model::UserId;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis, text::Text};

/// An authenticator app. Times are Unix milliseconds.
#[derive(Clone, Debug, FromRow, Serialize, Deserialize)]
pub struct Totp {
    /// Sealed.
    pub secret: String,
    pub created_at: UnixMillis,
    pub last_used_at: Option<UnixMillis>,
    /// The time step of the last accepted code.
    pub last_step: i64,
}

pub async fn find(db: impl Executor<'_>, user_id: &UserId) -> Result<Option<Totp>> {
    sqlx::query_as("select secret, created_at, last_used_at, last_step from totp where user_id = $1")
        .bind(user_id.as_str())
        .fetch_optional(db)
        .await
}

/// Inserts an app, or replaces the account's.
pub async fn set(db: impl Executor<'_>, user_id: &UserId, totp: &Totp) -> Result<()> {
    sqlx::query(
        "insert into totp (user_id, secret, created_at, last_used_at, last_step) values ($1, $2, $3, $4, $5) \
         on conflict (user_id) do update set secret = excluded.secret, created_at = excluded.created_at, \
         last_used_at = excluded.last_used_at, last_step = excluded.last_step",
    )
    .bind(user_id.as_str())
    .bind(&totp.secret)
    .bind(totp.created_at)
    .bind(totp.last_used_at)
    .bind(totp.last_step)
    .execute(db)
    .await
    .map(drop)
}

/// Compare-and-set of the last step: a code is accepted once, and only of the app that it was verified with; false if a
/// code of this step or a later one was accepted already.
pub async fn use_step(
    db: impl Executor<'_>,
    user_id: &UserId,
    enrolled_at: UnixMillis,
    step: i64,
    now: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update totp set last_step = $3, last_used_at = $4 where user_id = $1 and created_at = $2 and last_step < $3",
    )
    .bind(user_id.as_str())
    .bind(enrolled_at)
    .bind(step)
    .bind(now)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Deletes an app enrolled at `since` or later; returns it.
pub async fn delete_since(db: impl Executor<'_>, user_id: &UserId, since: UnixMillis) -> Result<Option<Totp>> {
    sqlx::query_as(
        "delete from totp where user_id = $1 and created_at >= $2 \
         returning secret, created_at, last_used_at, last_step",
    )
    .bind(user_id.as_str())
    .bind(since)
    .fetch_optional(db)
    .await
}

/// A sealed secret and its owner.
#[derive(Debug, FromRow)]
pub struct SealedSecret {
    #[sqlx(try_from = "Text<UserId>")]
    pub user_id: UserId,
    pub secret: String,
}

/// Up to `limit` secrets in the order of their owners, after the owner `after`.
pub async fn list_secrets(db: impl Executor<'_>, after: &str, limit: i64) -> Result<Vec<SealedSecret>> {
    sqlx::query_as("select user_id, secret from totp where user_id > $1 order by user_id limit $2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Compare-and-set of a sealed secret; false if the app was removed or replaced meanwhile.
pub async fn swap_secret(db: impl Executor<'_>, user_id: &UserId, old: &str, new: &str) -> Result<bool> {
    sqlx::query("update totp set secret = $3 where user_id = $1 and secret = $2")
        .bind(user_id.as_str())
        .bind(old)
        .bind(new)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}
