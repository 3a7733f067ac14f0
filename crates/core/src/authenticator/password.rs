//! Password authentication: verifies against an Argon2id hash, under rate limits by account, network and device.

use std::sync::Arc;

use sekisho_model::{AuthMethod, EndReason, EventKind, SessionId};
use tracing::instrument;

use super::{
    Authenticated,
    breached::BreachedPasswords,
    device_cookie::DeviceCookies,
    hashing::{Password, Passwords, Verdict},
};
use crate::{
    audit::event::Entry,
    db::{
        sessions::devices,
        users::{self, User},
    },
    email::Email,
    error::Error,
    mail::messages::mail_verification,
    network::{is_among, network_of},
    rate_limit::RateLimits,
    request_context::RequestContext,
    unit_of_work::Store,
};

/// Verifies passwords, and hashes new ones.
pub struct PasswordAuthenticator {
    pub(crate) store: Arc<Store>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) devices: DeviceCookies,
    pub(crate) hashing: Passwords,
    pub(crate) verify_email: bool,
}

impl PasswordAuthenticator {
    pub(crate) fn new(
        store: Arc<Store>,
        limits: Arc<RateLimits>,
        devices: DeviceCookies,
        verify_email: bool,
        breached: BreachedPasswords,
        host: &str,
    ) -> Result<Self, Error> {
        Ok(Self { store, limits, devices, hashing: Passwords::new(breached, host)?, verify_email })
    }

    /// Authenticates by e-mail address and password. An unknown address, a wrong password and an account without one are
    /// indistinguishable, in response and timing (user enumeration, ASVS 6.3.8).
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`], [`Error::AccountDisabled`], [`Error::RateLimited`], [`Error::Busy`].
    #[instrument(level = "debug", skip_all)]
    pub async fn authenticate(
        &self,
        email: &str,
        password: &str,
        context: &RequestContext,
    ) -> Result<Authenticated, Error> {
        let device = self.devices.find(email, context);
        match device {
            Some(device) => self.limits.password_from_device(email, device.nonce)?,
            None => self.limits.password(context.ip, email)?,
        }
        let user = match Email::parse(email) {
            Some(email) => users::find_by_email(self.store.reader(), email.as_str()).await?,
            None => None,
        };
        let changed_at = user.as_ref().and_then(|user| user.password_changed_at);
        if device.is_some_and(|device| !device.is_since(changed_at)) {
            self.limits.password(context.ip, email)?;
        }
        if device.is_none_or(|device| !device.is_since(changed_at)) {
            // Queried for an unknown user as well, so that timing does not reveal accounts.
            let user_id = user.as_ref().map(|user| &user.id);
            let known = devices::list_addresses(self.store.reader(), user_id).await?;
            let network = is_among(context.ip, &known).then(|| network_of(context.ip));
            self.limits.password_over_all_networks(email, network)?;
        }
        let stored = user.as_ref().and_then(|user| user.password_hash.clone());
        let presented = Password::presented(password);
        let verdict = self.hashing.verify(presented.clone(), stored.clone()).await?;
        let user = match (user, verdict) {
            (Some(user), Verdict::Right | Verdict::RightOutdated) => user,
            (user, _) => {
                let user_id = user.map(|user| user.id);
                self.store.log(Entry { user_id, ..Entry::new(EventKind::SignInFailed) }, context).await?;
                return Err(Error::InvalidCredentials);
            }
        };
        if user.disabled_at.is_some() {
            self.store.log(Entry::refused(&user.id, EndReason::AccountDisabled), context).await?;
            return Err(Error::AccountDisabled);
        }
        if self.verify_email && user.email_verified_at.is_none() {
            // Indistinguishable from a wrong password: whoever registers an address must not learn whether it had an account
            // (ASVS 6.3.8). Its owner gets a message.
            let mut work = self.store.begin(Some(context)).await?;
            if self.limits.mail_user(&user.id).is_ok() {
                mail_verification(&mut work, &user).await?;
            }
            work.log(Entry::new(EventKind::SignInFailed).user(&user.id).detail("address not verified"));
            work.commit().await?;
            return Err(Error::InvalidCredentials);
        }
        if verdict == Verdict::RightOutdated {
            let hash = self.hashing.hash(presented).await?;
            users::upgrade_password(self.store.writer(), &user.id, &stored.unwrap_or_default(), &hash).await?;
            self.store.users.invalidate(&user.id);
        }
        let now = self.store.now();
        Ok(Authenticated::new(user, AuthMethod::Password, None, now))
    }

    /// Whoever has just registered with a password has authenticated by it.
    pub(crate) fn enrolled(&self, user: User) -> Authenticated {
        let now = self.store.now();
        Authenticated::new(user, AuthMethod::Password, None, now)
    }

    /// Reauthenticates a signed-in user by password; a wrong one is an error of `field`. Rate-limited like a sign-in, and
    /// per account over all networks, so that a stolen session can't be used for guessing (ASVS 6.3.1).
    pub(crate) async fn reauthenticate(
        &self,
        user: &User,
        session_id: &SessionId,
        (field, password): (&str, &str),
        context: &RequestContext,
    ) -> Result<(), Error> {
        match self.devices.find(&user.email, context).filter(|device| device.is_since(user.password_changed_at)) {
            Some(device) => self.limits.password_from_device(&user.email, device.nonce)?,
            None => self.limits.password(context.ip, &user.email)?,
        }
        self.limits.step_up(session_id, &user.email)?;
        match self.hashing.verify(Password::presented(password), user.password_hash.clone()).await? {
            Verdict::Right | Verdict::RightOutdated => Ok(()),
            Verdict::Wrong => {
                self.store.log(Entry::new(EventKind::StepUpFailed).user(&user.id).session(session_id), context).await?;
                Err(Error::field(field, "password-wrong"))
            }
        }
    }

    /// The password meter: zxcvbn score, 0 to 4. CPU time for unauthenticated clients, so rate-limited by network and at
    /// low priority.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Busy`].
    pub async fn strength(&self, raw: &str, user_inputs: &[&str], context: &RequestContext) -> Result<u8, Error> {
        self.limits.meter(context.ip)?;
        self.hashing.strength(raw, user_inputs).await
    }

    /// Checks a new password against the policy and hashes it.
    pub(crate) async fn choose(&self, field: &'static str, raw: &str, user: &User) -> Result<String, Error> {
        let password = self.hashing.choose(field, raw, &[&user.email, &user.name]).await?;
        self.hashing.hash(password.map_err(|fault| Error::InvalidInput(vec![fault]))?).await
    }
}
