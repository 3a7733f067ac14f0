//! A unit of work: a change, the sessions it ends and its log entries, in one transaction. Revocations are published and
//! caches invalidated only after the commit; dropping it rolls back.

use std::sync::Arc;

use sekisho_model::{EmailTokenPurpose, EndReason, EventKind, SessionId, UserId};
use sqlx::{Any, AnyConnection, AnyPool, Transaction};

use crate::{
    audit::{AuditLog, event::Entry},
    clock::{Clock, HOUR, UnixMillis},
    db::{
        Db, events,
        sessions::{
            self,
            ending::{self, Ended, SessionSelector},
        },
        users::{self, User},
    },
    email_token::{self, Reported, Undo},
    error::Error,
    metrics::Metrics,
    outbox::{Draft, MailContent, Origin, Outbox},
    request_context::{Actor, RequestContext},
    revocation::{
        Transport,
        list::{Revocation, RevocationList},
    },
    user_cache::UserCache,
};

/// How long messages about security events are worth sending, in milliseconds.
const NOTICE_EXPIRES: UnixMillis = 3 * 24 * HOUR;

/// The database, and what a commit notifies: caches, revocation list, log, metrics.
pub(crate) struct Store {
    pub db: Db,
    pub clock: Clock,
    pub metrics: Metrics,
    pub audit: Arc<AuditLog>,
    pub revocations: Arc<RevocationList>,
    pub transport: Arc<dyn Transport>,
    pub users: UserCache,
    pub outbox: Arc<Outbox>,
}

impl Store {
    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub fn new_id(&self) -> String {
        self.clock.new_id()
    }

    pub fn new_user_id(&self) -> UserId {
        self.clock.new_user_id()
    }

    pub fn new_session_id(&self) -> SessionId {
        self.clock.new_session_id()
    }

    pub fn reader(&self) -> &AnyPool {
        self.db.reader()
    }

    pub fn writer(&self) -> &AnyPool {
        self.db.writer()
    }

    pub fn for_update(&self) -> &'static str {
        self.db.for_update()
    }

    /// Begins a unit of work; `context` is `None` for background jobs. Rejected if the acting session has ended, also on
    /// another node: its row is read in this transaction (ASVS 7.4.1).
    pub async fn begin<'a>(&'a self, context: Option<&'a RequestContext>) -> Result<UnitOfWork<'a>, Error> {
        let mut work = self.begin_unchecked(context).await?;
        if let Some(id) = context.and_then(|context| context.session_id.as_ref()) {
            let session = sessions::find(work.db(), id).await?.ok_or(Error::InvalidToken)?;
            if let Some(reason) = session.end_reason(work.now) {
                return Err(reason.into());
            }
        }
        Ok(work)
    }

    async fn begin_unchecked<'a>(&'a self, context: Option<&'a RequestContext>) -> Result<UnitOfWork<'a>, Error> {
        let tx = self.db.begin().await?;
        let now = self.now();
        let (entries, notices, ended, changed_users, renewed) = Default::default();
        Ok(UnitOfWork { store: self, context, tx, now, entries, notices, ended, changed_users, renewed, mailed: false })
    }

    /// Appends one log entry without a change, even if the acting session has ended.
    pub async fn log(&self, entry: Entry, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.begin_unchecked(Some(context)).await?;
        work.log(entry);
        work.commit().await.map(drop)
    }
}

/// One write transaction.
pub(crate) struct UnitOfWork<'a> {
    store: &'a Store,
    context: Option<&'a RequestContext>,
    tx: Transaction<'static, Any>,
    pub now: UnixMillis,
    entries: Vec<Entry>,
    notices: Vec<(Entry, Undo, UnixMillis)>,
    ended: Vec<Ended>,
    changed_users: Vec<UserId>,
    renewed: Vec<(SessionId, UnixMillis)>,
    mailed: bool,
}

impl UnitOfWork<'_> {
    /// The client that caused it; `None` for background jobs.
    pub fn origin(&self) -> Option<Origin> {
        self.context.map(|context| Origin::new(context, self.now))
    }
}

