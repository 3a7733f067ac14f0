//! Begins sessions: revalidates the proof, ends the previous session, applies the device limit.

use sekisho_model::{AssuranceLevel, AuthMethod, EndReason, EventKind, Scopes, SessionId, UserId};
use tracing::instrument;

use super::{Sessions, credential::NewCredential, device::known_device, refresh_expiry};
use crate::{
    audit::event::Entry,
    authenticator::{Proof, second_factor::cancel_reset, trusted_browser},
    clock::{UnixMillis, millis},
    db::{
        Nullable, events,
        sessions::{self, Session, ending::SessionSelector},
        sign_outs,
        users::{self, User},
    },
    email_token::Undo,
    error::Error,
    link,
    mail::messages::mail_verification,
    paging::NEWEST,
    policy::{DeviceLimit, Mfa},
    request_context::RequestContext,
    secret::OpaqueToken,
    unit_of_work::UnitOfWork,
    user_agent::device_name,
};

/// The requested session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewSession<'a> {
    pub credential: NewCredential<'a>,
    /// The client's name for the device; defaults to the user agent's.
    pub device: Option<&'a str>,
    /// The browser's previous session, of any user: ended (session fixation, ASVS 7.2.4).
    pub previous: Option<&'a Session>,
    /// A session of this user to end, chosen at the device limit.
    pub evict_session_id: Option<&'a SessionId>,
    /// Upper bound of its tokens' scopes; `None`: all.
    pub scope: Option<Scopes>,
    /// Trusts the browser with this token from now on.
    pub trust: Option<&'a OpaqueToken>,
}

/// The result of [`Sessions::begin`].
pub(crate) enum Begun {
    Session(Box<Session>),
    /// The account has a second factor, and the proof none.
    SecondFactor,
    /// The policy requires a second factor, and the account has none.
    EnrollSecondFactor,
    /// The device limit is reached by these sessions, and the policy denies another.
    DeviceLimit(Box<[Session]>),
}

impl Sessions {
    /// Begins a session for the user of `proof`.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] if the proof is no longer valid, [`Error::AccountDisabled`].
    #[instrument(level = "debug", skip_all, fields(user.id = %proof.user_id))]
    pub(crate) async fn begin(
        &self,
        proof: &Proof,
        new: NewSession<'_>,
        context: &RequestContext,
    ) -> Result<Begun, Error> {
        let user_id = &proof.user_id;
        let mut session = self.row(proof, new, context);
        let required = self.requires_second_factor(user_id).await?;
        let mut work = self.store.begin(Some(context)).await?;
        let user = match self.revalidate(&mut work, proof, session.authenticated_at).await {
            Err(Error::AccountDisabled) => {
                drop(work);
                self.store.log(Entry::refused(user_id, EndReason::AccountDisabled), context).await?;
                return Err(Error::AccountDisabled);
            }
            Err(Error::EmailUnverified) => {
                if let Some(user) = users::find(work.db(), user_id).await? {
                    mail_verification(&mut work, &user).await?;
                }
                work.commit().await?;
                return Err(Error::EmailUnverified);
            }
            user => user?,
        };
        if let Some(assertion) = &proof.assertion {
            assertion.record(&mut work, user_id).await?;
        }
        session.second_factor = Nullable(match &proof.second_factor {
            Some(second_factor) => {
                if let Err(error) = second_factor.consume(&mut work, &user).await {
                    drop(work);
                    // Verified, and used by somebody else since: a relayed code looks like this.
                    if matches!(error, Error::InvalidCode) {
                        self.store.log(Entry::new(EventKind::SecondFactorFailed).user(user_id), context).await?;
                    }
                    return Err(error);
                }
                Some(second_factor.method())
            }
            None if proof.method == AuthMethod::Passkey => None,
            None if user.auth_methods.has_second_factor()
                || required && user.auth_methods.can_present_second_factor() =>
            {
                if !trusted_browser::is_trusted(&mut work, user_id, &self.policy, context).await? {
                    return Ok(Begun::SecondFactor);
                }
                Some(AuthMethod::TrustedBrowser)
            }
            None if required => return Ok(Begun::EnrollSecondFactor),
            None => None,
        });
        // Whoever has the factors did not lose them.
        if session.assurance() == AssuranceLevel::Two {
            cancel_reset(&mut work, &user).await?;
        }
        let now = self.store.now();
        let known = known_device(&mut work, &session, context).await?;
        session.new_device_at = match &known {
            Some(device) => device.new_device_at,
            // No notice on an account's first sign-in; the log is kept longer than sessions are.
            None => events::any(work.db(), user_id, EventKind::SignedIn.as_str()).await?.then_some(now),
        };
        let is_new_device = known.is_none() && session.new_device_at.is_some();
        if let Err(devices) = self.apply_device_limit(&mut work, user_id, new).await? {
            drop(work);
            // The credentials were valid and the response lists the devices: log it.
            self.store.log(Entry::refused(user_id, EndReason::DeviceLimit), context).await?;
            return Ok(Begun::DeviceLimit(devices));
        }
        sessions::insert(work.db(), &session).await?;
        if let Some(passkey_id) = proof.passkey_id() {
            sessions::set_passkey(work.db(), &session.id, passkey_id).await?;
        }
        if let NewCredential::RefreshToken(token) = new.credential {
            refresh_expiry::insert_first(work.db(), &self.policy, &session, token).await?;
        }
        if let Some(token) = new.trust {
            trusted_browser::trust(&mut work, user_id, token, &self.policy, context).await?;
        }
        let entry = |kind| Entry::new(kind).user(user_id).session(&session.id);
        work.log(entry(EventKind::SignedIn));
        if is_new_device {
            work.notify(entry(EventKind::NewDevice), Undo::default()).await?;
        }
        work.commit().await?;
        Ok(Begun::Session(Box::new(session)))
    }

