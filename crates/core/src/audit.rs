//! The log as a chain, so that nobody with access to the database can change it unseen.
//!
//! Each entry carries a keyed hash (HMAC-SHA-256, with a key that the deployment's secret seals) of itself and of the
//! entry before it; entries are numbered without a gap; and a sealed row says where the chain begins and ends. A
//! changed, added, removed or moved entry breaks it, at either end too. What is built on is verified first: a seal that
//! does not hold, or entries that are missing at the end or among the oldest, are recorded by an entry of their own,
//! whose number stays in the sealed row for good. Against somebody who also knows the secret, or puts back an old end of
//! the chain and removes what came after it, note the end that [`Auth::verify_log`] reports somewhere else.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::{
    Auth, HOUR, RequestContext,
    event::{Entry, Kind, network_of},
    millis,
};
use crate::{
    db::{
        UnixMillis, counts,
        events::{self, Chain, Event},
    },
    error::Error,
};

pub(super) const KEY: &str = "audit-chain";
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const PAGE: i64 = 1_000;
/// Retention removes a day's entries at a time: its own entry comes once a day at most.
const TRIM_EVERY: i64 = 24 * HOUR;

/// What is wrong with the chain, and at which entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the row that says where the log begins and ends was changed")]
    Seal,
    #[error("entry {0} is missing")]
    Missing(i64),
    #[error("entry {0} was changed, or one before it removed")]
    Changed(i64),
    #[error("entry {0} stands behind the end of the log")]
    Surplus(i64),
    #[error("entry {0} is not the one that was noted")]
    Anchor(i64),
    #[error("entry {0}, which was noted, is older than the log is kept: note a newer end")]
    Outdated(i64),
    /// Found earlier, when the log was written to; `seq` is the entry that says so.
    #[error("tampering was found when entry {0} was written, which says what")]
    Recorded(i64),
}

/// A made-up entry.
pub struct Chained {
    pub at: UnixMillis,
    pub kind: Kind,
    pub user_id: String,
    pub ip: String,
    pub network: String,
    pub user_agent: String,
}

/// The session by which somebody acts on their own account.
fn own_session(context: Option<&RequestContext>) -> Option<String> {
    context.filter(|context| context.actor.is_none())?.session_id.clone()
}

/// A chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub entries: i64,
    /// The last entry's number and hash: worth noting elsewhere.
    pub last: (i64, String),
}

/// What the chain's seal is a keyed hash of.
pub(super) fn sealed_fields(chain: &Chain) -> Vec<u8> {
    let ends = (chain.first_seq, &chain.first_hash, chain.last_seq, &chain.last_hash);
    let fields = match chain.broken_seq {
        None => serde_json::to_vec(&("chain", ends.0, ends.1, ends.2, ends.3)),
        Some(seq) => serde_json::to_vec(&("broken-chain", ends.0, ends.1, ends.2, ends.3, seq)),
    };
    fields.unwrap_or_default()
}

impl Auth {
    /// Writes entries in the transaction of what they record. It comes last there: the chain is held from here on.
    /// `context` is absent for what no request caused.
    pub(super) async fn write_log(
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
        chain.seal = self.seal(&chain);
        events::update_chain(&mut *tx, &chain).await?;
        Ok(written)
    }

    /// Holds the chain, and verifies what is about to be built on. Tampering is recorded, and the log goes on from the
    /// entries that are there: nobody is kept from signing in.
    pub(super) async fn lock_chain(&self, tx: &mut AnyConnection) -> Result<Chain, Error> {
        let found = events::lock_chain(&mut *tx).await?;
        if let Some(chain) = &found {
            self.follow_chain_keys(&mut *tx, chain).await?;
        }
        let sealed = found.as_ref().is_some_and(|chain| chain.seal == self.seal(chain));
        let newest = events::find_newest(&mut *tx).await?;
        let (newest_seq, newest_hash) = newest.unwrap_or_else(|| match &found {
            // Retention may have removed them all.
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
                // Numbers are not given twice, where it is known which were.
                let last_seq = if sealed { newest_seq.max(chain.last_seq) } else { newest_seq };
                let chain = Chain { last_seq, last_hash: newest_hash, ..chain };
                self.record_tampering(tx, chain, &fault.unwrap_or(Fault::Seal)).await
            }
        }
    }

