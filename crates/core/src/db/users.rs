//! Statements on `users`.

use sqlx::{AssertSqlSafe, FromRow, Result};

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
    pub password_changed_at: Option<UnixMillis>,
    /// When the latest thing happened that the person should know of.
    pub notice_at: Option<UnixMillis>,
    /// When they last said that they had seen such things.
    pub notices_seen_at: Option<UnixMillis>,
}

const COLUMNS: &str = "id, email, name, about, locale, password_hash, roles, created_at, disabled_at, password_changed_at, notice_at, \
     notices_seen_at";

/// What administrators search in.
fn searched(email: &str, name: &str) -> String {
    format!("{email} {name}").to_lowercase()
}

/// Fails with a unique violation when the e-mail address has an account.
pub async fn insert(db: impl Executor<'_>, user: &User) -> Result<()> {
    sqlx::query(
        "insert into users (id, email, name, about, locale, password_hash, roles, created_at, updated_at, \
         password_changed_at, search) values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8, $9)",
    )
    .bind(&user.id)
    .bind(&user.email)
    .bind(&user.name)
    .bind(&user.about)
    .bind(&user.locale)
    .bind(&user.password_hash)
    .bind(&user.roles)
    .bind(user.created_at)
    .bind(searched(&user.email, &user.name))
    .execute(db)
    .await
    .map(drop)
}

pub async fn find(db: impl Executor<'_>, id: &str) -> Result<Option<User>> {
    let statement = format!("select {COLUMNS} from users where id = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(id).fetch_optional(db).await
}

/// The user, whose row is held until the transaction ends.
pub async fn find_for_update(db: impl Executor<'_>, id: &str) -> Result<Option<User>> {
    let statement = format!("update users set updated_at = updated_at where id = $1 returning {COLUMNS}");
    sqlx::query_as(AssertSqlSafe(statement)).bind(id).fetch_optional(db).await
}

pub async fn find_by_email(db: impl Executor<'_>, email: &str) -> Result<Option<User>> {
    let statement = format!("select {COLUMNS} from users where email = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(email).fetch_optional(db).await
}

/// Changes to a profile; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    pub name: Option<String>,
    pub about: Option<String>,
    /// `Some(None)`: follow the browser.
    pub locale: Option<Option<String>>,
}

/// Writes what changed of a profile, and nothing else; returns the user as they now are.
pub async fn update_profile(
    db: impl Executor<'_>,
    user: &User,
    change: &ProfileChange,
    now: UnixMillis,
) -> Result<Option<User>> {
    let statement = format!(
        "update users set name = coalesce($2, name), search = coalesce($3, search), about = coalesce($4, about), \
         locale = case when $5 = 1 then $6 else locale end, updated_at = $7 where id = $1 returning {COLUMNS}"
    );
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(&user.id)
        .bind(&change.name)
        .bind(change.name.as_ref().map(|name| searched(&user.email, name)))
        .bind(&change.about)
        .bind(i64::from(change.locale.is_some()))
        .bind(change.locale.clone().flatten())
        .bind(now)
        .fetch_optional(db)
        .await
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

/// Disables an account, or enables it again (`at` is `None`).
pub async fn set_disabled(db: impl Executor<'_>, id: &str, at: Option<UnixMillis>, now: UnixMillis) -> Result<()> {
    sqlx::query("update users set disabled_at = $2, updated_at = $3 where id = $1")
        .bind(id)
        .bind(at)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

pub async fn set_roles(db: impl Executor<'_>, id: &str, roles: &str, now: UnixMillis) -> Result<()> {
    sqlx::query("update users set roles = $2, updated_at = $3 where id = $1")
        .bind(id)
        .bind(roles)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

/// How many accounts have a role and are not disabled.
pub async fn count_enabled(db: impl Executor<'_>, role: &str) -> Result<i64> {
    sqlx::query_scalar(
        "select count(*) from users where roles <> 'user' and ' ' || roles || ' ' like '% ' || $1 || ' %' \
         and disabled_at is null",
    )
    .bind(role)
    .fetch_one(db)
    .await
}

/// Marks that something happened which the person should know of.
pub async fn set_notice(db: impl Executor<'_>, id: &str, now: UnixMillis) -> Result<()> {
    sqlx::query("update users set notice_at = $2 where id = $1").bind(id).bind(now).execute(db).await.map(drop)
}

/// Marks notices up to a time as seen; never takes that back.
pub async fn set_notices_seen(db: impl Executor<'_>, id: &str, until: UnixMillis) -> Result<()> {
    sqlx::query("update users set notices_seen_at = $2 where id = $1 and coalesce(notices_seen_at, 0) < $2")
        .bind(id)
        .bind(until)
        .execute(db)
        .await
        .map(drop)
}

/// Which users an administrator looks for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of an address or a name.
    pub search: Option<String>,
    pub role: Option<String>,
    pub disabled: bool,
}

/// Users, the newest first, from before the user `before` on.
pub async fn search(db: impl Executor<'_>, filter: &Filter, before: &str, limit: i64) -> Result<Vec<User>> {
    let mut wheres = vec!["id < $1".to_owned()];
    let mut texts = Vec::new();
    if let Some(search) = &filter.search {
        // The characters that `like` gives a meaning are looked for as they are.
        let literal = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        texts.push(format!("%{literal}%"));
        wheres.push(format!("search like ${} escape '\\'", texts.len() + 1));
    }
    if let Some(role) = &filter.role {
        texts.push(format!(" {role} "));
        let n = texts.len() + 1;
        // Everybody has `user`; the others' index needs the condition as it is written there.
        let special = if role == "user" { "" } else { "roles <> 'user' and " };
        wheres.push(format!("{special}' ' || roles || ' ' like '%' || ${n} || '%'"));
    }
    if filter.disabled {
        wheres.push("disabled_at is not null".to_owned());
    }
    let statement = format!(
        "select {COLUMNS} from users where id in (select id from users where {} order by id desc limit ${}) \
         order by id desc",
        wheres.join(" and "),
        texts.len() + 2
    );
    let mut query = sqlx::query_as(AssertSqlSafe(statement)).bind(before.to_owned());
    for text in texts {
        query = query.bind(text);
    }
    query.bind(limit).fetch_all(db).await
}

/// How many accounts there are, and how many of them are disabled.
pub async fn count(db: impl Executor<'_>) -> Result<(i64, i64)> {
    sqlx::query_as("select count(*), (select count(*) from users where disabled_at is not null) from users")
        .fetch_one(db)
        .await
}
