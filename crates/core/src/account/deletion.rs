//! Deletion of an account: requested by its owner, who has 7 days to change their mind, or by the command line; carried
//! out by housekeeping, in two steps.
//!
//! When it is due, the account is disabled and its sessions end: they are revoked on every node and in the feed like any
//! other. The row goes, and everything about the person with it, once no access token of these sessions can be valid:
//! other nodes, and this one after a restart, learn of revocations from the sessions' rows. The audit log keeps its
//! entries, which have the user's id, until its retention ends.

use sekisho_model::{EndReason, EventKind, RoleName, SessionId, UserId};
use tracing::instrument;

use super::Accounts;
use crate::{
    audit::event::Entry,
    clock::{HOUR, UnixMillis},
    db::{
        roles,
        sessions::ending::{self, SessionSelector},
        users::{self, User},
    },
    email_token::Undo,
    error::Error,
    request_context::RequestContext,
    unit_of_work::UnitOfWork,
};

/// How long an owner may change their mind, in milliseconds.
pub const DELETE_AFTER: UnixMillis = 7 * 24 * HOUR;
/// Accounts listed at once.
const BATCH: i64 = 200;

impl Accounts {
    /// Requests the deletion of an account in [`DELETE_AFTER`], and ends its sessions but `keep`; the owner is told. The
    /// caller has made sure of a recent authentication. Returns the time, which is the earlier one if it was requested before.
    ///
    /// # Errors
    /// [`Error::LastAdmin`], [`Error::NotFound`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn request_deletion(
        &self,
        user_id: &UserId,
        keep: Option<&SessionId>,
        context: &RequestContext,
    ) -> Result<UnixMillis, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let delete_at = work.now + DELETE_AFTER;
        let user = self.lock(&mut work, user_id).await?;
        if let Some(delete_at) = user.delete_at {
            return Ok(delete_at);
        }
        schedule(&mut work, &user, delete_at).await?;
        work.notify(Entry::new(EventKind::AccountDeletionRequested).user(user_id), Undo::default()).await?;
        let others = keep.map_or(SessionSelector::AllOf(user_id), |keep| SessionSelector::AllBut { user_id, keep });
        work.end(others, EndReason::RevokedByUser).await?;
        work.commit().await?;
        Ok(delete_at)
    }

    /// Makes the deletion of an account due now, for the command line: nobody is told.
    ///
    /// # Errors
    /// [`Error::LastAdmin`], [`Error::NotFound`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn delete_now(&self, user_id: &UserId, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        let user = self.lock(&mut work, user_id).await?;
        schedule(&mut work, &user, now).await?;
        work.log(Entry::new(EventKind::AccountDeletionRequested).user(user_id));
        work.commit().await.map(drop)
    }

    /// Keeps an account whose deletion was requested.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::SessionEnded`] once it is being carried out.
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn cancel_deletion(&self, user_id: &UserId, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let user = users::find_for_update(work.db(), user_id).await?.ok_or(Error::NotFound)?;
        if user.is_being_deleted(work.now) {
            return Err(EndReason::AccountDisabled.into());
        }
        cancel(&mut work, &user).await?;
        work.commit().await.map(drop)
    }

    /// Carries out the deletions that are due. `relevant_for` is how long revocations are relevant, in milliseconds.
    pub(crate) async fn delete_due(&self, relevant_for: UnixMillis) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let due = users::list_delete_due(self.store.reader(), self.store.now(), &after, BATCH).await?;
            let Some(last) = due.last() else { return Ok(()) };
            after = last.to_string();
            for user_id in &due {
                if let Err(error) = self.delete_if_due(user_id, relevant_for).await {
                    error.log(); // does not keep the others
                }
            }
        }
    }

    async fn delete_if_due(&self, user_id: &UserId, relevant_for: UnixMillis) -> Result<(), Error> {
        let mut work = self.store.begin(None).await?;
        let now = work.now;
        // Locked, as by a sign-in: one of them comes first.
        let user = users::find_for_update(work.db(), user_id).await?;
        let Some(user) = user.filter(|user| user.delete_at.is_some_and(|at| at <= now)) else { return Ok(()) };
        work.end(SessionSelector::AllOf(user_id), EndReason::AccountDisabled).await?;
        if !ending::any_since(work.db(), user_id, now - relevant_for).await? {
            users::delete(work.db(), user_id).await?;
            work.log(Entry::new(EventKind::AccountRemoved).user(user_id).detail("requested"));
        } else if user.disabled_at.is_none() {
            users::set_disabled(work.db(), user_id, Some(now), now).await?;
            work.log(Entry::new(EventKind::AccountDisabled).user(user_id).detail("to be deleted"));
        }
        work.user_changed(user_id);
        work.commit().await.map(drop)
    }

    /// Locks a user's row, in the order of an administrator's changes: administrators can't delete each other's last one.
    async fn lock(&self, work: &mut UnitOfWork<'_>, user_id: &UserId) -> Result<User, Error> {
        roles::lock(work.db(), RoleName::ADMIN).await?;
        users::find_for_update(work.db(), user_id).await?.ok_or(Error::NotFound)
    }
}

async fn schedule(work: &mut UnitOfWork<'_>, user: &User, delete_at: UnixMillis) -> Result<(), Error> {
    users::set_delete_at(work.db(), &user.id, Some(delete_at)).await?;
    let is_admin = user.disabled_at.is_none() && user.has_role(RoleName::ADMIN);
    if is_admin && users::count_enabled(work.db(), RoleName::ADMIN).await? == 0 {
        return Err(Error::LastAdmin);
    }
    work.user_changed(&user.id);
    Ok(())
}

/// Cancels a requested deletion, if there is one; the user's row is locked.
pub(super) async fn cancel(work: &mut UnitOfWork<'_>, user: &User) -> Result<(), Error> {
    if user.delete_at.is_some() {
        users::set_delete_at(work.db(), &user.id, None).await?;
        work.log(Entry::new(EventKind::AccountDeletionCancelled).user(&user.id));
        work.user_changed(&user.id);
    }
    Ok(())
}

impl User {
    /// Whether its deletion is being carried out: it can't be kept any more.
    pub(super) fn is_being_deleted(&self, now: UnixMillis) -> bool {
        self.disabled_at.is_some() && self.delete_at.is_some_and(|at| at <= now)
    }
}
