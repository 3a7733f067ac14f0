//! An act: what is changed, which sessions end by it, and what the log says of it, in one transaction. Nobody learns of
//! any of it before it is committed, and nothing of it stays when it is dropped before that.

use sqlx::{Any, AnyConnection, Transaction};

use super::{
    Auth, RequestContext,
    ended::End,
    event::{Entry, Kind},
    reason::Reason,
    session::Which,
};
use crate::{
    db::{
        UnixMillis, events,
        sessions::{self, Ended},
        users,
    },
    error::Error,
};

pub(super) struct Act<'a> {
    auth: &'a Auth,
    /// Absent for what no request caused.
    context: Option<&'a RequestContext>,
    tx: Transaction<'static, Any>,
    pub now: UnixMillis,
    entries: Vec<Entry>,
    ended: Vec<Ended>,
    changed: Vec<String>,
}

impl Auth {
    /// Begins a change. Refused when the session that makes it has ended, also on another node and a moment ago: the
    /// row is read here, in the transaction of the change (ASVS 7.4.1).
    pub(super) async fn begin<'a>(&'a self, context: Option<&'a RequestContext>) -> Result<Act<'a>, Error> {
        let mut act = self.begin_unchecked(context).await?;
        if let Some(id) = context.and_then(|context| context.session_id.as_deref()) {
            let session = sessions::find(act.db(), id).await?.ok_or(Error::InvalidToken)?;
            if let Some(reason) = session.ended(act.now) {
                return Err(reason.into());
            }
        }
        Ok(act)
    }

    async fn begin_unchecked<'a>(&'a self, context: Option<&'a RequestContext>) -> Result<Act<'a>, Error> {
        let tx = self.db.begin().await?;
        let now = self.clock.now();
        Ok(Act { auth: self, context, tx, now, entries: Vec::new(), ended: Vec::new(), changed: Vec::new() })
    }

    /// Writes one entry that records nothing but itself, whatever became of the session it is about.
    pub(super) async fn log_alone(&self, entry: Entry, context: &RequestContext) -> Result<(), Error> {
        let mut act = self.begin_unchecked(Some(context)).await?;
        act.log(entry);
        act.commit().await.map(drop)
    }
}

impl Act<'_> {
    /// What statements run on.
    pub fn db(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }

    /// Who does it to somebody else's account: an administrator's id, or [`COMMAND_LINE`](super::COMMAND_LINE).
    pub fn actor(&self) -> Option<&str> {
        self.context.and_then(|context| context.actor.as_deref())
    }

    pub fn log(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Ends sessions; returns how many.
    pub async fn end(&mut self, which: Which<'_>, reason: Reason) -> Result<usize, Error> {
        let (now, reason, lock) = (self.now, reason.as_str(), self.auth.db.for_update());
        let ended = match which {
            Which::One { user_id, id } => {
                sessions::end(self.db(), id, user_id, reason, now).await?.into_iter().collect()
            }
            Which::Others { user_id, keep } => {
                sessions::end_others(self.db(), user_id, keep, reason, now, lock).await?
            }
            Which::AllOf(user_id) => sessions::end_others(self.db(), user_id, "", reason, now, lock).await?,
        };
        Ok(self.ended(ended))
    }

    /// Takes note of sessions that a statement has ended; returns how many.
    pub fn ended(&mut self, ended: Vec<Ended>) -> usize {
        self.entries.extend(ended.iter().map(|end| {
            let entry = Entry::new(Kind::SessionEnded).user(&end.user_id).session(&end.id);
            Entry { reason: end.ended_reason.parse().ok(), ..entry }
        }));
        let count = ended.len();
        self.ended.extend(ended);
        count
    }

    /// Marks that something happens which the person should know of.
    pub async fn notify(&mut self, user_id: &str) -> Result<(), Error> {
        let now = self.now;
        users::set_notice(self.db(), user_id, now).await?;
        self.changed(user_id);
        Ok(())
    }

    /// Takes note that a user's row is changed.
    pub fn changed(&mut self, user_id: &str) {
        self.changed.push(user_id.into());
    }

    /// Reads the acting session's row again: where writers are several, this act may have waited for a row while the
    /// session was ended. Ends hold the chain, as this does by now, so that one of them comes first.
    async fn require_live_still(&mut self) -> Result<(), Error> {
        let Some(id) = self.context.and_then(|context| context.session_id.as_deref()) else { return Ok(()) };
        if self.auth.db.has_one_writer() || self.ended.iter().any(|ended| ended.id == id) {
            return Ok(());
        }
        if self.entries.is_empty() {
            events::lock_chain(&mut *self.tx).await?;
        }
        let session = sessions::find(&mut *self.tx, id).await?.ok_or(Error::InvalidToken)?;
        session.ended_at.and_then(|_| session.ended(self.now)).map_or(Ok(()), |reason| Err(reason.into()))
    }

    /// Writes the log, commits, and tells everybody. Returns how many sessions ended.
    pub async fn commit(mut self) -> Result<usize, Error> {
        let auth = self.auth;
        let written = auth.write_log(&mut self.tx, &self.entries, self.context).await?;
        self.require_live_still().await?;
        self.tx.commit().await?;
        let count = self.ended.len();
        auth.metrics.ended(&self.ended);
        auth.ended.announce(self.ended.into_iter().map(End::from));
        for user_id in &self.changed {
            auth.forget_profile(user_id);
        }
        auth.tell(&self.entries, &written);
        Ok(count)
    }
}
