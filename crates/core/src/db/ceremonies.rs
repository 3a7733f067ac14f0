//! Statements on `ceremonies`: what a sign-in at a provider must remember until it returns.

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

/// Looks at a ceremony of this browser without using it up.
pub async fn find(db: impl Executor<'_>, id_hash: &str, browser_hash: &str, now: UnixMillis) -> Result<Option<String>> {
    sqlx::query_scalar("select payload from ceremonies where id_hash = $1 and browser_hash = $2 and expires_at > $3")
        .bind(id_hash)
        .bind(browser_hash)
        .bind(now)
        .fetch_optional(db)
        .await
}

/// Uses a ceremony up: one caller gets its payload, and only from the browser that began it.
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

/// Removes ceremonies nobody came back from, `limit` at a time; returns how many.
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
