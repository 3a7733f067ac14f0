//! Statements on `trusted_browsers`.

use sekisho_model::UserId;
use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis, text::Text};

/// A browser that needs no second factor for a while. Times are Unix milliseconds.
#[derive(Clone, Debug, FromRow)]
pub struct TrustedBrowser {
    /// SHA-256 of the cookie's token, in hex.
    pub hash: String,
    /// Whose sign-ins it is trusted for.
    #[sqlx(try_from = "Text<UserId>")]
    pub user_id: UserId,
    /// Its name, from its user agent.
    pub device: String,
    /// Client address at the last sign-in.
    pub ip: String,
    /// When it became trusted.
    pub created_at: UnixMillis,
    /// When it last signed in without a second factor.
    pub last_used_at: Option<UnixMillis>,
    /// Until when it is trusted.
    pub expires_at: UnixMillis,
}

pub async fn insert(db: impl Executor<'_>, browser: &TrustedBrowser) -> Result<()> {
    sqlx::query(
        "insert into trusted_browsers (hash, user_id, device, ip, created_at, expires_at) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&browser.hash)
    .bind(browser.user_id.as_str())
    .bind(&browser.device)
    .bind(&browser.ip)
    .bind(browser.created_at)
    .bind(browser.expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// Records a sign-in; false if this browser is not trusted for this user.
pub async fn touch(
    db: impl Executor<'_>,
    hash: &str,
    user_id: &UserId,
    ip: &str,
    trusted_since: UnixMillis,
    now: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update trusted_browsers set last_used_at = $5, ip = $3 \
         where hash = $1 and user_id = $2 and created_at > $4 and expires_at > $5",
    )
    .bind(hash)
    .bind(user_id.as_str())
    .bind(ip)
    .bind(trusted_since)
    .bind(now)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// A user's trusted browsers, newest first.
pub async fn list(db: impl Executor<'_>, user_id: &UserId, now: UnixMillis) -> Result<Vec<TrustedBrowser>> {
    sqlx::query_as(
        "select hash, user_id, device, ip, created_at, last_used_at, expires_at from trusted_browsers \
         where user_id = $1 and expires_at > $2 order by created_at desc, hash",
    )
    .bind(user_id.as_str())
    .bind(now)
    .fetch_all(db)
    .await
}

/// Deletes one of a user's; false if there is none.
pub async fn delete(db: impl Executor<'_>, user_id: &UserId, hash: &str) -> Result<bool> {
    sqlx::query("delete from trusted_browsers where user_id = $1 and hash = $2")
        .bind(user_id.as_str())
        .bind(hash)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

pub async fn delete_all(db: impl Executor<'_>, user_id: &UserId) -> Result<()> {
    sqlx::query("delete from trusted_browsers where user_id = $1").bind(user_id.as_str()).execute(db).await.map(drop)
}

/// Deletes up to `limit` expired ones; returns how many.
pub async fn delete_expired(db: impl Executor<'_>, now: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query(
        "delete from trusted_browsers where hash in (select hash from trusted_browsers where expires_at <= $1 limit $2)",
    )
    .bind(now)
    .bind(limit)
    .execute(db)
    .await
    .map(|r| r.rows_affected())
}
