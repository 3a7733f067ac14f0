//! The audit log as a hash chain: tampering by someone with database access is detected (ASVS 16.4.2).
//!
//! Each entry carries an HMAC-SHA-256 of itself and of the previous entry's hash; entries are numbered without gaps; a
//! sealed row holds both ends of the chain. Changing, adding, removing or reordering an entry breaks the chain. Before
//! an append or a trim the affected end is verified; tampering found there is recorded by an entry whose number stays
//! in the sealed row. An attacker who also knows the secret, or who restores an older end of the chain and deletes the
//! entries after it, is detected only by comparing with an end that [`AuditLog::verify`] reported and that was stored
//! elsewhere.

use std::sync::Arc;

use sqlx::AnyConnection;

use sekisho_model::{EventKind, SessionId, UserId};

use crate::{
    clock::Clock,
    db::{
        Db,
        events::{self, Chain, Event},
    },
    error::Error,
    metrics::Metrics,
    network::network_of,
    request_context::{Actor, RequestContext},
    secret::MasterSecret,
};

mod chain_keys;
pub mod event;
pub mod filter;
mod retention;
pub mod statistics;
pub mod verify;

use chain_keys::ChainKeys;
use event::Entry;
use statistics::Statistics;
use verify::Fault;

const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Entries read per query.
const PAGE: i64 = 1_000;

/// The acting session, if the actor changes their own account.
fn own_session(context: Option<&RequestContext>) -> Option<&SessionId> {
    context.filter(|context| context.actor.is_none())?.session_id.as_ref()
}

/// A sample entry.
#[cfg(any(test, feature = "fill"))]
pub(crate) struct SampleEvent {
    pub at: crate::clock::UnixMillis,
    pub kind: EventKind,
    pub user_id: UserId,
    pub ip: String,
    pub network: String,
    pub user_agent: String,
}

/// Appends to, trims and verifies the log.
pub struct AuditLog {
    db: Db,
    clock: Clock,
    metrics: Metrics,
    statistics: Arc<Statistics>,
    keys: ChainKeys,
}

impl AuditLog {
    /// Opens the log; starts the chain on an empty database.
    pub(crate) async fn open(
        db: Db,
        clock: Clock,
        metrics: Metrics,
        statistics: Arc<Statistics>,
        secret: MasterSecret,
    ) -> Result<Self, Error> {
        let keys = ChainKeys::open(secret, &db).await?;
        let log = Self { db, clock, metrics, statistics, keys };
        log.begin_chain().await?;
        log.tampered_seq().await?;
        Ok(log)
    }

    /// Appends entries in the transaction of the change they record, as its last statement: the chain row stays locked
    /// until the commit. `context` is `None` for background jobs.
    pub(crate) async fn append(
        &self,
        tx: &mut AnyConnection,
        entries: &[Entry],
        context: Option<&RequestContext>,
    ) -> Result<Vec<Event>, Error> {
        let mut written = Vec::with_capacity(entries.len());
        if entries.is_empty() {
            return Ok(written);
        }
        let mut chain = self.lock_chain(&mut *tx).await?;
        for entry in entries {
            let event = self.event(entry, context, &chain);
            events::insert(&mut *tx, &event).await?;
            chain.last_seq = event.seq;
            chain.last_hash.clone_from(&event.hash);
            written.push(event);
        }
        chain.seal = self.keys.seal(&chain);
        events::save_chain(&mut *tx, &chain).await?;
        Ok(written)
    }

    /// Locks the chain and verifies its end. Tampering is recorded and the log continues from the entries present, so that
    /// a broken chain does not block sign-ins.
    async fn lock_chain(&self, tx: &mut AnyConnection) -> Result<Chain, Error> {
        let found = events::lock_chain(&mut *tx).await?;
        if let Some(chain) = &found {
            self.keys.follow(&mut *tx, chain).await?;
        }
        let sealed = found.as_ref().is_some_and(|chain| chain.seal == self.keys.seal(chain));
        let newest = events::find_newest(&mut *tx).await?;
        let (newest_seq, newest_hash) = newest.unwrap_or_else(|| match &found {
            // Retention may have removed every entry.
            Some(chain) if sealed => (chain.first_seq - 1, chain.first_hash.clone()),
            _ => (0, GENESIS.into()),
        });
        let fault = match &found {
            _ if !sealed => Some(Fault::Seal),
            None => None,
            Some(chain) if chain.last_seq < newest_seq => Some(Fault::Surplus(newest_seq)),
            Some(chain) if chain.last_seq > newest_seq => Some(Fault::Missing(newest_seq + 1)),
            Some(chain) if chain.last_hash != newest_hash => Some(Fault::Changed(newest_seq)),
            Some(_) => None,
        };
        match (found, fault) {
            (Some(chain), None) => Ok(chain),
            (found, fault) => {
                let first_seq = events::find_oldest_seq(&mut *tx).await?.unwrap_or(1);
                let chain = found.unwrap_or(Chain { first_seq, first_hash: GENESIS.into(), ..Chain::default() });
                // Don't reuse numbers, as far as the sealed end is trustworthy.
                let last_seq = if sealed { newest_seq.max(chain.last_seq) } else { newest_seq };
                let chain = Chain { last_seq, last_hash: newest_hash, ..chain };
                self.record_tampering(tx, chain, &fault.unwrap_or(Fault::Seal)).await
            }
        }
    }

