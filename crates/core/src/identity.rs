//! Federated identities: sign-in, registration, account linking and step-up through an OAuth provider.
//!
//! Accounts are matched by the provider's user id, never by e-mail address (ASVS 6.8.1): if the address is registered
//! already, linking requires that account's password.

use std::sync::Arc;

use sekisho_model::{AuthMethod, EndReason, UserId};
use tracing::instrument;

use crate::{
    authenticator::{github::Github, password::PasswordAuthenticator},
    db::{
        identities::{self, Identity},
        sessions::ending::SessionSelector,
    },
    error::Error,
    link,
    pending_flow::PendingFlows,
    request_context::RequestContext,
    role,
    step_up::StepUp,
    unit_of_work::Store,
};

mod auth_flow;
mod linking;

pub use auth_flow::{Outcome, Purpose};
pub use linking::PendingLink;

/// OAuth flows and account links.
pub struct Identities {
    pub(crate) store: Arc<Store>,
    pub(crate) flows: PendingFlows,
    pub(crate) github: Option<Github>,
    pub(crate) password: Arc<PasswordAuthenticator>,
    pub(crate) step_up: Arc<StepUp>,
    pub(crate) registration_open: bool,
}

impl Identities {
    fn github(&self) -> Result<&Github, Error> {
        self.github.as_ref().ok_or(Error::NotFound)
    }

    /// The user's link to the configured provider, or to any if none is configured.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn linked(&self, user_id: &UserId) -> Result<Option<Identity>, Error> {
        let mut links = identities::list(self.store.reader(), user_id).await?.into_iter();
        Ok(match &self.github {
            Some(github) => links.find(|identity| identity.provider == github.provider.key),
            None => links.next(),
        })
    }

    /// Whether sign-in through a provider is configured.
    pub fn is_configured(&self) -> bool {
        self.github.is_some()
    }

    /// Removes all links of a user and revokes the sessions last authenticated by one (ASVS 7.4.3). Idempotent.
    ///
    /// # Errors
    /// [`Error::LastAuthMethod`], [`Error::NotFound`], [`Error::Forbidden`] for an administrator whose permissions don't
    /// cover the user's.
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn unlink(&self, user_id: &UserId, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let user = work.lock_user(user_id).await?.ok_or(Error::NotFound)?;
        let reason = match work.actor() {
            Some(_) => {
                role::require_cover(&mut work, &user).await?;
                EndReason::RevokedByAdmin
            }
            None => EndReason::RevokedByUser,
        };
        if !user.auth_methods.contains(AuthMethod::Github) {
            return Ok(());
        }
        user.auth_methods.require_another_than(AuthMethod::Github)?;
        link::remove_all(&mut work, user_id).await?;
        work.end(SessionSelector::ByMethod { user_id, method: AuthMethod::Github }, reason).await?;
        work.commit().await.map(drop)
    }

    /// Migrates links without a recorded host to the configured GitHub server.
    pub(crate) async fn bind_hosts(&self) -> Result<(), Error> {
        let Some(github) = &self.github else { return Ok(()) };
        let bound = identities::bind(self.store.writer(), &github.provider).await?;
        if bound > 0 {
            tracing::info!(links = bound, host = github.provider.host, "GitHub links are bound to their host");
        }
        Ok(())
    }
}
