//! Verifies the whole hash chain.

use super::{AuditLog, PAGE};
use crate::{db::events, error::Error};

/// Why the chain does not verify, with the number of the entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The seal over both ends of the chain does not match.
    #[error("the row that says where the log begins and ends was changed")]
    Seal,
    /// A gap in the numbers.
    #[error("entry {0} is missing")]
    Missing(i64),
    /// The entry's hash does not match.
    #[error("entry {0} was changed, or one before it removed")]
    Changed(i64),
    /// An entry outside of the sealed ends.
    #[error("entry {0} stands behind the end of the log")]
    Surplus(i64),
    /// The hash differs from the anchor given to [`AuditLog::verify`].
    #[error("entry {0} is not the one that was noted")]
    Anchor(i64),
    /// The anchor was removed by retention.
    #[error("entry {0}, which was noted, is older than the log is kept: note a newer end")]
    Outdated(i64),
    /// Tampering was detected and recorded earlier, by this entry.
    #[error("tampering was found when entry {0} was written, which says what")]
    Recorded(i64),
}

/// The result for an intact chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Number of entries.
    pub entries: i64,
    /// Number and hash of the last entry: the anchor to store elsewhere.
    pub last: (i64, String),
}

impl AuditLog {
    /// Verifies every entry, and that the `anchor` (number and hash of an entry) is unchanged. `progress` receives the
    /// number of entries read so far.
    ///
    /// # Errors
    /// Outer: the log can't be read. Inner: the [`Fault`] found.
    pub async fn verify(
        &self,
        anchor: Option<(i64, &str)>,
        mut progress: impl FnMut(i64),
    ) -> Result<Result<Verified, Fault>, Error> {
        self.keys.load(self.db.reader()).await?;
        let Some(chain) = events::find_chain(self.db.reader()).await? else { return Ok(Err(Fault::Seal)) };
        if chain.seal != self.keys.seal(&chain) {
            return Ok(Err(Fault::Seal));
        }
        if let Some(seq) = chain.broken_seq {
            return Ok(Err(Fault::Recorded(seq)));
        }
        // Retention removes everything before the start.
        if let Some(seq) = events::find_below(self.db.reader(), chain.first_seq).await? {
            return Ok(Err(Fault::Surplus(seq)));
        }
        match anchor {
            Some((n, hash)) if n == chain.first_seq - 1 && hash != chain.first_hash => {
                return Ok(Err(Fault::Anchor(n)));
            }
            Some((n, _)) if n < chain.first_seq - 1 => return Ok(Err(Fault::Outdated(n))),
            Some((n, _)) if n > chain.last_seq => return Ok(Err(Fault::Missing(n))),
            _ => {}
        }
        let (mut seq, mut hash) = (chain.first_seq, chain.first_hash.clone());
        while seq <= chain.last_seq {
            let page = events::list_chain(self.db.reader(), seq, PAGE).await?;
            if page.is_empty() {
                return Ok(Err(Fault::Missing(seq)));
            }
            // Entries appended meanwhile are behind the end read above.
            for event in &page {
                if seq > chain.last_seq {
                    break;
                }
                if let Err(fault) = self.check_link(event, seq, &hash) {
                    return Ok(Err(fault));
                }
                if anchor.is_some_and(|(n, hash)| n == seq && hash != event.hash) {
                    return Ok(Err(Fault::Anchor(seq)));
                }
                hash.clone_from(&event.hash);
                seq += 1;
            }
            progress(seq - chain.first_seq);
        }
        if hash != chain.last_hash {
            return Ok(Err(Fault::Changed(chain.last_seq)));
        }
        // An entry behind the end is a fault, unless the end has moved since.
        let end =
            async || Ok::<_, Error>(events::find_chain(self.db.reader()).await?.map_or(0, |chain| chain.last_seq));
        if let Some(surplus) = events::list_chain(self.db.reader(), end().await? + 1, 1).await?.first()
            && end().await? < surplus.seq
        {
            return Ok(Err(Fault::Surplus(surplus.seq)));
        }
        Ok(Ok(Verified { entries: seq - chain.first_seq, last: (chain.last_seq, chain.last_hash) }))
    }
}
