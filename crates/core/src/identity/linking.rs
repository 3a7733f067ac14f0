//! Account linking: proven by the password of the local account, or by the session that began the flow.

use sekisho_model::{EventKind, UserId};
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::Identities;
use crate::{
    audit::event::Entry,
    authenticator::{Authenticated, github::GithubUser},
    clock::UnixMillis,
    db::{
        identities::{self, Identity},
        users::User,
    },
    email_token::Undo,
    error::{Error, GithubError},
    link::{self, link_error},
    pending_flow::PendingFlow,
    request_context::RequestContext,
    secret::OpaqueToken,
};

/// Prefix of the token that continues a pending link.
const LINK_PREFIX: &str = "sk_ln_";

/// An account link pending on the password; invalid once that password changes.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingLink {
    /// E-mail address of the local account.
    pub email: String,
    /// Login name at the provider.
    pub login: String,
    user_id: UserId,
    password_changed_at: Option<UnixMillis>,
    subject: String,
    #[serde(rename = "next")]
    return_to: String,
}

impl PendingFlow for PendingLink {
    const NAME: &'static str = "ceremony-link";
}

impl Identities {
    /// Stores a pending link, bound to this browser; returns its token.
    pub(super) async fn begin_link(
        &self,
        browser: &OpaqueToken,
        user: User,
        person: GithubUser,
        return_to: String,
    ) -> Result<OpaqueToken, Error> {
        let User { id: user_id, email, password_changed_at, .. } = user;
        let subject = person.subject().to_owned();
        let pending = PendingLink { email, login: person.login, user_id, password_changed_at, subject, return_to };
        let token = OpaqueToken::generate(LINK_PREFIX);
        self.flows.insert(&token.hash(), browser, &pending).await?;
        Ok(token)
    }

    /// Reads the pending link of this browser without consuming it.
    ///
    /// # Errors
    /// [`GithubError::State`] if it expired, was used, or belongs to another browser.
    pub async fn pending_link(&self, browser: &OpaqueToken, token: &str) -> Result<PendingLink, Error> {
        self.find_pending_link(browser, &parse_link_token(token)?).await
    }

    async fn find_pending_link(&self, browser: &OpaqueToken, token: &OpaqueToken) -> Result<PendingLink, Error> {
        Ok(self.flows.find(&token.hash(), browser).await?.ok_or(GithubError::State)?)
    }

    /// Links the accounts after verifying the password; returns the authenticated user and the local path to redirect to.
    ///
    /// # Errors
    /// [`GithubError::State`], [`GithubError::Taken`], and those of [`PasswordAuthenticator::authenticate`].
    #[instrument(level = "debug", skip_all)]
    pub async fn confirm_link(
        &self,
        browser: &OpaqueToken,
        token: &str,
        password: &str,
        context: &RequestContext,
    ) -> Result<(Authenticated, String), Error> {
        let token = parse_link_token(token)?;
        let pending = self.find_pending_link(browser, &token).await?;
        let authenticated = self.password.authenticate(&pending.email, password, context).await?;
        let pending: PendingLink = self.flows.take(&token.hash(), browser).await?.ok_or(GithubError::State)?;
        let user = authenticated.user();
        if (&pending.user_id, pending.password_changed_at) != (&user.id, user.password_changed_at) {
            return Err(GithubError::State.into());
        }
        self.link(user, &pending.subject, &pending.login, context).await?;
        Ok((authenticated, pending.return_to))
    }

    /// Links a GitHub account, unless the user's password changed since `user` was read.
    pub(super) async fn link(
        &self,
        user: &User,
        subject: &str,
        login: &str,
        context: &RequestContext,
    ) -> Result<(), Error> {
        let provider = &self.github()?.provider;
        let mut work = self.store.begin(Some(context)).await?;
        let held = work.lock_user(&user.id).await?;
        let now = work.now;
        if held.is_none_or(|held| held.password_changed_at != user.password_changed_at || held.disabled_at.is_some()) {
            return Err(GithubError::State.into());
        }
        if link::exists(work.db(), &provider.key, subject, &user.id).await? {
            return Ok(());
        }
        let identity = Identity {
            provider: provider.key.clone(),
            subject: subject.into(),
            user_id: user.id.clone(),
            login: login.into(),
        };
        identities::insert(work.db(), &identity, &provider.host, now).await.map_err(link_error)?;
        work.notify(Entry::new(EventKind::GithubLinked).user(&user.id), Undo::default()).await?;
        work.commit().await.map(drop)
    }
}

fn parse_link_token(token: &str) -> Result<OpaqueToken, Error> {
    Ok(OpaqueToken::parse(LINK_PREFIX, token).ok_or(GithubError::State)?)
}
