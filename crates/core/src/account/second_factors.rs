//! An account's second factors: enrolment of an authenticator app, recovery codes, trusted browsers, removal. A session
//! that has not presented the second factor neither removes nor replaces one (CVE-2026-3429).

use std::sync::Arc;

use sekisho_model::{AssuranceLevel, AuthMethod, EndReason, EventKind, SessionId, UserId};
use serde::{Deserialize, Serialize};
use tracing::instrument;

pub use crate::db::trusted_browsers::TrustedBrowser;
use crate::{
    audit::event::Entry,
    authenticator::{
        recovery_code::{self, RecoveryCode},
        second_factor::cancel_reset,
        totp::{TotpCode, TotpSecret},
    },
    clock::UnixMillis,
    db::{
        passkeys, recovery_codes,
        sessions::{self, Reauthentication, Session, ending::SessionSelector},
        totp::{self, Totp},
        trusted_browsers,
        users::{self, User},
    },
    email_token::Undo,
    error::Error,
    pending_flow::{PendingFlow, PendingFlows},
    policy::Policy,
    request_context::RequestContext,
    secret::{MasterSecret, OpaqueToken},
    session::{SignedIn, credential::CookieToken},
    step_up::{needs_code, renew_cookie},
    unit_of_work::{Store, UnitOfWork},
};

/// Prefix of the token that continues an enrolment, by which secret scanners find leaks.
const PREFIX: &str = "sk_en_";

/// Enrolment and removal of second factors.
pub struct SecondFactors {
    pub(crate) store: Arc<Store>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) flows: PendingFlows,
    pub(crate) secret: MasterSecret,
    /// The name of this deployment in an authenticator app.
    pub(crate) issuer: String,
}

/// The second factors of an account.
#[derive(Clone, Debug)]
pub struct SecondFactorStatus {
    /// The authenticator app.
    pub totp: Option<TotpStatus>,
    /// Number of recovery codes left.
    pub recovery_codes: i64,
    /// Newest first.
    pub trusted_browsers: Vec<TrustedBrowser>,
}

/// An authenticator app. Times are Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct TotpStatus {
    /// When it was enrolled.
    pub created_at: UnixMillis,
    /// When a code was last accepted.
    pub last_used_at: Option<UnixMillis>,
}

/// An enrolment to be confirmed by a code. Its secret is shown to the user who enrols.
#[derive(Clone)]
pub struct TotpEnrollment {
    /// Continues it.
    pub token: String,
    /// The secret in base32, to be typed into an app.
    pub secret: String,
    /// The `otpauth` URI, for a QR code or a link.
    pub uri: String,
}

/// A pending enrolment; another user, or a changed password, invalidates it.
#[derive(Serialize, Deserialize)]
pub(crate) struct PendingTotp {
    user_id: UserId,
    password_changed_at: Option<UnixMillis>,
    /// Sealed, as it will be stored.
    secret: String,
}

impl PendingFlow for PendingTotp {
    const NAME: &'static str = "totp-enrollment";
}

