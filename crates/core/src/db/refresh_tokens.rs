//! Statements on `refresh_tokens`. A token is used once: `mark_used` is the compare-and-set everything rests on.

use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct RefreshToken {
    pub session_id: String,
    pub expires_at: UnixMillis,
    pub used_at: Option<UnixMillis>,
    /// The network of the first use.
    pub used_network: Option<String>,
    pub successor_salt: Option<String>,
    pub successor_hash: Option<String>,
    /// When it was given up, unused, for another successor of its predecessor.
    pub replaced_at: Option<UnixMillis>,
    /// When an access token that came with it was first seen.
    pub access_used_at: Option<UnixMillis>,
}

const COLUMNS: &str = "session_id, expires_at, used_at, used_network, successor_salt, successor_hash, replaced_at, \
                       access_used_at";

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
    let statement = format!("select {COLUMNS} from refresh_tokens where hash = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(hash).fetch_optional(db).await
}

/// The token, whose row is held until the transaction ends.
pub async fn find_for_update(db: impl Executor<'_>, hash: &str) -> Result<Option<RefreshToken>> {
    let statement = format!("update refresh_tokens set hash = hash where hash = $1 returning {COLUMNS}");
    sqlx::query_as(AssertSqlSafe(statement)).bind(hash).fetch_optional(db).await
}

/// What follows a used token.
#[derive(Clone, Copy, Debug)]
pub struct Successor<'a> {
    pub salt: &'a str,
    pub hash: &'a str,
}

/// Uses the token up; true for exactly one caller, however many try at once.
pub async fn mark_used(
    db: impl Executor<'_>,
    hash: &str,
    successor: Successor<'_>,
    network: &str,
    now: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update refresh_tokens set used_at = $5, used_network = $4, successor_salt = $2, successor_hash = $3 \
         where hash = $1 and used_at is null and replaced_at is null",
    )
    .bind(hash)
    .bind(successor.salt)
    .bind(successor.hash)
    .bind(network)
    .bind(now)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Gives a token up that was never used, nor an access token that came with it. False: one of them was.
pub async fn mark_replaced(db: impl Executor<'_>, hash: &str, now: UnixMillis) -> Result<bool> {
    sqlx::query(
        "update refresh_tokens set replaced_at = $2 where hash = $1 and used_at is null and replaced_at is null \
         and access_used_at is null",
    )
    .bind(hash)
    .bind(now)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Gives a used token another successor.
pub async fn set_successor(db: impl Executor<'_>, hash: &str, successor: Successor<'_>) -> Result<()> {
    sqlx::query("update refresh_tokens set successor_salt = $2, successor_hash = $3 where hash = $1")
        .bind(hash)
        .bind(successor.salt)
        .bind(successor.hash)
        .execute(db)
        .await
        .map(drop)
}

/// Notes that an access token was seen that came with the refresh token whose hash begins so.
pub async fn mark_access_used(db: impl Executor<'_>, hash_prefix: &str, now: UnixMillis) -> Result<()> {
    // Hashes are lower-case hex: `g` is behind every digit. A range, as `like` is not served by the index everywhere.
    sqlx::query(
        "update refresh_tokens set access_used_at = $3 where hash >= $1 and hash < $2 and access_used_at is null",
    )
    .bind(hash_prefix)
    .bind(format!("{hash_prefix}g"))
    .bind(now)
    .execute(db)
    .await
    .map(drop)
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
