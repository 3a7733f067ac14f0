//! Replicates revocations between processes: polling today; LISTEN/NOTIFY or Redis fit the same trait.

use std::{future::Future, pin::Pin};

use sekisho_model::{EndReason, UnknownWord};

use super::list::Revocation;
use crate::{
    clock::UnixMillis,
    db::{
        Db,
        sessions::ending::{self, EndedElsewhere},
    },
    error::Error,
};

/// A boxed future, for object-safe async methods.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Delivers revocations to other processes.
pub trait Transport: Send + Sync {
    /// Revocations since a time, in any order, possibly repeated.
    fn poll(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Revocation>, Error>>;

    /// Sends committed revocations to the others. Best effort: [`poll`](Self::poll) is authoritative.
    fn publish<'a>(&'a self, revocations: &'a [Revocation]) -> BoxFuture<'a, Result<(), Error>>;
}

/// Polls the ended sessions by an index; publishing is a no-op.
pub struct Polling(pub(crate) Db);

impl Transport for Polling {
    fn poll(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Revocation>, Error>> {
        Box::pin(async move {
            let ended = ending::list_ended_since(self.0.reader(), since).await?;
            Ok(ended.into_iter().map(revocation).collect())
        })
    }

    fn publish<'a>(&'a self, _: &'a [Revocation]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

/// Fails closed (ASVS 16.5.3): a session whose end reason is unknown here is revoked all the same, and the
/// poll does not fail. The reason given then is the least specific one.
fn revocation(row: EndedElsewhere) -> Revocation {
    let reason = row.ended_reason.parse().unwrap_or_else(|error: UnknownWord| {
        tracing::error!(%error, session.id = %row.id, "a session ended for a reason that this version does not know");
        EndReason::RevokedByAdmin
    });
    Revocation { session_id: row.id, reason, at: row.ended_at }
}
