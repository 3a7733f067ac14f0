//! Global sign-out: revokes all sessions of all users. It takes effect when recorded: every process rejects the sessions
//! at once, their rows follow in batches, and housekeeping resumes after a crash.

use std::sync::Arc;

use sekisho_model::{EndReason, EventKind, SessionId};
use tracing::instrument;

use crate::{
    audit::event::Entry,
    clock::UnixMillis,
    db::sign_outs::{self, SignOut},
    error::Error,
    request_context::RequestContext,
    revocation::Revocations,
    unit_of_work::Store,
};

/// Sessions per transaction: bounds how long a sign-in waits for the writer.
const BATCH: i64 = 500;
/// How long a sign-out is kept, in milliseconds: longer than a sign-in that began before it may be pending, on password
/// hashing or the device choice.
const RETAIN: UnixMillis = 15 * 60_000;

/// Revokes all sessions of all users.
pub struct GlobalSignOut {
    pub(crate) store: Arc<Store>,
    pub(crate) revocations: Arc<Revocations>,
}

impl GlobalSignOut {
    /// Revokes every session but `keep`, the administrator's own; returns how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; once recorded, the sign-out holds.
    #[instrument(level = "debug", skip_all)]
    pub async fn revoke_all_sessions(&self, keep: &SessionId, context: &RequestContext) -> Result<usize, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let sign_out = SignOut { id: self.store.new_id(), at: work.now, keep: keep.clone() };
        sign_outs::insert(work.db(), &sign_out).await?;
        work.log(Entry::new(EventKind::GlobalSignOut));
        work.commit().await?;
        let count = self.revocations.publish_global_sign_out(&sign_out).await?;
        if let Err(error) = self.write(&sign_out, Some(context)).await {
            error.log(); // published already; housekeeping writes the rows
        }
        Ok(count)
    }

    /// Resumes recorded sign-outs whose rows are not all written.
    pub(crate) async fn write_pending(&self) -> Result<(), Error> {
        for sign_out in sign_outs::list(self.store.reader()).await? {
            self.write(&sign_out, None).await?;
            if sign_out.at < self.store.now() - RETAIN {
                sign_outs::delete_if_done(self.store.writer(), &sign_out).await?;
            }
        }
        Ok(())
    }

    async fn write(&self, sign_out: &SignOut, context: Option<&RequestContext>) -> Result<(), Error> {
        // A short batch need not be the last: another process may have written the same rows.
        while sign_outs::is_open(self.store.reader(), sign_out).await? {
            let mut work = self.store.begin(context).await?;
            let (reason, now) = (EndReason::RevokedByAdmin, work.now);
            let ended =
                sign_outs::end_sessions(work.db(), sign_out, reason, now, BATCH, self.store.for_update()).await?;
            work.record_ended(ended);
            work.commit().await?;
        }
        Ok(())
    }
}
