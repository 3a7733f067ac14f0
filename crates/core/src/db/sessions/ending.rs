//! Statements that end sessions, and on sessions that have ended.

use sekisho_model::{AuthMethod, EndReason, SessionId, UserId};
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::Session;
use crate::db::{Executor, UnixMillis, text::Text};

/// A session ended by a statement.
#[derive(Clone, Debug, FromRow)]
pub struct Ended {
    #[sqlx(try_from = "Text<SessionId>")]
    pub id: SessionId,
    #[sqlx(try_from = "Text<UserId>")]
    pub user_id: UserId,
    pub ended_at: UnixMillis,
    #[sqlx(try_from = "Text<EndReason>")]
    pub ended_reason: EndReason,
}

/// Selects sessions of one user.
#[derive(Clone, Copy, Debug)]
pub enum SessionSelector<'a> {
    /// One session.
    One {
        /// Its owner; another user's session does not match.
        user_id: &'a UserId,
        /// Its id.
        id: &'a SessionId,
    },
    /// All but one session.
    AllBut {
        /// The owner.
        user_id: &'a UserId,
        /// Id of the session to keep.
        keep: &'a SessionId,
    },
    /// All sessions of this user.
    AllOf(&'a UserId),
    /// Sessions last authenticated by a method.
    ByMethod {
        /// The owner.
        user_id: &'a UserId,
        /// The method.
        method: AuthMethod,
    },
    /// Sessions in which a passkey was presented last.
    ByPasskey {
        /// The owner.
        user_id: &'a UserId,
        /// The credential id.
        passkey_id: &'a str,
    },
}

impl<'a> SessionSelector<'a> {
    /// Selects this session.
    pub fn of(session: &'a Session) -> Self {
        Self::One { user_id: &session.user_id, id: &session.id }
    }

    /// The id, if it selects one session.
    pub(crate) fn id(&self) -> Option<&'a SessionId> {
        match self {
            Self::One { id, .. } => Some(id),
            _ => None,
        }
    }

    pub(crate) fn is(&self, session: &Session) -> bool {
        matches!(self, Self::One { user_id, id } if **id == session.id && **user_id == session.user_id)
    }
}

/// Ends sessions of a user: a single one even past its deadline, of several only those live at `now`.
pub async fn end(
    db: impl Executor<'_>,
    selector: SessionSelector<'_>,
    reason: EndReason,
    now: UnixMillis,
    for_update: &str,
) -> Result<Vec<Ended>> {
    let (user_id, condition, value) = match selector {
        SessionSelector::One { user_id, id } => (user_id, "id = $2", id.as_str()),
        SessionSelector::AllBut { user_id, keep } => (user_id, "id <> $2", keep.as_str()),
        SessionSelector::AllOf(user_id) => (user_id, "id <> $2", ""),
        SessionSelector::ByMethod { user_id, method } => (user_id, "method = $2", method.as_str()),
        SessionSelector::ByPasskey { user_id, passkey_id } => (user_id, "passkey_id = $2", passkey_id),
    };
    let live = match selector {
        SessionSelector::One { .. } => "",
        _ => "and (idle_expires_at is null or idle_expires_at > $4) and (expires_at is null or expires_at > $4)",
    };
    let statement = format!(
        "update sessions set ended_at = $4, ended_reason = $3 where id in \
         (select id from sessions where user_id = $1 and {condition} and ended_at is null order by id {for_update}) \
         and ended_at is null {live} returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(user_id.as_str())
        .bind(value)
        .bind(reason.as_str())
        .bind(now)
        .fetch_all(db)
        .await
}

/// The deadline that passed first, of a session past a deadline at `$1`.
const EXPIRED: &str = "case when idle_expires_at <= $1 and (expires_at is null or idle_expires_at < expires_at) \
                       then 'idle_timeout' else 'absolute_timeout' end";

/// Ends sessions past a deadline, up to `limit` of either kind.
pub async fn end_expired(db: impl Executor<'_>, now: UnixMillis, limit: i64, for_update: &str) -> Result<Vec<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $1, ended_reason = {EXPIRED} where id in (select id from sessions where id in \
         (select id from (select id from sessions where ended_at is null and idle_expires_at <= $1 limit $2) \
         as idle union select id from (select id from sessions where ended_at is null and expires_at <= $1 limit $2) \
         as absolute) order by id {for_update}) and ended_at is null \
         and (idle_expires_at <= $1 or expires_at <= $1) returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(now).bind(limit).fetch_all(db).await
}

/// Ends one session if its row is past a deadline: a copy read earlier may be older than the last activity.
pub async fn end_if_expired(db: impl Executor<'_>, id: &SessionId, now: UnixMillis) -> Result<Option<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $1, ended_reason = {EXPIRED} where id = $2 and ended_at is null \
         and (idle_expires_at <= $1 or expires_at <= $1) returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(now).bind(id.as_str()).fetch_optional(db).await
}

/// A session that any process ended, with its reason as text: a process of a newer version may give one that is unknown
/// here.
#[derive(Clone, Debug, FromRow)]
pub struct EndedElsewhere {
    #[sqlx(try_from = "Text<SessionId>")]
    pub id: SessionId,
    pub ended_at: UnixMillis,
    pub ended_reason: String,
}

/// Sessions that ended after `since`.
pub async fn list_ended_since(db: impl Executor<'_>, since: UnixMillis) -> Result<Vec<EndedElsewhere>> {
    sqlx::query_as("select id, ended_at, ended_reason from sessions where ended_at > $1")
        .bind(since)
        .fetch_all(db)
        .await
}

/// Whether a user has sessions that have not ended, or ended after `since`.
pub async fn any_since(db: impl Executor<'_>, user_id: &UserId, since: UnixMillis) -> Result<bool> {
    sqlx::query_scalar::<_, String>(
        "select id from sessions where user_id = $1 and (ended_at is null or ended_at > $2) limit 1",
    )
    .bind(user_id.as_str())
    .bind(since)
    .fetch_optional(db)
    .await
    .map(|id| id.is_some())
}

/// Deletes up to `limit` sessions that ended before `before`; returns how many.
pub async fn delete_ended(db: impl Executor<'_>, before: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query("delete from sessions where id in (select id from sessions where ended_at < $1 limit $2)")
        .bind(before)
        .bind(limit)
        .execute(db)
        .await
        .map(|r| r.rows_affected())
}
