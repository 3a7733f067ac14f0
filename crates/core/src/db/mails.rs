//! Statements on `mails`, the outbox.

use sekisho_model::{MailKind, UserId};
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, UnixMillis, text::Text};

/// A message to send.
#[derive(Clone, Debug)]
pub struct NewMail<'a> {
    pub id: &'a str,
    pub user_id: Option<&'a UserId>,
    pub kind: MailKind,
    pub dedup_key: Option<&'a str>,
    pub sealed: &'a str,
    pub created_at: UnixMillis,
    pub expires_at: UnixMillis,
}

/// A message claimed for sending.
#[derive(Clone, Debug, FromRow)]
pub struct ClaimedMail {
    pub id: String,
    #[sqlx(try_from = "Text<MailKind>")]
    pub kind: MailKind,
    pub sealed: String,
    pub created_at: UnixMillis,
    pub expires_at: UnixMillis,
    pub attempts: i64,
    pub interrupted: i64,
    pub claimed_until: UnixMillis,
}

/// An unfinished or failed message, as `sekisho mail status` shows it.
#[derive(Clone, Debug, FromRow)]
pub struct MailStatus {
    /// UUIDv7; the Message-ID.
    pub id: String,
    /// What it says.
    #[sqlx(try_from = "Text<MailKind>")]
    pub kind: MailKind,
    /// When it was written.
    pub created_at: UnixMillis,
    /// When it is tried next; `None`: it failed.
    pub due_at: Option<UnixMillis>,
    /// Attempts so far.
    pub attempts: i64,
    /// The last error.
    pub error: Option<String>,
}

/// False if there is a message with this key already.
pub async fn insert(db: impl Executor<'_>, mail: NewMail<'_>) -> Result<bool> {
    sqlx::query(
        "insert into mails (id, user_id, kind, dedup_key, sealed, created_at, due_at, expires_at) \
         values ($1, $2, $3, $4, $5, $6, $6, $7) on conflict do nothing",
    )
    .bind(mail.id)
    .bind(mail.user_id.map(UserId::as_str))
    .bind(mail.kind.as_str())
    .bind(mail.dedup_key)
    .bind(mail.sealed)
    .bind(mail.created_at)
    .bind(mail.expires_at)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Claims the message that is due first, notices before all others, until `until`: one process gets it. `lock` is [`super::Db::for_update`].
pub async fn claim(
    db: impl Executor<'_>,
    now: UnixMillis,
    until: UnixMillis,
    lock: &str,
) -> Result<Option<ClaimedMail>> {
    let statement = format!(
        "update mails set claimed_until = $2, attempts = attempts + 1, \
         interrupted = interrupted + case when claimed_until is null then 0 else 1 end \
         where id = (select id from mails where due_at <= $1 and coalesce(claimed_until, 0) <= $1 \
         order by case when kind = 'notice' then 0 else 1 end, due_at, id limit 1 {lock}) and coalesce(claimed_until, 0) <= $1 \
         returning id, kind, sealed, created_at, expires_at, attempts, interrupted, claimed_until"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(now).bind(until).fetch_optional(db).await
}

/// Replaces the content of a claimed message.
pub async fn set_content(
    db: impl Executor<'_>,
    id: &str,
    user_id: &UserId,
    kind: MailKind,
    sealed: &str,
) -> Result<()> {
    sqlx::query("update mails set user_id = $2, kind = $3, sealed = $4 where id = $1")
        .bind(id)
        .bind(user_id.as_str())
        .bind(kind.as_str())
        .bind(sealed)
        .execute(db)
        .await
        .map(drop)
}

/// Finishes a message; the content is removed.
pub async fn set_sent(db: impl Executor<'_>, id: &str, now: UnixMillis) -> Result<()> {
    sqlx::query(
        "update mails set due_at = null, claimed_until = null, sent_at = $2, sealed = '', error = null where id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

/// Releases a claimed message that could not be sent: due again at `due_at`, or failed. No effect if another process has
/// claimed or sent it since.
pub async fn set_error(
    db: impl Executor<'_>,
    mail: &ClaimedMail,
    due_at: Option<UnixMillis>,
    error: &str,
    now: UnixMillis,
) -> Result<()> {
    sqlx::query(
        "update mails set due_at = $2, claimed_until = null, error = $3, \
         failed_at = case when $4 = 1 then $5 else null end where id = $1 and claimed_until = $6",
    )
    .bind(&mail.id)
    .bind(due_at)
    .bind(error)
    .bind(i64::from(due_at.is_none()))
    .bind(now)
    .bind(mail.claimed_until)
    .execute(db)
    .await
    .map(drop)
}

/// Ids and contents of unfinished messages.
pub async fn list_sealed(db: impl Executor<'_>) -> Result<Vec<(String, String)>> {
    sqlx::query_as("select id, sealed from mails where sealed <> ''").fetch_all(db).await
}

/// Replaces the sealed content of a message.
pub async fn set_sealed(db: impl Executor<'_>, id: &str, sealed: &str) -> Result<()> {
    sqlx::query("update mails set sealed = $2 where id = $1").bind(id).bind(sealed).execute(db).await.map(drop)
}

/// Deletes a message that has nobody to go to.
pub async fn delete(db: impl Executor<'_>, id: &str) -> Result<()> {
    sqlx::query("delete from mails where id = $1").bind(id).execute(db).await.map(drop)
}

/// Makes failed and waiting messages that are not expired due now; returns how many.
pub async fn retry(db: impl Executor<'_>, now: UnixMillis) -> Result<u64> {
    sqlx::query(
        "update mails set due_at = $1, failed_at = null, interrupted = 0 \
         where sent_at is null and expires_at > $1 and (failed_at is not null or due_at > $1)",
    )
    .bind(now)
    .execute(db)
    .await
    .map(|r| r.rows_affected())
}

/// Numbers of messages waiting, sent, and failed.
pub async fn count(db: impl Executor<'_>) -> Result<(i64, i64, i64)> {
    sqlx::query_as("select count(due_at), count(sent_at), count(failed_at) from mails").fetch_one(db).await
}

/// Unsent messages, oldest first.
pub async fn list_unsent(db: impl Executor<'_>, limit: i64) -> Result<Vec<MailStatus>> {
    sqlx::query_as(
        "select id, kind, created_at, due_at, attempts, error from mails where sent_at is null order by id limit $1",
    )
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Deletes up to `limit` messages that were finished and written before `before`; returns how many.
pub async fn delete_finished(db: impl Executor<'_>, before: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query(
        "delete from mails where id in (select id from mails where due_at is null and created_at < $1 limit $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(db)
    .await
    .map(|r| r.rows_affected())
}
