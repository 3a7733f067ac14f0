//! Statements on `events`, the audit log, and `chain`, its sealed ends.

use sekisho_model::UserId;
use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, UnixMillis};

/// An entry of the audit log. Ids are text: an entry that was tampered with must be readable, to be verified.
#[derive(Clone, Debug, FromRow)]
pub struct Event {
    /// Position in the chain, without gaps.
    pub seq: i64,
    /// UUIDv7; the pagination cursor.
    pub id: String,
    /// When it was logged.
    pub at: UnixMillis,
    /// The affected user.
    pub user_id: Option<String>,
    /// The actor, if not the user: an administrator's id or `command-line`.
    pub actor_id: Option<String>,
    /// The affected, or acting, session.
    pub session_id: Option<String>,
    /// Name of an [`EventKind`](sekisho_model::EventKind).
    pub kind: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// Name of an [`EndReason`](sekisho_model::EndReason).
    pub reason: Option<String>,
    /// Client address; empty for background jobs.
    pub ip: String,
    /// Its network: IPv4 /24, IPv6 /64.
    pub network: String,
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// The request id.
    pub request_id: Option<String>,
    /// Free text.
    pub detail: Option<String>,
    /// HMAC-SHA-256 in hex, over this entry and the previous hash.
    pub hash: String,
}

/// An event with its users' current e-mail addresses.
#[derive(Clone, Debug, FromRow)]
pub struct NamedEvent {
    /// The event.
    #[sqlx(flatten)]
    pub event: Event,
    /// The affected user's address.
    pub user_email: Option<String>,
    /// The actor's address.
    pub actor_email: Option<String>,
}

/// Both ends of the chain, sealed.
#[derive(Clone, Debug, Default, FromRow)]
pub struct Chain {
    pub first_seq: i64,
    pub first_hash: String,
    pub last_seq: i64,
    pub last_hash: String,
    /// The first entry that recorded tampering.
    pub broken_seq: Option<i64>,
    pub seal: String,
}

const COLUMNS: &str = "e.seq, e.id, e.at, e.user_id, e.actor_id, e.session_id, e.kind, e.outcome, e.reason, e.ip, \
                       e.network, e.user_agent, e.request_id, e.detail, e.hash";

pub async fn insert(db: impl Executor<'_>, event: &Event) -> Result<()> {
    sqlx::query(
        "insert into events (seq, id, at, user_id, actor_id, session_id, kind, outcome, reason, ip, network, \
         user_agent, request_id, detail, hash) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(event.seq)
    .bind(&event.id)
    .bind(event.at)
    .bind(&event.user_id)
    .bind(&event.actor_id)
    .bind(&event.session_id)
    .bind(&event.kind)
    .bind(&event.outcome)
    .bind(&event.reason)
    .bind(&event.ip)
    .bind(&event.network)
    .bind(&event.user_agent)
    .bind(&event.request_id)
    .bind(&event.detail)
    .bind(&event.hash)
    .execute(db)
    .await
    .map(drop)
}

/// A condition on the kind of an event; none for no `kinds`.
fn kind_in(kinds: &[&str]) -> String {
    // SQL injection: `kinds` are constants, never input.
    let kinds = kinds.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
    if kinds.is_empty() { String::new() } else { format!("and e.kind in ({kinds}) ") }
}

/// One user's events of `kinds` (none: of all), newest first, after the cursor `before` (empty: from the newest).
pub async fn list(
    db: impl Executor<'_>,
    user_id: &UserId,
    kinds: &[&str],
    before: &str,
    limit: i64,
) -> Result<Vec<Event>> {
    let of_kinds = kind_in(kinds);
    let statement = format!(
        "select {COLUMNS} from events e where e.user_id = $1 {of_kinds}\
         and e.seq < coalesce((select seq from events where id = $2), 9223372036854775807) \
         order by e.seq desc limit $3"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id.as_str()).bind(before).bind(limit).fetch_all(db).await
}

/// A user's events of `kinds` after `since`, newest first.
pub async fn list_notices(
    db: impl Executor<'_>,
    user_id: &UserId,
    kinds: &[&str],
    since: UnixMillis,
    limit: i64,
) -> Result<Vec<Event>> {
    let of_kinds = kind_in(kinds);
    let statement = format!(
        "select {COLUMNS} from events e where e.user_id = $1 and e.at > $2 {of_kinds}\
         order by e.seq desc limit $3"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id.as_str()).bind(since).bind(limit).fetch_all(db).await
}

/// A user's last event of a kind before a time.
pub async fn find_last(
    db: impl Executor<'_>,
    user_id: &UserId,
    kind: &str,
    before: UnixMillis,
) -> Result<Option<Event>> {
    let statement = format!(
        "select {COLUMNS} from events e where e.user_id = $1 and e.kind = $2 and e.at < $3 order by e.seq desc limit 1"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id.as_str()).bind(kind).bind(before).fetch_optional(db).await
}

/// A search for events; `None` matches any.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The affected user.
    pub user_id: Option<UserId>,
    /// Name of an event kind.
    pub kind: Option<&'static str>,
    /// Inclusive start.
    pub from: Option<UnixMillis>,
    /// Exclusive end.
    pub to: Option<UnixMillis>,
    /// Client network or address.
    pub network: Option<Network>,
}

