//! Statements on `sessions`. Every change is a compare-and-set on `ended_at is null`: an ended session stays ended.

use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, UnixMillis, sign_outs::SignOut};

#[derive(Clone, Debug, FromRow)]
pub struct Session {
    pub id: String,
    pub user_id: String,
    pub kind: String,
    pub token_hash: Option<String>,
    pub device: String,
    pub ip: String,
    pub user_agent: String,
    /// By which the person last proved who they are.
    pub method: String,
    pub created_at: UnixMillis,
    pub authenticated_at: UnixMillis,
    pub last_active_at: UnixMillis,
    pub idle_expires_at: Option<UnixMillis>,
    pub expires_at: Option<UnixMillis>,
    pub ended_at: Option<UnixMillis>,
    pub ended_reason: Option<String>,
    /// When a device like this was first seen in this network; `None`: known since before that was noted.
    pub new_device_at: Option<UnixMillis>,
    pub scope: Option<String>,
}

const COLUMNS: &str = "s.id, s.user_id, s.kind, s.token_hash, s.device, s.ip, s.user_agent, s.method, s.created_at, \
                       s.authenticated_at, s.last_active_at, s.idle_expires_at, s.expires_at, s.ended_at, s.ended_reason, \
                       s.new_device_at, s.scope";

/// A session that one statement has just ended.
#[derive(Clone, Debug, FromRow)]
pub struct Ended {
    pub id: String,
    pub user_id: String,
    pub ended_at: UnixMillis,
    pub ended_reason: String,
}

