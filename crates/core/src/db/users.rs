//! Statements on `users`.

use sekisho_model::{AuthMethod, RoleName, UnknownWord, UserId};
use sqlx::{AnyConnection, AssertSqlSafe, FromRow, Result};

use super::{
    Executor, UnixMillis,
    text::{Text, text_columns},
};

/// An account. Times are Unix milliseconds.
#[derive(Clone, Debug, FromRow)]
pub struct User {
    /// `sub` in tokens.
    #[sqlx(try_from = "Text<UserId>")]
    pub id: UserId,
    /// The normalised, unique e-mail address.
    pub email: String,
    /// When the address was verified; `None`: not.
    pub email_verified_at: Option<UnixMillis>,
    /// The display name.
    pub name: String,
    /// Free text of the profile.
    pub about: String,
    /// `en` or `ja`; `None` follows the browser.
    pub locale: Option<String>,
    /// Argon2id hash as a PHC string; `None`: no password.
    pub password_hash: Option<String>,
    /// Assigned roles.
    #[sqlx(try_from = "Text<Roles>")]
    pub roles: Roles,
    /// The account's authenticators.
    #[sqlx(try_from = "Text<AuthMethods>")]
    pub auth_methods: AuthMethods,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was disabled; `None`: enabled.
    pub disabled_at: Option<UnixMillis>,
    /// When the password was set last.
    pub password_changed_at: Option<UnixMillis>,
    /// When the latest notice was raised (ASVS 6.3.7).
    pub notice_at: Option<UnixMillis>,
    /// Up to when notices are acknowledged.
    pub notices_seen_at: Option<UnixMillis>,
    /// When the user turned off messages about new devices.
    pub new_device_mail_off_at: Option<UnixMillis>,
    /// When it is to be deleted; `None`: it is kept.
    pub delete_at: Option<UnixMillis>,
    /// When an administrator's removal of the second factors is due; `None`: none was requested.
    pub factor_reset_at: Option<UnixMillis>,
    /// When the user declined to add a passkey.
    pub passkey_offer_declined_at: Option<UnixMillis>,
}

/// A user's roles, sorted by name, without the implicit `user`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(pub Vec<RoleName>);

impl TryFrom<String> for Roles {
    type Error = UnknownWord;

    fn try_from(names: String) -> std::result::Result<Self, UnknownWord> {
        let names: std::result::Result<Vec<RoleName>, _> = names.split_ascii_whitespace().map(str::parse).collect();
        names.map(Self::from_iter)
    }
}

impl FromIterator<RoleName> for Roles {
    /// Sorts by bytes: databases sort by their collation.
    fn from_iter<I: IntoIterator<Item = RoleName>>(names: I) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_unstable();
        Self(names)
    }
}

/// The authenticators of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthMethods(Vec<AuthMethod>);

impl AuthMethods {
    /// A set of methods.
    pub fn new(methods: impl IntoIterator<Item = AuthMethod>) -> Self {
        Self(methods.into_iter().collect())
    }

    /// Whether the account has this authenticator.
    pub fn contains(&self, method: AuthMethod) -> bool {
        self.0.contains(&method)
    }

    /// Whether a sign-in needs a second factor whatever the policy: an authenticator app is enrolled. A passkey alone asks
    /// for nothing beside a password, as it may be on another device.
    pub fn has_second_factor(&self) -> bool {
        self.contains(AuthMethod::Totp)
    }

    /// Whether there is a second factor to present, be it a passkey.
    pub fn can_present_second_factor(&self) -> bool {
        self.iter().any(AuthMethod::is_second_factor)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = AuthMethod> {
        self.0.iter().copied()
    }
}

impl TryFrom<String> for AuthMethods {
    type Error = UnknownWord;

