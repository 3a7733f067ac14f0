//! Statements on `ceremonies`: pending flows.

use sqlx::Result;

use super::{Executor, UnixMillis};

pub async fn insert(
    db: impl Executor<'_>,
    id_hash: &str,
    browser_hash: &str,
    payload: &str,
    expires_at: UnixMillis,
) -> Result<()> {
    sqlx::query("insert into ceremonies (id_hash, browser_hash, payload, expires_at) values ($1, $2, $3, $4)")
        .bind(id_hash)
        .bind(browser_hash)
        .bind(payload)
        .bind(expires_at)
        .execute(db)
        .await
        .map(drop)
}

/// Reads a flow of this browser without consuming it.
pub async fn find(db: impl Executor<'_>, id_hash: &str, browser_hash: &str, now: UnixMillis) -> Result<Option<String>> {
    sqlx::query_scalar("select payload from ceremonies where id_hash = $1 and browser_hash = $2 and expires_at > $3")
        .bind(id_hash)
        .bind(browser_hash)
        .bind(now)
        .fetch_optional(db)
        .await
}

/// Consumes a flow of this browser: exactly one caller gets the payload.
pub async fn take(db: impl Executor<'_>, id_hash: &str, browser_hash: &str, now: UnixMillis) -> Result<Option<String>> {
    sqlx::query_scalar(
        "delete from ceremonies where id_hash = $1 and browser_hash = $2 and expires_at > $3 returning payload",
    )
    .bind(id_hash)
    .bind(browser_hash)
    .bind(now)
    .fetch_optional(db)
    .await
}

/// Deletes up to `limit` expired flows; returns how many.
pub async fn delete_expired(db: impl Executor<'_>, now: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query(
        "delete from ceremonies where id_hash in (select id_hash from ceremonies where expires_at <= $1 limit $2)",
    )
    .bind(now)
    .bind(limit)
    .execute(db)
    .await
    .map(|r| r.rows_affected())
}
