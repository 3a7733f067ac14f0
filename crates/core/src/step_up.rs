//! Step-up: sensitive actions require an authentication no older than the policy's limit (ASVS 7.5.1). Rejects GitHub as
//! reauthentication for accounts with a password and for administrators.

use std::sync::Arc;

use sekisho_model::{AuthMethod, EventKind, Permission, Permissions, SessionId, UserId};
use tracing::instrument;

use crate::{
    audit::event::Entry,
    authenticator::password::PasswordAuthenticator,
    clock::{UnixMillis, millis},
    db::{
        sessions::{self, Session},
        users::{self, User},
    },
    error::Error,
    policy::Policy,
    request_context::RequestContext,
    role::Roles,
    secret::random,
    session::{SignedIn, credential::CookieToken},
    unit_of_work::{Store, UnitOfWork},
};

/// Clock skew between nodes, in milliseconds.
const SKEW: i64 = 30_000;

/// Checks for recent authentication, and reauthenticates.
pub struct StepUp {
    pub(crate) store: Arc<Store>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) roles: Arc<Roles>,
    pub(crate) password: Arc<PasswordAuthenticator>,
}

impl StepUp {
    /// Rejects a session whose last authentication is too old, or too weak: GitHub redirects back without interaction, so
    /// an account with a password, and an administrator, must use the password.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`].
    pub fn require_recent(&self, signed_in: &SignedIn) -> Result<(), Error> {
        self.require_proof(&signed_in.user, &signed_in.session, &signed_in.permissions)
    }

    /// As [`StepUp::require_recent`], for an access token's session, which may be a browser's.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`], [`Error::InvalidToken`].
    pub async fn require_recent_api(&self, session_id: &SessionId) -> Result<(), Error> {
        let session = sessions::find(self.store.reader(), session_id).await?.ok_or(Error::InvalidToken)?;
        let user = users::find(self.store.reader(), &session.user_id).await?.ok_or(Error::InvalidToken)?;
        let permissions = self.roles.permissions(&user).await?;
        self.require_proof(&user, &session, &permissions)
    }

    fn require_proof(&self, user: &User, session: &Session, permissions: &Permissions) -> Result<(), Error> {
        let needs_password =
            user.auth_methods.contains(AuthMethod::Password) || permissions.allow(Permission::ADMINISTER);
        if self.policy.step_up.is_some() && needs_password && session.method != AuthMethod::Password {
            return Err(Error::StepUpRequired);
        }
        self.require_since(session.authenticated_at)
    }

    /// Before setting a first password: requires a recent sign-in, as a step-up through GitHub is too weak for adding an
    /// authenticator. An administrator's first password is set on the command line: otherwise an unlocked browser would
    /// suffice.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`], [`Error::Forbidden`] for an administrator.
    pub fn require_recent_sign_in(&self, signed_in: &SignedIn) -> Result<(), Error> {
        if self.policy.step_up.is_some() && signed_in.permissions.allow(Permission::ADMINISTER) {
            return Err(Error::Forbidden);
        }
        self.require_since(signed_in.session.created_at)
    }

    fn require_since(&self, at: UnixMillis) -> Result<(), Error> {
        match self.policy.step_up {
            // An authentication in the future (clock set back) has an unknown age.
            Some(age) if !(-SKEW..=millis(age)).contains(&(self.store.now() - at)) => Err(Error::StepUpRequired),
            _ => Ok(()),
        }
    }

    /// Reauthenticates a browser session by password and regenerates its cookie token (ASVS 7.2.4).
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a wrong password, [`Error::RateLimited`], [`Error::Busy`], [`Error::NotSignedIn`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn by_password(
        &self,
        signed_in: &SignedIn,
        password: &str,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        let field = ("password", password);
        self.password.reauthenticate(&signed_in.user, &signed_in.session.id, field, context).await?;
        self.complete(signed_in, AuthMethod::Password, context).await
    }

    /// Reauthenticates an API session by password.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a wrong password, [`Error::RateLimited`], [`Error::Busy`], [`Error::InvalidToken`];
    /// [`Error::Forbidden`] for a browser's session, whose new cookie token the API can't deliver.
    #[instrument(level = "debug", skip_all, fields(user.id = %user.id))]
    pub async fn by_password_api(
        &self,
        user: &User,
        session_id: &SessionId,
        password: &str,
        context: &RequestContext,
    ) -> Result<(), Error> {
        let session = sessions::find(self.store.reader(), session_id).await?.ok_or(Error::InvalidToken)?;
        if session.token_hash.is_some() {
            return Err(Error::Forbidden);
        }
        self.password.reauthenticate(user, session_id, ("password", password), context).await?;
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        if !sessions::set_authenticated(work.db(), session_id, now).await? {
            return Err(Error::InvalidToken);
        }
        work.log(Entry::new(EventKind::SteppedUp).user(&user.id).session(session_id));
        work.commit().await.map(drop)
    }

    /// Records a reauthentication and regenerates the session's cookie token.
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub(crate) async fn complete(
        &self,
        signed_in: &SignedIn,
        method: AuthMethod,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        let (user, session) = (&signed_in.user, &signed_in.session);
        let mut work = self.store.begin(Some(context)).await?;
        let token = renew_cookie(&mut work, &session.id, method).await?;
        work.log(Entry::new(EventKind::SteppedUp).user(&user.id).session(&session.id));
        work.commit().await?;
        Ok(token)
    }

    pub(crate) async fn log_failure(
        &self,
        user: &UserId,
        session: &SessionId,
        context: &RequestContext,
    ) -> Result<(), Error> {
        self.store.log(Entry::new(EventKind::StepUpFailed).user(user).session(session), context).await
    }
}

/// Whether GitHub counts as step-up: the user has no password and is no administrator.
pub fn by_github_alone(signed_in: &SignedIn) -> bool {
    !signed_in.user.auth_methods.contains(AuthMethod::Password) && !signed_in.permissions.allow(Permission::ADMINISTER)
}

/// Regenerates a live session's cookie token after reauthentication (ASVS 7.2.4).
pub(crate) async fn renew_cookie(
    work: &mut UnitOfWork<'_>,
    id: &SessionId,
    method: AuthMethod,
) -> Result<CookieToken, Error> {
    let (token, now) = (CookieToken::new(random()), work.now);
    let renewed = sessions::replace_token(work.db(), id, &token.hash(), method, now).await?;
    if renewed { Ok(token) } else { Err(Error::NotSignedIn) }
}
