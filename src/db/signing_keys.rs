//! Statements on `signing_keys`.

use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct SigningKey {
    pub kid: String,
    pub algorithm: String,
    pub public_jwk: String,
    pub private_key: String,
}

pub async fn insert(db: impl Executor<'_>, key: &SigningKey, now: UnixMillis) -> Result<()> {
    sqlx::query(
        "insert into signing_keys (kid, algorithm, public_jwk, private_key, created_at) values ($1, $2, $3, $4, $5)",
    )
    .bind(&key.kid)
    .bind(&key.algorithm)
    .bind(&key.public_jwk)
    .bind(&key.private_key)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// All keys, the newest first.
pub async fn list(db: impl Executor<'_>) -> Result<Vec<SigningKey>> {
    sqlx::query_as(
        "select kid, algorithm, public_jwk, private_key from signing_keys order by created_at desc, kid desc",
    )
    .fetch_all(db)
    .await
}