    /// Locks the user's row, which serialises concurrent sign-ins (device limit) and disabling the account, and checks that
    /// a proof from `since` is still valid.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] if it is not, [`Error::AccountDisabled`], [`Error::EmailUnverified`].
    pub(crate) async fn revalidate(
        &self,
        work: &mut UnitOfWork<'_>,
        proof: &Proof,
        since: UnixMillis,
    ) -> Result<User, Error> {
        let user_id = &proof.user_id;
        let user = match work.lock_user(user_id).await? {
            Some(user) if user.disabled_at.is_some() => return Err(Error::AccountDisabled),
            Some(user) if self.policy.verify_email && user.email_verified_at.is_none() => {
                return Err(Error::EmailUnverified);
            }
            Some(user) if user.password_changed_at == proof.password_changed_at => user,
            _ => return Err(Error::InvalidCredentials),
        };
        if let Some(subject) = &proof.subject {
            let provider = self.provider.as_deref().unwrap_or_default();
            if !link::exists(work.db(), provider, subject, user_id).await? {
                return Err(Error::InvalidCredentials);
            }
        }
        // A global sign-out since the authentication invalidates the proof.
        if sign_outs::any_between(work.db(), since, self.store.now()).await? {
            return Err(Error::InvalidCredentials);
        }
        Ok(user)
    }

    /// Whether the policy requires a second factor of a user. Read before the transaction: roles have a cache.
    async fn requires_second_factor(&self, user_id: &UserId) -> Result<bool, Error> {
        if self.policy.mfa == Mfa::Optional {
            return Ok(false);
        }
        let Some(user) = users::find(self.store.reader(), user_id).await? else { return Ok(false) };
        Ok(self.policy.mfa.requires(&user.roles.0, &self.roles.permissions(&user).await?))
    }

    fn row(&self, proof: &Proof, new: NewSession<'_>, context: &RequestContext) -> Session {
        let now = self.store.now();
        let (token_hash, idle, absolute) = match new.credential {
            NewCredential::Cookie(token) => {
                (Some(token.hash()), self.policy.session_idle, self.policy.session_absolute)
            }
            NewCredential::RefreshToken(_) => (None, self.policy.refresh_ttl, self.policy.api_absolute),
        };
        Session {
            id: self.store.new_session_id(),
            user_id: proof.user_id.clone(),
            kind: new.credential.kind(),
            token_hash,
            device: new.device.map_or_else(|| device_name(&context.user_agent), Into::into),
            ip: context.ip.to_string(),
            user_agent: context.user_agent.clone(),
            method: proof.method,
            second_factor: Nullable(None),
            created_at: now,
            authenticated_at: proof.at.min(context.received_at),
            last_active_at: now,
            idle_expires_at: idle.map(|d| now + millis(d)),
            expires_at: absolute.map(|d| now + millis(d)),
            ended_at: None,
            ended_reason: Nullable(None),
            new_device_at: None,
            scope: new.scope.map(|scope| scope.to_string()),
            renewed_at: None,
        }
    }

    /// Ends the browser's previous session, the chosen one, and the oldest beyond the device limit. The inner error lists
    /// the live sessions if the policy denies another.
    async fn apply_device_limit(
        &self,
        work: &mut UnitOfWork<'_>,
        user_id: &UserId,
        new: NewSession<'_>,
    ) -> Result<Result<(), Box<[Session]>>, Error> {
        let mut evicted: Vec<(SessionSelector<'_>, EndReason)> = Vec::new();
        if let Some(previous) = new.previous {
            evicted.push((SessionSelector::of(previous), EndReason::SignedOut));
        }
        if let Some(id) = new.evict_session_id {
            evicted.push((SessionSelector::One { user_id, id }, EndReason::RevokedByUser));
        }
        let live = match self.policy.max_devices {
            Some(_) => sessions::list_live(work.db(), user_id, NEWEST, self.store.now(), i64::MAX).await?,
            None => Vec::new(),
        };
        if let Some(max) = self.policy.max_devices {
            let stays = |session: &&Session| !evicted.iter().any(|(selector, _)| selector.is(session));
            let staying: Vec<_> = live.iter().filter(stays).collect();
            let keep = (max.max(1) - 1) as usize;
            if staying.len() > keep && self.policy.device_limit == DeviceLimit::Deny {
                return Ok(Err(staying.into_iter().cloned().collect()));
            }
            let oldest: Vec<_> = staying.into_iter().skip(keep).map(SessionSelector::of).collect();
            evicted.extend(oldest.into_iter().map(|selector| (selector, EndReason::DeviceLimit)));
        }
        // One lock order: by id.
        evicted.sort_by_key(|(selector, _)| selector.id());
        for (selector, reason) in evicted {
            work.end(selector, reason).await?;
        }
        Ok(Ok(()))
    }
}
