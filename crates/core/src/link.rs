//! Which GitHub account belongs to an account here: linked after a proof, and unlinked with every session that came by
//! it (ASVS 7.4.3).

use serde::{Deserialize, Serialize};

use super::{
    Auth, RequestContext,
    act::Act,
    ceremony::Ceremony,
    event::{Entry, Kind},
    reason::Reason,
    role,
    secret::OpaqueToken,
    session::Method,
};
use crate::{
    db::{
        Executor, UnixMillis,
        identities::{self, Identity},
        roles, sessions,
        users::{self, User},
    },
    error::Error,
};

/// The token that continues a pending link.
const PREFIX: &str = "sk_ln_";

/// A link that waits for a password: the one that the account had when it began.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingLink {
    pub email: String,
    pub login: String,
    user_id: String,
    password_changed_at: Option<UnixMillis>,
    subject: String,
    next: String,
}

impl PendingLink {
    pub(super) fn new(user: &User, login: String, subject: String, next: String) -> Self {
        let User { id, email, password_changed_at, .. } = user.clone();
        Self { email, login, user_id: id, password_changed_at, subject, next }
    }
}

impl Ceremony for PendingLink {
    const NAME: &'static str = "ceremony-link";
}

impl Auth {
    /// Binds what was linked before hosts were recorded to the GitHub that is configured now.
    pub async fn bind_identities(&self) -> Result<(), Error> {
        let Some(github) = &self.github else { return Ok(()) };
        let bound = identities::bind(self.db.writer(), &github.provider).await?;
        if bound > 0 {
            tracing::info!(links = bound, host = github.provider.host, "GitHub links are bound to their host");
        }
        Ok(())
    }

    /// Keeps a link that waits for a password; the token continues it, in this browser.
    pub(super) async fn keep_link(&self, browser: &OpaqueToken, pending: PendingLink) -> Result<OpaqueToken, Error> {
        let token = OpaqueToken::generate(PREFIX);
        self.keep_ceremony(&token.hash(), browser, &pending).await?;
        Ok(token)
    }

    /// The link that waits in this browser, as its page shows it.
    pub async fn pending_link(&self, browser: &OpaqueToken, token: &str) -> Result<PendingLink, Error> {
        let token = OpaqueToken::parse(PREFIX, token).ok_or_else(unknown)?;
        self.find_ceremony(&token.hash(), browser).await?.ok_or_else(unknown)
    }

    /// Links after the account's password was given, and returns whom to sign in, and where they were going.
    pub async fn confirm_link(
        &self,
        browser: &OpaqueToken,
        token: &str,
        password: &str,
        context: &RequestContext,
    ) -> Result<(User, String), Error> {
        let pending = self.pending_link(browser, token).await?;
        let user = self.check_password(&pending.email, password, context).await?;
        let id_hash = OpaqueToken::parse(PREFIX, token).ok_or_else(unknown)?.hash();
        let pending: PendingLink = self.take_ceremony(&id_hash, browser).await?.ok_or_else(unknown)?;
        if (&pending.user_id, pending.password_changed_at) != (&user.id, user.password_changed_at) {
            return Err(unknown());
        }
        self.link(&user, pending.subject, pending.login, context).await?;
        Ok((user, pending.next))
    }

    /// Links a GitHub account to `user`, unless their password changed since they were looked up.
    pub(super) async fn link(
        &self,
        user: &User,
        subject: String,
        login: String,
        context: &RequestContext,
    ) -> Result<(), Error> {
        let github = self.github.as_ref().ok_or(Error::NotFound)?;
        let mut act = self.begin(Some(context)).await?;
        let now = act.now;
        let held = users::find_for_update(act.db(), &user.id).await?;
        if held.is_none_or(|held| held.password_changed_at != user.password_changed_at || held.disabled_at.is_some()) {
            return Err(unknown());
        }
        if self.is_linked(act.db(), &subject, &user.id).await? {
            return Ok(());
        }
        let identity = Identity { provider: github.provider.key.clone(), subject, user_id: user.id.clone(), login };
        identities::insert(act.db(), &identity, &github.provider.host, now).await.map_err(linked)?;
        act.notify(&user.id).await?;
        act.log(Entry::new(Kind::GithubLinked).user(&user.id));
        act.commit().await.map(drop)
    }

    /// Whether GitHub's user `subject` is linked to a user.
    pub(super) async fn is_linked(&self, db: impl Executor<'_>, subject: &str, user_id: &str) -> Result<bool, Error> {
        let Some(github) = &self.github else { return Ok(false) };
        let identity = identities::find(db, &github.provider.key, subject).await?;
        Ok(identity.is_some_and(|identity| identity.user_id == user_id))
    }

    /// The GitHub account linked to a user: of the host that is configured, or of any where none is.
    pub async fn github_identity(&self, user_id: &str) -> Result<Option<Identity>, Error> {
        let mut links = identities::list(self.db.reader(), user_id).await?.into_iter();
        Ok(match &self.github {
            Some(github) => links.find(|identity| identity.provider == github.provider.key),
            None => links.next(),
        })
    }

    /// Whether anything is linked to a user, of whatever host.
    pub async fn has_links(&self, user_id: &str) -> Result<bool, Error> {
        Ok(!identities::list(self.db.reader(), user_id).await?.is_empty())
    }

    /// Removes every link of a user, unless nothing else lets them in, and ends the sessions that were last proved by
    /// one. An administrator does so as far as they could give the user's roles. Done twice, it is done.
    pub async fn unlink_github(&self, user_id: &str, context: &RequestContext) -> Result<(), Error> {
        let mut act = self.begin(Some(context)).await?;
        let user = users::find_for_update(act.db(), user_id).await?.ok_or(Error::NotFound)?;
        let reason = match act.actor() {
            Some(_) => {
                let known = roles::list(act.db()).await?;
                role::of_actor(&mut act, &known).await?.cover(&role::held_by(&user, &known))?;
                Reason::RevokedByAdmin
            }
            None => Reason::RevokedByUser,
        };
        if user.password_hash.is_none() {
            return if identities::list(act.db(), user_id).await?.is_empty() { Ok(()) } else { Err(Error::LastWayIn) };
        }
        if remove_links(&mut act, user_id).await? == 0 {
            return Ok(());
        }
        let now = act.now;
        let lock = self.db.for_update();
        let ended =
            sessions::end_by_method(act.db(), user_id, Method::Github.as_str(), reason.as_str(), now, lock).await?;
        act.ended(ended);
        act.commit().await.map(drop)
    }
}

/// Removes every link of a user, whose row the act holds; returns how many there were.
pub(super) async fn remove_links(act: &mut Act<'_>, user_id: &str) -> Result<u64, Error> {
    let removed = identities::delete_all(act.db(), user_id).await?;
    if removed > 0 {
        act.notify(user_id).await?;
        act.log(Entry::new(Kind::GithubUnlinked).user(user_id));
    }
    Ok(removed)
}

fn unknown() -> Error {
    Error::Github("github_state")
}

/// A unique violation while linking: the GitHub account, or the user's place for one, is taken.
pub(super) fn linked(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(e) if e.is_unique_violation() => Error::Github("github_taken"),
        _ => error.into(),
    }
}
