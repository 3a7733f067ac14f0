//! Statements on sessions whose cookie is a page token: they have no cookie token of their own.

use sekisho_model::SessionId;
use sqlx::{AssertSqlSafe, FromRow, Result};

use crate::db::{Executor, UnixMillis, text::Text};

const LIVE: &str = "ended_at is null and (idle_expires_at is null or idle_expires_at > $2) \
                    and (expires_at is null or expires_at > $2)";

/// Removes the cookie token of a session that has not ended: compare-and-set, true for exactly one caller.
pub async fn remove_token(db: impl Executor<'_>, token_hash: &str) -> Result<bool> {
    sqlx::query("update sessions set token_hash = null where token_hash = $1 and ended_at is null")
        .bind(token_hash)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

/// Locks a live session until the transaction ends; false if it is not live.
pub async fn lock_live(db: impl Executor<'_>, id: &SessionId, now: UnixMillis) -> Result<bool> {
    let statement = format!("update sessions set id = id where id = $1 and {LIVE}");
    let locked = sqlx::query(AssertSqlSafe(statement)).bind(id.as_str()).bind(now).execute(db).await;
    locked.map(|r| r.rows_affected() == 1)
}

/// Records that a session got a new secret, later than every time before; returns when.
pub async fn set_renewed(db: impl Executor<'_>, id: &SessionId, now: UnixMillis) -> Result<UnixMillis> {
    sqlx::query_scalar(
        "update sessions set renewed_at = case when renewed_at >= $2 then renewed_at + 1 else $2 end where id = $1 \
         returning renewed_at",
    )
    .bind(id.as_str())
    .bind(now)
    .fetch_one(db)
    .await
}

/// A session that got a new secret.
#[derive(Clone, Debug, FromRow)]
pub struct Renewed {
    #[sqlx(try_from = "Text<SessionId>")]
    pub id: SessionId,
    pub renewed_at: UnixMillis,
}

/// Sessions that got a new secret after `since`.
pub async fn list_renewed_since(db: impl Executor<'_>, since: UnixMillis) -> Result<Vec<Renewed>> {
    sqlx::query_as("select id, renewed_at from sessions where renewed_at > $1").bind(since).fetch_all(db).await
}

pub async fn find_data(db: impl Executor<'_>, id: &SessionId, now: UnixMillis) -> Result<Option<String>> {
    let statement = format!("select data from sessions where id = $1 and {LIVE}");
    sqlx::query_scalar(AssertSqlSafe(statement)).bind(id.as_str()).bind(now).fetch_optional(db).await
}

pub async fn update_data(db: impl Executor<'_>, id: &SessionId, data: &str) -> Result<()> {
    sqlx::query("update sessions set data = $2 where id = $1 and ended_at is null")
        .bind(id.as_str())
        .bind(data)
        .execute(db)
        .await
        .map(drop)
}
