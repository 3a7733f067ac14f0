//! Statements on `users`.

use sqlx::{FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
    pub about: String,
    pub locale: Option<String>,
    pub password_hash: Option<String>,
    pub roles: String,
    pub created_at: UnixMillis,
    pub disabled_at: Option<UnixMillis>,
}

/// Fails with a unique violation when the e-mail address has an account.
pub async fn insert(db: impl Executor<'_>, user: &User) -> Result<()> {
    sqlx::query(
        "insert into users (id, email, name, about, locale, password_hash, roles, created_at, updated_at, \
         password_changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8)",
    )
    .bind(&user.id)
    .bind(&user.email)
    .bind(&user.name)
    .bind(&user.about)
    .bind(&user.locale)
    .bind(&user.password_hash)
    .bind(&user.roles)
    .bind(user.created_at)
    .execute(db)
    .await
    .map(drop)
}

pub async fn find(db: impl Executor<'_>, id: &str) -> Result<Option<User>> {
    sqlx::query_as(
        "select id, email, name, about, locale, password_hash, roles, created_at, disabled_at from users where id = $1",
    )
    .bind(id)
    .fetch_optional(db)
    .await
}

pub async fn find_by_email(db: impl Executor<'_>, email: &str) -> Result<Option<User>> {
    sqlx::query_as(
        "select id, email, name, about, locale, password_hash, roles, created_at, disabled_at from users \
         where email = $1",
    )
    .bind(email)
    .fetch_optional(db)
    .await
}

pub async fn update_profile(
    db: impl Executor<'_>,
    id: &str,
    name: &str,
    about: &str,
    locale: Option<&str>,
    now: UnixMillis,
) -> Result<()> {
    sqlx::query("update users set name = $2, about = $3, locale = $4, updated_at = $5 where id = $1")
        .bind(id)
        .bind(name)
        .bind(about)
        .bind(locale)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

/// Sets a hash only where `old` is still the stored one: false says somebody else changed it meanwhile.
pub async fn swap_password(
    db: impl Executor<'_>,
    id: &str,
    old: Option<&str>,
    new: &str,
    changed_at: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update users set password_hash = $3, password_changed_at = $4, updated_at = $4 \
         where id = $1 and coalesce(password_hash, '') = $2",
    )
    .bind(id)
    .bind(old.unwrap_or_default())
    .bind(new)
    .bind(changed_at)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Replaces a hash by one of the same password with newer parameters, unless the password was changed meanwhile.
pub async fn upgrade_password(db: impl Executor<'_>, id: &str, old: &str, new: &str) -> Result<()> {
    sqlx::query("update users set password_hash = $3 where id = $1 and password_hash = $2")
        .bind(id)
        .bind(old)
        .bind(new)
        .execute(db)
        .await
        .map(drop)
}

/// Holds the user's row until the transaction ends, so that the number of their sessions stands still.
/// False when there is no such user or the account is disabled.
pub async fn lock(db: impl Executor<'_>, id: &str) -> Result<bool> {
    sqlx::query("update users set updated_at = updated_at where id = $1 and disabled_at is null")
        .bind(id)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}
