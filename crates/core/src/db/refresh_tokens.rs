//! Statements on `refresh_tokens`. Single use is enforced by the compare-and-set in `mark_used`.

use sekisho_model::SessionId;
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, UnixMillis, text::Text};

#[derive(Clone, Debug, FromRow)]
pub struct RefreshToken {
    #[sqlx(try_from = "Text<SessionId>")]
    pub session_id: SessionId,
    pub expires_at: UnixMillis,
    pub used_at: Option<UnixMillis>,
    /// The network of the first use.
    pub used_network: Option<String>,
    pub successor_salt: Option<String>,
    pub successor_hash: Option<String>,
    /// When it was replaced, unused, by another successor of its predecessor.
    pub replaced_at: Option<UnixMillis>,
}

const COLUMNS: &str = "session_id, expires_at, used_at, used_network, successor_salt, successor_hash, replaced_at";

pub async fn insert(
    db: impl Executor<'_>,
    hash: &str,
    session_id: &SessionId,
    created_at: UnixMillis,
    expires_at: UnixMillis,
) -> Result<()> {
    sqlx::query("insert into refresh_tokens (hash, session_id, created_at, expires_at) values ($1, $2, $3, $4)")
        .bind(hash)
        .bind(session_id.as_str())
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

/// Finds a token and locks its row until the transaction ends.
pub async fn find_for_update(db: impl Executor<'_>, hash: &str) -> Result<Option<RefreshToken>> {
    let statement = format!("update refresh_tokens set hash = hash where hash = $1 returning {COLUMNS}");
    sqlx::query_as(AssertSqlSafe(statement)).bind(hash).fetch_optional(db).await
}

/// The successor of a used token.
#[derive(Clone, Copy, Debug)]
pub struct Successor<'a> {
    pub salt: &'a str,
    pub hash: &'a str,
}

/// Compare-and-set of the first use: true for exactly one caller.
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

/// Replaces an unused token; false if it or the access token issued with it was used.
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

/// Sets another successor of a used token.
pub async fn set_successor(db: impl Executor<'_>, hash: &str, successor: Successor<'_>) -> Result<()> {
    sqlx::query("update refresh_tokens set successor_salt = $2, successor_hash = $3 where hash = $1")
        .bind(hash)
        .bind(successor.salt)
        .bind(successor.hash)
        .execute(db)
        .await
        .map(drop)
}

/// Records the use of an access token, by the hash prefix of the refresh token issued with it.
pub async fn mark_access_used(db: impl Executor<'_>, hash_prefix: &str, now: UnixMillis) -> Result<()> {
    // A range instead of `like`, which not every database serves by the index; `g` sorts after hex digits.
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

/// Deletes all tokens of a session.
pub async fn delete_of_session(db: impl Executor<'_>, session_id: &SessionId) -> Result<()> {
    sqlx::query("delete from refresh_tokens where session_id = $1")
        .bind(session_id.as_str())
        .execute(db)
        .await
        .map(drop)
}

/// Deletes up to `limit` tokens that expired before `before`; returns how many.
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
