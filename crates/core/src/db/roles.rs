//! Statements on `roles`.

use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct Role {
    pub name: String,
    /// Separated by one space.
    pub permissions: String,
}

pub async fn list(db: impl Executor<'_>) -> Result<Vec<Role>> {
    sqlx::query_as("select name, permissions from roles order by name").fetch_all(db).await
}

pub async fn save(db: impl Executor<'_>, role: &Role, now: UnixMillis) -> Result<()> {
    sqlx::query(
        "insert into roles (name, permissions, created_at) values ($1, $2, $3) \
         on conflict (name) do update set permissions = excluded.permissions",
    )
    .bind(&role.name)
    .bind(&role.permissions)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// Holds a role until the transaction ends.
pub async fn lock(db: impl Executor<'_>, name: &str) -> Result<()> {
    sqlx::query("update roles set permissions = permissions where name = $1").bind(name).execute(db).await.map(drop)
}

/// Removes a role that nobody has; false when somebody does, or there is no such role.
pub async fn delete_unused(db: impl Executor<'_>, name: &str) -> Result<bool> {
    sqlx::query(
        "delete from roles where name = $1 and not exists \
         (select 1 from users where roles <> 'user' and ' ' || roles || ' ' like '% ' || $1 || ' %')",
    )
    .bind(name)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}
