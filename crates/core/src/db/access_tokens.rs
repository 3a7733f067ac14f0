//! Statements on `access_tokens`: opaque access tokens.

use sekisho_model::SessionId;
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{
    Executor, UnixMillis,
    sessions::{self, Session},
};

/// An opaque access token, without the token itself.
#[derive(Clone, Debug, FromRow)]
pub struct AccessToken {
    pub jti: String,
    pub client_id: String,
    pub audience: String,
    /// Separated by one space.
    #[sqlx(rename = "token_scope")]
    pub scope: String,
    pub issued_at: UnixMillis,
    #[sqlx(rename = "token_expires_at")]
    pub expires_at: UnixMillis,
}

/// A stored access token with its session, live or ended.
#[derive(Clone, Debug, FromRow)]
pub struct FoundAccessToken {
    #[sqlx(flatten)]
    pub token: AccessToken,
    #[sqlx(flatten)]
    pub session: Session,
}

pub async fn insert(db: impl Executor<'_>, hash: &str, session_id: &SessionId, token: &AccessToken) -> Result<()> {
    sqlx::query(
        "insert into access_tokens (hash, session_id, jti, client_id, audience, scope, issued_at, expires_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(hash)
    .bind(session_id.as_str())
    .bind(&token.jti)
    .bind(&token.client_id)
    .bind(&token.audience)
    .bind(&token.scope)
    .bind(token.issued_at)
    .bind(token.expires_at)
    .execute(db)
    .await
    .map(drop)
}

pub async fn find(db: impl Executor<'_>, hash: &str) -> Result<Option<FoundAccessToken>> {
    let statement = format!(
        "select a.jti, a.client_id, a.audience, a.scope as token_scope, a.issued_at, a.expires_at as token_expires_at, \
         {} from access_tokens a join sessions s on s.id = a.session_id where a.hash = $1",
        sessions::COLUMNS
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(hash).fetch_optional(db).await
}

/// Deletes a session's tokens but the `keep` newest, up to a thousand.
pub async fn delete_oldest(db: impl Executor<'_>, session_id: &SessionId, keep: i64) -> Result<()> {
    sqlx::query(
        "delete from access_tokens where hash in (select hash from access_tokens where session_id = $1 \
         order by issued_at desc, hash limit 1000 offset $2)",
    )
    .bind(session_id.as_str())
    .bind(keep)
    .execute(db)
    .await
    .map(drop)
}

/// Deletes up to `limit` tokens that expired before `before`; returns how many.
pub async fn delete_expired(db: impl Executor<'_>, before: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query(
        "delete from access_tokens where hash in (select hash from access_tokens where expires_at < $1 limit $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(db)
    .await
    .map(|r| r.rows_affected())
}
