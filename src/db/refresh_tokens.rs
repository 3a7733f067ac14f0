//! Statements on `refresh_tokens`. A token is used once: `mark_used` is the compare-and-set everything rests on.

use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct RefreshToken {
    pub session_id: String,
    pub expires_at: UnixMillis,
    pub used_at: Option<UnixMillis>,
    pub successor_salt: Option<String>,
    pub successor_hash: Option<String>,
}

pub async fn insert(
    db: impl Executor<'_>,
    hash: &str,
    session_id: &str,
    created_at: UnixMillis,
    expires_at: UnixMillis,
) -> Result<()> {
    sqlx::query("insert into refresh_tokens (hash, session_id, created_at, expires_at) values ($1, $2, $3, $4)")
        .bind(hash)
        .bind(session_id)
        .bind(created_at)
        .bind(expires_at)
        .execute(db)
        .await
        .map(drop)
}

pub async fn find(db: impl Executor<'_>, hash: &str) -> Result<Option<RefreshToken>> {
    sqlx::query_as(
        "select session_id, expires_at, used_at, successor_salt, successor_hash from refresh_tokens where hash = $1",
    )
    .bind(hash)
    .fetch_optional(db)
    .await
}

/// Uses the token up; true for exactly one caller, however many try at once.
pub async fn mark_used(
    db: impl Executor<'_>,
    hash: &str,
    successor_salt: &str,
    successor_hash: &str,
    now: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update refresh_tokens set used_at = $4, successor_salt = $2, successor_hash = $3 \
         where hash = $1 and used_at is null",
    )
    .bind(hash)
    .bind(successor_salt)
    .bind(successor_hash)
    .bind(now)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Removes tokens that ended before `before`, `limit` at a time; returns how many.
pub async fn delete_expired(db: impl Executor<'_>, before: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query(
        "delete from refresh_tokens where hash in (select hash from refresh_tokens where expires_at < $1 limit $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(db)
    .await
    .map(|r| r.rows_affected())
}