impl SecondFactors {
    /// What a user has.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn status(&self, user_id: &UserId) -> Result<SecondFactorStatus, Error> {
        let db = self.store.reader();
        let totp = totp::find(db, user_id).await?;
        Ok(SecondFactorStatus {
            totp: totp.map(|totp| TotpStatus { created_at: totp.created_at, last_used_at: totp.last_used_at }),
            recovery_codes: recovery_codes::count_unused(db, user_id).await?,
            trusted_browsers: trusted_browsers::list(db, user_id, self.store.now()).await?,
        })
    }

    /// The methods by which a user can present a code.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn code_methods(&self, user: &User) -> Result<Vec<AuthMethod>, Error> {
        let has_codes = recovery_codes::count_unused(self.store.reader(), &user.id).await? > 0;
        let totp = user.auth_methods.contains(AuthMethod::Totp).then_some(AuthMethod::Totp);
        Ok([totp, has_codes.then_some(AuthMethod::RecoveryCode)].into_iter().flatten().collect())
    }

    /// Whether the policy requires a second factor of this user.
    pub fn are_required(&self, signed_in: &SignedIn) -> bool {
        self.policy.mfa.requires(&signed_in.user.roles.0, &signed_in.permissions)
    }

    /// Begins the enrolment of an authenticator app in this browser.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user.id))]
    pub async fn begin_totp(&self, user: &User, browser: &OpaqueToken) -> Result<TotpEnrollment, Error> {
        let (token, secret) = (OpaqueToken::generate(PREFIX), TotpSecret::generate());
        let pending = PendingTotp {
            user_id: user.id.clone(),
            password_changed_at: user.password_changed_at,
            secret: secret.seal(&self.secret),
        };
        self.flows.insert(&token.hash(), browser, &pending).await?;
        Ok(self.enrollment(token.expose(), &secret, user))
    }

    /// Shows a pending enrolment again.
    ///
    /// # Errors
    /// [`Error::FlowGone`] if it expired, was used, or belongs to another user or browser.
    pub async fn pending_totp(&self, user: &User, browser: &OpaqueToken, token: &str) -> Result<TotpEnrollment, Error> {
        let (_, pending) = self.find_pending(user, browser, token).await?;
        Ok(self.enrollment(token, &TotpSecret::open(&self.secret, &pending.secret)?, user))
    }

    fn enrollment(&self, token: &str, secret: &TotpSecret, user: &User) -> TotpEnrollment {
        TotpEnrollment { token: token.into(), secret: secret.text(), uri: secret.uri(&self.issuer, &user.email) }
    }

    async fn find_pending(
        &self,
        user: &User,
        browser: &OpaqueToken,
        token: &str,
    ) -> Result<(OpaqueToken, PendingTotp), Error> {
        let token = OpaqueToken::parse(PREFIX, token).ok_or(Error::FlowGone)?;
        let pending: PendingTotp = self.flows.find(&token.hash(), browser).await?.ok_or(Error::FlowGone)?;
        if pending.user_id != user.id || pending.password_changed_at != user.password_changed_at {
            return Err(Error::FlowGone);
        }
        Ok((token, pending))
    }

    /// Uses a pending enrolment up if `code` is a code of its secret; a wrong one is an error of the field `code`, and uses
    /// nothing up.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::FlowGone`].
    pub(crate) async fn confirm_pending(
        &self,
        user: &User,
        browser: &OpaqueToken,
        token: &str,
        code: &str,
    ) -> Result<Totp, Error> {
        let (token, pending) = self.find_pending(user, browser, token).await?;
        let (secret, now) = (TotpSecret::open(&self.secret, &pending.secret)?, self.store.now());
        let step = TotpCode::parse(code).and_then(|code| secret.verify(&code, now));
        let step = step.ok_or_else(|| Error::field("code", "code-wrong"))?;
        let taken: Option<PendingTotp> = self.flows.take(&token.hash(), browser).await?;
        taken.ok_or(Error::FlowGone)?;
        // This code has been seen: it is none for a sign-in.
        Ok(Totp { secret: pending.secret, created_at: now, last_used_at: None, last_step: step })
    }

    /// Completes the enrolment of a signed-in user, replacing an app that there was. The session has two factors from then
    /// on. Returns its regenerated cookie token, and new recovery codes.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a wrong `code`, [`Error::FlowGone`], [`Error::StepUpRequired`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn confirm_totp(
        &self,
        signed_in: &SignedIn,
        (browser, token): (&OpaqueToken, &str),
        code: &str,
        context: &RequestContext,
    ) -> Result<(CookieToken, Vec<RecoveryCode>), Error> {
        let user = &signed_in.user;
        let totp = self.confirm_pending(user, browser, token, code).await?;
        let mut work = self.store.begin(Some(context)).await?;
        let (locked, session) = self.lock(&mut work, &user.id, &signed_in.session.id).await?;
        if locked.password_changed_at != user.password_changed_at {
            return Err(Error::FlowGone);
        }
        let codes = enroll_totp(&mut work, &user.id, totp).await?;
        let reauthentication = Reauthentication {
            method: session.method,
            second_factor: Some(AuthMethod::Totp),
            at: session.authenticated_at,
        };
        let cookie = renew_cookie(&mut work, &session.id, reauthentication).await?;
        work.commit().await?;
        Ok((cookie, codes))
    }

    /// Removes the authenticator app and the trust in browsers; with the last second factor, its recovery codes too.
    ///
    /// # Errors
    /// [`Error::LastSecondFactor`] if the policy requires one, [`Error::StepUpRequired`], [`Error::NotFound`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn remove_totp(&self, signed_in: &SignedIn, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let (user, _) = self.lock(&mut work, &signed_in.user.id, &signed_in.session.id).await?;
        let removed = totp::delete_since(work.db(), &user.id, 0).await?.ok_or(Error::NotFound)?;
        let undo = Undo { totp: Some(removed), ..Undo::default() };
        self.after_removal(&mut work, signed_in, EventKind::SecondFactorRemoved, undo).await?;
        work.commit().await.map(drop)
    }

    /// What follows the removal of a second factor, which `event` says: rejects that of the last one where the policy
    /// requires one.
    pub(crate) async fn after_removal(
        &self,
        work: &mut UnitOfWork<'_>,
        signed_in: &SignedIn,
        event: EventKind,
        undo: Undo,
    ) -> Result<(), Error> {
        let user_id = &signed_in.user.id;
        let user = users::find(work.db(), user_id).await?.ok_or(Error::NotFound)?;
        if !user.auth_methods.can_present_second_factor() {
            if self.are_required(signed_in) {
                return Err(Error::LastSecondFactor);
            }
            recovery_codes::delete_since(work.db(), user_id, 0).await?;
        }
        trusted_browsers::delete_all(work.db(), user_id).await?;
        work.notify(Entry::new(event).user(user_id), undo).await
    }

    /// Replaces the recovery codes.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`], [`Error::NotFound`] for an account without a second factor.
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn regenerate_recovery_codes(
        &self,
        signed_in: &SignedIn,
        context: &RequestContext,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let (user, _) = self.lock(&mut work, &signed_in.user.id, &signed_in.session.id).await?;
        if !user.auth_methods.can_present_second_factor() {
            return Err(Error::NotFound);
        }
        let codes = issue_recovery_codes(&mut work, &user.id).await?;
        work.notify(Entry::new(EventKind::RecoveryCodesRegenerated).user(&user.id), Undo::default()).await?;
        work.commit().await?;
        Ok(codes)
    }

    /// Trusts a browser no more.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not one of this user's.
    pub async fn forget_browser(&self, user_id: &UserId, hash: &str, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        if !trusted_browsers::delete(work.db(), user_id, hash).await? {
            return Err(Error::NotFound);
        }
        work.commit().await.map(drop)
    }

    /// Keeps the second factors whose removal an administrator requested.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`] for a session that has not presented one.
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn keep(&self, signed_in: &SignedIn, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let (user, _) = self.lock(&mut work, &signed_in.user.id, &signed_in.session.id).await?;
        cancel_reset(&mut work, &user).await?;
        work.commit().await.map(drop)
    }

    /// Removes the second factors of a user who has lost them, and ends all their sessions; the operator has made sure who
    /// asks. Returns the number of sessions. Where the policy requires a factor, the next sign-in enrols one.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn reset(&self, user_id: &UserId, context: &RequestContext) -> Result<usize, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        work.lock_user(user_id).await?.ok_or(Error::NotFound)?;
        remove_all(&mut work, user_id).await?;
        work.end(SessionSelector::AllOf(user_id), EndReason::RevokedByAdmin).await?;
        work.commit().await
    }

    /// Locks the user's row for a change to second factors. The session's row is read under the lock: one that began with
    /// one factor, and has not presented the other since, changes nothing.
    pub(crate) async fn lock(
        &self,
        work: &mut UnitOfWork<'_>,
        user_id: &UserId,
        session_id: &SessionId,
    ) -> Result<(User, Session), Error> {
        let user = work.lock_user(user_id).await?.ok_or(Error::NotSignedIn)?;
        let session = sessions::find(work.db(), session_id).await?.ok_or(Error::NotSignedIn)?;
        if needs_code(&user, &session) {
            let acr = Some(AssuranceLevel::Two);
            return Err(Error::StepUpRequired { acr, max_age: self.policy.step_up });
        }
        Ok((user, session))
    }
}

