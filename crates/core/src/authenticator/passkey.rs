//! Passkeys (W3C WebAuthn Level 3): discoverable credentials with user verification, two factors in one. Owns the
//! ceremonies' options and the verification of what comes back; an account's list of passkeys is
//! [`passkeys`](crate::passkeys)'.
//!
//! Refuses an assertion without user verification (mozilla/fxa#20725); a challenge that comes from the request
//! (CVE-2026-28787): it is sealed in a pending flow, bound to the browser and single-use; a credential whose user handle is
//! another account's (CVE-2026-46419); and one whose signature counter went back, which is suspended.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sekisho_model::{AuthMethod, EventKind, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::instrument;
use uuid::Uuid;
use webauthn_rs::prelude::{
    Credential, DiscoverableAuthentication, Passkey as StoredCredential, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::Authenticated;
use crate::{
    audit::event::Entry,
    db::{
        passkeys::{self, Passkey},
        users::{self, User},
    },
    email_token::Undo,
    error::Error,
    pending_flow::{PendingFlow, PendingFlows, TTL},
    rate_limit::RateLimits,
    request_context::RequestContext,
    secret::OpaqueToken,
    settings::Url,
    unit_of_work::{Store, UnitOfWork},
};

/// Prefix of the token that continues a ceremony.
const PREFIX: &str = "sk_pk_";
/// What authenticators call this server.
const RP_NAME: &str = "Sekisho";
/// The longest credential id (W3C WebAuthn, section 7.1), in bytes.
const MAX_ID: usize = 1_023;

/// A ceremony that has begun in a browser.
#[derive(Debug)]
pub struct Ceremony {
    /// Continues it.
    pub flow: OpaqueToken,
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub options: Value,
}

/// What a browser sends back at the end of a ceremony.
#[derive(Clone, Copy, Debug)]
pub struct CeremonyResponse<'a> {
    /// The ceremony's [`Ceremony::flow`].
    pub flow: &'a str,
    /// `RegistrationResponseJSON` or `AuthenticationResponseJSON`.
    pub credential: &'a str,
}

impl CeremonyResponse<'_> {
    pub(crate) fn flow(&self) -> Result<OpaqueToken, Error> {
        OpaqueToken::parse(PREFIX, self.flow).ok_or(Error::FlowGone)
    }
}

/// A sign-in by passkey that waits for the authenticator.
#[derive(Serialize, Deserialize)]
struct SignInFlow {
    state: DiscoverableAuthentication,
}

impl PendingFlow for SignInFlow {
    const NAME: &'static str = "passkey-sign-in";
}

/// A second factor that waits for the authenticator.
#[derive(Serialize, Deserialize)]
struct SecondFactorFlow {
    user_id: UserId,
    state: DiscoverableAuthentication,
}

impl PendingFlow for SecondFactorFlow {
    const NAME: &'static str = "passkey-second-factor";
}

/// A verified assertion. It counts once it is [recorded](Assertion::record).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Assertion {
    pub passkey_id: String,
    /// The stored credential at verification.
    previous: String,
    /// With the assertion's counter and flags.
    updated: String,
    backed_up: bool,
}

impl Assertion {
    /// Stores counter and flags, in the transaction of what it authenticates.
    ///
    /// # Errors
    /// [`Error::PasskeyRefused`] if the passkey was used, removed or suspended since it was verified.
    pub async fn record(&self, work: &mut UnitOfWork<'_>, user_id: &UserId) -> Result<(), Error> {
        let (now, credential) = (work.now, (self.previous.as_str(), self.updated.as_str()));
        let recorded =
            passkeys::record_use(work.db(), &self.passkey_id, user_id, credential, self.backed_up.into(), now);
        if recorded.await? { Ok(()) } else { Err(Error::PasskeyRefused) }
    }
}

/// A verified registration.
pub(crate) struct NewCredential {
    /// The credential id, base64url.
    pub id: String,
    /// As stored.
    pub credential: String,
    pub backed_up: bool,
}