impl UnitOfWork<'_> {
    /// The connection, inside the transaction.
    pub fn db(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }

    /// The actor of a change to another account.
    pub fn actor(&self) -> Option<&Actor> {
        self.context.and_then(|context| context.actor.as_ref())
    }

    /// Adds a log entry, appended on commit.
    pub fn log(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Ends sessions; returns how many.
    pub async fn end(&mut self, selector: SessionSelector<'_>, reason: EndReason) -> Result<usize, Error> {
        let (now, lock) = (self.now, self.store.for_update());
        let ended = ending::end(self.db(), selector, reason, now, lock).await?;
        Ok(self.record_ended(ended))
    }

    /// Registers sessions ended by a statement, to be logged, and published after the commit; returns how many.
    pub fn record_ended(&mut self, ended: Vec<Ended>) -> usize {
        self.entries.extend(ended.iter().map(|end| {
            let entry = Entry::new(EventKind::SessionEnded).user(&end.user_id).session(&end.id);
            Entry { reason: Some(end.ended_reason), ..entry }
        }));
        let count = ended.len();
        self.ended.extend(ended);
        count
    }

    /// Adds a log entry that its user is told of, on the pages and by e-mail (ASVS 6.3.7). `undo` is what "This wasn't me"
    /// restores.
    pub async fn notify(&mut self, entry: Entry, undo: Undo) -> Result<(), Error> {
        if let Some(user_id) = entry.user_id.clone() {
            self.lock_user(&user_id).await?;
            let now = self.now;
            users::set_notice(self.db(), &user_id, now).await?;
            self.user_changed(&user_id);
        }
        self.log(entry.clone());
        self.notices.push((entry, undo, self.now));
        Ok(())
    }

    /// Finds a user and locks the row until the commit. From then on `now` is later than every notice of theirs, whatever
    /// this process's clock says: "This wasn't me" removes what was added since a notice.
    pub async fn lock_user(&mut self, id: &UserId) -> Result<Option<User>, Error> {
        let user = users::find_for_update(&mut self.tx, id).await?;
        let noticed = user.as_ref().and_then(|user| user.notice_at);
        self.now = self.now.max(noticed.map_or(0, |at| at + 1));
        Ok(user)
    }

    /// Writes a message; it is sent after the commit. Does nothing if no mail server is configured.
    pub async fn mail(&mut self, draft: Draft<'_>) -> Result<(), Error> {
        let store = self.store;
        if store.outbox.enabled {
            let now = store.now(); // due at once, also where `self.now` is ahead of this process's clock
            store.outbox.write(&mut self.tx, &store.new_id(), draft, now).await?;
            self.mailed = true;
        }
        Ok(())
    }

    /// Writes the messages about this unit of work's notices: one to each user, about the first.
    async fn mail_notices(&mut self) -> Result<(), Error> {
        let notices = std::mem::take(&mut self.notices);
        if !self.store.outbox.enabled {
            return Ok(());
        }
        // A notice after another one of the same user is part of it.
        let mut first: Vec<(Entry, Undo, UnixMillis)> = Vec::new();
        for (entry, undo, at) in notices {
            match first.iter_mut().find(|(other, ..)| other.user_id == entry.user_id) {
                Some((_, whole, _)) => whole.merge(undo),
                None => first.push((entry, undo, at)),
            }
        }
        for (entry, undo, at) in first {
            let (Some(user_id), Some(by)) = (entry.user_id, self.origin()) else { continue };
            let Some(user) = users::find(self.db(), &user_id).await? else { continue };
            if entry.kind == EventKind::NewDevice && user.new_device_mail_off_at.is_some() {
                continue;
            }
            let to = undo.previous_email.clone().unwrap_or_else(|| user.email.clone());
            let new_email = undo.previous_email.is_some().then(|| user.email.clone());
            // What an administrator did is reverted by an administrator.
            let token = match self.actor() {
                Some(Actor::Administrator(id)) if *id != user.id => None,
                Some(Actor::CommandLine) => None,
                _ => {
                    let reported = Reported { event: entry.kind, at, undo };
                    let detail = email_token::seal(&self.store.outbox.secret, &reported)?;
                    let purpose = EmailTokenPurpose::NotMe;
                    let token = email_token::issue(self.db(), &user, purpose, &to, Some(detail), at).await?;
                    Some(token.expose().to_owned())
                }
            };
            let content = MailContent::Notice { event: entry.kind, by, new_email, token };
            let draft =
                Draft { to: &to, user: Some(&user), locale: None, expires_in: NOTICE_EXPIRES, dedup: false, content };
            self.mail(draft).await?;
        }
        Ok(())
    }

    /// Marks a user's row as changed: invalidated in caches after the commit.
    pub fn user_changed(&mut self, user_id: &UserId) {
        self.changed_users.push(user_id.clone());
    }

    /// Registers that a session got a new secret, published after the commit.
    pub fn session_renewed(&mut self, id: &SessionId, at: UnixMillis) {
        self.renewed.push((id.clone(), at));
    }

    /// Rereads the acting session's row: with concurrent writers the session may have ended while this transaction waited
    /// for a lock. Ending a session locks the chain, as this transaction has by now, so the two are serialised.
    async fn require_session_still_live(&mut self) -> Result<(), Error> {
        let Some(id) = self.context.and_then(|context| context.session_id.as_ref()) else { return Ok(()) };
        if self.store.db.has_one_writer() || self.ended.iter().any(|ended| ended.id == *id) {
            return Ok(());
        }
        if self.entries.is_empty() {
            events::lock_chain(&mut *self.tx).await?;
        }
        let session = sessions::find(&mut *self.tx, id).await?.ok_or(Error::InvalidToken)?;
        session.ended_at.and_then(|_| session.end_reason(self.now)).map_or(Ok(()), |reason| Err(reason.into()))
    }

    /// Appends the log, commits and publishes. Returns the number of ended sessions.
    pub async fn commit(mut self) -> Result<usize, Error> {
        let store = self.store;
        self.mail_notices().await?;
        let mailed = self.mailed;
        let written = store.audit.append(&mut self.tx, &self.entries, self.context).await?;
        self.require_session_still_live().await?;
        self.tx.commit().await?;
        let count = self.ended.len();
        store.metrics.ended(&self.ended);
        if count > 0 {
            let ends: Vec<_> = self.ended.into_iter().map(Revocation::from).collect();
            store.revocations.publish(ends.iter().cloned());
            if let Err(error) = store.transport.publish(&ends).await {
                error.log(); // best effort: other processes also poll the rows
            }
        }
        store.revocations.publish_renewals(self.renewed);
        for user_id in &self.changed_users {
            store.users.invalidate(user_id);
        }
        if mailed {
            store.outbox.written.notify_one();
        }
        store.audit.report(&self.entries, &written);
        Ok(count)
    }
}
