//! An account's passkeys: enrolment, names, removal, and step-up by one of them.
//!
//! Each ceremony belongs to the session that began it. Where the account has a second factor, a session authenticated by
//! the first alone neither adds nor removes a passkey (CVE-2026-3429).

use std::sync::Arc;

use sekisho_model::{AuthMethod, EndReason, EventKind, SessionId, UserId};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::{
    account::{profile::parse_name, second_factors::SecondFactors},
    audit::event::Entry,
    authenticator::passkey::{Ceremony, CeremonyResponse, PasskeyAuthenticator},
    clock::UnixMillis,
    db::{
        passkeys::{self, Passkey},
        sessions::{self, Reauthentication, ending::SessionSelector},
        users,
    },
    email_token::Undo,
    error::Error,
    pending_flow::{PendingFlow, PendingFlows},
    request_context::RequestContext,
    secret::OpaqueToken,
    session::{SignedIn, credential::CookieToken},
    step_up::{StepUp, renew_cookie},
    unit_of_work::{Store, UnitOfWork},
    user_agent::device_name,
};

/// Passkeys per account.
pub const MAX: usize = 20;
/// The name of a passkey that has none, from a device that has none.
const DEFAULT_NAME: &str = "Passkey";

/// Passkeys of accounts.
pub struct Passkeys {
    pub(crate) store: Arc<Store>,
    pub(crate) flows: PendingFlows,
    pub(crate) authenticator: Arc<PasskeyAuthenticator>,
    pub(crate) step_up: Arc<StepUp>,
    pub(crate) second_factors: Arc<SecondFactors>,
    pub(crate) verify_email: bool,
}

/// The session that began a ceremony; another session or a changed password invalidates it.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct BegunBy {
    session_id: SessionId,
    password_changed_at: Option<UnixMillis>,
}

impl BegunBy {
    fn new(signed_in: &SignedIn) -> Self {
        Self { session_id: signed_in.session.id.clone(), password_changed_at: signed_in.user.password_changed_at }
    }
}

/// An enrolment that waits for the authenticator.
#[derive(Serialize, Deserialize)]
struct EnrolmentFlow {
    by: BegunBy,
    state: PasskeyRegistration,
}

impl PendingFlow for EnrolmentFlow {
    const NAME: &'static str = "passkey-enrolment";
}

/// A step-up that waits for the authenticator.
#[derive(Serialize, Deserialize)]
struct StepUpFlow {
    by: BegunBy,
    state: DiscoverableAuthentication,
}

impl PendingFlow for StepUpFlow {
    const NAME: &'static str = "passkey-step-up";
}