/// Begins and verifies ceremonies.
pub struct PasskeyAuthenticator {
    pub(crate) store: Arc<Store>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) flows: PendingFlows,
    /// `None`: the base URL has an IP address, which is no RP ID (W3C WebAuthn, section 5.1.2).
    webauthn: Option<Webauthn>,
}

/// What the client data has beyond what webauthn-rs verifies of an assertion.
#[derive(Deserialize)]
struct ClientData {
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

impl PasskeyAuthenticator {
    pub(crate) fn new(
        store: Arc<Store>,
        limits: Arc<RateLimits>,
        flows: PendingFlows,
        base_url: &Url,
        origins: &[Url],
    ) -> Result<Self, Error> {
        let webauthn = base_url.domain().map(|rp_id| relying_party(&rp_id, base_url, origins)).transpose()?;
        Ok(Self { store, limits, flows, webauthn })
    }

    /// Whether this deployment can have passkeys: its base URL has a host name.
    pub fn is_available(&self) -> bool {
        self.webauthn.is_some()
    }

    /// Whether a user can present a passkey here.
    pub fn is_usable_by(&self, user: &User) -> bool {
        self.is_available() && user.auth_methods.contains(AuthMethod::Passkey)
    }

    fn webauthn(&self) -> Result<&Webauthn, Error> {
        self.webauthn.as_ref().ok_or(Error::NotFound)
    }

    /// Begins a sign-in, bound to the browser token `browser`. Names no user, and so tells nothing about accounts
    /// (w3c/webauthn#1246).
    ///
    /// # Errors
    /// [`Error::NotFound`] if passkeys are not available, [`Error::RateLimited`].
    #[instrument(level = "debug", skip_all)]
    pub async fn begin(&self, browser: &OpaqueToken, context: &RequestContext) -> Result<Ceremony, Error> {
        let (options, state) = self.request_options(&[], context)?;
        self.keep(browser, options, &SignInFlow { state }).await
    }

    /// Authenticates whoever the credential belongs to.
    ///
    /// # Errors
    /// [`Error::FlowGone`], [`Error::PasskeyRefused`].
    #[instrument(level = "debug", skip_all)]
    pub async fn authenticate(
        &self,
        browser: &OpaqueToken,
        response: CeremonyResponse<'_>,
        context: &RequestContext,
    ) -> Result<Authenticated, Error> {
        let flow: Option<SignInFlow> = self.flows.take(&response.flow()?.hash(), browser).await?;
        let state = flow.ok_or(Error::FlowGone)?.state;
        let failed = Entry::new(EventKind::SignInFailed);
        let (user_id, assertion) = self.verify(response.credential, state, None, failed, context).await?;
        let user = users::find(self.store.reader(), &user_id).await?.ok_or(Error::PasskeyRefused)?;
        let now = self.store.now();
        Ok(Authenticated::new(user, AuthMethod::Passkey, None, now).by(assertion))
    }

    /// Begins to present a passkey of `user` as a second factor, bound to the browser token.
    pub(crate) async fn begin_second_factor(
        &self,
        user: &User,
        browser: &OpaqueToken,
        context: &RequestContext,
    ) -> Result<Ceremony, Error> {
        let mut own = passkeys::list(self.store.reader(), &user.id).await?;
        own.retain(|passkey| passkey.suspended_at.is_none());
        let (options, state) = self.request_options(&own, context)?;
        self.keep(browser, options, &SecondFactorFlow { user_id: user.id.clone(), state }).await
    }

    /// Verifies a passkey of `user` as a second factor.
    ///
    /// # Errors
    /// [`Error::FlowGone`], [`Error::PasskeyRefused`].
    pub(crate) async fn verify_second_factor(
        &self,
        user: &User,
        browser: &OpaqueToken,
        response: CeremonyResponse<'_>,
        context: &RequestContext,
    ) -> Result<Assertion, Error> {
        let flow: Option<SecondFactorFlow> = self.flows.take(&response.flow()?.hash(), browser).await?;
        let state = flow.filter(|flow| flow.user_id == user.id).ok_or(Error::FlowGone)?.state;
        let failed = Entry::new(EventKind::SecondFactorFailed);
        Ok(self.verify(response.credential, state, Some(&user.id), failed, context).await?.1)
    }

