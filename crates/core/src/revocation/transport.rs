//! Replicates revocations between processes: polling today; LISTEN/NOTIFY or Redis fit the same trait.

use std::{future::Future, pin::Pin};

use super::list::Revocation;
use crate::{
    clock::UnixMillis,
    db::{Db, sessions},
    error::Error,
};

/// A boxed future, for object-safe async methods.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Delivers revocations to other processes.
pub trait Transport: Send + Sync {
    /// Revocations since a time, in any order, possibly repeated.
    fn learn(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Revocation>, Error>>;

    /// Sends committed revocations to the others. Best effort: [`learn`](Self::learn) is authoritative.
    fn publish<'a>(&'a self, revocations: &'a [Revocation]) -> BoxFuture<'a, Result<(), Error>>;
}

/// Polls the ended sessions by an index; publishing is a no-op.
pub struct Polling(pub(crate) Db);

impl Transport for Polling {
    fn learn(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Revocation>, Error>> {
        Box::pin(async move {
            let ended = sessions::list_ended_since(self.0.reader(), since).await?;
            Ok(ended.into_iter().map(Revocation::from).collect())
        })
    }

    fn publish<'a>(&'a self, _: &'a [Revocation]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}
