//! Statements on `events`, the log of what happened, and on `chain`, which says where it begins and ends.

use sqlx::{AssertSqlSafe, FromRow, Result};

use super::{Executor, UnixMillis};

#[derive(Clone, Debug, FromRow)]
pub struct Event {
    pub seq: i64,
    pub id: String,
    pub at: UnixMillis,
    pub user_id: Option<String>,
    pub actor_id: Option<String>,
    pub session_id: Option<String>,
    pub kind: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub ip: String,
    pub network: String,
    pub user_agent: String,
    pub request_id: Option<String>,
    pub detail: Option<String>,
    pub hash: String,
}

/// An event, and the people in it as they are now.
#[derive(Clone, Debug, FromRow)]
pub struct NamedEvent {
    #[sqlx(flatten)]
    pub event: Event,
    pub user_email: Option<String>,
    pub actor_email: Option<String>,
}

/// Where the log begins and ends.
#[derive(Clone, Debug, Default, FromRow)]
pub struct Chain {
    pub first_seq: i64,
    pub first_hash: String,
    pub last_seq: i64,
    pub last_hash: String,
    /// The first entry that records tampering.
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

/// One person's log, the newest first, from before the event `before` on (an empty string: from the newest).
pub async fn list(db: impl Executor<'_>, user_id: &str, before: &str, limit: i64) -> Result<Vec<Event>> {
    let statement = format!(
        "select {COLUMNS} from events e where e.user_id = $1 \
         and e.seq < coalesce((select seq from events where id = $2), 9223372036854775807) \
         order by e.seq desc limit $3"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id).bind(before).bind(limit).fetch_all(db).await
}

/// What a person should know of and may not have seen: events of `kinds` after `since`, the newest first.
pub async fn list_notices(
    db: impl Executor<'_>,
    user_id: &str,
    kinds: &[&str],
    since: UnixMillis,
    limit: i64,
) -> Result<Vec<Event>> {
    // `kinds` are names of ours, never input.
    let kinds = kinds.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
    let statement = format!(
        "select {COLUMNS} from events e where e.user_id = $1 and e.at > $2 and e.kind in ({kinds}) \
         order by e.seq desc limit $3"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(user_id).bind(since).bind(limit).fetch_all(db).await
}

/// Which events an administrator looks for; what is `None` is any.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub user_id: Option<String>,
    pub kind: Option<&'static str>,
    /// From this time on.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub to: Option<UnixMillis>,
    pub place: Option<Place>,
}

#[derive(Clone, Debug)]
pub struct Place {
    pub network: String,
    /// One address in it; `None` is any.
    pub ip: Option<String>,
}

pub async fn find_seq(db: impl Executor<'_>, id: &str) -> Result<Option<i64>> {
    sqlx::query_scalar("select seq from events where id = $1").bind(id).fetch_optional(db).await
}

/// Whether a person has an entry of a kind.
pub async fn any(db: impl Executor<'_>, user_id: &str, kind: &str) -> Result<bool> {
    sqlx::query_scalar::<_, i64>("select seq from events where user_id = $1 and kind = $2 limit 1")
        .bind(user_id)
        .bind(kind)
        .fetch_optional(db)
        .await
        .map(|seq| seq.is_some())
}

/// The last entry before a time.
pub async fn find_seq_before(db: impl Executor<'_>, at: UnixMillis) -> Result<Option<i64>> {
    sqlx::query_scalar("select seq from events where at < $1 order by at desc, seq desc limit 1")
        .bind(at)
        .fetch_optional(db)
        .await
}

/// The last entry numbered below `seq`.
pub async fn find_below(db: impl Executor<'_>, seq: i64) -> Result<Option<i64>> {
    sqlx::query_scalar("select seq from events where seq < $1 order by seq desc limit 1")
        .bind(seq)
        .fetch_optional(db)
        .await
}

/// The first entry from a time on.
pub async fn find_seq_since(db: impl Executor<'_>, at: UnixMillis) -> Result<Option<i64>> {
    sqlx::query_scalar("select seq from events where at >= $1 order by at, seq limit 1")
        .bind(at)
        .fetch_optional(db)
        .await
}

/// Everybody's log, the newest first, of what `seqs` spans.
///
/// The filter that leaves least (a person, then a place, then a kind) is looked up by its index; the others are
/// written so that no index serves them, or a planner without statistics might take the worst.
pub async fn search(
    db: impl Executor<'_>,
    filter: &Filter,
    seqs: std::ops::Range<i64>,
    limit: i64,
) -> Result<Vec<NamedEvent>> {
    let network = filter.place.as_ref().map(|place| place.network.as_str());
    let ip = filter.place.as_ref().and_then(|place| place.ip.as_deref());
    let mut wheres = vec!["e.seq >= $1 and e.seq < $2 and e.at >= $3 and e.at < $4".to_owned()];
    let mut texts = Vec::new();
    for (column, value) in
        [("user_id", filter.user_id.as_deref()), ("network", network), ("ip", ip), ("kind", filter.kind)]
    {
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

/// The log as a chain, from the entry `from` on, the oldest first.
pub async fn list_chain(db: impl Executor<'_>, from: i64, limit: i64) -> Result<Vec<Event>> {
    let statement = format!("select {COLUMNS} from events e where e.seq >= $1 order by e.seq limit $2");
    sqlx::query_as(AssertSqlSafe(statement)).bind(from).bind(limit).fetch_all(db).await
}

pub async fn delete_before(db: impl Executor<'_>, seq: i64) -> Result<()> {
    sqlx::query("delete from events where seq < $1").bind(seq).execute(db).await.map(drop)
}

/// Makes the chain of an empty log, unless there is one: only in an empty house, so that a log which somebody wiped
/// is not taken for a new one.
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

/// Holds the chain until the transaction ends: entries are made one after the other.
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

/// The newest entry's number and hash, whatever the chain says.
pub async fn find_newest(db: impl Executor<'_>) -> Result<Option<(i64, String)>> {
    sqlx::query_as("select seq, hash from events order by seq desc limit 1").fetch_optional(db).await
}

/// The oldest entry's number, whatever the chain says.
pub async fn find_oldest_seq(db: impl Executor<'_>) -> Result<Option<i64>> {
    sqlx::query_scalar("select min(seq) from events").fetch_one(db).await
}

pub async fn update_chain(db: impl Executor<'_>, chain: &Chain) -> Result<()> {
    sqlx::query(
        "update chain set first_seq = $1, first_hash = $2, last_seq = $3, last_hash = $4, broken_seq = $5, seal = $6 \
         where id = 1",
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

/// Writes the row whether or not it is still there.
pub async fn replace_chain(db: impl Executor<'_>, chain: &Chain) -> Result<()> {
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