    fn try_from(names: String) -> std::result::Result<Self, UnknownWord> {
        names.split_ascii_whitespace().map(str::parse).collect::<std::result::Result<_, _>>().map(Self)
    }
}

text_columns! { AuthMethods, Roles, }

const COLUMNS: &str = "id, email, email_verified_at, name, about, locale, password_hash, \
     case when password_hash is null then '' else 'password ' end || \
     case when exists (select 1 from identities where user_id = users.id) then 'github ' else '' end || \
     case when exists (select 1 from passkeys where user_id = users.id and suspended_at is null) then 'passkey ' else '' end || \
     case when exists (select 1 from totp where user_id = users.id) then 'totp' else '' end as auth_methods, \
     (select coalesce(string_agg(role, ' '), '') from user_roles where user_id = users.id) as roles, \
     created_at, disabled_at, password_changed_at, notice_at, notices_seen_at, new_device_mail_off_at, delete_at, \
     factor_reset_at, passkey_offer_declined_at";

/// The text that administrators search in.
fn searched(email: &str, name: &str) -> String {
    format!("{email} {name}").to_lowercase()
}

/// False if the e-mail address is registered. Removed at `verify_by` if it is still unverified.
pub async fn insert(db: impl Executor<'_>, user: &User, verify_by: Option<UnixMillis>) -> Result<bool> {
    sqlx::query(
        "insert into users (id, email, name, about, locale, password_hash, created_at, updated_at, \
         password_changed_at, search, email_verified_at, verify_by) \
         values ($1, $2, $3, $4, $5, $6, $7, $7, $7, $8, $9, $10) on conflict (email) do nothing",
    )
    .bind(user.id.as_str())
    .bind(&user.email)
    .bind(&user.name)
    .bind(&user.about)
    .bind(&user.locale)
    .bind(&user.password_hash)
    .bind(user.created_at)
    .bind(searched(&user.email, &user.name))
    .bind(user.email_verified_at)
    .bind(verify_by)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

pub async fn find(db: impl Executor<'_>, id: &UserId) -> Result<Option<User>> {
    let statement = format!("select {COLUMNS} from users where id = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(id.as_str()).fetch_optional(db).await
}

/// Finds a user and locks the row until the transaction ends.
///
/// Read by a statement of its own: PostgreSQL reads the locked row anew after waiting for it, but not what subselects of
/// the same statement see, here roles and authentication methods.
pub async fn find_for_update(tx: &mut AnyConnection, id: &UserId) -> Result<Option<User>> {
    sqlx::query("update users set updated_at = updated_at where id = $1").bind(id.as_str()).execute(&mut *tx).await?;
    find(tx, id).await
}

pub async fn find_by_email(db: impl Executor<'_>, email: &str) -> Result<Option<User>> {
    let statement = format!("select {COLUMNS} from users where email = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(email).fetch_optional(db).await
}

/// A change of a profile; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// The display name.
    pub name: Option<String>,
    /// Free text.
    pub about: Option<String>,
    /// `Some(None)` follows the browser.
    pub locale: Option<Option<String>>,
}

/// Updates the changed fields of a profile; returns the updated user.
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
        .bind(user.id.as_str())
        .bind(&change.name)
        .bind(change.name.as_ref().map(|name| searched(&user.email, name)))
        .bind(&change.about)
        .bind(i64::from(change.locale.is_some()))
        .bind(change.locale.clone().flatten())
        .bind(now)
        .fetch_optional(db)
        .await
}

/// Compare-and-set of the password hash; false if it is no longer `old`.
pub async fn swap_password(
    db: impl Executor<'_>,
    id: &UserId,
    old: Option<&str>,
    new: &str,
    changed_at: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update users set password_hash = $3, password_changed_at = $4, updated_at = $4 \
         where id = $1 and coalesce(password_hash, '') = $2",
    )
    .bind(id.as_str())
    .bind(old.unwrap_or_default())
    .bind(new)
    .bind(changed_at)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Compare-and-set of a rehash with current parameters; keeps `password_changed_at`.
pub async fn upgrade_password(db: impl Executor<'_>, id: &UserId, old: &str, new: &str) -> Result<()> {
    sqlx::query("update users set password_hash = $3 where id = $1 and password_hash = $2")
        .bind(id.as_str())
        .bind(old)
        .bind(new)
        .execute(db)
        .await
        .map(drop)
}

/// Removes the password of a locked row: only a reset sets another.
pub async fn remove_password(db: impl Executor<'_>, id: &UserId, now: UnixMillis) -> Result<()> {
    sqlx::query("update users set password_hash = null, password_changed_at = $2, updated_at = $2 where id = $1")
        .bind(id.as_str())
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

/// Marks the address as verified, unless it is; false if it was, or if the account has another by now.
pub async fn set_email_verified(db: impl Executor<'_>, id: &UserId, email: &str, now: UnixMillis) -> Result<bool> {
    sqlx::query(
        "update users set email_verified_at = $3, verify_by = null, updated_at = $3 \
         where id = $1 and email = $2 and email_verified_at is null",
    )
    .bind(id.as_str())
    .bind(email)
    .bind(now)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Changes the address of `user` to a verified one. Unique violation if it is registered.
pub async fn set_email(db: impl Executor<'_>, user: &User, email: &str, now: UnixMillis) -> Result<()> {
    sqlx::query(
        "update users set email = $2, search = $3, email_verified_at = $4, verify_by = null, updated_at = $4 \
         where id = $1",
    )
    .bind(user.id.as_str())
    .bind(email)
    .bind(searched(email, &user.name))
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// Turns messages about new devices on (`None`) or off.
pub async fn set_new_device_mail_off(db: impl Executor<'_>, id: &UserId, at: Option<UnixMillis>) -> Result<()> {
    sqlx::query("update users set new_device_mail_off_at = $2 where id = $1")
        .bind(id.as_str())
        .bind(at)
        .execute(db)
        .await
        .map(drop)
}

/// Records that the user declined to add a passkey.
pub async fn set_passkey_offer_declined(db: impl Executor<'_>, id: &UserId, now: UnixMillis) -> Result<()> {
    sqlx::query("update users set passkey_offer_declined_at = $2 where id = $1")
        .bind(id.as_str())
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

/// Deletes up to `limit` accounts that stayed unverified and never had a session; returns their ids.
pub async fn delete_unverified(db: impl Executor<'_>, now: UnixMillis, limit: i64) -> Result<Vec<UserId>> {
    let deleted: Vec<Text<UserId>> = sqlx::query_scalar(
        "delete from users where email_verified_at is null and verify_by <= $1 \
         and id in (select id from users u where verify_by <= $1 and email_verified_at is null \
         and not exists (select 1 from sessions where user_id = u.id) order by id limit $2) returning id",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(deleted.into_iter().map(|Text(id)| id).collect())
}

/// Disables an account; enables it if `at` is `None`.
pub async fn set_disabled(db: impl Executor<'_>, id: &UserId, at: Option<UnixMillis>, now: UnixMillis) -> Result<()> {
    sqlx::query("update users set disabled_at = $2, updated_at = $3 where id = $1")
        .bind(id.as_str())
        .bind(at)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

/// Sets when an account is to be deleted; `None` keeps it.
pub async fn set_delete_at(db: impl Executor<'_>, id: &UserId, at: Option<UnixMillis>) -> Result<()> {
    sqlx::query("update users set delete_at = $2 where id = $1").bind(id.as_str()).bind(at).execute(db).await.map(drop)
}

/// Up to `limit` accounts that are to be deleted by `now`, by id, after the id `after`.
pub async fn list_delete_due(db: impl Executor<'_>, now: UnixMillis, after: &str, limit: i64) -> Result<Vec<UserId>> {
    let due: Vec<Text<UserId>> =
        sqlx::query_scalar("select id from users where delete_at <= $1 and id > $2 order by id limit $3")
            .bind(now)
            .bind(after)
            .bind(limit)
            .fetch_all(db)
            .await?;
    Ok(due.into_iter().map(|Text(id)| id).collect())
}

/// Deletes an account, and with it everything that refers to it.
pub async fn delete(db: impl Executor<'_>, id: &UserId) -> Result<()> {
    sqlx::query("delete from users where id = $1").bind(id.as_str()).execute(db).await.map(drop)
}

/// Number of enabled accounts with a role that are not to be deleted.
pub async fn count_enabled(db: impl Executor<'_>, role: &str) -> Result<i64> {
    sqlx::query_scalar(
        "select count(*) from user_roles r join users u on u.id = r.user_id where r.role = $1 and u.disabled_at is null \
         and u.delete_at is null",
    )
    .bind(role)
    .fetch_one(db)
    .await
}

/// Raises a notice.
pub async fn set_notice(db: impl Executor<'_>, id: &UserId, now: UnixMillis) -> Result<()> {
    sqlx::query("update users set notice_at = $2 where id = $1").bind(id.as_str()).bind(now).execute(db).await.map(drop)
}

/// Acknowledges notices up to a time; never moves it back.
pub async fn set_notices_seen(db: impl Executor<'_>, id: &UserId, until: UnixMillis) -> Result<()> {
    sqlx::query("update users set notices_seen_at = $2 where id = $1 and coalesce(notices_seen_at, 0) < $2")
        .bind(id.as_str())
        .bind(until)
        .execute(db)
        .await
        .map(drop)
}

/// A search for users.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of an e-mail address or name, case-insensitive.
    pub search: Option<String>,
    /// Name of a role.
    pub role: Option<String>,
    /// Only disabled accounts.
    pub disabled: bool,
}

/// Users, newest first, after the cursor `before`.
pub async fn search(db: impl Executor<'_>, filter: &Filter, before: &str, limit: i64) -> Result<Vec<User>> {
    let mut wheres = vec!["id < $1".to_owned()];
    let mut texts = Vec::new();
    if let Some(search) = &filter.search {
        // Escape the wildcards of `like`.
        let literal = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        texts.push(format!("%{literal}%"));
        wheres.push(format!("search like ${} escape '\\'", texts.len() + 1));
    }
    // The role `user` is implicit.
    if let Some(role) = filter.role.as_ref().filter(|role| *role != RoleName::USER) {
        texts.push(role.clone());
        wheres.push(format!("id in (select user_id from user_roles where role = ${})", texts.len() + 1));
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

/// Number of accounts, and of disabled ones.
pub async fn count(db: impl Executor<'_>) -> Result<(i64, i64)> {
    sqlx::query_as("select count(*), (select count(*) from users where disabled_at is not null) from users")
        .fetch_one(db)
        .await
}

impl User {
    /// Names of all roles, the implicit `user` first.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(RoleName::USER).chain(self.roles.0.iter().map(RoleName::as_str))
    }

    /// Whether the user has a role.
    pub fn has_role(&self, name: &str) -> bool {
        self.role_names().any(|role| role == name)
    }
}

/// Sets when a removal of second factors is due.
pub async fn set_factor_reset_at(db: impl Executor<'_>, id: &UserId, at: Option<UnixMillis>) -> Result<()> {
    let statement = "update users set factor_reset_at = $2 where id = $1";
    sqlx::query(statement).bind(id.as_str()).bind(at).execute(db).await.map(drop)
}

/// Up to `limit` users whose removal of second factors is due.
pub async fn list_factor_reset_due(db: impl Executor<'_>, now: UnixMillis, limit: i64) -> Result<Vec<UserId>> {
    let due: Vec<Text<UserId>> =
        sqlx::query_scalar("select id from users where factor_reset_at <= $1 order by factor_reset_at limit $2")
            .bind(now)
            .bind(limit)
            .fetch_all(db)
            .await?;
    Ok(due.into_iter().map(|id| id.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Db, clock::Clock};

    #[tokio::test]
    async fn a_stored_id_that_is_none_is_an_error_that_names_it() {
        let folder = std::env::temp_dir().join(format!("sekisho_ids_{}", Clock::default().new_id()));
        let db = Db::open(&format!("sqlite://{}", folder.join("ids.db").display())).await.expect("opens");
        db.migrate().await.expect("migrates");
        let user = crate::account::new_user(Clock::default().new_user_id(), "a@b.c", String::new(), 0);
        insert(db.writer(), &user, None).await.expect("inserted");
        let found = find_by_email(db.reader(), "a@b.c").await.expect("read").expect("a user");
        assert_eq!(found.id, user.id);
        sqlx::query("update users set id = 'somebody'").execute(db.writer()).await.expect("changed");
        let error = find_by_email(db.reader(), "a@b.c").await.expect_err("no id").to_string();
        assert!(error.contains("\"id\"") && error.contains("not a user id"), "{error}");
        db.close().await;
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
