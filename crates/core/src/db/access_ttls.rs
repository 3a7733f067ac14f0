//! Statements on `access_ttls`: lifetimes of issued access tokens, so that revocations are kept long enough after the
//! setting was shortened.

use sqlx::Result;

use super::{Executor, UnixMillis};

/// Records that tokens with this lifetime are issued at `now`.
pub async fn save(db: impl Executor<'_>, seconds: i64, now: UnixMillis) -> Result<()> {
    sqlx::query(
        "insert into access_ttls (seconds, used_at) values ($1, $2) \
         on conflict (seconds) do update set used_at = excluded.used_at",
    )
    .bind(seconds)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// The longest lifetime, in seconds, of tokens that may be valid at `now`.
pub async fn find_longest(db: impl Executor<'_>, now: UnixMillis) -> Result<Option<i64>> {
    sqlx::query_scalar("select max(seconds) from access_ttls where used_at + seconds * 1000 > $1")
        .bind(now)
        .fetch_one(db)
        .await
}

/// Deletes lifetimes whose last tokens expired before `before`.
pub async fn delete_over(db: impl Executor<'_>, before: UnixMillis) -> Result<()> {
    sqlx::query("delete from access_ttls where used_at + seconds * 1000 < $1").bind(before).execute(db).await.map(drop)
}
