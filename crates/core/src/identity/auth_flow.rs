//! The OAuth flow: redirects to the provider, and handles its redirect back.
//!
//! `state` and PKCE verifier are bound to the browser, expire after ten minutes and are single-use (ASVS 10.1.2).

use sekisho_model::{AuthMethod, EndReason, EventKind, SessionId, UserId};
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::Identities;
use crate::{
    account::{self, profile::parse_name},
    audit::event::Entry,
    authenticator::{
        Authenticated,
        github::{self, Github, GithubUser},
    },
    clock::UnixMillis,
    db::{
        identities::{self, Identity, Provider},
        users::{self, User},
    },
    error::{Error, GithubError},
    link::{self, link_error},
    pending_flow::PendingFlow,
    request_context::RequestContext,
    secret::{OpaqueToken, sha256_hex},
    session::{SignedIn, credential::CookieToken},
    step_up,
};

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
    session_id: SessionId,
    password_changed_at: Option<UnixMillis>,
}

impl BegunBy {
    fn is(&self, current: &SignedIn) -> bool {
        self.session_id == current.session.id && self.password_changed_at == current.user.password_changed_at
    }
}

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
                let holder = current.filter(|_| same.is_none()).map(|current| &current.user.id);
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
        holder: Option<&UserId>,
        context: &RequestContext,
    ) -> Result<Outcome, Error> {
        let provider = &github.provider;
        let known = identities::find(self.store.reader(), &provider.key, person.subject()).await?;
        if holder.is_some_and(|holder| known.as_ref().is_none_or(|identity| identity.user_id != *holder)) {
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
        let now = self.store.now();
        let user = account::new_user(self.store.new_user_id(), email, name, now);
        let user = User { email_verified_at: Some(now), ..user }; // by GitHub
        let identity = Identity {
            provider: provider.key.clone(),
            subject: person.subject().into(),
            user_id: user.id.clone(),
            login: person.login.clone(),
        };
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        account::insert_new(&mut work, &user).await?;
        identities::insert(work.db(), &identity, &provider.host, now).await.map_err(link_error)?;
        work.log(Entry::new(EventKind::Registered).user(&user.id));
        work.log(Entry::new(EventKind::GithubLinked).user(&user.id));
        work.commit().await?;
        Ok((user, identity))
    }
}
