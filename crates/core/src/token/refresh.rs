//! Refresh token rotation with reuse detection (RFC 9700, section 4.14; ASVS 10.4.5). Each token is used once and returns
//! its successor.
//!
//! A replayed token means a lost response or a stolen copy. Within a fixed grace period of its first use, from the same
//! network, it returns the same successor, which covers lost responses and concurrent tabs. Afterwards it is accepted
//! only while neither the successor nor the access token issued with it was used, and it *replaces* the successor by a
//! new one. If two parties hold the token, whoever presents a replaced one reveals the reuse, and the session ends with
//! `refresh_reuse`. Every replay is logged.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sekisho_model::{EndReason, EventKind, SessionId, SessionKind};
use sqlx::AnyConnection;
use tracing::instrument;

use super::{
    access::{AccessTokens, Issued},
    access_uses::AccessUses,
    request::TokenRequest,
};
use crate::{
    audit::{
        event::Entry,
        statistics::{REFRESHES, Statistics},
    },
    clock::{UnixMillis, millis},
    db::{
        refresh_tokens::{self, RefreshToken, Successor},
        sessions::{self, Session, ending::SessionSelector, page_tokens},
        users::User,
    },
    email_token::Undo,
    error::Error,
    network::network_of,
    policy::Policy,
    rate_limit::RateLimits,
    request_context::RequestContext,
    secret::{MasterSecret, OpaqueToken, random},
    session::{
        Sessions,
        refresh_expiry::{COOKIE_PREFIX, PREFIX, refresh_expiry},
    },
    unit_of_work::Store,
};

/// Clock skew between nodes, in milliseconds.
const CLOCK_SKEW: UnixMillis = 5_000;

/// The least grace period of refresh cookies, in milliseconds: a browser sends requests in parallel.
const MIN_COOKIE_GRACE: UnixMillis = 10_000;

/// The tokens issued at sign-in and at each refresh (RFC 6749, section 5.1).
#[derive(Clone)]
pub struct Grant {
    /// The session's id.
    pub session_id: SessionId,
    /// The access token.
    pub access: Issued,
    /// The refresh token.
    pub refresh_token: OpaqueToken,
    /// The refresh token's lifetime in seconds.
    pub refresh_expires_in: i64,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grant(..)")
    }
}

/// A successor in place of a used token.
struct Rotated {
    session: Session,
    refresh_token: OpaqueToken,
    /// Milliseconds.
    lifetime: UnixMillis,
}

/// The prefix of a session's refresh tokens.
fn prefix(session: &Session) -> &'static str {
    match session.kind {
        SessionKind::Browser => COOKIE_PREFIX,
        SessionKind::Api => PREFIX,
    }
}

/// Rotates refresh tokens.
pub struct RefreshTokens {
    pub(crate) store: Arc<Store>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) secret: MasterSecret,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) access: Arc<AccessTokens>,
    pub(crate) uses: Arc<AccessUses>,
}

impl RefreshTokens {
    /// Exchanges a refresh token for its successor and a new access token.
    ///
    /// # Errors
    /// [`Error::InvalidRefreshToken`], [`Error::SessionEnded`] (also on reuse), [`Error::RateLimited`],
    /// [`Error::InvalidInput`] if the scope exceeds the session's.
    #[instrument(level = "debug", skip_all)]
    pub async fn refresh(
        &self,
        presented: &str,
        request: &TokenRequest,
        context: &RequestContext,
    ) -> Result<Grant, Error> {
        let result = self.try_refresh(presented, request, context).await;
        self.store.metrics.refresh(result.is_ok());
        if result.is_ok() {
            self.statistics.add(self.store.now(), REFRESHES);
        }
        result
    }

    async fn try_refresh(
        &self,
        presented: &str,
        request: &TokenRequest,
        context: &RequestContext,
    ) -> Result<Grant, Error> {
        self.limits.refresh(context.ip)?;
        let token = OpaqueToken::parse(PREFIX, presented).ok_or(Error::InvalidRefreshToken)?;
        let (stored, user, session) = self.find_live(&token, SessionKind::Api).await?;
        request.scope_within(&session)?; // before the token is consumed
        if self.policy.verify_email && user.email_verified_at.is_none() {
            return Err(Error::EmailUnverified);
        }
        let rotated = self.exchange(stored, &user, session, &token, context).await?;
        let Rotated { session, refresh_token, lifetime } = rotated;
        self.grant(&user, &session, refresh_token, lifetime, request).await
    }

