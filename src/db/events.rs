//! Statements on `events`, the log of what happened to an account. Rows are only ever added.

use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct Event {
    pub id: String,
    pub at: UnixMillis,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub kind: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub ip: String,
    pub user_agent: String,
    pub request_id: Option<String>,
}

pub async fn insert(db: impl Executor<'_>, event: &Event) -> Result<()> {
    sqlx::query(
        "insert into events (id, at, user_id, session_id, kind, outcome, reason, ip, user_agent, request_id) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&event.id)
    .bind(event.at)
    .bind(&event.user_id)
    .bind(&event.session_id)
    .bind(&event.kind)
    .bind(&event.outcome)
    .bind(&event.reason)
    .bind(&event.ip)
    .bind(&event.user_agent)
    .bind(&event.request_id)
    .execute(db)
    .await
    .map(drop)
}

/// One person's log, the newest first, from before the event `before` on.
pub async fn list(db: impl Executor<'_>, user_id: &str, before: &str, limit: i64) -> Result<Vec<Event>> {
    sqlx::query_as(
        "select id, at, user_id, session_id, kind, outcome, reason, ip, user_agent, request_id from events \
         where user_id = $1 and id < $2 order by id desc limit $3",
    )
    .bind(user_id)
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}
