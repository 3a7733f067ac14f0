//! Refresh tokens: each works once and brings its successor (RFC 9700, section 4.14; ASVS 10.4.5).
//!
//! A used token that comes back is either a lost answer or a thief's copy. Within a fixed time of its first use, and from
//! the network of that use, it gets the same successor again, so that a lost response or two racing tabs harm nobody.
//! Otherwise it is honoured only while neither the successor nor an access token that came with it was ever used, and
//! then it *replaces* the successor by a new one: of two parties that hold the line, the one that presents the replaced
//! token reveals both, and the whole session ends. Every replay is in the log.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, PoisonError},
};

use quick_cache::sync::Cache;

use super::{
    Auth, HOUR, RequestContext,
    access_token::{Issued, TokenRequest},
    admin::REFRESHES,
    event::{Entry, Kind as EventKind, network_of},
    millis,
    reason::Reason,
    secret::{OpaqueToken, random},
    session::{Key, Kind, Method, NewSession, Which},
};
use crate::{
    db::{
        Executor, UnixMillis,
        refresh_tokens::{self, Successor},
        sessions::{self, Session},
        users::User,
    },
    error::Error,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

const PREFIX: &str = "sk_rt_";
/// How far the clocks of two nodes may differ, in milliseconds.
const CLOCK_SKEW: UnixMillis = 5_000;
/// Where no lifetime is set, the row needs one all the same.
const FOREVER: UnixMillis = 400 * 24 * HOUR;

/// What a client gets at sign-in and at each refresh.
#[derive(Clone)]
pub struct Grant {
    pub session_id: String,
    pub access: Issued,
    pub refresh_token: OpaqueToken,
    /// Seconds.
    pub refresh_expires_in: i64,
}

impl Auth {
    /// Begins an API session and makes its first tokens.
    ///
    /// `instead_of` is a session of this user that ends, to make room.
    pub async fn grant(
        &self,
        user: &User,
        device: Option<&str>,
        instead_of: Option<&str>,
        request: &TokenRequest,
        context: &RequestContext,
    ) -> Result<Grant, Error> {
        let new = NewSession {
            user_id: &user.id,
            password_changed_at: user.password_changed_at,
            proved_at: self.clock.now(),
            kind: Kind::Api,
            method: Method::Password,
            subject: None,
            device,
            replaces: None,
            instead_of,
            scope: request.scope,
        };
        match self.begin_session(new, context).await? {
            (session, Key::Refresh(token, expires_at)) => {
                self.granted(user, &session, token, expires_at - session.created_at, request)
            }
            (_, Key::Cookie(_)) => Err(Error::internal("an API session has a refresh token")),
        }
    }

    /// Makes the token that a session begins with, in the transaction that begins it.
    pub(super) async fn first_refresh_token(
        &self,
        db: impl Executor<'_>,
        session: &Session,
        now: UnixMillis,
    ) -> Result<(OpaqueToken, UnixMillis), Error> {
        let token = OpaqueToken::generate(PREFIX);
        let expires_at = self.refresh_expiry(session, now);
        refresh_tokens::insert(db, &token.hash(), &session.id, now, expires_at).await?;
        Ok((token, expires_at))
    }

    /// Uses a refresh token up and answers with its successor.
    pub async fn refresh(
        &self,
        presented: &str,
        request: &TokenRequest,
        context: &RequestContext,
    ) -> Result<Grant, Error> {
        let result = self.try_refresh(presented, request, context).await;
        self.metrics.refresh(result.is_ok());
        if result.is_ok() {
            self.tally.add(self.clock.now(), REFRESHES);
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
        let hash = token.hash();
        let stored = refresh_tokens::find(self.db.reader(), &hash).await?.ok_or(Error::InvalidRefreshToken)?;
        let mut session =
            sessions::find(self.db.reader(), &stored.session_id).await?.ok_or(Error::InvalidRefreshToken)?;
        let now = self.clock.now();
        if let Some(reason) = self.over(&mut session).await? {
            return Err(reason.into());
        }
        request.scope_within(&session)?; // before anything is used up
        let user = self.user(&session.user_id).await?.ok_or(Error::InvalidRefreshToken)?;
        if user.disabled_at.is_some() {
            return Err(Reason::AccountDisabled.into());
        }
        if stored.used_at.is_none() && stored.replaced_at.is_none() {
            if stored.expires_at <= now {
                return Err(Error::InvalidRefreshToken);
            }
            if let Some(grant) = self.rotate(&user, &session, &token, now, request, context).await? {
                return Ok(grant);
            }
        }
        self.replay(&user, &session, &token, &hash, request, context).await
    }

    /// The first use. `None` when another request was first.
    async fn rotate(
        &self,
        user: &User,
        session: &Session,
        token: &OpaqueToken,
        now: UnixMillis,
        request: &TokenRequest,
        context: &RequestContext,
    ) -> Result<Option<Grant>, Error> {
        let (salt, successor) = self.new_successor(token);
        let (hash, next) = (token.hash(), successor.hash());
        let expires_at = self.refresh_expiry(session, now);

        let mut tx = self.db.begin().await?;
        let (network, to) = (network_of(context.ip), Successor { salt: &salt, hash: &next });
        if !refresh_tokens::mark_used(&mut *tx, &hash, to, &network, now).await? {
            return Ok(None);
        }
        refresh_tokens::insert(&mut *tx, &next, &session.id, now, expires_at).await?;
        let idle_expires_at = self.policy.refresh_ttl.map(|_| expires_at);
        let ip = context.ip.to_string();
        // Refused by the row when the session has ended meanwhile: then nothing of this is kept.
        if !sessions::touch(&mut *tx, &session.id, now, now, idle_expires_at, &ip).await? {
            tx.rollback().await?;
            let session = sessions::find(self.db.reader(), &session.id).await?.ok_or(Error::InvalidRefreshToken)?;
            return Err(session.ended(now).map_or(Error::InvalidRefreshToken, Error::from));
        }
        tx.commit().await?;
        let session = Session { idle_expires_at, ..session.clone() };
        self.granted(user, &session, successor, expires_at - now, request).map(Some)
    }

    /// A token that was used, or replaced, before: the same successor, another one, or the end of the session.
    async fn replay(
        &self,
        user: &User,
        session: &Session,
        token: &OpaqueToken,
        hash: &str,
        request: &TokenRequest,
        context: &RequestContext,
    ) -> Result<Grant, Error> {
        let mut act = self.begin(Some(context)).await?;
        // The row is held: replays of one token are answered one after the other, each knowing what the last one did.
        let stored = refresh_tokens::find_for_update(act.db(), hash).await?.ok_or(Error::InvalidRefreshToken)?;
        let now = self.clock.now();
        let entry = |kind| Entry::new(kind).user(&user.id).session(&session.id);
        if let (Some(used_at), Some(salt), Some(next_hash), None) =
            (stored.used_at, &stored.successor_salt, &stored.successor_hash, stored.replaced_at)
        {
            // An age far below zero, as after a clock was set back, is not taken for a young one: the grace has an end.
            let in_grace = (-CLOCK_SKEW..=millis(self.policy.refresh_grace)).contains(&(now - used_at));
            let same_network = stored.used_network.is_none_or(|network| network == network_of(context.ip));
            if in_grace && same_network {
                let next = refresh_tokens::find(act.db(), next_hash).await?.ok_or(Error::InvalidRefreshToken)?;
                let successor = self.secret.find_successor(PREFIX, token, salt, next_hash);
                let successor =
                    successor.ok_or_else(|| Error::internal("a successor was derived from another secret"))?;
                act.log(entry(EventKind::RefreshReplayed).detail("same successor"));
                act.commit().await?;
                return self.granted(user, session, successor, next.expires_at - now, request);
            }
            let unseen = !self.access_uses.is_noted(next_hash);
            if unseen && refresh_tokens::mark_replaced(act.db(), next_hash, now).await? {
                let (salt, successor) = self.new_successor(token);
                let next_hash = successor.hash();
                let expires_at = self.refresh_expiry(session, now);
                refresh_tokens::insert(act.db(), &next_hash, &session.id, now, expires_at).await?;
                refresh_tokens::set_successor(act.db(), hash, Successor { salt: &salt, hash: &next_hash }).await?;
                let idle_expires_at = self.policy.refresh_ttl.map(|_| expires_at);
                let ip = context.ip.to_string();
                if !sessions::touch(act.db(), &session.id, now, now, idle_expires_at, &ip).await? {
                    return Err(Error::InvalidRefreshToken);
                }
                act.log(entry(EventKind::RefreshReplayed).detail("another successor"));
                act.commit().await?;
                let session = Session { idle_expires_at, ..session.clone() };
                return self.granted(user, &session, successor, expires_at - now, request);
            }
        }
        act.notify(&user.id).await?;
        act.log(entry(EventKind::RefreshReuse));
        act.end(Which::of(session), Reason::RefreshReuse).await?;
        act.commit().await?;
        Err(Reason::RefreshReuse.into())
    }

    /// A successor, and the salt from which it can be derived again.
    fn new_successor(&self, token: &OpaqueToken) -> (String, OpaqueToken) {
        let salt = URL_SAFE_NO_PAD.encode(random::<16>());
        let successor = self.secret.successor(PREFIX, token, &salt);
        (salt, successor)
    }

    fn granted(
        &self,
        user: &User,
        session: &Session,
        refresh_token: OpaqueToken,
        lifetime: UnixMillis,
        request: &TokenRequest,
    ) -> Result<Grant, Error> {
        Ok(Grant {
            session_id: session.id.clone(),
            access: self.issue_access_token(
                user,
                session,
                AccessUses::jti(&refresh_token, &self.clock.new_id()),
                request,
            )?,
            refresh_token,
            refresh_expires_in: lifetime.div_euclid(1000),
        })
    }

    /// A refresh token slides with its use, up to the session's absolute end (ASVS 10.4.8).
    fn refresh_expiry(&self, session: &Session, now: UnixMillis) -> UnixMillis {
        let sliding = now + self.policy.refresh_ttl.map_or(FOREVER, millis);
        session.expires_at.map_or(sliding, |absolute| sliding.min(absolute))
    }
}

/// Which access tokens of API sessions were seen, each noted once: a refresh token whose access token was used is not
/// one whose answer was lost. Kept in memory until the follow-up task writes it, so that no bearer request waits for it.
#[derive(Debug)]
pub(super) struct AccessUses {
    noted: Cache<u64, ()>,
    pending: Mutex<HashSet<u64>>,
}

/// Tokens that are remembered as noted; more cost a needless write each.
const NOTED: usize = 100_000;
/// While nothing can be written, no more than this waits.
const MAX_PENDING: usize = 100_000;
/// Rows that one transaction writes: nobody waits long behind it.
const USES_AT_A_TIME: usize = 500;

impl Default for AccessUses {
    fn default() -> Self {
        Self { noted: Cache::new(NOTED), pending: Mutex::default() }
    }
}

impl AccessUses {
    /// The `jti` of an access token that comes with a refresh token: the first 64 bits of the latter's hash, which is
    /// no secret, and a unique id.
    fn jti(refresh_token: &OpaqueToken, id: &str) -> String {
        format!("{}.{id}", &refresh_token.hash()[..16])
    }

    /// Notes that the access token with this `jti` was presented.
    pub fn note(&self, jti: &str) {
        let Some(prefix) = jti.split_once('.').and_then(|(prefix, _)| parse_prefix(prefix)) else { return };
        if self.noted.get(&prefix).is_some() {
            return;
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() < MAX_PENDING {
            pending.insert(prefix);
            self.noted.insert(prefix, ());
        }
    }

    /// Whether this process saw an access token that came with the refresh token of this hash.
    fn is_noted(&self, refresh_hash: &str) -> bool {
        let prefix = refresh_hash.get(..16).and_then(parse_prefix);
        prefix.is_some_and(|prefix| self.noted.get(&prefix).is_some())
    }
}

fn parse_prefix(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex, 16).ok()
}

impl Auth {
    /// Writes down which access tokens were seen since the last call.
    pub async fn write_access_uses(&self) -> Result<(), Error> {
        let mut pending: Vec<u64> = {
            let mut pending = self.access_uses.pending.lock().unwrap_or_else(PoisonError::into_inner);
            mem::take(&mut *pending).into_iter().collect()
        };
        pending.sort_unstable(); // two nodes take the rows in one order
        for (n, some) in pending.chunks(USES_AT_A_TIME).enumerate() {
            if let Err(error) = self.mark_access_used(some).await {
                let rest = &pending[n * USES_AT_A_TIME..];
                self.access_uses.pending.lock().unwrap_or_else(PoisonError::into_inner).extend(rest);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn mark_access_used(&self, prefixes: &[u64]) -> Result<(), Error> {
        let (mut tx, now) = (self.db.begin().await?, self.clock.now());
        for prefix in prefixes {
            refresh_tokens::mark_access_used(&mut *tx, &format!("{prefix:016x}"), now).await?;
        }
        Ok(tx.commit().await?)
    }
}