    /// Exchanges the refresh token of a browser's cookie for its successor, by the same rules; rate-limited by session.
    ///
    /// # Errors
    /// [`Error::InvalidRefreshToken`], [`Error::SessionEnded`] (also on reuse), [`Error::RateLimited`].
    #[instrument(level = "debug", skip_all)]
    pub(crate) async fn rotate_cookie(
        &self,
        presented: &str,
        context: &RequestContext,
    ) -> Result<(Session, OpaqueToken), Error> {
        let token = OpaqueToken::parse(COOKIE_PREFIX, presented).ok_or(Error::InvalidRefreshToken)?;
        let (stored, user, session) = self.find_live(&token, SessionKind::Browser).await?;
        self.limits.page_renewal(&session.id)?;
        let Rotated { session, refresh_token, .. } = self.exchange(stored, &user, session, &token, context).await?;
        Ok((session, refresh_token))
    }

    /// A stored token, used or not, with the user and the live session that it belongs to.
    async fn find_live(
        &self,
        token: &OpaqueToken,
        kind: SessionKind,
    ) -> Result<(RefreshToken, Arc<User>, Session), Error> {
        let stored = refresh_tokens::find(self.store.reader(), &token.hash()).await?;
        let stored = stored.ok_or(Error::InvalidRefreshToken)?;
        let session = sessions::find(self.store.reader(), &stored.session_id).await?;
        let mut session = session.filter(|session| session.kind == kind).ok_or(Error::InvalidRefreshToken)?;
        if let Some(reason) = self.sessions.expire_if_due(&mut session).await? {
            return Err(reason.into());
        }
        let user = self.store.users.find(&session.user_id).await?.ok_or(Error::InvalidRefreshToken)?;
        if user.disabled_at.is_some() { Err(EndReason::AccountDisabled.into()) } else { Ok((stored, user, session)) }
    }

    /// Uses a token, or replays it.
    async fn exchange(
        &self,
        stored: RefreshToken,
        user: &User,
        session: Session,
        token: &OpaqueToken,
        context: &RequestContext,
    ) -> Result<Rotated, Error> {
        let now = self.store.now();
        if stored.used_at.is_none() && stored.replaced_at.is_none() {
            if stored.expires_at <= now {
                return Err(Error::InvalidRefreshToken);
            }
            if let Some(rotated) = self.rotate(&session, token, now, context).await? {
                return Ok(rotated);
            }
        }
        self.replay(user, session, token, &token.hash(), context).await
    }

    /// The first use; `None` if a concurrent request was first.
    async fn rotate(
        &self,
        session: &Session,
        token: &OpaqueToken,
        now: UnixMillis,
        context: &RequestContext,
    ) -> Result<Option<Rotated>, Error> {
        let (salt, successor) = self.new_successor(session, token);
        let mut tx = self.store.db.begin().await?;
        let (network, to) = (network_of(context.ip), Successor { salt: &salt, hash: &successor.hash() });
        if !refresh_tokens::mark_used(&mut *tx, &token.hash(), to, &network, now).await? {
            return Ok(None);
        }
        let Some((session, expires_at)) = self.insert_successor(&mut tx, session, &successor, now, context).await?
        else {
            tx.rollback().await?;
            let session = sessions::find(self.store.reader(), &session.id).await?.ok_or(Error::InvalidRefreshToken)?;
            return Err(session.end_reason(now).map_or(Error::InvalidRefreshToken, Error::from));
        };
        tx.commit().await?;
        Ok(Some(Rotated { session, refresh_token: successor, lifetime: expires_at - now }))
    }

    /// Inserts a successor and moves an API session's idle deadline; a browser's only activity moves. `None` if the session
    /// has ended: roll back.
    async fn insert_successor(
        &self,
        tx: &mut AnyConnection,
        session: &Session,
        successor: &OpaqueToken,
        now: UnixMillis,
        context: &RequestContext,
    ) -> Result<Option<(Session, UnixMillis)>, Error> {
        let expires_at = refresh_expiry(&self.policy, session, now);
        refresh_tokens::insert(&mut *tx, &successor.hash(), &session.id, now, expires_at).await?;
        if session.kind == SessionKind::Browser {
            let live = page_tokens::lock_live(&mut *tx, &session.id, now).await?;
            return Ok(live.then(|| (session.clone(), expires_at)));
        }
        let idle_expires_at = self.policy.refresh_ttl.map(|_| expires_at);
        let touched =
            sessions::touch(&mut *tx, &session.id, now, now, idle_expires_at, &context.ip.to_string()).await?;
        Ok(touched.then(|| (Session { idle_expires_at, ..session.clone() }, expires_at)))
    }

