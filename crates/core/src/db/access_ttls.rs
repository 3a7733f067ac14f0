//! Statements on `access_ttls`: the lives that access tokens were given, so that ends are remembered long enough after
//! the setting was shortened.

use sqlx::Result;

use super::{Executor, UnixMillis};

/// Notes that tokens of this life are made at `now`.
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

/// The longest life, in seconds, of tokens that may be alive at `now`.
pub async fn find_longest(db: impl Executor<'_>, now: UnixMillis) -> Result<Option<i64>> {
    sqlx::query_scalar("select max(seconds) from access_ttls where used_at + seconds * 1000 > $1")
        .bind(now)
        .fetch_one(db)
        .await
}

/// Forgets lives whose last tokens ended before `before`.
pub async fn delete_over(db: impl Executor<'_>, before: UnixMillis) -> Result<()> {
    sqlx::query("delete from access_ttls where used_at + seconds * 1000 < $1").bind(before).execute(db).await.map(drop)
}