/// Stores an authenticator app for a user, whose row is locked; returns new recovery codes.
pub(crate) async fn enroll_totp(
    work: &mut UnitOfWork<'_>,
    user_id: &UserId,
    totp: Totp,
) -> Result<Vec<RecoveryCode>, Error> {
    let replaced = totp::find(work.db(), user_id).await?;
    // Revertible by "This wasn't me", whose clock is the unit of work's.
    let totp = Totp { created_at: work.now, ..totp };
    totp::set(work.db(), user_id, &totp).await?;
    let codes = issue_recovery_codes(work, user_id).await?;
    trusted_browsers::delete_all(work.db(), user_id).await?;
    work.notify(Entry::new(EventKind::SecondFactorAdded).user(user_id), Undo { totp: replaced, ..Undo::default() })
        .await?;
    Ok(codes)
}

/// Replaces the recovery codes of a user, whose row is locked.
pub(crate) async fn issue_recovery_codes(
    work: &mut UnitOfWork<'_>,
    user_id: &UserId,
) -> Result<Vec<RecoveryCode>, Error> {
    let now = work.now;
    recovery_codes::delete_since(work.db(), user_id, 0).await?;
    let codes: Vec<_> = (0..recovery_code::COUNT).map(|_| RecoveryCode::generate()).collect();
    for code in &codes {
        recovery_codes::insert(work.db(), user_id, &code.hash(), now).await?;
    }
    Ok(codes)
}

