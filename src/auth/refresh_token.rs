//! Refresh tokens: each works once and brings its successor (RFC 9700, section 4.14; ASVS 10.4.5).
//!
//! A used token that comes back is either a lost answer or a thief. Within a fixed time of its first use it gets
//! the same successor again, so that a lost response or two racing tabs harm nobody. Later it does so only while
//! the successor was never used. Otherwise two parties hold the chain, and the whole session ends.

use super::{
    Auth, Caller, HOUR,
    access_token::{Issued, TokenRequest},
    admin::REFRESHES,
    event::{Entry, Kind as EventKind},
    millis,
    reason::Reason,
    secret::{OpaqueToken, random},
    session::{Key, Kind, Method, NewSession, Which},
};
use crate::{
    db::{
        Executor, UnixMillis, refresh_tokens,
        sessions::{self, Session},
        users::User,
    },
    error::Error,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

const PREFIX: &str = "sk_rt_";
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
        caller: &Caller,
    ) -> Result<Grant, Error> {
        let new = NewSession {
            user_id: &user.id,
            password_changed_at: user.password_changed_at,
            proved_at: self.clock.now(),
            kind: Kind::Api,
            method: Method::Password,
            device,
            replaces: None,
            instead_of,
            scope: request.scope,
        };
        match self.begin_session(new, caller).await? {
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
    pub async fn refresh(&self, presented: &str, request: &TokenRequest, caller: &Caller) -> Result<Grant, Error> {
        let result = self.try_refresh(presented, request, caller).await;
        self.metrics.refresh(result.is_ok());
        if result.is_ok() {
            self.tally.add(self.clock.now(), REFRESHES);
        }
        result
    }

    async fn try_refresh(&self, presented: &str, request: &TokenRequest, caller: &Caller) -> Result<Grant, Error> {
        self.limits.refresh(caller.ip)?;
        let token = OpaqueToken::parse(PREFIX, presented).ok_or(Error::InvalidRefreshToken)?;
        let hash = token.hash();
        let stored = refresh_tokens::find(self.db.reader(), &hash).await?.ok_or(Error::InvalidRefreshToken)?;
        let session = sessions::find(self.db.reader(), &stored.session_id).await?.ok_or(Error::InvalidRefreshToken)?;
        let now = self.clock.now();
        if let Some(reason) = self.over(&session).await? {
            return Err(reason.into());
        }
        request.scope_within(&session)?; // before anything is used up
        let user = self.user(&session.user_id).await?.ok_or(Error::InvalidRefreshToken)?;
        if user.disabled_at.is_some() {
            return Err(Reason::AccountDisabled.into());
        }
        if stored.used_at.is_none() {
            if stored.expires_at <= now {
                return Err(Error::InvalidRefreshToken);
            }
            if let Some(grant) = self.rotate(&user, &session, &token, now, request, caller).await? {
                return Ok(grant);
            }
        }
        self.replay(&user, &session, &token, &hash, now, request, caller).await
    }

    /// The first use. `None` when another request was first.
    async fn rotate(
        &self,
        user: &User,
        session: &Session,
        token: &OpaqueToken,
        now: UnixMillis,
        request: &TokenRequest,
        caller: &Caller,
    ) -> Result<Option<Grant>, Error> {
        let salt = URL_SAFE_NO_PAD.encode(random::<16>());
        let successor = self.secret.successor(PREFIX, token, &salt);
        let expires_at = self.refresh_expiry(session, now);

        let mut tx = self.db.begin().await?;
        if !refresh_tokens::mark_used(&mut *tx, &token.hash(), &salt, &successor.hash(), now).await? {
            return Ok(None);
        }
        refresh_tokens::insert(&mut *tx, &successor.hash(), &session.id, now, expires_at).await?;
        let idle_expires_at = self.policy.refresh_ttl.map(|_| expires_at);
        let ip = caller.ip.to_string();
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

    /// A token that was used before: the same successor, or the end.
    async fn replay(
        &self,
        user: &User,
        session: &Session,
        token: &OpaqueToken,
        hash: &str,
        now: UnixMillis,
        request: &TokenRequest,
        caller: &Caller,
    ) -> Result<Grant, Error> {
        // Read anew, from the writer: the use that was first may be a moment old.
        let used = refresh_tokens::find(self.db.writer(), hash).await?.ok_or(Error::InvalidRefreshToken)?;
        let (Some(used_at), Some(salt), Some(next)) = (used.used_at, used.successor_salt, used.successor_hash) else {
            return Err(Error::InvalidRefreshToken);
        };
        let successor_hash = next;
        let next = refresh_tokens::find(self.db.writer(), &successor_hash).await?.ok_or(Error::InvalidRefreshToken)?;
        let in_grace = now - used_at <= millis(self.policy.refresh_grace);
        if in_grace || next.used_at.is_none() {
            let successor = self.secret.find_successor(PREFIX, token, &salt, &successor_hash);
            let successor = successor.ok_or_else(|| Error::internal("a successor was derived from another secret"))?;
            return self.granted(user, session, successor, next.expires_at - now, request);
        }
        let mut act = self.begin(Some(caller)).await?;
        act.notify(&user.id).await?;
        act.log(Entry::new(EventKind::RefreshReuse).user(&user.id).session(&session.id));
        act.end(Which::of(session), Reason::RefreshReuse).await?;
        act.commit().await?;
        Err(Reason::RefreshReuse.into())
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
            access: self.issue_access_token(user, session, request)?,
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