/// A network as recorded, or one address in it.
#[derive(Clone, Debug)]
pub struct Network {
    /// IPv4 /24 or IPv6 /64.
    pub network: String,
    /// One address; `None`: any.
    pub ip: Option<String>,
}

pub async fn find_seq(db: impl Executor<'_>, id: &str) -> Result<Option<i64>> {
    sqlx::query_scalar("select seq from events where id = $1").bind(id).fetch_optional(db).await
}

/// Whether a user has an event of a kind.
pub async fn any(db: impl Executor<'_>, user_id: &UserId, kind: &str) -> Result<bool> {
    sqlx::query_scalar::<_, i64>("select seq from events where user_id = $1 and kind = $2 limit 1")
        .bind(user_id.as_str())
        .bind(kind)
        .fetch_optional(db)
        .await
        .map(|seq| seq.is_some())
}

/// Number of the last entry before a time.
pub async fn find_seq_before(db: impl Executor<'_>, at: UnixMillis) -> Result<Option<i64>> {
    sqlx::query_scalar("select seq from events where at < $1 order by at desc, seq desc limit 1")
        .bind(at)
        .fetch_optional(db)
        .await
}

/// The last number below `seq`.
pub async fn find_below(db: impl Executor<'_>, seq: i64) -> Result<Option<i64>> {
    sqlx::query_scalar("select seq from events where seq < $1 order by seq desc limit 1")
        .bind(seq)
        .fetch_optional(db)
        .await
}

/// Number of the first entry at or after a time.
pub async fn find_seq_since(db: impl Executor<'_>, at: UnixMillis) -> Result<Option<i64>> {
    sqlx::query_scalar("select seq from events where at >= $1 order by at, seq limit 1")
        .bind(at)
        .fetch_optional(db)
        .await
}

/// All users' events in the range `seqs`, newest first.
///
/// Only the most selective filter (user, then network, then kind) is written to use its index; a planner without
/// statistics might choose a worse one.
pub async fn search(
    db: impl Executor<'_>,
    filter: &Filter,
    seqs: std::ops::Range<i64>,
    limit: i64,
) -> Result<Vec<NamedEvent>> {
    let network = filter.network.as_ref().map(|network| network.network.as_str());
    let ip = filter.network.as_ref().and_then(|network| network.ip.as_deref());
    let mut wheres = vec!["e.seq >= $1 and e.seq < $2 and e.at >= $3 and e.at < $4".to_owned()];
    let mut texts = Vec::new();
    for (column, value) in [
        ("user_id", filter.user_id.as_ref().map(UserId::as_str)),
        ("network", network),
        ("ip", ip),
        ("kind", filter.kind),
    ] {
        if let Some(value) = value {
            let expression = if texts.is_empty() { format!("e.{column}") } else { format!("(e.{column} || '')") };
            texts.push(value.to_owned());
            wheres.push(format!("{expression} = ${}", texts.len() + 4));
        }
    }
    let statement = format!(
        "select {COLUMNS}, u.email as user_email, a.email as actor_email from events e \
         left join users u on u.id = e.user_id left join users a on a.id = e.actor_id \
         where {} order by e.seq desc limit ${}",
        wheres.join(" and "),
        texts.len() + 5
    );
    let (from, to) = (filter.from.unwrap_or(i64::MIN), filter.to.unwrap_or(i64::MAX));
    let mut query = sqlx::query_as(AssertSqlSafe(statement)).bind(seqs.start).bind(seqs.end).bind(from).bind(to);
    for text in texts {
        query = query.bind(text);
    }
    query.bind(limit).fetch_all(db).await
}

