//! Statements on `chain_keys`: the audit chain's HMAC keys, encrypted.

use sqlx::{FromRow, Result};

use super::Executor;

#[derive(Clone, Debug, FromRow)]
pub struct StoredChainKey {
    /// First entry of the key's range.
    pub from_seq: i64,
    pub sealed: String,
}

/// Inserts the first key, unless there is one.
pub async fn insert_first(db: impl Executor<'_>, key: &StoredChainKey) -> Result<()> {
    sqlx::query(
        "insert into chain_keys (from_seq, sealed) select $1, $2 \
         where not exists (select 1 from chain_keys) on conflict (from_seq) do nothing",
    )
    .bind(key.from_seq)
    .bind(&key.sealed)
    .execute(db)
    .await
    .map(drop)
}

/// Inserts a key or replaces its encrypted value.
pub async fn save(db: impl Executor<'_>, key: &StoredChainKey) -> Result<()> {
    sqlx::query(
        "insert into chain_keys (from_seq, sealed) values ($1, $2) \
         on conflict (from_seq) do update set sealed = excluded.sealed",
    )
    .bind(key.from_seq)
    .bind(&key.sealed)
    .execute(db)
    .await
    .map(drop)
}

pub async fn list(db: impl Executor<'_>) -> Result<Vec<StoredChainKey>> {
    sqlx::query_as("select from_seq, sealed from chain_keys order by from_seq").fetch_all(db).await
}
