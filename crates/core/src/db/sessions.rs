//! Statements on `sessions`. Every change is a compare-and-set on `ended_at is null`: an ended session stays ended.

use sekisho_model::{AuthMethod, EndReason, SessionKind};
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, Nullable, UnixMillis, sign_outs::SignOut};

/// A session: one signed-in device, live or ended. Times are Unix milliseconds.
#[derive(Clone, Debug, FromRow)]
pub struct Session {
    /// UUIDv7; `sid` in tokens, and the pagination cursor. Not a secret.
    pub id: String,
    /// The signed-in user.
    pub user_id: String,
    /// Browser or API.
    #[sqlx(try_from = "String")]
    pub kind: SessionKind,
    /// SHA-256 of the cookie token, in hex; `None` for API sessions.
    pub token_hash: Option<String>,
    /// The device's name, from the client or its user agent.
    pub device: String,
    /// Client address at the last activity.
    pub ip: String,
    /// `User-Agent` at sign-in.
    pub user_agent: String,
    /// The last authentication method.
    #[sqlx(try_from = "String")]
    pub method: AuthMethod,
    /// When it began.
    pub created_at: UnixMillis,
    /// The last authentication; step-up compares it.
    pub authenticated_at: UnixMillis,
    /// The last recorded activity, at most one roll interval old.
    pub last_active_at: UnixMillis,
    /// Idle deadline; `None`: none.
    pub idle_expires_at: Option<UnixMillis>,
    /// Absolute deadline; `None`: none.
    pub expires_at: Option<UnixMillis>,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
    /// Why it ended.
    #[sqlx(try_from = "Option<String>")]
    pub ended_reason: Nullable<EndReason>,
    /// When a device with this name was first seen in this network; `None`: known.
    pub new_device_at: Option<UnixMillis>,
    /// Upper bound of its tokens' scopes; `None`: all.
    pub scope: Option<String>,
}

const COLUMNS: &str = "s.id, s.user_id, s.kind, s.token_hash, s.device, s.ip, s.user_agent, s.method, s.created_at, \
                       s.authenticated_at, s.last_active_at, s.idle_expires_at, s.expires_at, s.ended_at, s.ended_reason, \
                       s.new_device_at, s.scope";

/// A session ended by a statement.
#[derive(Clone, Debug, FromRow)]
pub struct Ended {
    pub id: String,
    pub user_id: String,
    pub ended_at: UnixMillis,
    #[sqlx(try_from = "String")]
    pub ended_reason: EndReason,
}

