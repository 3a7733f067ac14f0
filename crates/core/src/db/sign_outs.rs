//! Statements on `sign_outs`: global sign-outs in progress.

use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct SignOut {
    pub id: String,
    /// Ends sessions begun or authenticated up to this time.
    pub at: UnixMillis,
    /// Id of the session that is kept.
    pub keep: String,
}

pub async fn insert(db: impl Executor<'_>, sign_out: &SignOut) -> Result<()> {
    sqlx::query("insert into sign_outs (id, at, keep) values ($1, $2, $3)")
        .bind(&sign_out.id)
        .bind(sign_out.at)
        .bind(&sign_out.keep)
        .execute(db)
        .await
        .map(drop)
}

pub async fn list(db: impl Executor<'_>) -> Result<Vec<SignOut>> {
    sqlx::query_as("select id, at, keep from sign_outs order by id").fetch_all(db).await
}

/// Whether there was a global sign-out between `since` and `now`.
pub async fn any_between(db: impl Executor<'_>, since: UnixMillis, now: UnixMillis) -> Result<bool> {
    sqlx::query_scalar::<_, String>("select id from sign_outs where at >= $1 and at <= $2 limit 1")
        .bind(since)
        .bind(now)
        .fetch_optional(db)
        .await
        .map(|id| id.is_some())
}

/// Whether sessions remain to be ended.
pub async fn is_open(db: impl Executor<'_>, sign_out: &SignOut) -> Result<bool> {
    sqlx::query_scalar::<_, String>(
        "select id from sessions where ended_at is null and id <> $1 and (created_at <= $2 or authenticated_at <= $2) limit 1",
    )
    .bind(&sign_out.keep)
    .bind(sign_out.at)
    .fetch_optional(db)
    .await
    .map(|id| id.is_some())
}

pub async fn delete_if_done(db: impl Executor<'_>, sign_out: &SignOut) -> Result<()> {
    sqlx::query(
        "delete from sign_outs where id = $1 and not exists \
         (select 1 from sessions where ended_at is null and id <> $2 and (created_at <= $3 or authenticated_at <= $3))",
    )
    .bind(&sign_out.id)
    .bind(&sign_out.keep)
    .bind(sign_out.at)
    .execute(db)
    .await
    .map(drop)
}
