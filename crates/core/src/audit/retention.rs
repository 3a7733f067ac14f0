//! Log retention: removes the oldest entries and moves the start of the chain.

use std::time::Duration;

use sqlx::AnyConnection;

use super::{AuditLog, PAGE, event::Entry, verify::Fault};
use sekisho_model::EventKind;

use crate::{
    clock::{HOUR, UnixMillis, millis},
    db::events::{self, Chain, Event},
    error::Error,
};

/// Trim interval in milliseconds: at most one `LogTrimmed` entry per day.
const TRIM_EVERY: i64 = 24 * HOUR;

impl AuditLog {
    /// The time before which entries are to be removed; `None` while less than a day's entries are due.
    pub(crate) async fn trim_before(&self, keep: Duration) -> Result<Option<UnixMillis>, Error> {
        let before = self.clock.now() - millis(keep);
        let Some(chain) = events::find_chain(self.db.reader()).await? else { return Ok(None) };
        let oldest = events::list_chain(self.db.reader(), chain.first_seq, 1).await?;
        Ok(oldest.first().filter(|event| event.at < before - TRIM_EVERY).map(|_| before))
    }

    /// Removes one page of entries older than `before`; returns the entry to log, `None` if nothing was due.
    pub(crate) async fn trim(&self, tx: &mut AnyConnection, before: UnixMillis) -> Result<Option<Entry>, Error> {
        let mut chain = self.lock_chain(tx).await?;
        let page = events::list_chain(&mut *tx, chain.first_seq, PAGE).await?;
        let old: Vec<_> = page.iter().take_while(|event| event.at < before).collect();
        let Some(last) = old.last() else { return Ok(None) };
        // Verify before removing: gaps among removed entries could not be detected later.
        if let Err(fault) = self.check_links(&old, &chain)
            && chain.broken_seq.is_none()
        {
            chain = self.record_tampering(tx, chain, &fault).await?;
        }
        let removed = format!("entries {} to {}", chain.first_seq, last.seq);
        chain.first_seq = last.seq + 1;
        chain.first_hash.clone_from(&last.hash);
        chain.seal = self.keys.seal(&chain);
        events::delete_before(&mut *tx, chain.first_seq).await?;
        events::save_chain(tx, &chain).await?;
        Ok(Some(Entry::new(EventKind::LogTrimmed).detail(removed)))
    }

    /// Checks that `events` are the first entries of the chain.
    fn check_links(&self, events: &[&Event], chain: &Chain) -> Result<(), Fault> {
        let mut before = &chain.first_hash;
        for (event, seq) in events.iter().zip(chain.first_seq..) {
            self.check_link(event, seq, before)?;
            before = &event.hash;
        }
        Ok(())
    }
}