/// Entries in chain order from number `from` on.
pub async fn list_chain(db: impl Executor<'_>, from: i64, limit: i64) -> Result<Vec<Event>> {
    let statement = format!("select {COLUMNS} from events e where e.seq >= $1 order by e.seq limit $2");
    sqlx::query_as(AssertSqlSafe(statement)).bind(from).bind(limit).fetch_all(db).await
}

pub async fn delete_before(db: impl Executor<'_>, seq: i64) -> Result<()> {
    sqlx::query("delete from events where seq < $1").bind(seq).execute(db).await.map(drop)
}

/// Inserts the chain row of a new database: only without users, so that a wiped log is not accepted as a new one.
pub async fn insert_chain(db: impl Executor<'_>, chain: &Chain) -> Result<()> {
    sqlx::query(
        "insert into chain (id, first_seq, first_hash, last_seq, last_hash, seal) \
         select 1, $1, $2, $3, $4, $5 where not exists (select 1 from users) on conflict (id) do nothing",
    )
    .bind(chain.first_seq)
    .bind(&chain.first_hash)
    .bind(chain.last_seq)
    .bind(&chain.last_hash)
    .bind(&chain.seal)
    .execute(db)
    .await
    .map(drop)
}

/// Locks the chain until the transaction ends: appends are serialised.
pub async fn lock_chain(db: impl Executor<'_>) -> Result<Option<Chain>> {
    sqlx::query_as(
        "update chain set seal = seal where id = 1 \
         returning first_seq, first_hash, last_seq, last_hash, broken_seq, seal",
    )
    .fetch_optional(db)
    .await
}

pub async fn find_chain(db: impl Executor<'_>) -> Result<Option<Chain>> {
    sqlx::query_as("select first_seq, first_hash, last_seq, last_hash, broken_seq, seal from chain where id = 1")
        .fetch_optional(db)
        .await
}

/// Number and hash of the newest entry present.
pub async fn find_newest(db: impl Executor<'_>) -> Result<Option<(i64, String)>> {
    sqlx::query_as("select seq, hash from events order by seq desc limit 1").fetch_optional(db).await
}

/// Number of the oldest entry present.
pub async fn find_oldest_seq(db: impl Executor<'_>) -> Result<Option<i64>> {
    sqlx::query_scalar("select min(seq) from events").fetch_one(db).await
}

/// Upserts the chain row.
pub async fn save_chain(db: impl Executor<'_>, chain: &Chain) -> Result<()> {
    sqlx::query(
        "insert into chain (id, first_seq, first_hash, last_seq, last_hash, broken_seq, seal) \
         values (1, $1, $2, $3, $4, $5, $6) on conflict (id) do update set first_seq = excluded.first_seq, \
         first_hash = excluded.first_hash, last_seq = excluded.last_seq, last_hash = excluded.last_hash, \
         broken_seq = excluded.broken_seq, seal = excluded.seal",
    )
    .bind(chain.first_seq)
    .bind(&chain.first_hash)
    .bind(chain.last_seq)
    .bind(&chain.last_hash)
    .bind(chain.broken_seq)
    .bind(&chain.seal)
    .execute(db)
    .await
    .map(drop)
}
