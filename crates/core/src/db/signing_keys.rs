//! Statements on `signing_keys`, and `key_set`: the version, incremented by every change to the keys.

use sqlx::{AnyConnection, FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct SigningKey {
    pub kid: String,
    pub algorithm: String,
    pub public_jwk: String,
    /// Encrypted PKCS#8; empty once withdrawn.
    pub private_key: String,
    /// When it was published.
    pub created_at: UnixMillis,
    /// When it begins to sign.
    pub signs_at: UnixMillis,
    /// When a node last reported signing with it.
    pub signed_at: Option<UnixMillis>,
    /// Longest lifetime of a token it signed, in milliseconds.
    pub longest_ttl: i64,
    /// When it was withdrawn; the row stays as a tombstone.
    pub withdrawn_at: Option<UnixMillis>,
}

pub async fn insert(db: impl Executor<'_>, key: &SigningKey) -> Result<()> {
    sqlx::query(
        "insert into signing_keys (kid, algorithm, public_jwk, private_key, created_at, signs_at, longest_ttl) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&key.kid)
    .bind(&key.algorithm)
    .bind(&key.public_jwk)
    .bind(&key.private_key)
    .bind(key.created_at)
    .bind(key.signs_at)
    .bind(key.longest_ttl)
    .execute(db)
    .await
    .map(drop)
}

/// All keys including tombstones, newest first.
pub async fn list(db: impl Executor<'_>) -> Result<Vec<SigningKey>> {
    sqlx::query_as(
        "select kid, algorithm, public_jwk, private_key, created_at, signs_at, signed_at, longest_ttl, withdrawn_at \
         from signing_keys order by signs_at desc, kid desc",
    )
    .fetch_all(db)
    .await
}

pub async fn version(db: impl Executor<'_>) -> Result<i64> {
    sqlx::query_scalar("select version from key_set where id = 1").fetch_one(db).await
}

/// All keys, locked against changes by other transactions; increments the version.
pub async fn lock(tx: &mut AnyConnection) -> Result<Vec<SigningKey>> {
    sqlx::query("update key_set set version = version + 1 where id = 1").execute(&mut *tx).await?;
    list(tx).await
}

/// Records that a node signs with a key, for tokens of lifetime `ttl`.
pub async fn record_signing(db: impl Executor<'_>, kid: &str, now: UnixMillis, ttl: i64) -> Result<()> {
    sqlx::query(
        "update signing_keys set signed_at = case when signed_at > $2 then signed_at else $2 end, \
         longest_ttl = case when longest_ttl > $3 then longest_ttl else $3 end where kid = $1 and withdrawn_at is null",
    )
    .bind(kid)
    .bind(now)
    .bind(ttl)
    .execute(db)
    .await
    .map(drop)
}

pub async fn set_signs_at(db: impl Executor<'_>, kid: &str, signs_at: UnixMillis) -> Result<()> {
    sqlx::query("update signing_keys set signs_at = $2 where kid = $1 and withdrawn_at is null")
        .bind(kid)
        .bind(signs_at)
        .execute(db)
        .await
        .map(drop)
}

pub async fn set_private_key(db: impl Executor<'_>, kid: &str, sealed: &str) -> Result<()> {
    sqlx::query("update signing_keys set private_key = $2 where kid = $1 and withdrawn_at is null")
        .bind(kid)
        .bind(sealed)
        .execute(db)
        .await
        .map(drop)
}

/// Withdraws a key, leaving a tombstone without its private half.
pub async fn withdraw(db: impl Executor<'_>, kid: &str, now: UnixMillis) -> Result<()> {
    sqlx::query("update signing_keys set withdrawn_at = $2, private_key = '' where kid = $1 and withdrawn_at is null")
        .bind(kid)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

pub async fn delete(db: impl Executor<'_>, kid: &str) -> Result<()> {
    sqlx::query("delete from signing_keys where kid = $1").bind(kid).execute(db).await.map(drop)
}
