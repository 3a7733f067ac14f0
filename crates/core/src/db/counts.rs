//! Statements on `counts`: hourly event counts.

use sqlx::{AssertSqlSafe, FromRow, Result};

use super::Executor;

/// An hourly count.
#[derive(Clone, Debug, FromRow)]
pub struct Count {
    /// Hours since 1970-01-01 UTC.
    pub hour: i64,
    /// An event kind, or a name in [`statistics`](crate::audit::statistics).
    pub kind: String,
    /// The count.
    pub n: i64,
}

pub async fn add(db: impl Executor<'_>, hour: i64, kind: &str, n: i64) -> Result<()> {
    upsert(db, hour, kind, n, "n = counts.n + excluded.n").await
}

/// Raises an hour's value to the maximum.
pub async fn raise(db: impl Executor<'_>, hour: i64, kind: &str, n: i64) -> Result<()> {
    upsert(db, hour, kind, n, "n = excluded.n where counts.n < excluded.n").await
}

async fn upsert(db: impl Executor<'_>, hour: i64, kind: &str, n: i64, set: &str) -> Result<()> {
    let statement =
        format!("insert into counts (hour, kind, n) values ($1, $2, $3) on conflict (hour, kind) do update set {set}");
    sqlx::query(AssertSqlSafe(statement)).bind(hour).bind(kind).bind(n).execute(db).await.map(drop)
}

pub async fn list_since(db: impl Executor<'_>, hour: i64) -> Result<Vec<Count>> {
    sqlx::query_as("select hour, kind, n from counts where hour >= $1 order by hour").bind(hour).fetch_all(db).await
}