    /// Handles a used or replaced token: same successor, new successor, or revocation of the session.
    async fn replay(
        &self,
        user: &User,
        session: Session,
        token: &OpaqueToken,
        hash: &str,
        context: &RequestContext,
    ) -> Result<Rotated, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        // Locks the row: concurrent replays of one token are serialised.
        let stored = refresh_tokens::find_for_update(work.db(), hash).await?.ok_or(Error::InvalidRefreshToken)?;
        let now = self.store.now();
        let entry = |kind| Entry::new(kind).user(&user.id).session(&session.id);
        if let (Some(used_at), Some(salt), Some(next_hash), None) =
            (stored.used_at, &stored.successor_salt, &stored.successor_hash, stored.replaced_at)
        {
            // A use far in the future (clock set back) is outside of the grace period.
            let in_grace = (-CLOCK_SKEW..=self.grace(&session)).contains(&(now - used_at));
            let same_network = stored.used_network.is_none_or(|network| network == network_of(context.ip));
            if in_grace && same_network {
                let next = refresh_tokens::find(work.db(), next_hash).await?.ok_or(Error::InvalidRefreshToken)?;
                let successor = self.secret.find_successor(prefix(&session), token, salt, next_hash);
                let refresh_token =
                    successor.ok_or_else(|| Error::internal("a successor was derived from another secret"))?;
                work.log(entry(EventKind::RefreshReplayed).detail("same successor"));
                work.commit().await?;
                return Ok(Rotated { session, refresh_token, lifetime: next.expires_at - now });
            }
            let unseen = !self.uses.is_recorded(next_hash);
            if unseen && refresh_tokens::mark_replaced(work.db(), next_hash, now).await? {
                let (salt, successor) = self.new_successor(&session, token);
                let inserted = self.insert_successor(work.db(), &session, &successor, now, context).await?;
                let (session, expires_at) = inserted.ok_or(Error::InvalidRefreshToken)?;
                let to = Successor { salt: &salt, hash: &successor.hash() };
                refresh_tokens::set_successor(work.db(), hash, to).await?;
                work.log(entry(EventKind::RefreshReplayed).detail("another successor"));
                work.commit().await?;
                return Ok(Rotated { session, refresh_token: successor, lifetime: expires_at - now });
            }
        }
        work.notify(entry(EventKind::RefreshReuse), Undo::default()).await?;
        work.end(SessionSelector::of(&session), EndReason::RefreshReuse).await?;
        work.commit().await?;
        Err(EndReason::RefreshReuse.into())
    }

    /// How long a used token gets the same successor, in milliseconds.
    fn grace(&self, session: &Session) -> UnixMillis {
        let grace = millis(self.policy.refresh_grace);
        if session.kind == SessionKind::Browser { grace.max(MIN_COOKIE_GRACE) } else { grace }
    }

    /// A new successor, and the salt to derive it again.
    fn new_successor(&self, session: &Session, token: &OpaqueToken) -> (String, OpaqueToken) {
        let salt = URL_SAFE_NO_PAD.encode(random::<16>());
        let successor = self.secret.successor(prefix(session), token, &salt);
        (salt, successor)
    }

    /// Issues an access token beside the first refresh token of a session that has just begun.
    pub(crate) async fn grant_first(
        &self,
        user: &User,
        session: &Session,
        refresh_token: OpaqueToken,
        request: &TokenRequest,
    ) -> Result<Grant, Error> {
        let lifetime = refresh_expiry(&self.policy, session, session.created_at) - session.created_at;
        self.grant(user, session, refresh_token, lifetime, request).await
    }

    /// Issues an access token beside a refresh token with the given lifetime in milliseconds.
    async fn grant(
        &self,
        user: &User,
        session: &Session,
        refresh_token: OpaqueToken,
        lifetime: UnixMillis,
        request: &TokenRequest,
    ) -> Result<Grant, Error> {
        let jti = AccessUses::jti(&refresh_token, &self.store.new_id());
        Ok(Grant {
            session_id: session.id.clone(),
            access: self.access.issue(user, session, jti, request).await?,
            refresh_token,
            refresh_expires_in: lifetime.div_euclid(1000),
        })
    }
}
