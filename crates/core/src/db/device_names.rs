//! Statements on `device_names`: what people call their own devices.

use sekisho_model::{SessionId, SessionKind, UserId};
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, text::Text};

/// What is known of the device of a session, live or ended.
#[derive(Clone, Debug, FromRow)]
pub struct Device {
    /// The session.
    #[sqlx(try_from = "Text<SessionId>")]
    pub id: SessionId,
    /// Browser or API.
    #[sqlx(try_from = "Text<SessionKind>")]
    pub kind: SessionKind,
    /// What the client calls it.
    pub device: String,
    /// `User-Agent` at sign-in.
    pub user_agent: String,
    /// What its owner calls it.
    pub name: Option<String>,
}

/// The devices of those of `ids` that are sessions of this user.
pub async fn list(db: impl Executor<'_>, user_id: &UserId, ids: &[&str]) -> Result<Vec<Device>> {
    let places = (2..ids.len() + 2).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let statement = format!(
        "select s.id, s.kind, s.device, s.user_agent, n.name from sessions s \
         left join device_names n on n.session_id = s.id where s.user_id = $1 and s.id in ({places})"
    );
    let query = sqlx::query_as(AssertSqlSafe(statement)).bind(user_id.as_str().to_owned());
    ids.iter().fold(query, |query, id| query.bind((*id).to_owned())).fetch_all(db).await
}

/// Upserts the name of a user's live session; false if there is none.
pub async fn save(db: impl Executor<'_>, user_id: &UserId, id: &SessionId, name: &str) -> Result<bool> {
    sqlx::query(
        "insert into device_names (session_id, name) \
         select id, $3 from sessions where user_id = $1 and id = $2 and ended_at is null \
         on conflict (session_id) do update set name = excluded.name",
    )
    .bind(user_id.as_str())
    .bind(id.as_str())
    .bind(name)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Forgets the name of a user's session.
pub async fn delete(db: impl Executor<'_>, user_id: &UserId, id: &SessionId) -> Result<()> {
    sqlx::query(
        "delete from device_names where session_id = $2 \
         and exists (select 1 from sessions s where s.id = $2 and s.user_id = $1)",
    )
    .bind(user_id.as_str())
    .bind(id.as_str())
    .execute(db)
    .await
    .map(drop)
}
