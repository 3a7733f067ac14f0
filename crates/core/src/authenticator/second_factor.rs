//! What is presented beside a first factor. It is verified when it is presented, and used up in the transaction that
//! begins the session or completes the step-up: a code works once, however often it was sent.

use std::sync::Arc;

use sekisho_model::{AuthMethod, EventKind};
use serde::{Deserialize, Serialize};

use super::{
    Authenticated,
    passkey::{Assertion, CeremonyResponse, PasskeyAuthenticator},
    recovery_code::RecoveryCode,
    totp::{TotpCode, TotpSecret},
};
use crate::{
    audit::event::Entry,
    clock::UnixMillis,
    db::{
        recovery_codes, totp,
        users::{self, User},
    },
    email_token::Undo,
    error::Error,
    rate_limit::RateLimits,
    request_context::RequestContext,
    secret::{MasterSecret, OpaqueToken},
    unit_of_work::{Store, UnitOfWork},
};

/// A verified second factor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum SecondFactor {
    /// A code of the authenticator app that was enrolled then.
    Totp { step: i64, enrolled_at: UnixMillis },
    /// The recovery code with this hash.
    RecoveryCode { hash: String },
    /// A passkey of the user who signs in.
    Passkey(Assertion),
    /// Enrolled in the course of this sign-in.
    Enrolled(AuthMethod),
}

impl SecondFactor {
    pub fn method(&self) -> AuthMethod {
        match self {
            Self::Totp { .. } => AuthMethod::Totp,
            Self::RecoveryCode { .. } => AuthMethod::RecoveryCode,
            Self::Passkey(_) => AuthMethod::Passkey,
            Self::Enrolled(method) => *method,
        }
    }

    /// Uses it up for the user, whose row is locked.
    ///
    /// # Errors
    /// [`Error::InvalidCode`] or [`Error::PasskeyRefused`] if it was used or removed meanwhile.
    pub async fn consume(&self, work: &mut UnitOfWork<'_>, user: &User) -> Result<(), Error> {
        let now = work.now;
        let is_used = match self {
            Self::Totp { step, enrolled_at } => totp::use_step(work.db(), &user.id, *enrolled_at, *step, now).await?,
            Self::RecoveryCode { hash } => {
                let spent = recovery_codes::spend(work.db(), &user.id, hash, now).await?;
                if spent {
                    work.notify(Entry::new(EventKind::RecoveryCodeUsed).user(&user.id), Undo::default()).await?;
                }
                spent
            }
            Self::Passkey(assertion) => return assertion.record(work, &user.id).await,
            Self::Enrolled(method) => user.auth_methods.contains(*method),
        };
        is_used.then_some(()).ok_or(Error::InvalidCode)
    }
}

/// A code as typed.
#[derive(Clone, Copy)]
pub struct PresentedCode<'a> {
    /// The text.
    pub code: &'a str,
    /// What it is said to be; `None`: whichever it looks like.
    pub method: Option<AuthMethod>,
}

/// Verifies codes of authenticator apps, recovery codes, and passkeys presented beside a first factor.
pub struct SecondFactorVerifier {
    pub(crate) store: Arc<Store>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) secret: MasterSecret,
    pub(crate) passkey: Arc<PasskeyAuthenticator>,
}

impl SecondFactorVerifier {
    /// Adds a second factor to a first.
    ///
    /// # Errors
    /// As [`SecondFactorVerifier::verify`].
    pub(crate) async fn present(
        &self,
        authenticated: Authenticated,
        code: PresentedCode<'_>,
        context: &RequestContext,
    ) -> Result<Authenticated, Error> {
        let second_factor = self.verify(authenticated.user(), code, context).await?;
        Ok(authenticated.with(second_factor))
    }

    /// Adds a passkey of the same user to a first factor.
    ///
    /// # Errors
    /// As [`PasskeyAuthenticator::verify_second_factor`].
    pub(crate) async fn present_passkey(
        &self,
        authenticated: Authenticated,
        browser: &OpaqueToken,
        response: CeremonyResponse<'_>,
        context: &RequestContext,
    ) -> Result<Authenticated, Error> {
        let user = authenticated.user();
        let assertion = self.passkey.verify_second_factor(user, browser, response, context).await?;
        Ok(authenticated.with(SecondFactor::Passkey(assertion)))
    }

    /// Verifies a code without using it up. Each try counts against the account, before it is looked at, whichever way it
    /// came (ASVS 6.3.1).
    ///
    /// # Errors
    /// [`Error::InvalidCode`], which is logged; [`Error::RateLimited`].
    pub(crate) async fn verify(
        &self,
        user: &User,
        code: PresentedCode<'_>,
        context: &RequestContext,
    ) -> Result<SecondFactor, Error> {
        self.limits.second_factor(&user.id)?;
        let totp_code = TotpCode::parse(code.code).filter(|_| is(code, AuthMethod::Totp));
        let recovery_code = RecoveryCode::parse(code.code).filter(|_| is(code, AuthMethod::RecoveryCode));
        let verified = match (totp_code, recovery_code) {
            (Some(code), _) => self.verify_totp(user, &code).await?,
            (None, Some(code)) => self.verify_recovery_code(user, &code).await?,
            (None, None) => None,
        };
        if verified.is_none() {
            self.store.log(Entry::new(EventKind::SecondFactorFailed).user(&user.id), context).await?;
        }
        verified.ok_or(Error::InvalidCode)
    }

    async fn verify_totp(&self, user: &User, code: &TotpCode) -> Result<Option<SecondFactor>, Error> {
        let Some(totp) = totp::find(self.store.reader(), &user.id).await? else { return Ok(None) };
        let step = TotpSecret::open(&self.secret, &totp.secret)?.verify(code, self.store.now());
        let unused = step.filter(|step| *step > totp.last_step);
        Ok(unused.map(|step| SecondFactor::Totp { step, enrolled_at: totp.created_at }))
    }

    async fn verify_recovery_code(&self, user: &User, code: &RecoveryCode) -> Result<Option<SecondFactor>, Error> {
        let hash = code.hash();
        let unused = recovery_codes::is_unused(self.store.reader(), &user.id, &hash).await?;
        Ok(unused.then_some(SecondFactor::RecoveryCode { hash }))
    }
}

/// Cancels a requested removal of second factors, if there is one; the user's row is locked.
pub(crate) async fn cancel_reset(work: &mut UnitOfWork<'_>, user: &User) -> Result<(), Error> {
    if user.factor_reset_at.is_some() {
        users::set_factor_reset_at(work.db(), &user.id, None).await?;
        work.log(Entry::new(EventKind::SecondFactorResetCancelled).user(&user.id));
        work.user_changed(&user.id);
    }
    Ok(())
}

fn is(code: PresentedCode<'_>, method: AuthMethod) -> bool {
    code.method.is_none_or(|said| said == method)
}