/// Fails with a unique violation when the token's hash is taken.
pub async fn insert(db: impl Executor<'_>, session: &Session) -> Result<()> {
    sqlx::query(
        "insert into sessions (id, user_id, kind, token_hash, device, ip, user_agent, method, created_at, \
         authenticated_at, last_active_at, idle_expires_at, expires_at, new_device_at, scope) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&session.id)
    .bind(&session.user_id)
    .bind(&session.kind)
    .bind(&session.token_hash)
    .bind(&session.device)
    .bind(&session.ip)
    .bind(&session.user_agent)
    .bind(&session.method)
    .bind(session.created_at)
    .bind(session.authenticated_at)
    .bind(session.last_active_at)
    .bind(session.idle_expires_at)
    .bind(session.expires_at)
    .bind(session.new_device_at)
    .bind(&session.scope)
    .execute(db)
    .await
    .map(drop)
}

pub async fn find(db: impl Executor<'_>, id: &str) -> Result<Option<Session>> {
    let statement = format!("select {COLUMNS} from sessions s where id = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(id).fetch_optional(db).await
}

pub async fn find_by_token_hash(db: impl Executor<'_>, token_hash: &str) -> Result<Option<Session>> {
    let statement = format!("select {COLUMNS} from sessions s where token_hash = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(token_hash).fetch_optional(db).await
}

/// A user's live sessions, the newest first, from before the session `before` on.
pub async fn list_live(
    db: impl Executor<'_>,
    user_id: &str,
    before: &str,
    now: UnixMillis,
    limit: i64,
) -> Result<Vec<Session>> {
    let statement = format!(
        "select {COLUMNS} from sessions s \
         where user_id = $1 and ended_at is null and (idle_expires_at is null or idle_expires_at > $2) \
         and (expires_at is null or expires_at > $2) and id < $3 order by id desc limit $4"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id).bind(now).bind(before).bind(limit).fetch_all(db).await
}

/// Moves the idle deadline forward, at most once per `roll`: only a row last active before `active_before` is
/// written (or one from the future, after a clock was set back). False: nothing was written.
pub async fn touch(
    db: impl Executor<'_>,
    id: &str,
    now: UnixMillis,
    active_before: UnixMillis,
    idle_expires_at: Option<UnixMillis>,
    ip: &str,
) -> Result<bool> {
    sqlx::query(
        "update sessions set last_active_at = $2, idle_expires_at = $4, ip = $5 where id = $1 and ended_at is null \
         and (idle_expires_at is null or idle_expires_at > $2) and (expires_at is null or expires_at > $2) \
         and (last_active_at <= $3 or last_active_at > $2)",
    )
    .bind(id)
    .bind(now)
    .bind(active_before)
    .bind(idle_expires_at)
    .bind(ip)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Gives a live browser session a new secret, after the person proved by `method` who they are; the old secret is dead
/// at once. False: the session had ended.
pub async fn replace_token(
    db: impl Executor<'_>,
    id: &str,
    token_hash: &str,
    method: &str,
    authenticated_at: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update sessions set token_hash = $2, method = $3, authenticated_at = $4 where id = $1 and ended_at is null",
    )
    .bind(id)
    .bind(token_hash)
    .bind(method)
    .bind(authenticated_at)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

pub async fn find_data(db: impl Executor<'_>, token_hash: &str, now: UnixMillis) -> Result<Option<String>> {
    sqlx::query_scalar(
        "select data from sessions where token_hash = $1 and ended_at is null \
         and (idle_expires_at is null or idle_expires_at > $2) and (expires_at is null or expires_at > $2)",
    )
    .bind(token_hash)
    .bind(now)
    .fetch_optional(db)
    .await
}

pub async fn update_data(db: impl Executor<'_>, token_hash: &str, data: &str) -> Result<bool> {
    sqlx::query("update sessions set data = $2 where token_hash = $1 and ended_at is null")
        .bind(token_hash)
        .bind(data)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

/// Ends one session; `None` when it had ended before or is not the user's.
pub async fn end(
    db: impl Executor<'_>,
    id: &str,
    user_id: &str,
    reason: &str,
    now: UnixMillis,
) -> Result<Option<Ended>> {
    sqlx::query_as(
        "update sessions set ended_at = $4, ended_reason = $3 where id = $1 and user_id = $2 and ended_at is null \
         returning id, user_id, ended_at, ended_reason",
    )
    .bind(id)
    .bind(user_id)
    .bind(reason)
    .bind(now)
    .fetch_optional(db)
    .await
}

/// The ids of everybody's sessions that have not ended and began no later than `now`, but not `keep`.
pub async fn list_live_ids(db: impl Executor<'_>, keep: &str, now: UnixMillis) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "select id from sessions where ended_at is null and id <> $1 and (created_at <= $2 or authenticated_at <= $2)",
    )
    .bind(keep)
    .bind(now)
    .fetch_all(db)
    .await
}

/// Ends sessions of everybody's sign-out, `limit` at a time.
pub async fn end_all(
    db: impl Executor<'_>,
    sign_out: &SignOut,
    reason: &str,
    now: UnixMillis,
    limit: i64,
    for_update: &str,
) -> Result<Vec<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $4, ended_reason = $3 where id in \
         (select id from sessions where ended_at is null and id <> $1 and (created_at <= $2 or authenticated_at <= $2) order by id limit $5 \
         {for_update}) and ended_at is null returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(&sign_out.keep)
        .bind(sign_out.at)
        .bind(reason)
        .bind(now)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Ends all sessions of a user but `keep` (an empty string keeps none).
pub async fn end_others(
    db: impl Executor<'_>,
    user_id: &str,
    keep: &str,
    reason: &str,
    now: UnixMillis,
    for_update: &str,
) -> Result<Vec<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $4, ended_reason = $3 where id in \
         (select id from sessions where user_id = $1 and id <> $2 and ended_at is null order by id {for_update}) \
         and ended_at is null and (idle_expires_at is null or idle_expires_at > $4) \
         and (expires_at is null or expires_at > $4) returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id).bind(keep).bind(reason).bind(now).fetch_all(db).await
}

/// Ends all sessions of a user that were last proved by `method`.
pub async fn end_by_method(
    db: impl Executor<'_>,
    user_id: &str,
    method: &str,
    reason: &str,
    now: UnixMillis,
    for_update: &str,
) -> Result<Vec<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $4, ended_reason = $3 where id in \
         (select id from sessions where user_id = $1 and method = $2 and ended_at is null order by id {for_update}) \
         and ended_at is null and (idle_expires_at is null or idle_expires_at > $4) \
         and (expires_at is null or expires_at > $4) returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id).bind(method).bind(reason).bind(now).fetch_all(db).await
}

/// The reason that came first, of a session whose deadline passed by `$1`.
const EXPIRED: &str = "case when idle_expires_at <= $1 and (expires_at is null or idle_expires_at < expires_at) \
                       then 'idle_timeout' else 'absolute_timeout' end";

/// Ends sessions whose deadline has passed: `limit` of either kind at a time.
pub async fn end_expired(db: impl Executor<'_>, now: UnixMillis, limit: i64, for_update: &str) -> Result<Vec<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $1, ended_reason = {EXPIRED} where id in (select id from sessions where id in \
         (select id from (select id from sessions where ended_at is null and idle_expires_at <= $1 limit $2) \
         as idle union select id from (select id from sessions where ended_at is null and expires_at <= $1 limit $2) \
         as absolute) order by id {for_update}) and ended_at is null \
         and (idle_expires_at <= $1 or expires_at <= $1) returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(now).bind(limit).fetch_all(db).await
}

