//! Federated identities: sign-in, registration, account linking and step-up through an OAuth provider.
//!
//! `state` and PKCE verifier are bound to the browser, expire after ten minutes and are single-use (ASVS 10.1.2).
//! Accounts are matched by the provider's user id, never by e-mail address (ASVS 6.8.1): if the address is registered
//! already, linking requires that account's password.

use std::sync::Arc;

use sekisho_model::{AuthMethod, EndReason, EventKind};
use serde::{Deserialize, Serialize};
use tracing::instrument;

use crate::{
    account::{self, profile::parse_name},
    audit::event::Entry,
    authenticator::{
        Authenticated,
        github::{self, Github, GithubUser},
        password::PasswordAuthenticator,
    },
    clock::UnixMillis,
    db::{
        identities::{self, Identity, Provider},
        sessions::SessionSelector,
        users::{self, User},
    },
    error::{Error, GithubError},
    link::{self, link_error},
    pending_flow::{PendingFlow, PendingFlows},
    request_context::RequestContext,
    role,
    secret::{OpaqueToken, sha256_hex},
    session::{SignedIn, credential::CookieToken},
    step_up::{self, StepUp},
    unit_of_work::Store,
};

/// Prefix of the token that continues a pending link.
const LINK_PREFIX: &str = "sk_ln_";

/// Why an OAuth flow was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To sign in or register.
    SignIn,
    /// To link the provider's account to the signed-in one.
    Link,
    /// To reauthenticate.
    StepUp,
}

/// The result of an OAuth flow. `return_to` is the local path given to [`Identities::begin`].
pub enum Outcome {
    /// Continue in the sign-in pipeline.
    Authenticated {
        /// The proof for [`SignIn`](crate::sign_in::SignIn).
        authenticated: Box<Authenticated>,
        /// Local path to redirect to.
        return_to: String,
    },
    /// The accounts are linked.
    Linked {
        /// Local path to redirect to.
        return_to: String,
    },
    /// Reauthenticated.
    SteppedUp {
        /// The regenerated cookie token (ASVS 7.2.4).
        token: CookieToken,
        /// Local path to redirect to.
        return_to: String,
    },
    /// The e-mail address is registered: linking requires its password.
    PasswordNeeded {
        /// Continues the flow at [`Identities::confirm_link`].
        token: OpaqueToken,
    },
}

/// A pending OAuth flow.
#[derive(Serialize, Deserialize)]
struct OAuthFlow {
    purpose: Purpose,
    verifier: String,
    #[serde(rename = "next")]
    return_to: String,
    /// The session signed in at the start.
    #[serde(rename = "by")]
    begun_by: Option<BegunBy>,
}

impl PendingFlow for OAuthFlow {
    const NAME: &'static str = "ceremony-github";
}

/// The session that began a flow; another session or a changed password invalidates it.
#[derive(Serialize, Deserialize)]
struct BegunBy {
    session_id: String,
    password_changed_at: Option<UnixMillis>,
}

impl BegunBy {
    fn is(&self, current: &SignedIn) -> bool {
        self.session_id == current.session.id && self.password_changed_at == current.user.password_changed_at
    }
}

/// An account link pending on the password; invalid once that password changes.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingLink {
    /// E-mail address of the local account.
    pub email: String,
    /// Login name at the provider.
    pub login: String,
    user_id: String,
    password_changed_at: Option<UnixMillis>,
    subject: String,
    #[serde(rename = "next")]
    return_to: String,
}

impl PendingFlow for PendingLink {
    const NAME: &'static str = "ceremony-link";
}

/// OAuth flows and account links.
pub struct Identities {
    pub(crate) store: Arc<Store>,
    pub(crate) flows: PendingFlows,
    pub(crate) github: Option<Github>,
    pub(crate) password: Arc<PasswordAuthenticator>,
    pub(crate) step_up: Arc<StepUp>,
    pub(crate) registration_open: bool,
}

// The OAuth flow
impl Identities {
    /// Begins an OAuth flow bound to the browser token `browser`; `current` is the signed-in session. Returns the
    /// authorization URL.
    ///
    /// # Errors
    /// [`Error::NotFound`] without a configured provider, [`Error::Forbidden`] if GitHub does not count as step-up here.
    #[instrument(level = "debug", skip_all)]
    pub async fn begin(
        &self,
        browser: &OpaqueToken,
        purpose: Purpose,
        current: Option<&SignedIn>,
        return_to: String,
    ) -> Result<String, Error> {
        let github = self.github()?;
        if purpose == Purpose::StepUp && !current.is_some_and(step_up::by_github_alone) {
            return Err(Error::Forbidden);
        }
        let (url, state, verifier) = github.authorize(current.is_some());
        let begun_by = current.map(|current| BegunBy {
            session_id: current.session.id.clone(),
            password_changed_at: current.user.password_changed_at,
        });
        let flow = OAuthFlow { purpose, verifier: verifier.secret().clone(), return_to, begun_by };
        self.flows.insert(&sha256_hex(state.secret().as_bytes()), browser, &flow).await?;
        Ok(url)
    }

