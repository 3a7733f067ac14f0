//! Removal of the second factors of somebody who lost them, by an administrator. It waits for a day, in which the owner is
//! told and can stop it: by a sign-in with a second factor, or on the pages. Whoever talks an administrator into it has the
//! password at most, and a day is time enough for the owner to notice (ASVS 6.4.4).

use sekisho_model::{EndReason, EventKind, UserId};
use tracing::instrument;

use super::Administration;
use crate::{
    account::second_factors::remove_all,
    audit::event::Entry,
    authenticator::second_factor::cancel_reset,
    clock::{HOUR, UnixMillis},
    db::{sessions::ending::SessionSelector, users},
    email_token::Undo,
    error::Error,
    request_context::RequestContext,
    role,
};

/// How long the owner has to stop it, in milliseconds.
pub const RESET_AFTER: UnixMillis = 24 * HOUR;
/// Accounts at once.
const BATCH: i64 = 200;

impl Administration {
    /// Requests the removal of a user's second factors in [`RESET_AFTER`]; the user is told. Returns the time, which is the
    /// earlier one if it was requested before.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a user without a second factor; [`Error::Forbidden`] beyond the actor's own permissions.
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn request_factor_reset(&self, user_id: &UserId, context: &RequestContext) -> Result<UnixMillis, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let user = work.lock_user(user_id).await?.ok_or(Error::NotFound)?;
        role::require_cover(&mut work, &user).await?;
        if !user.auth_methods.can_present_second_factor() {
            return Err(Error::NotFound);
        }
        if let Some(at) = user.factor_reset_at {
            return Ok(at);
        }
        let at = work.now + RESET_AFTER;
        users::set_factor_reset_at(work.db(), user_id, Some(at)).await?;
        work.notify(Entry::new(EventKind::SecondFactorResetRequested).user(user_id), Undo::default()).await?;
        work.commit().await?;
        Ok(at)
    }

    /// Keeps the second factors of a user whose removal was requested. Idempotent.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn cancel_factor_reset(&self, user_id: &UserId, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let user = work.lock_user(user_id).await?.ok_or(Error::NotFound)?;
        cancel_reset(&mut work, &user).await?;
        work.commit().await.map(drop)
    }

    /// Carries out the removals that are due, and ends these users' sessions.
    pub(crate) async fn reset_factors_due(&self) -> Result<(), Error> {
        let due = users::list_factor_reset_due(self.store.reader(), self.store.now(), BATCH).await?;
        for user_id in &due {
            let mut work = self.store.begin(None).await?;
            let (user, now) = (work.lock_user(user_id).await?, self.store.now());
            // Stopped meanwhile, or carried out by another process.
            if user.and_then(|user| user.factor_reset_at).is_some_and(|at| at <= now) {
                users::set_factor_reset_at(work.db(), user_id, None).await?;
                remove_all(&mut work, user_id).await?;
                work.end(SessionSelector::AllOf(user_id), EndReason::RevokedByAdmin).await?;
                work.commit().await?;
            }
        }
        Ok(())
    }
}