/// Removes what was enrolled since a time, and restores the app that was there before; no browser is trusted any more.
pub(crate) async fn revert(
    work: &mut UnitOfWork<'_>,
    user_id: &UserId,
    since: UnixMillis,
    totp: Option<Totp>,
    secret: &MasterSecret,
) -> Result<(), Error> {
    totp::delete_since(work.db(), user_id, since).await?;
    recovery_codes::delete_since(work.db(), user_id, since).await?;
    trusted_browsers::delete_all(work.db(), user_id).await?;
    if let Some(totp) = totp
        && totp::find(work.db(), user_id).await?.is_none()
    {
        // The deployment's secret may have been replaced meanwhile.
        let sealed = TotpSecret::open(secret, &totp.secret)?.seal(secret);
        totp::set(work.db(), user_id, &Totp { secret: sealed, ..totp }).await?;
    }
    Ok(())
}

/// Removes all second factors of a user, passkeys too, whose row is locked, with nothing to restore them.
pub(crate) async fn remove_all(work: &mut UnitOfWork<'_>, user_id: &UserId) -> Result<(), Error> {
    let totp = totp::delete_since(work.db(), user_id, 0).await?;
    let passkeys = passkeys::delete_since(work.db(), user_id, 0).await?;
    recovery_codes::delete_since(work.db(), user_id, 0).await?;
    trusted_browsers::delete_all(work.db(), user_id).await?;
    if totp.is_some() || !passkeys.is_empty() {
        work.notify(Entry::new(EventKind::SecondFactorRemoved).user(user_id), Undo::default()).await?;
    }
    Ok(())
}