    /// Records tampering in the log and in the sealed row.
    async fn record_tampering(&self, tx: &mut AnyConnection, chain: Chain, fault: &Fault) -> Result<Chain, Error> {
        tracing::error!(target: "sekisho::audit", %fault, "the log was tampered with");
        let event = self.event(&Entry::new(EventKind::LogTampered).detail(fault.to_string()), None, &chain);
        events::insert(&mut *tx, &event).await?;
        let broken_seq = chain.broken_seq.or(Some(event.seq));
        let mut chain = Chain { last_seq: event.seq, last_hash: event.hash, broken_seq, ..chain };
        chain.seal = self.keys.seal(&chain);
        events::save_chain(&mut *tx, &chain).await?;
        self.metrics.log_tampered(true);
        Ok(chain)
    }

    /// Number of the entry that recorded tampering, if any.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn tampered_seq(&self) -> Result<Option<i64>, Error> {
        let found = events::find_chain(self.db.reader()).await?.and_then(|chain| chain.broken_seq);
        self.metrics.log_tampered(found.is_some());
        Ok(found)
    }

    /// Emits committed entries as structured log lines and metrics (ASVS 16.3.1).
    pub(crate) fn report(&self, entries: &[Entry], written: &[Event]) {
        for (entry, event) in entries.iter().zip(written) {
            tracing::info!(
                target: "sekisho::audit",
                event = event.kind,
                outcome = event.outcome,
                user.id = event.user_id,
                actor.id = event.actor_id,
                session.id = event.session_id,
                reason = event.reason,
                detail = event.detail,
                ip = Some(&event.ip).filter(|ip| !ip.is_empty()),
                seq = event.seq,
                hash = event.hash,
            );
            self.metrics.event(entry.kind);
            self.statistics.add(event.at, entry.kind.as_str());
        }
    }

    /// Appends sample entries with past times.
    #[cfg(any(test, feature = "fill"))]
    pub(crate) async fn append_samples(&self, tx: &mut AnyConnection, samples: Vec<SampleEvent>) -> Result<(), Error> {
        let mut chain = self.lock_chain(tx).await?;
        for SampleEvent { at, kind, user_id, ip, network, user_agent } in samples {
            let event = self.event(&Entry::new(kind), None, &chain);
            let mut event = Event { at, user_id: Some(user_id.to_string()), ip, network, user_agent, ..event };
            event.hash = self.hash(&event, &chain.last_hash);
            events::insert(&mut *tx, &event).await?;
            chain.last_seq = event.seq;
            chain.last_hash = event.hash;
        }
        chain.seal = self.keys.seal(&chain);
        Ok(events::save_chain(tx, &chain).await?)
    }

    fn event(&self, entry: &Entry, context: Option<&RequestContext>, chain: &Chain) -> Event {
        let user_id = entry.user_id.as_ref().map(UserId::as_str);
        let actor = context.and_then(|c| c.actor.as_ref()).map(Actor::as_str).filter(|actor| Some(*actor) != user_id);
        let mut event = Event {
            seq: chain.last_seq + 1,
            id: self.clock.new_id(),
            at: self.clock.now(),
            user_id: user_id.map(Into::into),
            actor_id: actor.map(Into::into),
            session_id: entry.session_id.as_ref().or_else(|| own_session(context)).map(ToString::to_string),
            kind: entry.kind.as_str().into(),
            outcome: entry.kind.outcome().into(),
            reason: entry.reason.map(|reason| reason.as_str().into()),
            ip: context.map(|c| c.ip.to_string()).unwrap_or_default(),
            network: context.map(|c| network_of(c.ip)).unwrap_or_default(),
            user_agent: context.map(|c| c.user_agent.clone()).unwrap_or_default(),
            request_id: context.and_then(|c| c.request_id.clone()),
            detail: entry.detail.clone(),
            hash: String::new(),
        };
        event.hash = self.hash(&event, &chain.last_hash);
        event
    }

    /// The hash of an entry after one with the hash `before`. JSON encoding keeps the fields unambiguous.
    fn hash(&self, e: &Event, before: &str) -> String {
        let fields = (
            (before, e.seq, &e.id, e.at, &e.user_id, &e.actor_id, &e.session_id),
            (&e.kind, &e.outcome, &e.reason, &e.ip, &e.network, &e.user_agent, &e.request_id, &e.detail),
        );
        self.keys.mac_entry(e.seq, &serde_json::to_vec(&fields).unwrap_or_default())
    }

    /// Starts the chain of an empty log.
    async fn begin_chain(&self) -> Result<(), Error> {
        let mut chain = Chain {
            first_seq: 1,
            first_hash: GENESIS.into(),
            last_seq: 0,
            last_hash: GENESIS.into(),
            ..Chain::default()
        };
        chain.seal = self.keys.seal(&chain);
        Ok(events::insert_chain(self.db.writer(), &chain).await?)
    }

    /// Checks an entry's number, and its hash after one with the hash `before`.
    fn check_link(&self, event: &Event, seq: i64, before: &str) -> Result<(), Fault> {
        match () {
            () if event.seq != seq => Err(Fault::Missing(seq)),
            () if event.hash != self.hash(event, before) => Err(Fault::Changed(seq)),
            () => Ok(()),
        }
    }

    /// Re-encrypts the chain keys sealed with the previous secret and starts a new key; false if there were none.
    pub(crate) async fn rotate_secret(&self, tx: &mut AnyConnection) -> Result<bool, Error> {
        // Rotation must not repair a broken chain: `lock_chain` records tampering first.
        let mut chain = self.lock_chain(&mut *tx).await?;
        let rotated = self.keys.rotate_secret(&mut *tx, chain.last_seq).await?;
        if rotated {
            chain.seal = self.keys.seal(&chain);
            events::save_chain(tx, &chain).await?;
        }
        Ok(rotated)
    }
}
