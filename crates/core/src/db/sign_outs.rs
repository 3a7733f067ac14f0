//! Statements on `sign_outs`: global sign-outs in progress.

use sekisho_model::{EndReason, SessionId};
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, UnixMillis, sessions::ending::Ended, text::Text};

#[derive(Clone, Debug, FromRow)]
pub struct SignOut {
    pub id: String,
    /// Ends sessions begun or authenticated up to this time.
    pub at: UnixMillis,
    /// Id of the session that is kept.
    #[sqlx(try_from = "Text<SessionId>")]
    pub keep: SessionId,
}

pub async fn insert(db: impl Executor<'_>, sign_out: &SignOut) -> Result<()> {
    sqlx::query("insert into sign_outs (id, at, keep) values ($1, $2, $3)")
        .bind(&sign_out.id)
        .bind(sign_out.at)
        .bind(sign_out.keep.as_str())
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

/// The sessions that a global sign-out still has to end; `$1` is the kept one, `$2` the time.
const OPEN: &str = "ended_at is null and id <> $1 and (created_at <= $2 or authenticated_at <= $2)";

/// Ids of the sessions to be ended.
pub async fn list_session_ids(db: impl Executor<'_>, sign_out: &SignOut) -> Result<Vec<SessionId>> {
    let statement = format!("select id from sessions where {OPEN}");
    let query = sqlx::query_as::<_, OpenSession>(AssertSqlSafe(statement));
    let rows = query.bind(sign_out.keep.as_str()).bind(sign_out.at).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(FromRow)]
struct OpenSession {
    #[sqlx(try_from = "Text<SessionId>")]
    id: SessionId,
}

/// Whether sessions remain to be ended.
pub async fn is_open(db: impl Executor<'_>, sign_out: &SignOut) -> Result<bool> {
    let statement = format!("select id from sessions where {OPEN} limit 1");
    sqlx::query_scalar::<_, String>(AssertSqlSafe(statement))
        .bind(sign_out.keep.as_str())
        .bind(sign_out.at)
        .fetch_optional(db)
        .await
        .map(|id| id.is_some())
}

/// Ends up to `limit` of the sessions.
pub async fn end_sessions(
    db: impl Executor<'_>,
    sign_out: &SignOut,
    reason: EndReason,
    now: UnixMillis,
    limit: i64,
    for_update: &str,
) -> Result<Vec<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $4, ended_reason = $3 where id in \
         (select id from sessions where {OPEN} order by id limit $5 {for_update}) and ended_at is null \
         returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(sign_out.keep.as_str())
        .bind(sign_out.at)
        .bind(reason.as_str())
        .bind(now)
        .bind(limit)
        .fetch_all(db)
        .await
}

pub async fn delete_if_done(db: impl Executor<'_>, sign_out: &SignOut) -> Result<()> {
    let statement = format!("delete from sign_outs where id = $3 and not exists (select 1 from sessions where {OPEN})");
    sqlx::query(AssertSqlSafe(statement))
        .bind(sign_out.keep.as_str())
        .bind(sign_out.at)
        .bind(&sign_out.id)
        .execute(db)
        .await
        .map(drop)
}
