//! Statements on `roles` and `user_roles`.

use sekisho_model::{Permissions, RoleName, UserId};
use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis, text::Text};

/// A named set of permissions.
#[derive(Clone, Debug, FromRow)]
pub struct Role {
    /// The unique name.
    #[sqlx(try_from = "Text<RoleName>")]
    pub name: RoleName,
    /// What the role permits.
    #[sqlx(try_from = "Text<Permissions>")]
    pub permissions: Permissions,
}

pub async fn list(db: impl Executor<'_>) -> Result<Vec<Role>> {
    sqlx::query_as("select name, permissions from roles order by name").fetch_all(db).await
}

pub async fn save(db: impl Executor<'_>, role: &Role, now: UnixMillis) -> Result<()> {
    sqlx::query(
        "insert into roles (name, permissions, created_at) values ($1, $2, $3) \
         on conflict (name) do update set permissions = excluded.permissions",
    )
    .bind(role.name.as_str())
    .bind(role.permissions.to_string())
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// Locks a role until the transaction ends.
pub async fn lock(db: impl Executor<'_>, name: &str) -> Result<()> {
    sqlx::query("update roles set permissions = permissions where name = $1").bind(name).execute(db).await.map(drop)
}

/// Deletes an unassigned role; false if it is assigned or unknown.
pub async fn delete_unused(db: impl Executor<'_>, name: &str) -> Result<bool> {
    sqlx::query("delete from roles where name = $1 and not exists (select 1 from user_roles where role = $1)")
        .bind(name)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

/// Assigns a role; the user's row is locked.
pub async fn grant(db: impl Executor<'_>, user_id: &UserId, role: &RoleName) -> Result<()> {
    sqlx::query("insert into user_roles (user_id, role) values ($1, $2)")
        .bind(user_id.as_str())
        .bind(role.as_str())
        .execute(db)
        .await
        .map(drop)
}

/// Removes a role from a user.
pub async fn revoke(db: impl Executor<'_>, user_id: &UserId, role: &RoleName) -> Result<()> {
    sqlx::query("delete from user_roles where user_id = $1 and role = $2")
        .bind(user_id.as_str())
        .bind(role.as_str())
        .execute(db)
        .await
        .map(drop)
}