/// Ends one session if its deadline has passed in the row as it is now: a copy read before may be older than the last
/// activity.
pub async fn end_if_expired(db: impl Executor<'_>, id: &str, now: UnixMillis) -> Result<Option<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $1, ended_reason = {EXPIRED} where id = $2 and ended_at is null \
         and (idle_expires_at <= $1 or expires_at <= $1) returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(now).bind(id).fetch_optional(db).await
}

/// A device that an account's session was on.
#[derive(Clone, Debug, FromRow)]
pub struct KnownDevice {
    pub ip: String,
    pub new_device_at: Option<UnixMillis>,
}

/// A session of a user, live or ended, on a device of this name from this very address.
pub async fn find_device(
    db: impl Executor<'_>,
    user_id: &str,
    kind: &str,
    device: &str,
    ip: &str,
) -> Result<Option<KnownDevice>> {
    sqlx::query_as(
        "select ip, new_device_at from sessions where user_id = $1 and kind = $2 and device = $3 and ip = $4 limit 1",
    )
    .bind(user_id)
    .bind(kind)
    .bind(device)
    .bind(ip)
    .fetch_optional(db)
    .await
}

/// The sessions of a user, live or ended, on a device of this name, the latest first.
pub async fn list_devices(db: impl Executor<'_>, user_id: &str, kind: &str, device: &str) -> Result<Vec<KnownDevice>> {
    sqlx::query_as(
        "select ip, new_device_at from sessions where user_id = $1 and kind = $2 and device = $3 \
         order by id desc limit 100",
    )
    .bind(user_id)
    .bind(kind)
    .bind(device)
    .fetch_all(db)
    .await
}

/// The addresses that a user's sessions came from.
pub async fn list_addresses(db: impl Executor<'_>, user_id: &str) -> Result<Vec<String>> {
    sqlx::query_scalar("select distinct ip from sessions where user_id = $1 limit 100")
        .bind(user_id)
        .fetch_all(db)
        .await
}

/// Marks the person of a live API session as having just proved who they are.
pub async fn set_authenticated(db: impl Executor<'_>, id: &str, now: UnixMillis) -> Result<bool> {
    sqlx::query("update sessions set authenticated_at = $2 where id = $1 and kind = 'api' and ended_at is null")
        .bind(id)
        .bind(now)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

/// A live session and whose it is.
#[derive(Clone, Debug, FromRow)]
pub struct OwnedSession {
    #[sqlx(flatten)]
    pub session: Session,
    pub email: String,
    pub name: String,
}

/// Everybody's live sessions, the newest first, from before the session `before` on.
pub async fn list_all_live(
    db: impl Executor<'_>,
    before: &str,
    now: UnixMillis,
    limit: i64,
) -> Result<Vec<OwnedSession>> {
    let statement = format!(
        "select {COLUMNS}, u.email, u.name from sessions s join users u on u.id = s.user_id \
         where s.ended_at is null and (s.idle_expires_at is null or s.idle_expires_at > $2) \
         and (s.expires_at is null or s.expires_at > $2) and s.id < $1 order by s.id desc limit $3"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(before).bind(now).bind(limit).fetch_all(db).await
}

/// How many sessions are live, by kind.
pub async fn count_live(db: impl Executor<'_>) -> Result<Vec<(String, i64)>> {
    sqlx::query_as("select kind, count(*) from sessions where ended_at is null group by kind").fetch_all(db).await
}

/// What a restarted server must keep refusing: sessions that ended after `since`.
pub async fn list_ended_since(db: impl Executor<'_>, since: UnixMillis) -> Result<Vec<Ended>> {
    sqlx::query_as("select id, user_id, ended_at, ended_reason from sessions where ended_at > $1")
        .bind(since)
        .fetch_all(db)
        .await
}

/// Removes rows that ended before `before`, `limit` at a time; returns how many.
pub async fn delete_ended(db: impl Executor<'_>, before: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query("delete from sessions where id in (select id from sessions where ended_at < $1 limit $2)")
        .bind(before)
        .bind(limit)
        .execute(db)
        .await
        .map(|r| r.rows_affected())
}