    /// Writes that the log was tampered with, into the log and into the row that is sealed with it.
    async fn record_tampering(&self, tx: &mut AnyConnection, chain: Chain, fault: &Fault) -> Result<Chain, Error> {
        tracing::error!(target: "sekisho::audit", %fault, "the log was tampered with");
        let event = self.event(&Entry::new(Kind::LogTampered).detail(fault.to_string()), None, &chain);
        events::insert(&mut *tx, &event).await?;
        let broken_seq = chain.broken_seq.or(Some(event.seq));
        let mut chain = Chain { last_seq: event.seq, last_hash: event.hash, broken_seq, ..chain };
        chain.seal = self.seal(&chain);
        events::replace_chain(&mut *tx, &chain).await?;
        self.metrics.log_tampered(true);
        Ok(chain)
    }

    /// The entry that records tampering, if any was found.
    pub async fn tampered_seq(&self) -> Result<Option<i64>, Error> {
        let found = events::find_chain(self.db.reader()).await?.and_then(|chain| chain.broken_seq);
        self.metrics.log_tampered(found.is_some());
        Ok(found)
    }

    /// Tells those who monitor what was written and committed.
    pub(super) fn tell(&self, entries: &[Entry], written: &[Event]) {
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
            self.tally.add(event.at, entry.kind.as_str());
        }
    }

    /// Appends made-up entries of the past, for trying out.
    pub async fn chain_up(&self, made_up: Vec<Chained>) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let mut chain = self.lock_chain(&mut tx).await?;
        let mut tally = BTreeMap::new();
        for Chained { at, kind, user_id, ip, network, user_agent } in made_up {
            *tally.entry((at.div_euclid(HOUR), kind.as_str())).or_insert(0) += 1;
            let mut event = self.event(&Entry::new(kind), None, &chain);
            event = Event { at, user_id: Some(user_id), ip, network, user_agent, ..event };
            event.hash = self.hash(&event, &chain.last_hash);
            events::insert(&mut *tx, &event).await?;
            chain.last_seq = event.seq;
            chain.last_hash = event.hash;
        }
        chain.seal = self.seal(&chain);
        events::update_chain(&mut *tx, &chain).await?;
        for ((hour, kind), n) in tally {
            counts::add(&mut *tx, hour, kind, n).await?;
        }
        Ok(tx.commit().await?)
    }

    fn event(&self, entry: &Entry, context: Option<&RequestContext>, chain: &Chain) -> Event {
        let actor = context.and_then(|c| c.actor.clone()).filter(|actor| Some(actor) != entry.user_id.as_ref());
        let mut event = Event {
            seq: chain.last_seq + 1,
            id: self.clock.new_id(),
            at: self.clock.now(),
            user_id: entry.user_id.clone(),
            actor_id: actor,
            session_id: entry.session_id.clone().or_else(|| own_session(context)),
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

    /// The hash of an entry that follows one with the hash `before`. JSON keeps fields apart whatever is in them.
    fn hash(&self, e: &Event, before: &str) -> String {
        let fields = (
            (before, e.seq, &e.id, e.at, &e.user_id, &e.actor_id, &e.session_id),
            (&e.kind, &e.outcome, &e.reason, &e.ip, &e.network, &e.user_agent, &e.request_id, &e.detail),
        );
        self.chain_keys.mac_entry(e.seq, &serde_json::to_vec(&fields).unwrap_or_default())
    }

    pub(super) fn seal(&self, chain: &Chain) -> String {
        self.chain_keys.mac_seal(&sealed_fields(chain))
    }

    /// Makes the chain of an empty log.
    pub(super) async fn begin_chain(&self) -> Result<(), Error> {
        let mut chain = Chain {
            first_seq: 1,
            first_hash: GENESIS.into(),
            last_seq: 0,
            last_hash: GENESIS.into(),
            ..Chain::default()
        };
        chain.seal = self.seal(&chain);
        Ok(events::insert_chain(self.db.writer(), &chain).await?)
    }

    /// Reads the whole log and checks it, and that the entry `noted` (number and hash) is still the same.
    /// `progress` is told how many entries were read.
    pub async fn verify_log(
        &self,
        noted: Option<(i64, &str)>,
        mut progress: impl FnMut(i64),
    ) -> Result<Result<Verified, Fault>, Error> {
        self.load_chain_keys(self.db.reader()).await?;
        let Some(chain) = events::find_chain(self.db.reader()).await? else { return Ok(Err(Fault::Seal)) };
        if chain.seal != self.seal(&chain) {
            return Ok(Err(Fault::Seal));
        }
        if let Some(seq) = chain.broken_seq {
            return Ok(Err(Fault::Recorded(seq)));
        }
        // Housekeeping only ever removes what stands before the beginning.
        if let Some(seq) = events::find_below(self.db.reader(), chain.first_seq).await? {
            return Ok(Err(Fault::Surplus(seq)));
        }
        match noted {
            Some((n, hash)) if n == chain.first_seq - 1 && hash != chain.first_hash => {
                return Ok(Err(Fault::Anchor(n)));
            }
            Some((n, _)) if n < chain.first_seq - 1 => return Ok(Err(Fault::Outdated(n))),
            Some((n, _)) if n > chain.last_seq => return Ok(Err(Fault::Missing(n))),
            _ => {}
        }
        let (mut seq, mut hash) = (chain.first_seq, chain.first_hash.clone());
        loop {
            let page = events::list_chain(self.db.reader(), seq, PAGE).await?;
            for event in &page {
                // What is written while we read stands behind the end we know.
                if seq > chain.last_seq {
                    break;
                }
                if event.seq != seq {
                    return Ok(Err(Fault::Missing(seq)));
                }
                if event.hash != self.hash(event, &hash) {
                    return Ok(Err(Fault::Changed(seq)));
                }
                if noted.is_some_and(|(n, noted)| n == seq && noted != event.hash) {
                    return Ok(Err(Fault::Anchor(seq)));
                }
                hash.clone_from(&event.hash);
                seq += 1;
            }
            progress(seq - chain.first_seq);
            if seq > chain.last_seq || page.len() < PAGE as usize {
                break;
            }
        }
        if seq <= chain.last_seq {
            return Ok(Err(Fault::Missing(seq)));
        }
        if hash != chain.last_hash {
            return Ok(Err(Fault::Changed(chain.last_seq)));
        }
        // An entry behind the end is a fault, unless the end has moved on since.
        let end =
            async || Ok::<_, Error>(events::find_chain(self.db.reader()).await?.map_or(0, |chain| chain.last_seq));
        if let Some(surplus) = events::list_chain(self.db.reader(), end().await? + 1, 1).await?.first()
            && end().await? < surplus.seq
        {
            return Ok(Err(Fault::Surplus(surplus.seq)));
        }
        Ok(Ok(Verified { entries: seq - chain.first_seq, last: (chain.last_seq, chain.last_hash) }))
    }

    /// Removes what is older than the policy keeps it, from the beginning of the chain on.
    pub(super) async fn trim_log(&self) -> Result<(), Error> {
        let Some(keep) = self.policy.log_retention else { return Ok(()) };
        let before = self.clock.now() - millis(keep);
        let Some(chain) = events::find_chain(self.db.reader()).await? else { return Ok(()) };
        let oldest = events::list_chain(self.db.reader(), chain.first_seq, 1).await?;
        if oldest.first().is_none_or(|event| event.at >= before - TRIM_EVERY) {
            return Ok(());
        }
        loop {
            let mut act = self.begin(None).await?;
            let mut chain = self.lock_chain(act.db()).await?;
            let page = events::list_chain(act.db(), chain.first_seq, PAGE).await?;
            let old: Vec<_> = page.iter().take_while(|event| event.at < before).collect();
            let Some(last) = old.last() else { return Ok(()) };
            // What is removed can't be verified any more: entries missing among it would be forgotten with it.
            if let Some(fault) = self.check_links(&old, chain.first_seq, &chain.first_hash)
                && chain.broken_seq.is_none()
            {
                chain = self.record_tampering(act.db(), chain, &fault).await?;
            }
            let removed = format!("entries {} to {}", chain.first_seq, last.seq);
            chain.first_seq = last.seq + 1;
            chain.first_hash.clone_from(&last.hash);
            chain.seal = self.seal(&chain);
            events::delete_before(act.db(), chain.first_seq).await?;
            events::update_chain(act.db(), &chain).await?;
            act.log(Entry::new(Kind::LogTrimmed).detail(removed));
            act.commit().await?;
        }
    }

    /// What is wrong with entries that should follow each other from `seq` on, after one with the hash `before`.
    fn check_links(&self, events: &[&Event], seq: i64, before: &str) -> Option<Fault> {
        let mut hash = before;
        for (event, seq) in events.iter().zip(seq..) {
            if event.seq != seq {
                return Some(Fault::Missing(seq));
            }
            if event.hash != self.hash(event, hash) {
                return Some(Fault::Changed(seq));
            }
            hash = &event.hash;
        }
        None
    }
}