impl Passkeys {
    /// A user's passkeys, oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(&self, user_id: &UserId) -> Result<Vec<Passkey>, Error> {
        Ok(passkeys::list(self.store.reader(), user_id).await?)
    }

    /// Begins an enrolment, bound to this browser and session. An authenticator that has a passkey of the account makes no
    /// other (`excludeCredentials`).
    ///
    /// # Errors
    /// [`Error::StepUpRequired`], [`Error::EmailUnverified`], [`Error::NotFound`] if passkeys are not available,
    /// [`Error::RateLimited`], [`Error::InvalidInput`] if there are too many.
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn begin_enrolment(
        &self,
        browser: &OpaqueToken,
        signed_in: &SignedIn,
        context: &RequestContext,
    ) -> Result<Ceremony, Error> {
        let user = &signed_in.user;
        if self.verify_email && user.email_verified_at.is_none() {
            return Err(Error::EmailUnverified);
        }
        self.require_enrolment_allowed(signed_in).await?;
        let existing = self.list(&user.id).await?;
        if existing.len() >= MAX {
            return Err(too_many());
        }
        let (options, state) = self.authenticator.creation_options(user, &existing, context)?;
        self.authenticator.keep(browser, options, &EnrolmentFlow { by: BegunBy::new(signed_in), state }).await
    }

    /// Whether this session may enrol a passkey now. A step-up through GitHub, which redirects back without interaction, is
    /// too weak for adding an authenticator.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`], [`Error::Forbidden`] for an administrator signed in with GitHub.
    pub async fn require_enrolment_allowed(&self, signed_in: &SignedIn) -> Result<(), Error> {
        let session = sessions::find(self.store.reader(), &signed_in.session.id).await?.ok_or(Error::NotSignedIn)?;
        let current = SignedIn { session, ..signed_in.clone() };
        self.step_up.require_recent(&current)?;
        if current.session.method == AuthMethod::Github {
            self.step_up.require_recent_sign_in(&current)?;
        }
        Ok(())
    }

    /// Adds a passkey. The caller has asked for a recent authentication. An empty name is the device's.
    ///
    /// # Errors
    /// [`Error::FlowGone`], [`Error::PasskeyRefused`], also if the credential is registered, whoever has it;
    /// [`Error::InvalidInput`], [`Error::StepUpRequired`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn enrol(
        &self,
        browser: &OpaqueToken,
        response: CeremonyResponse<'_>,
        name: &str,
        signed_in: &SignedIn,
        context: &RequestContext,
    ) -> Result<(), Error> {
        let device = device_name(&context.user_agent);
        let name = [name.trim(), &device, DEFAULT_NAME].into_iter().find(|name| !name.is_empty());
        let name = parse_name(name.unwrap_or_default()).map_err(|fault| Error::InvalidInput(vec![fault]))?;
        let flow: Option<EnrolmentFlow> = self.flows.take(&response.flow()?.hash(), browser).await?;
        let flow = flow.filter(|flow| flow.by == BegunBy::new(signed_in)).ok_or(Error::FlowGone)?;
        let new = self.authenticator.verify_registration(response.credential, &flow.state)?;
        let mut work = self.begin(signed_in, context).await?;
        let now = work.now;
        let user_id = signed_in.user.id.clone();
        if passkeys::list(work.db(), &user_id).await?.len() >= MAX {
            return Err(too_many());
        }
        let passkey = Passkey {
            id: new.id,
            user_id: user_id.clone(),
            name,
            credential: new.credential,
            backed_up: new.backed_up.into(),
            created_at: now,
            last_used_at: None,
            suspended_at: None,
        };
        passkeys::insert(work.db(), &passkey).await.map_err(insert_error)?;
        work.notify(Entry::new(EventKind::PasskeyAdded).user(&user_id), Undo::default()).await?;
        work.commit().await.map(drop)
    }

    /// Renames a passkey.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::NotFound`], [`Error::StepUpRequired`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn rename(
        &self,
        id: &str,
        name: &str,
        signed_in: &SignedIn,
        context: &RequestContext,
    ) -> Result<(), Error> {
        let name = parse_name(name).map_err(|fault| Error::InvalidInput(vec![fault]))?;
        let mut work = self.begin(signed_in, context).await?;
        if !passkeys::rename(work.db(), &signed_in.user.id, id, &name).await? {
            return Err(Error::NotFound);
        }
        work.commit().await.map(drop)
    }

    /// Removes a passkey and ends the sessions in which it was presented last (ASVS 7.4.3).
    ///
    /// # Errors
    /// [`Error::LastAuthMethod`], [`Error::LastSecondFactor`] if the policy requires one, [`Error::NotFound`],
    /// [`Error::StepUpRequired`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn remove(&self, id: &str, signed_in: &SignedIn, context: &RequestContext) -> Result<(), Error> {
        let user_id = &signed_in.user.id;
        let mut work = self.begin(signed_in, context).await?;
        let removed = passkeys::delete(work.db(), user_id, id).await?.ok_or(Error::NotFound)?;
        let user = users::find(work.db(), user_id).await?.ok_or(Error::NotFound)?;
        if !user.auth_methods.iter().any(AuthMethod::is_first_factor) {
            return Err(Error::LastAuthMethod);
        }
        work.end(SessionSelector::ByPasskey { user_id, passkey_id: id }, EndReason::RevokedByUser).await?;
        let undo = Undo { passkeys: vec![removed], ..Undo::default() };
        self.second_factors.after_removal(&mut work, signed_in, EventKind::PasskeyRemoved, undo).await?;
        work.commit().await.map(drop)
    }

    /// Begins a reauthentication by one of the user's passkeys.
    ///
    /// # Errors
    /// [`Error::NotFound`] if they have none, [`Error::RateLimited`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn begin_step_up(
        &self,
        browser: &OpaqueToken,
        signed_in: &SignedIn,
        context: &RequestContext,
    ) -> Result<Ceremony, Error> {
        let mut own = self.list(&signed_in.user.id).await?;
        own.retain(|passkey| passkey.suspended_at.is_none());
        if own.is_empty() {
            return Err(Error::NotFound);
        }
        let (options, state) = self.authenticator.request_options(&own, context)?;
        self.authenticator.keep(browser, options, &StepUpFlow { by: BegunBy::new(signed_in), state }).await
    }

    /// Reauthenticates a browser session by passkey and regenerates its cookie token (ASVS 7.2.4).
    ///
    /// # Errors
    /// [`Error::FlowGone`], [`Error::PasskeyRefused`], [`Error::NotSignedIn`].
    #[instrument(level = "debug", skip_all, fields(user.id = %signed_in.user.id))]
    pub async fn step_up(
        &self,
        browser: &OpaqueToken,
        response: CeremonyResponse<'_>,
        signed_in: &SignedIn,
        context: &RequestContext,
    ) -> Result<CookieToken, Error> {
        let (user_id, session_id) = (&signed_in.user.id, &signed_in.session.id);
        let flow: Option<StepUpFlow> = self.flows.take(&response.flow()?.hash(), browser).await?;
        let flow = flow.filter(|flow| flow.by == BegunBy::new(signed_in)).ok_or(Error::FlowGone)?;
        let failed = Entry::new(EventKind::StepUpFailed).session(session_id);
        let (_, assertion) =
            self.authenticator.verify(response.credential, flow.state, Some(user_id), failed, context).await?;
        let mut work = self.store.begin(Some(context)).await?;
        work.lock_user(user_id).await?.ok_or(Error::NotSignedIn)?;
        assertion.record(&mut work, user_id).await?;
        let reauthentication =
            Reauthentication { method: AuthMethod::Passkey, second_factor: None, at: self.store.now() };
        let token = renew_cookie(&mut work, session_id, reauthentication).await?;
        sessions::set_passkey(work.db(), session_id, &assertion.passkey_id).await?;
        work.log(Entry::new(EventKind::SteppedUp).user(user_id).session(session_id));
        work.commit().await?;
        Ok(token)
    }

    /// Records that the user declined to add a passkey.
    ///
    /// # Errors
    /// [`Error::SessionEnded`] if the acting session has ended, [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all, fields(user.id = %user_id))]
    pub async fn decline_offer(&self, user_id: &UserId, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        users::set_passkey_offer_declined(work.db(), user_id, now).await?;
        work.user_changed(user_id);
        work.commit().await.map(drop)
    }

    /// Begins a change of the user's passkeys: locks the user's row, and reads the session anew, which a step-up may have
    /// changed in this request.
    async fn begin<'a>(&'a self, signed_in: &SignedIn, context: &'a RequestContext) -> Result<UnitOfWork<'a>, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let (user, _) = self.second_factors.lock(&mut work, &signed_in.user.id, &signed_in.session.id).await?;
        work.user_changed(&user.id);
        Ok(work)
    }
}

fn too_many() -> Error {
    Error::field("passkey", "passkeys-too-many")
}

/// Maps a unique violation on insert to [`Error::PasskeyRefused`]: a credential belongs to one account (W3C WebAuthn,
/// section 7.1, step 26).
fn insert_error(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(e) if e.is_unique_violation() => Error::PasskeyRefused,
        _ => error.into(),
    }
}
