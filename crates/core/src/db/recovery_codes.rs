//! Statements on `recovery_codes`.

use sekisho_model::UserId;
use sqlx::Result;

use super::{Executor, UnixMillis};

pub async fn insert(db: impl Executor<'_>, user_id: &UserId, hash: &str, now: UnixMillis) -> Result<()> {
    sqlx::query("insert into recovery_codes (user_id, hash, created_at) values ($1, $2, $3)")
        .bind(user_id.as_str())
        .bind(hash)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

/// Whether a code can be used.
pub async fn is_unused(db: impl Executor<'_>, user_id: &UserId, hash: &str) -> Result<bool> {
    let found: i64 =
        sqlx::query_scalar("select count(*) from recovery_codes where user_id = $1 and hash = $2 and used_at is null")
            .bind(user_id.as_str())
            .bind(hash)
            .fetch_one(db)
            .await?;
    Ok(found == 1)
}

/// Uses a code: exactly one caller succeeds.
pub async fn spend(db: impl Executor<'_>, user_id: &UserId, hash: &str, now: UnixMillis) -> Result<bool> {
    sqlx::query("update recovery_codes set used_at = $3 where user_id = $1 and hash = $2 and used_at is null")
        .bind(user_id.as_str())
        .bind(hash)
        .bind(now)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

/// Number of codes that can be used.
pub async fn count_unused(db: impl Executor<'_>, user_id: &UserId) -> Result<i64> {
    sqlx::query_scalar("select count(*) from recovery_codes where user_id = $1 and used_at is null")
        .bind(user_id.as_str())
        .fetch_one(db)
        .await
}

/// Deletes a user's codes made at `since` or later, used ones too.
pub async fn delete_since(db: impl Executor<'_>, user_id: &UserId, since: UnixMillis) -> Result<()> {
    sqlx::query("delete from recovery_codes where user_id = $1 and created_at >= $2")
        .bind(user_id.as_str())
        .bind(since)
        .execute(db)
        .await
        .map(drop)
}
