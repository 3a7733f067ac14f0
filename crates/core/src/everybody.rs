//! Everybody's sign-out. A hundred thousand rows take their time; it holds from the moment it is recorded all the same:
//! each process refuses every session at once, the rows follow in batches, and what a crash cut off is done later.

use super::{
    Auth, RequestContext,
    ended::End,
    event::{Entry, Kind},
    reason::Reason,
};
use crate::{
    db::{
        UnixMillis, sessions,
        sign_outs::{self, SignOut},
    },
    error::Error,
};

/// Sessions that one transaction ends: a sign-in never waits for more.
const BATCH: i64 = 500;
/// How long a sign-out is remembered, in milliseconds: longer than a sign-in that began before it may wait, for the
/// password's hash or for the choice of a device.
const STRAGGLERS: UnixMillis = 15 * 60_000;
/// How long a transaction may take that began before a sign-out, in milliseconds.
const COMMITTED_WITHIN: UnixMillis = 15_000;

impl Auth {
    /// Signs everybody out but the session that asks; returns how many sessions ended.
    pub async fn sign_out_everybody(&self, keep: &str, context: &RequestContext) -> Result<usize, Error> {
        let mut act = self.begin(Some(context)).await?;
        let sign_out = SignOut { id: self.clock.new_id(), at: act.now, keep: keep.into() };
        sign_outs::insert(act.db(), &sign_out).await?;
        act.log(Entry::new(Kind::EverybodyEnded));
        act.commit().await?;
        let count = self.announce_sign_out(&sign_out).await?;
        if let Err(error) = self.write_sign_out(&sign_out, Some(context)).await {
            error.log(); // it holds, and housekeeping goes on
        }
        Ok(count)
    }

    /// Learns of sign-outs that other processes recorded, or this one before it was restarted.
    pub(super) async fn follow_sign_outs(&self) -> Result<(), Error> {
        for sign_out in sign_outs::list(self.db.reader()).await? {
            // A sign-in that was under way may have become a session since: looked for a while longer.
            let is_young = sign_out.at > self.clock.now() - COMMITTED_WITHIN;
            if is_young || !self.ended.knows_sign_out(&sign_out.id) {
                self.announce_sign_out(&sign_out).await?;
            }
        }
        Ok(())
    }

    /// Writes what is recorded and not written yet.
    pub(super) async fn write_sign_outs(&self) -> Result<(), Error> {
        for sign_out in sign_outs::list(self.db.reader()).await? {
            self.write_sign_out(&sign_out, None).await?;
            if sign_out.at < self.clock.now() - STRAGGLERS {
                sign_outs::delete_if_done(self.db.writer(), &sign_out).await?;
            }
        }
        Ok(())
    }

    async fn announce_sign_out(&self, sign_out: &SignOut) -> Result<usize, Error> {
        let ids = sessions::list_live_ids(self.db.reader(), &sign_out.keep, sign_out.at).await?;
        let count = ids.len();
        let end = |id: String| End { session_id: id.into(), reason: Reason::RevokedByAdmin, at: sign_out.at };
        self.ended.announce(ids.into_iter().map(end));
        self.ended.remember_sign_out(&sign_out.id);
        Ok(count)
    }

    async fn write_sign_out(&self, sign_out: &SignOut, context: Option<&RequestContext>) -> Result<(), Error> {
        // A short batch is not the last one: another process may have written the same rows meanwhile.
        while sign_outs::is_open(self.db.reader(), sign_out).await? {
            let mut act = self.begin(context).await?;
            let (reason, now) = (Reason::RevokedByAdmin.as_str(), act.now);
            let ended = sessions::end_all(act.db(), sign_out, reason, now, BATCH, self.db.for_update()).await?;
            act.ended(ended);
            act.commit().await?;
        }
        Ok(())
    }
}