/// Unique violation if the token hash exists.
pub async fn insert(db: impl Executor<'_>, session: &Session) -> Result<()> {
    sqlx::query(
        "insert into sessions (id, user_id, kind, token_hash, device, ip, user_agent, method, created_at, \
         authenticated_at, last_active_at, idle_expires_at, expires_at, new_device_at, scope) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&session.id)
    .bind(&session.user_id)
    .bind(session.kind.as_str())
    .bind(&session.token_hash)
    .bind(&session.device)
    .bind(&session.ip)
    .bind(&session.user_agent)
    .bind(session.method.as_str())
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

/// A user's live sessions, newest first, after the cursor `before`.
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

/// Moves the idle deadline of a live session if it was last active before `active_before`, or in the future (clock set
/// back); false if nothing was written.
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

/// Replaces a live session's cookie token after reauthentication, invalidating the old one; false if the session ended.
pub async fn replace_token(
    db: impl Executor<'_>,
    id: &str,
    token_hash: &str,
    method: AuthMethod,
    authenticated_at: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update sessions set token_hash = $2, method = $3, authenticated_at = $4 where id = $1 and ended_at is null",
    )
    .bind(id)
    .bind(token_hash)
    .bind(method.as_str())
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

/// Ids of all users' live sessions begun or authenticated up to `now`, except `keep`.
pub async fn list_live_ids(db: impl Executor<'_>, keep: &str, now: UnixMillis) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "select id from sessions where ended_at is null and id <> $1 and (created_at <= $2 or authenticated_at <= $2)",
    )
    .bind(keep)
    .bind(now)
    .fetch_all(db)
    .await
}

/// Ends up to `limit` sessions of a global sign-out.
pub async fn end_all(
    db: impl Executor<'_>,
    sign_out: &SignOut,
    reason: EndReason,
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
        .bind(reason.as_str())
        .bind(now)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Selects sessions of one user.
#[derive(Clone, Copy, Debug)]
pub enum SessionSelector<'a> {
    /// One session.
    One {
        /// Its owner; another user's session does not match.
        user_id: &'a str,
        /// Its id.
        id: &'a str,
    },
    /// All but one session.
    AllBut {
        /// The owner.
        user_id: &'a str,
        /// Id of the session to keep.
        keep: &'a str,
    },
    /// All sessions of this user.
    AllOf(&'a str),
    /// Sessions last authenticated by a method.
    ByMethod {
        /// The owner.
        user_id: &'a str,
        /// The method.
        method: AuthMethod,
    },
}

impl<'a> SessionSelector<'a> {
    /// Selects this session.
    pub fn of(session: &'a Session) -> Self {
        Self::One { user_id: &session.user_id, id: &session.id }
    }

    /// The id, if it selects one session.
    pub(crate) fn id(&self) -> Option<&'a str> {
        match self {
            Self::One { id, .. } => Some(id),
            _ => None,
        }
    }

    pub(crate) fn is(&self, session: &Session) -> bool {
        matches!(self, Self::One { user_id, id } if *id == session.id && *user_id == session.user_id)
    }
}

/// Ends sessions of a user: a single one even past its deadline, of several only those live at `now`.
pub async fn end(
    db: impl Executor<'_>,
    selector: SessionSelector<'_>,
    reason: EndReason,
    now: UnixMillis,
    for_update: &str,
) -> Result<Vec<Ended>> {
    let (user_id, condition, value) = match selector {
        SessionSelector::One { user_id, id } => (user_id, "id = $2", id),
        SessionSelector::AllBut { user_id, keep } => (user_id, "id <> $2", keep),
        SessionSelector::AllOf(user_id) => (user_id, "id <> $2", ""),
        SessionSelector::ByMethod { user_id, method } => (user_id, "method = $2", method.as_str()),
    };
    let live = match selector {
        SessionSelector::One { .. } => "",
        _ => "and (idle_expires_at is null or idle_expires_at > $4) and (expires_at is null or expires_at > $4)",
    };
    let statement = format!(
        "update sessions set ended_at = $4, ended_reason = $3 where id in \
         (select id from sessions where user_id = $1 and {condition} and ended_at is null order by id {for_update}) \
         and ended_at is null {live} returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(user_id)
        .bind(value)
        .bind(reason.as_str())
        .bind(now)
        .fetch_all(db)
        .await
}

/// The deadline that passed first, of a session past a deadline at `$1`.
const EXPIRED: &str = "case when idle_expires_at <= $1 and (expires_at is null or idle_expires_at < expires_at) \
                       then 'idle_timeout' else 'absolute_timeout' end";

/// Ends sessions past a deadline, up to `limit` of either kind.
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

/// Ends one session if its row is past a deadline: a copy read earlier may be older than the last activity.
pub async fn end_if_expired(db: impl Executor<'_>, id: &str, now: UnixMillis) -> Result<Option<Ended>> {
    let statement = format!(
        "update sessions set ended_at = $1, ended_reason = {EXPIRED} where id = $2 and ended_at is null \
         and (idle_expires_at <= $1 or expires_at <= $1) returning id, user_id, ended_at, ended_reason"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(now).bind(id).fetch_optional(db).await
}

/// The device of an earlier session.
#[derive(Clone, Debug, FromRow)]
pub struct KnownDevice {
    pub ip: String,
    pub new_device_at: Option<UnixMillis>,
}

/// A user's session, live or ended, on a device with this name from this address.
pub async fn find_device(
    db: impl Executor<'_>,
    user_id: &str,
    kind: SessionKind,
    device: &str,
    ip: &str,
) -> Result<Option<KnownDevice>> {
    sqlx::query_as(
        "select ip, new_device_at from sessions where user_id = $1 and kind = $2 and device = $3 and ip = $4 limit 1",
    )
    .bind(user_id)
    .bind(kind.as_str())
    .bind(device)
    .bind(ip)
    .fetch_optional(db)
    .await
}

/// A user's sessions, live or ended, on a device with this name, newest first.
pub async fn list_devices(
    db: impl Executor<'_>,
    user_id: &str,
    kind: SessionKind,
    device: &str,
) -> Result<Vec<KnownDevice>> {
    sqlx::query_as(
        "select ip, new_device_at from sessions where user_id = $1 and kind = $2 and device = $3 \
         order by id desc limit 100",
    )
    .bind(user_id)
    .bind(kind.as_str())
    .bind(device)
    .fetch_all(db)
    .await
}

/// The client addresses of a user's sessions.
pub async fn list_addresses(db: impl Executor<'_>, user_id: &str) -> Result<Vec<String>> {
    sqlx::query_scalar("select distinct ip from sessions where user_id = $1 limit 100")
        .bind(user_id)
        .fetch_all(db)
        .await
}

/// Records a reauthentication of a live API session; false if there is none.
pub async fn set_authenticated(db: impl Executor<'_>, id: &str, now: UnixMillis) -> Result<bool> {
    sqlx::query("update sessions set authenticated_at = $2 where id = $1 and kind = 'api' and ended_at is null")
        .bind(id)
        .bind(now)
        .execute(db)
        .await
        .map(|r| r.rows_affected() == 1)
}

/// A live session with its owner.
#[derive(Clone, Debug, FromRow)]
pub struct OwnedSession {
    /// The session.
    #[sqlx(flatten)]
    pub session: Session,
    /// The owner's e-mail address.
    pub email: String,
    /// The owner's display name.
    pub name: String,
}

/// All users' live sessions, newest first, after the cursor `before`.
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

/// Number of sessions not ended, by kind.
pub async fn count_live(db: impl Executor<'_>) -> Result<Vec<LiveCount>> {
    sqlx::query_as("select kind, count(*) as n from sessions where ended_at is null group by kind").fetch_all(db).await
}

/// Live sessions of a kind.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct LiveCount {
    #[sqlx(try_from = "String")]
    pub kind: SessionKind,
    pub n: i64,
}

/// A session that any process ended, with its reason as text: a process of a newer version may give one that is unknown
/// here.
#[derive(Clone, Debug, FromRow)]
pub struct EndedElsewhere {
    pub id: String,
    pub ended_at: UnixMillis,
    pub ended_reason: String,
}

/// Sessions that ended after `since`.
pub async fn list_ended_since(db: impl Executor<'_>, since: UnixMillis) -> Result<Vec<EndedElsewhere>> {
    sqlx::query_as("select id, ended_at, ended_reason from sessions where ended_at > $1")
        .bind(since)
        .fetch_all(db)
        .await
}

/// Deletes up to `limit` sessions that ended before `before`; returns how many.
pub async fn delete_ended(db: impl Executor<'_>, before: UnixMillis, limit: i64) -> Result<u64> {
    sqlx::query("delete from sessions where id in (select id from sessions where ended_at < $1 limit $2)")
        .bind(before)
        .bind(limit)
        .execute(db)
        .await
        .map(|r| r.rows_affected())
}