    /// Stores a ceremony's state.
    pub(crate) async fn keep<F: PendingFlow>(
        &self,
        browser: &OpaqueToken,
        options: Value,
        flow: &F,
    ) -> Result<Ceremony, Error> {
        let token = OpaqueToken::generate(PREFIX);
        self.flows.insert(&token.hash(), browser, flow).await?;
        Ok(Ceremony { flow: token, options })
    }

    /// The options of an assertion; with `allowed`, by one of these.
    pub(crate) fn request_options(
        &self,
        allowed: &[Passkey],
        context: &RequestContext,
    ) -> Result<(Value, DiscoverableAuthentication), Error> {
        let webauthn = self.webauthn()?;
        self.limits.passkey_challenge(context.ip)?;
        let (challenge, state) = webauthn.start_discoverable_authentication().map_err(Error::internal)?;
        let mut options = serde_json::to_value(challenge.public_key).map_err(Error::internal)?;
        options["allowCredentials"] =
            allowed.iter().map(|passkey| json!({ "type": "public-key", "id": passkey.id })).collect();
        Ok((options, state))
    }

    /// Verifies an assertion by a passkey of anybody, or of `expected`; logs `failed` if it does not verify.
    ///
    /// # Errors
    /// [`Error::PasskeyRefused`].
    pub(crate) async fn verify(
        &self,
        credential: &str,
        state: DiscoverableAuthentication,
        expected: Option<&UserId>,
        failed: Entry,
        context: &RequestContext,
    ) -> Result<(UserId, Assertion), Error> {
        let webauthn = self.webauthn()?;
        let Ok(response) = serde_json::from_str::<PublicKeyCredential>(credential) else {
            self.store.log(failed, context).await?;
            return Err(Error::PasskeyRefused);
        };
        let id = BASE64_URL_SAFE_NO_PAD.encode(response.get_credential_id());
        let found = passkeys::find(self.store.reader(), &id).await?;
        let Some(passkey) = found.filter(|passkey| is_owner(passkey, response.get_user_unique_id(), expected)) else {
            self.store.log(failed, context).await?;
            return Err(Error::PasskeyRefused);
        };
        let failed = failed.user(&passkey.user_id);
        let mut stored: StoredCredential = serde_json::from_str(&passkey.credential).map_err(Error::internal)?;
        match webauthn.finish_discoverable_authentication_v2(&response, state, &stored) {
            Ok(result)
                if result.user_verified() && passkey.suspended_at.is_none() && is_same_origin_frame(&response) =>
            {
                stored.update_credential(&result);
                let updated = serde_json::to_string(&stored).map_err(Error::internal)?;
                let backed_up = result.backup_state();
                let assertion = Assertion { passkey_id: id, previous: passkey.credential, updated, backed_up };
                return Ok((passkey.user_id, assertion));
            }
            // The signature verifies: whoever has not the private key can suspend nothing.
            Err(WebauthnError::CredentialPossibleCompromise) => self.suspend(&passkey, context).await?,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "a passkey is refused"),
        }
        self.store.log(failed, context).await?;
        Err(Error::PasskeyRefused)
    }

    /// Suspends a passkey that may be cloned, and tells its owner (W3C WebAuthn, section 6.1.1).
    async fn suspend(&self, passkey: &Passkey, context: &RequestContext) -> Result<(), Error> {
        let mut work = self.store.begin(Some(context)).await?;
        work.lock_user(&passkey.user_id).await?;
        let now = work.now;
        if passkeys::suspend(work.db(), &passkey.id, now).await? {
            work.notify(Entry::new(EventKind::PasskeyCloned).user(&passkey.user_id), Undo::default()).await?;
        }
        work.commit().await.map(drop)
    }

