//! Step-up: sensitive actions require an authentication no older than the policy's limit (ASVS 7.5.1), and two factors of
//! an account that has a second one. Rejects GitHub as reauthentication for accounts with a password and for
//! administrators.

use std::sync::Arc;

use sekisho_model::{AssuranceLevel, AuthMethod, EventKind, Permission, Permissions, SessionId, SessionKind, UserId};
use tracing::instrument;

use crate::{
    audit::event::Entry,
    authenticator::{
        password::PasswordAuthenticator,
        second_factor::{PresentedCode, SecondFactor, SecondFactorVerifier},
    },
    clock::{UnixMillis, millis},
    db::{
        refresh_tokens,
        sessions::{self, Reauthentication, Session, page_tokens},
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
    pub(crate) second_factors: Arc<SecondFactorVerifier>,
}

impl StepUp {
    /// Rejects a session whose last authentication is too old, or too weak: GitHub redirects back without interaction, so
    /// Rejects a session whose last authentication is too old, or too weak: GitHub redirects back without interaction, so
    /// an account with a password or a passkey, and an administrator, must use that; and a session that began before the
    /// account had a second factor, or in a trusted browser, must present it (CVE-2026-3429).
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
        let can_do_better = [AuthMethod::Password, AuthMethod::Passkey].iter().any(|m| user.auth_methods.contains(*m));
        let too_weak = can_do_better || permissions.allow(Permission::ADMINISTER);
        if self.policy.step_up.is_some() && too_weak && session.method == AuthMethod::Github {
            return Err(self.required(user));
        }
        if needs_code(user, session) {
            return Err(self.required(user));
        }
        self.require_since(user, session.authenticated_at)
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
        self.require_since(&signed_in.user, signed_in.session.created_at)
    }

    fn require_since(&self, user: &User, at: UnixMillis) -> Result<(), Error> {
        match self.policy.step_up {
            // An authentication in the future (clock set back) has an unknown age.
            Some(age) if !(-SKEW..=millis(age)).contains(&(self.store.now() - at)) => Err(self.required(user)),
            _ => Ok(()),
        }
    }

    /// What an account has to present.
    fn required(&self, user: &User) -> Error {
        let acr = user.auth_methods.has_second_factor().then_some(AssuranceLevel::Two);
        Error::StepUpRequired { acr, max_age: self.policy.step_up }
    }

    /// Reauthenticates a browser session by password, and by a code if it [needs one](needs_code), and regenerates its
    /// cookie token (ASVS 7.2.4).
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a wrong `password` or `code`, [`Error::RateLimited`], [`Error::Busy`], [`Error::NotSignedIn`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn by_password(
        &self,
        signed_in: &SignedIn,
        password: &str,
        code: Option<&str>,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        let SignedIn { user, session, .. } = signed_in;
        self.password.reauthenticate(user, &session.id, ("password", password), context).await?;
        let second_factor = self.verify_code(user, session, code, context).await?;
        let at = self.store.now();
        self.renew(signed_in, (AuthMethod::Password, at), second_factor, context).await
    }

    /// Adds a second factor to a session that is recent and lacks nothing else: for accounts without a password.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a wrong `code`, [`Error::StepUpRequired`], [`Error::RateLimited`],
    /// [`Error::NotSignedIn`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn by_code(
        &self,
        signed_in: &SignedIn,
        code: &str,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        if !self.lacks_code_alone(signed_in) {
            return Err(self.required(&signed_in.user));
        }
        let SignedIn { user, session, .. } = signed_in;
        let second_factor = self.verify_code(user, session, Some(code), context).await?;
        self.renew(signed_in, (session.method, session.authenticated_at), second_factor, context).await
    }

    /// Whether a code completes the step-up of this session.
    pub fn lacks_code_alone(&self, signed_in: &SignedIn) -> bool {
        let SignedIn { user, session, .. } = signed_in;
        needs_code(user, session)
            && by_github_alone(signed_in)
            && self.require_since(user, session.authenticated_at).is_ok()
    }

    /// The second factor of a session that needs one; a wrong code is an error of the field `code`.
    async fn verify_code(
        &self,
        user: &User,
        session: &Session,
        code: Option<&str>,
        context: &RequestContext,
    ) -> Result<Option<SecondFactor>, Error> {
        if !needs_code(user, session) {
            return Ok(None);
        }
        let code = code.ok_or_else(|| Error::field("code", "missing"))?;
        let presented = PresentedCode { code, method: None };
        self.second_factors.verify(user, presented, context).await.map(Some).map_err(code_error)
    }

    /// Reauthenticates an API session by password, and by a code if it [needs one](needs_code).
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a wrong `password` or `code`, [`Error::RateLimited`], [`Error::Busy`], [`Error::InvalidToken`];
    /// [`Error::Forbidden`] for a browser's session, whose new cookie token the API can't deliver.
    #[instrument(level = "debug", skip_all, fields(user.id = %user.id))]
    pub async fn by_password_api(
        &self,
        user: &User,
        session_id: &SessionId,
        (password, code): (&str, Option<&str>),
        context: &RequestContext,
    ) -> Result<(), Error> {
        let session = sessions::find(self.store.reader(), session_id).await?.ok_or(Error::InvalidToken)?;
        if session.kind == SessionKind::Browser {
            return Err(Error::Forbidden);
        }
        self.password.reauthenticate(user, session_id, ("password", password), context).await?;
        let second_factor = self.verify_code(user, &session, code, context).await?;
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        let presented = consume(&mut work, user, second_factor.as_ref()).await?;
        if !sessions::set_authenticated(work.db(), session_id, presented, now).await? {
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
        let at = self.store.now();
        self.renew(signed_in, (method, at), None, context).await
    }

    async fn renew(
        &self,
        signed_in: &SignedIn,
        (method, at): (AuthMethod, UnixMillis),
        second_factor: Option<SecondFactor>,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        let (user, session) = (&signed_in.user, &signed_in.session);
        let mut work = self.store.begin(Some(context)).await?;
        let second_factor = consume(&mut work, user, second_factor.as_ref()).await?;
        let token = renew_cookie(&mut work, &session.id, Reauthentication { method, second_factor, at }).await?;
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

/// Whether GitHub counts as step-up: the user has neither password nor passkey, and is no administrator.
pub fn by_github_alone(signed_in: &SignedIn) -> bool {
    let methods = &signed_in.user.auth_methods;
    let can_do_better = methods.contains(AuthMethod::Password) || methods.contains(AuthMethod::Passkey);
    !can_do_better && !signed_in.permissions.allow(Permission::ADMINISTER)
}

/// Whether a session lacks the second factor that its account has: it began before that was enrolled, or in a trusted
/// browser.
pub fn needs_code(user: &User, session: &Session) -> bool {
    user.auth_methods.has_second_factor() && session.assurance() == AssuranceLevel::One
}

/// Uses a second factor up; returns its method.
async fn consume(
    work: &mut UnitOfWork<'_>,
    user: &User,
    second_factor: Option<&SecondFactor>,
) -> Result<Option<AuthMethod>, Error> {
    let Some(second_factor) = second_factor else { return Ok(None) };
    let user = users::find_for_update(work.db(), &user.id).await?.ok_or(Error::NotSignedIn)?;
    second_factor.consume(work, &user).await.map_err(code_error)?;
    Ok(Some(second_factor.method()))
}

/// A wrong code is an error of its field: the session goes on.
fn code_error(error: Error) -> Error {
    match error {
        Error::InvalidCode => Error::field("code", "code-wrong"),
        error => error,
    }
}

/// Regenerates a live session's cookie token after reauthentication (ASVS 7.2.4).
pub(crate) async fn renew_cookie(
    work: &mut UnitOfWork<'_>,
    id: &SessionId,
    reauthentication: Reauthentication,
) -> Result<CookieToken, Error> {
    let token = CookieToken::new(random());
    if !sessions::replace_token(work.db(), id, &token.hash(), reauthentication).await? {
        return Err(Error::NotSignedIn);
    }
    // Its refresh cookie and page tokens (`SEKISHO_STRATEGY=jwt`) are invalid as well.
    refresh_tokens::delete_of_session(work.db(), id).await?;
    let now = work.now;
    let renewed_at = page_tokens::set_renewed(work.db(), id, now).await?;
    work.session_renewed(id, renewed_at);
    Ok(token)
}
