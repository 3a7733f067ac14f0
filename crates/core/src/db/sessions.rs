//! Statements on `sessions`: begin, look up, change, list. Every change is a compare-and-set on `ended_at is null`: an
//! ended session stays ended.

use sekisho_model::{AssuranceLevel, AuthMethod, EndReason, SessionId, SessionKind, UserId};
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, Nullable, UnixMillis, text::Text};

pub mod devices;
pub mod ending;
pub mod page_tokens;

/// A session: one signed-in device, live or ended. Times are Unix milliseconds.
#[derive(Clone, Debug, FromRow)]
pub struct Session {
    /// `sid` in tokens, and the pagination cursor.
    #[sqlx(try_from = "Text<SessionId>")]
    pub id: SessionId,
    /// The signed-in user.
    #[sqlx(try_from = "Text<UserId>")]
    pub user_id: UserId,
    /// Browser or API.
    #[sqlx(try_from = "Text<SessionKind>")]
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
    #[sqlx(try_from = "Text<AuthMethod>")]
    pub method: AuthMethod,
    /// What was presented beside it.
    #[sqlx(try_from = "Option<Text<AuthMethod>>")]
    pub second_factor: Nullable<AuthMethod>,
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
    #[sqlx(try_from = "Option<Text<EndReason>>")]
    pub ended_reason: Nullable<EndReason>,
    /// When a device with this name was first seen in this network; `None`: known.
    pub new_device_at: Option<UnixMillis>,
    /// Upper bound of its tokens' scopes; `None`: all.
    pub scope: Option<String>,
    /// When it got a new secret last; `None`: never.
    pub renewed_at: Option<UnixMillis>,
}

impl Session {
    /// How strong its authentication was.
    pub fn assurance(&self) -> AssuranceLevel {
        AssuranceLevel::of(self.method, self.second_factor.0)
    }

    /// Its authentication method references (RFC 8176).
    pub fn amr(&self) -> Vec<String> {
        let methods = [Some(self.method), self.second_factor.0];
        let mut amr: Vec<_> =
            methods.into_iter().flatten().flat_map(AuthMethod::amr).map(ToString::to_string).collect();
        if self.assurance() == AssuranceLevel::Two {
            amr.push("mfa".into());
        }
        amr
    }
}

pub(super) const COLUMNS: &str = "s.id, s.user_id, s.kind, s.token_hash, s.device, s.ip, s.user_agent, s.method, \
                       s.second_factor, s.created_at, \
                       s.authenticated_at, s.last_active_at, s.idle_expires_at, s.expires_at, s.ended_at, s.ended_reason, \
                       s.new_device_at, s.scope, s.renewed_at";

/// Unique violation if the token hash exists.
pub async fn insert(db: impl Executor<'_>, session: &Session) -> Result<()> {
    sqlx::query(
        "insert into sessions (id, user_id, kind, token_hash, device, ip, user_agent, method, created_at, \
         authenticated_at, last_active_at, idle_expires_at, expires_at, new_device_at, scope, second_factor) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(session.id.as_str())
    .bind(session.user_id.as_str())
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
    .bind(session.second_factor.0.map(AuthMethod::as_str))
    .execute(db)
    .await
    .map(drop)
}

pub async fn find(db: impl Executor<'_>, id: &SessionId) -> Result<Option<Session>> {
    let statement = format!("select {COLUMNS} from sessions s where id = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(id.as_str()).fetch_optional(db).await
}

pub async fn find_by_token_hash(db: impl Executor<'_>, token_hash: &str) -> Result<Option<Session>> {
    let statement = format!("select {COLUMNS} from sessions s where token_hash = $1");
    sqlx::query_as(AssertSqlSafe(statement)).bind(token_hash).fetch_optional(db).await
}

/// A user's live sessions, newest first, after the cursor `before`.
pub async fn list_live(
    db: impl Executor<'_>,
    user_id: &UserId,
    before: &str,
    now: UnixMillis,
    limit: i64,
) -> Result<Vec<Session>> {
    let statement = format!(
        "select {COLUMNS} from sessions s \
         where user_id = $1 and ended_at is null and (idle_expires_at is null or idle_expires_at > $2) \
         and (expires_at is null or expires_at > $2) and id < $3 order by id desc limit $4"
    );
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(user_id.as_str())
        .bind(now)
        .bind(before)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Moves the idle deadline of a live session if it was last active before `active_before`, or in the future (clock set
/// back); false if nothing was written.
pub async fn touch(
    db: impl Executor<'_>,
    id: &SessionId,
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
    .bind(id.as_str())
    .bind(now)
    .bind(active_before)
    .bind(idle_expires_at)
    .bind(ip)
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// What a reauthentication presented.
#[derive(Clone, Copy, Debug)]
pub struct Reauthentication {
    pub method: AuthMethod,
    /// `None`: nothing beside it; what the session has stays.
    pub second_factor: Option<AuthMethod>,
    pub at: UnixMillis,
}

/// Replaces a live session's cookie token after reauthentication, invalidating the old one; false if the session ended.
pub async fn replace_token(
    db: impl Executor<'_>,
    id: &SessionId,
    token_hash: &str,
    Reauthentication { method, second_factor, at }: Reauthentication,
) -> Result<bool> {
    sqlx::query(
        "update sessions set token_hash = $2, method = $3, authenticated_at = $4, second_factor = coalesce($5, \
         case when method = 'passkey' and $3 <> 'passkey' then coalesce(second_factor, 'passkey') \
         else second_factor end) where id = $1 and ended_at is null",
    )
    .bind(id.as_str())
    .bind(token_hash)
    .bind(method.as_str())
    .bind(at)
    .bind(second_factor.map(AuthMethod::as_str))
    .execute(db)
    .await
    .map(|r| r.rows_affected() == 1)
}

/// Records the passkey last presented in a session.
pub async fn set_passkey(db: impl Executor<'_>, id: &SessionId, passkey_id: &str) -> Result<()> {
    sqlx::query("update sessions set passkey_id = $2 where id = $1")
        .bind(id.as_str())
        .bind(passkey_id)
        .execute(db)
        .await
        .map(drop)
}

/// Records a reauthentication of a live API session; false if there is none.
pub async fn set_authenticated(
    db: impl Executor<'_>,
    id: &SessionId,
    second_factor: Option<AuthMethod>,
    now: UnixMillis,
) -> Result<bool> {
    sqlx::query(
        "update sessions set authenticated_at = $2, second_factor = coalesce($3, second_factor) \
         where id = $1 and kind = 'api' and ended_at is null",
    )
    .bind(id.as_str())
    .bind(now)
    .bind(second_factor.map(AuthMethod::as_str))
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
    #[sqlx(try_from = "Text<SessionKind>")]
    pub kind: SessionKind,
    pub n: i64,
}