    /// The options of a registration. The user handle is the account's id, the same for each of its passkeys
    /// (ory/kratos#4519).
    pub(crate) fn creation_options(
        &self,
        user: &User,
        existing: &[Passkey],
        context: &RequestContext,
    ) -> Result<(Value, PasskeyRegistration), Error> {
        let webauthn = self.webauthn()?;
        self.limits.passkey_challenge(context.ip)?;
        let ids = existing.iter().filter_map(|passkey| BASE64_URL_SAFE_NO_PAD.decode(&passkey.id).ok());
        let exclude = ids.collect();
        let name = if user.name.is_empty() { &user.email } else { &user.name };
        let (challenge, state) = webauthn
            .start_passkey_registration(handle_of(&user.id)?, &user.email, name, Some(exclude))
            .map_err(Error::internal)?;
        let mut options = serde_json::to_value(challenge.public_key).map_err(Error::internal)?;
        // Discoverable: a sign-in names no user. webauthn-rs asks for "discouraged".
        options["authenticatorSelection"]["residentKey"] = "required".into();
        options["authenticatorSelection"]["requireResidentKey"] = true.into();
        Ok((options, state))
    }

    /// Verifies a registration.
    ///
    /// # Errors
    /// [`Error::PasskeyRefused`].
    pub(crate) fn verify_registration(
        &self,
        credential: &str,
        state: &PasskeyRegistration,
    ) -> Result<NewCredential, Error> {
        let webauthn = self.webauthn()?;
        let response: RegisterPublicKeyCredential =
            serde_json::from_str(credential).map_err(|_| Error::PasskeyRefused)?;
        if response.extensions.cred_props.as_ref().and_then(|props| props.rk) == Some(false) {
            return Err(Error::PasskeyRefused);
        }
        let stored = webauthn.finish_passkey_registration(&response, state).map_err(|error| {
            tracing::debug!(%error, "a passkey is not registered");
            Error::PasskeyRefused
        })?;
        if stored.cred_id().len() > MAX_ID {
            return Err(Error::PasskeyRefused);
        }
        Ok(NewCredential {
            id: BASE64_URL_SAFE_NO_PAD.encode(stored.cred_id()),
            credential: serde_json::to_string(&stored).map_err(Error::internal)?,
            backed_up: Credential::from(stored).backup_state,
        })
    }
}

fn relying_party(rp_id: &str, base_url: &Url, origins: &[Url]) -> Result<Webauthn, Error> {
    let parse = |url: &Url| url::Url::parse(&url.origin()).map_err(Error::internal);
    let own = parse(base_url)?;
    let mut builder = WebauthnBuilder::new(rp_id, &own).map_err(Error::internal)?.rp_name(RP_NAME).timeout(TTL);
    for origin in origins {
        builder = builder.append_allowed_origin(&parse(origin)?);
    }
    builder.build().map_err(Error::internal)
}

/// The user handle of an account: its id's 16 bytes.
fn handle_of(user_id: &UserId) -> Result<Uuid, Error> {
    Uuid::parse_str(user_id.as_str()).map_err(Error::internal)
}

/// Whether the credential is that of the user whom the authenticator names, and of the one who is expected (W3C WebAuthn,
/// section 7.2, step 6). Where nobody is expected the authenticator must name one.
fn is_owner(passkey: &Passkey, handle: Option<&[u8]>, expected: Option<&UserId>) -> bool {
    let is_named = |handle: &[u8]| handle_of(&passkey.user_id).is_ok_and(|owner| owner.as_bytes() == handle);
    expected.is_none_or(|user_id| passkey.user_id == *user_id) && handle.map_or(expected.is_some(), is_named)
}

/// Whether the page was in no frame of another origin (W3C WebAuthn, section 7.2, step 12).
fn is_same_origin_frame(response: &PublicKeyCredential) -> bool {
    serde_json::from_slice::<ClientData>(&response.response.client_data_json).is_ok_and(|data| !data.cross_origin)
}