    /// Handles the redirect from GitHub; `answer` is the authorization code or the OAuth error code.
    ///
    /// # Errors
    /// [`Error::Github`], [`Error::AccountDisabled`], [`Error::RegistrationClosed`].
    #[instrument(level = "debug", skip_all)]
    pub async fn finish(
        &self,
        browser: Option<&OpaqueToken>,
        state: &str,
        answer: Result<String, &str>,
        current: Option<&SignedIn>,
        context: &RequestContext,
    ) -> Result<Outcome, Error> {
        let github = self.github()?;
        let browser = browser.ok_or(GithubError::State)?;
        let flow: OAuthFlow =
            self.flows.take(&sha256_hex(state.as_bytes()), browser).await?.ok_or(GithubError::State)?;
        let code = answer.map_err(|error| match error {
            "access_denied" => GithubError::Denied.into(),
            other => github::refusal(other),
        })?;
        // Login CSRF: a flow must complete in the session that began it (GHSA-cq3f-vc6p-68fh).
        let same = current.filter(|current| flow.begun_by.as_ref().is_some_and(|by| by.is(current)));

        let person = github.identify(code, flow.verifier).await?;
        let return_to = flow.return_to;
        // The session may have ended during the requests to GitHub: the change checks it again.
        let in_session =
            |session: &SignedIn| RequestContext { session_id: Some(session.session.id.clone()), ..context.clone() };
        match flow.purpose {
            Purpose::SignIn => {
                // A session began here meanwhile: only the same user may replace it.
                let holder = current.filter(|_| same.is_none()).map(|current| current.user.id.as_str());
                self.sign_in(github, person, (browser, return_to), holder, context).await
            }
            Purpose::Link => {
                let current = same.ok_or(GithubError::State)?;
                let context = in_session(current);
                self.link(&current.user, person.subject(), &person.login, &context).await?;
                Ok(Outcome::Linked { return_to })
            }
            Purpose::StepUp => {
                let current = same.filter(|current| step_up::by_github_alone(current)).ok_or(GithubError::State)?;
                let key = &github.provider.key;
                if !link::exists(self.store.reader(), key, person.subject(), &current.user.id).await? {
                    self.step_up.log_failure(&current.user.id, &current.session.id, context).await?;
                    return Err(GithubError::OtherAccount.into());
                }
                let token = self.step_up.complete(current, AuthMethod::Github, &in_session(current)).await?;
                Ok(Outcome::SteppedUp { token, return_to })
            }
        }
    }

    async fn sign_in(
        &self,
        github: &Github,
        person: GithubUser,
        (browser, return_to): (&OpaqueToken, String),
        holder: Option<&str>,
        context: &RequestContext,
    ) -> Result<Outcome, Error> {
        let provider = &github.provider;
        let known = identities::find(self.store.reader(), &provider.key, person.subject()).await?;
        if holder.is_some_and(|holder| known.as_ref().is_none_or(|identity| identity.user_id != holder)) {
            return Err(GithubError::State.into());
        }
        let (user, identity) = match known {
            Some(identity) => {
                let user = users::find(self.store.reader(), &identity.user_id).await?.ok_or(Error::NotFound)?;
                if user.disabled_at.is_some() {
                    self.store.log(Entry::refused(&user.id, EndReason::AccountDisabled), context).await?;
                    return Err(Error::AccountDisabled);
                }
                (user, identity)
            }
            None => {
                let email = github.verified_email(&person).await?.ok_or(GithubError::NoEmail)?;
                if let Some(user) = users::find_by_email(self.store.reader(), email.as_str()).await? {
                    let token = self.begin_link(browser, user, person, return_to).await?;
                    return Ok(Outcome::PasswordNeeded { token });
                }
                self.register(provider, &person, email.as_str(), context).await?
            }
        };
        let authenticated = person.authenticate(&identity, user, self.store.now());
        Ok(Outcome::Authenticated { authenticated: Box::new(authenticated.ok_or(GithubError::State)?), return_to })
    }

    async fn register(
        &self,
        provider: &Provider,
        person: &GithubUser,
        email: &str,
        context: &RequestContext,
    ) -> Result<(User, Identity), Error> {
        if !self.registration_open {
            return Err(Error::RegistrationClosed);
        }
        let name = person.name.as_deref().and_then(|name| parse_name(name).ok()).unwrap_or(person.login.clone());
        let user = account::new_user(self.store.new_id(), email, name, self.store.now());
        let identity = Identity {
            provider: provider.key.clone(),
            subject: person.subject().into(),
            user_id: user.id.clone(),
            login: person.login.clone(),
        };
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        users::insert(work.db(), &user).await.map_err(account::insert_error)?;
        identities::insert(work.db(), &identity, &provider.host, now).await.map_err(link_error)?;
        work.log(Entry::new(EventKind::Registered).user(&user.id));
        work.log(Entry::new(EventKind::GithubLinked).user(&user.id));
        work.commit().await?;
        Ok((user, identity))
    }

    fn github(&self) -> Result<&Github, Error> {
        self.github.as_ref().ok_or(Error::NotFound)
    }
}

// Linking
impl Identities {
    /// Stores a pending link, bound to this browser; returns its token.
    async fn begin_link(
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
    async fn link(&self, user: &User, subject: &str, login: &str, context: &RequestContext) -> Result<(), Error> {
        let provider = &self.github()?.provider;
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        let held = users::find_for_update(work.db(), &user.id).await?;
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
        work.notify(&user.id).await?;
        work.log(Entry::new(EventKind::GithubLinked).user(&user.id));
        work.commit().await.map(drop)
    }

    /// The user's link to the configured provider, or to any if none is configured.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn linked(&self, user_id: &str) -> Result<Option<Identity>, Error> {
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
    /// [`Error::LastAuthMethod`], [`Error::NotFound`], [`Error::Forbidden`] for an administrator whose permissions don't cover
    /// the user's.
    #[instrument(level = "debug", skip_all, fields(user.id = user_id))]
    pub async fn unlink(&self, user_id: &str, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let user = users::find_for_update(work.db(), user_id).await?.ok_or(Error::NotFound)?;
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

fn parse_link_token(token: &str) -> Result<OpaqueToken, Error> {
    Ok(OpaqueToken::parse(LINK_PREFIX, token).ok_or(GithubError::State)?)
}
