//! Statements on `passkeys`: WebAuthn credentials.

use sekisho_model::UserId;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, UnixMillis, text::Text};

/// A passkey of an account. Times are Unix milliseconds.
#[derive(Clone, Debug, FromRow, Serialize, Deserialize)]
pub struct Passkey {
    /// The credential id, base64url.
    pub id: String,
    /// The account.
    #[sqlx(try_from = "Text<UserId>")]
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Public key, counter and flags, as JSON.
    pub(crate) credential: String,
    /// 1: synced by its provider.
    pub(crate) backed_up: i64,
    /// When it was added.
    pub created_at: UnixMillis,
    /// When it was presented last.
    pub last_used_at: Option<UnixMillis>,
    /// When it was suspended as possibly cloned; `None`: accepted.
    pub suspended_at: Option<UnixMillis>,
}

impl Passkey {
    /// Whether its provider syncs it between devices (W3C WebAuthn, section 6.1.3); else it is bound to one.
    pub fn is_synced(&self) -> bool {
        self.backed_up != 0
    }
}

const COLUMNS: &str = "id, user_id, name, credential, backed_up, created_at, last_used_at, suspended_at";

/// Unique violation if the credential is registered, whoever has it.
pub async fn insert(db: impl Executor<'_>, passkey: &Passkey) -> Result<()> {
    insert_on_conflict(db, passkey, "").await
}

/// Restores a deleted passkey, unless the credential was registered again.
pub async fn restore(db: impl Executor<'_>, passkey: &Passkey) -> Result<()> {
    insert_on_conflict(db, passkey, "on conflict do nothing").await
}

async fn insert_on_conflict(db: impl Executor<'_>, passkey: &Passkey, on_conflict: &'static str) -> Result<()> {
    let statement = format!("insert into passkeys ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8) {on_conflict}");
    sqlx::query(AssertSqlSafe(statement))
        .bind(&passkey.id)
        .bind(passkey.user_id.as_str())
        .bind(&passkey.name)
        .bind(&passkey.credential)
        .bind(passkey.backed_up)
        .bind(passkey.created_at)
        .bind(passkey.last_used_at)
        .bind(passkey.suspended_at)
        .execute(db)
        .await
        .map(drop)
}

pub async fn find(db: impl Executor<'_>, id: &str) -> Result<Option<Passkey>> {
    let statement = format!("select {COLUMNS} from passkeys where id = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(id).fetch_optional(db).await
}

/// A user's passkeys, oldest first.
pub async fn list(db: impl Executor<'_>, user_id: &UserId) -> Result<Vec<Passkey>> {
    let statement = format!("select {COLUMNS} from passkeys where user_id = $1 order by created_at, id");
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id.as_str()).fetch_all(db).await
}

/// Compare-and-set of counter and flags; false if the passkey was used, removed or suspended since it was read.
pub async fn record_use(
    db: impl Executor<'_>,
    id: &str,
    user_id: &UserId,
    (previous, updated): (&str, &str),
    backed_up: i64,
    now: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update passkeys set credential = $4, backed_up = $5, last_used_at = $6 \
         where id = $1 and user_id = $2 and credential = $3 and suspended_at is null",
    )
    .bind(id)
    .bind(user_id.as_str())
    .bind(previous)
    .bind(updated)
    .bind(backed_up)
    .bind(now)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Suspends a passkey; false if it is suspended already, or gone.
pub async fn suspend(db: impl Executor<'_>, id: &str, now: UnixMillis) -> Result<bool> {
    sqlx::query("update passkeys set suspended_at = $2 where id = $1 and suspended_at is null")
        .bind(id)
        .bind(now)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

/// False if the user has no such passkey.
pub async fn rename(db: impl Executor<'_>, user_id: &UserId, id: &str, name: &str) -> Result<bool> {
    sqlx::query("update passkeys set name = $3 where id = $2 and user_id = $1")
        .bind(user_id.as_str())
        .bind(id)
        .bind(name)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

pub async fn delete(db: impl Executor<'_>, user_id: &UserId, id: &str) -> Result<Option<Passkey>> {
    let statement = format!("delete from passkeys where user_id = $1 and id = $2 returning {COLUMNS}");
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id.as_str()).bind(id).fetch_optional(db).await
}

/// Deletes a user's passkeys added at `since` or later.
pub async fn delete_since(db: impl Executor<'_>, user_id: &UserId, since: UnixMillis) -> Result<Vec<Passkey>> {
    let statement = format!("delete from passkeys where user_id = $1 and created_at >= $2 returning {COLUMNS}");
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id.as_str()).bind(since).fetch_all(db).await
}
