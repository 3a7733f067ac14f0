//! Statements on `email_tokens`.

use sekisho_model::{EmailTokenPurpose, UserId};
use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis, text::Text};

/// What a token in a message stands for.
#[derive(Clone, Debug, FromRow)]
pub struct EmailToken {
    /// SHA-256 of the token.
    pub hash: String,
    #[sqlx(try_from = "Text<EmailTokenPurpose>")]
    pub purpose: EmailTokenPurpose,
    #[sqlx(try_from = "Text<UserId>")]
    pub user_id: UserId,
    /// The address that it was sent to.
    pub email: String,
    /// The account's, when the token was made.
    pub password_changed_at: Option<UnixMillis>,
    /// Sealed JSON.
    pub detail: Option<String>,
    pub created_at: UnixMillis,
    pub expires_at: UnixMillis,
}

const COLUMNS: &str = "hash, purpose, user_id, email, password_changed_at, detail, created_at, expires_at";

pub async fn insert(db: impl Executor<'_>, token: &EmailToken) -> Result<()> {
    sqlx::query(
        "insert into email_tokens (hash, purpose, user_id, email, password_changed_at, detail, created_at, \
         expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&token.hash)
    .bind(token.purpose.as_str())
    .bind(token.user_id.as_str())
    .bind(&token.email)
    .bind(token.password_changed_at)
    .bind(&token.detail)
    .bind(token.created_at)
    .bind(token.expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// Reads a token without using it.
pub async fn find(
    db: impl Executor<'_>,
    hash: &str,
    purpose: EmailTokenPurpose,
    now: UnixMillis,
) -> Result<Option<EmailToken>> {
    let statement = format!("select {COLUMNS} from email_tokens where hash = $1 and purpose = $2 and expires_at > $3");
    sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(hash).bind(purpose.as_str()).bind(now).fetch_optional(db).await
}

/// Uses a token: exactly one caller gets it.
pub async fn take(
    db: impl Executor<'_>,
    hash: &str,
    purpose: EmailTokenPurpose,
    now: UnixMillis,
) -> Result<Option<EmailToken>> {
    let statement =
        format!("delete from email_tokens where hash = $1 and purpose = $2 and expires_at > $3 returning {COLUMNS}");
    sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(hash).bind(purpose.as_str()).bind(now).fetch_optional(db).await
}

/// Deletes a user's tokens but those that revert a security event.
pub async fn delete_all_but_not_me(db: impl Executor<'_>, user_id: &UserId) -> Result<()> {
    sqlx::query("delete from email_tokens where user_id = $1 and purpose <> $2")
        .bind(user_id.as_str())
        .bind(EmailTokenPurpose::NotMe.as_str())
        .execute(db)
        .await
        .map(drop)
}

/// A user's unexpired tokens of a purpose made at `since` or later, oldest first.
pub async fn list_since(
    db: impl Executor<'_>,
    user_id: &UserId,
    purpose: EmailTokenPurpose,
    since: UnixMillis,
    now: UnixMillis,
) -> Result<Vec<EmailToken>> {
    let statement = format!(
        "select {COLUMNS} from email_tokens where user_id = $1 and purpose = $2 and created_at >= $3 \
         and expires_at > $4 order by created_at, hash"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(user_id.as_str())
        .bind(purpose.as_str())
        .bind(since)
        .bind(now)
        .fetch_all(db)
        .await
}

/// All tokens with a sealed detail.
pub async fn list_sealed(db: impl Executor<'_>) -> Result<Vec<EmailToken>> {
    let statement = format!("select {COLUMNS} from email_tokens where detail is not null");
    sqlx::query_as(sqlx::AssertSqlSafe(statement)).fetch_all(db).await
}

/// Replaces a token's sealed detail.
pub async fn set_detail(db: impl Executor<'_>, hash: &str, detail: &str) -> Result<()> {
    sqlx::query("update email_tokens set detail = $2 where hash = $1")
        .bind(hash)
        .bind(detail)
        .execute(db)
        .await
        .map(drop)
}

/// Deletes a user's tokens made at `since` or later.
pub async fn delete_since(db: impl Executor<'_>, user_id: &UserId, since: UnixMillis) -> Result<()> {
    sqlx::query("delete from email_tokens where user_id = $1 and created_at >= $2")
        .bind(user_id.as_str())
        .bind(since)
        .execute(db)
        .await
        .map(drop)
}

/// Whether an address belongs to another user who may still revert its change.
pub async fn is_reserved(db: impl Executor<'_>, email: &str, user_id: &UserId, now: UnixMillis) -> Result<bool> {
    let found: i64 = sqlx::query_scalar(
        "select count(*) from email_tokens where email = $1 and purpose = $2 and user_id <> $3 and expires_at > $4",
    )
    .bind(email)
    .bind(EmailTokenPurpose::NotMe.as_str())
    .bind(user_id.as_str())
    .bind(now)
    .fetch_one(db)
    .await?;
    Ok(found > 0)
}

/// Deletes up to `limit` expired tokens; returns how many.
pub async fn delete_expired(db: impl Executor<'_>, now: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query(
        "delete from email_tokens where hash in (select hash from email_tokens where expires_at <= $1 limit $2)",
    )
    .bind(now)
    .bind(limit)
    .execute(db)
    .await
    .map(|r| r.rows_affected())
}
