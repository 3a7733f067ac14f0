//! Links between a provider's users and local accounts.

use sekisho_model::{EventKind, UserId};

use crate::{
    audit::event::Entry,
    db::{Executor, identities},
    email_token::Undo,
    error::{Error, GithubError},
    unit_of_work::UnitOfWork,
};

/// Whether the provider's user `subject` is linked to this account.
pub async fn exists(db: impl Executor<'_>, provider: &str, subject: &str, user_id: &UserId) -> Result<bool, Error> {
    let identity = identities::find(db, provider, subject).await?;
    Ok(identity.is_some_and(|identity| identity.user_id == *user_id))
}

/// Removes all links of a user, whose row is locked; returns how many.
pub async fn remove_all(work: &mut UnitOfWork<'_>, user_id: &UserId) -> Result<u64, Error> {
    let links = identities::delete_since(work.db(), user_id, 0).await?;
    let removed = links.len() as u64;
    if removed > 0 {
        let undo = Undo { links, ..Undo::default() };
        work.notify(Entry::new(EventKind::GithubUnlinked).user(user_id), undo).await?;
    }
    Ok(removed)
}

/// Maps a unique violation on insert to [`GithubError::Taken`]: one link per provider's user, and per account.
pub fn link_error(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(e) if e.is_unique_violation() => GithubError::Taken.into(),
        _ => error.into(),
    }
}
