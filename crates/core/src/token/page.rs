//! Page tokens (`SEKISHO_STRATEGY=jwt`): a pair of cookies in place of the cookie token. The short one is a JWT, which lets a
//! browser read pages without a look-up; the long one holds a refresh token, by which the server renews the pair, rotated
//! under the rules of [`refresh`](super::refresh).
//!
//! The session's row stays the truth. A page token ends with its deadlines, is refused once its session is on the
//! revocation list or got a new secret, and is not enough for a change: that reads the row. It has no roles: these are read as for bearer
//! tokens (ASVS 8.3.2), so that the cookie has the same size whatever they are (ASVS 3.3.5). Its type keeps it apart from
//! access tokens (RFC 8725, section 3.11): neither is accepted as the other.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sekisho_model::{AuthMethod, EndReason, LEEWAY, SessionId, SessionKind, UserId, jws};
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::{access_uses::AccessUses, refresh::RefreshTokens, signing_keys::SigningKeys};
use crate::{
    clock::{UnixMillis, millis},
    db::{
        Nullable, refresh_tokens,
        sessions::{self, Session, page_tokens},
    },
    error::Error,
    policy::Policy,
    request_context::RequestContext,
    revocation::Revocations,
    role::Roles,
    secret::OpaqueToken,
    session::{
        CookieLookup, Sessions, SignedIn,
        credential::CookieToken,
        refresh_expiry::{COOKIE_PREFIX, refresh_expiry},
    },
    strategy::Strategy,
    unit_of_work::Store,
    user_agent::device_name,
};

/// The header `typ`.
const TYPE: &str = "page+jwt";
/// Capacity of the cache of verified signatures, keyed by the complete token.
const VERIFIED: usize = 10_000;

/// The claims of a page token. Times of the session are Unix milliseconds, as in its row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageClaims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    jti: String,
    /// Unix seconds; when the pair was renewed.
    iat: i64,
    /// Unix seconds.
    exp: i64,
    method: AuthMethod,
    second_factor: Option<AuthMethod>,
    created_at: UnixMillis,
    authenticated_at: UnixMillis,
    last_active_at: UnixMillis,
    idle_expires_at: Option<UnixMillis>,
    expires_at: Option<UnixMillis>,
    new_device_at: Option<UnixMillis>,
    renewed_at: Option<UnixMillis>,
}

/// The cookies of a request.
#[derive(Clone, Copy, Debug)]
pub struct PresentedCookies<'a> {
    /// The page token.
    pub page: Option<&'a str>,
    /// The refresh token.
    pub refresh: Option<&'a str>,
}

/// What becomes of the cookies.
#[derive(Clone, Debug)]
pub struct RenewedCookies {
    /// The new page token.
    pub page: String,
    /// The new refresh token; `None`: it stays.
    pub refresh: Option<OpaqueToken>,
}

/// A session found by its cookies.
#[derive(Debug)]
pub struct FoundPage {
    /// Of the page token that is valid now.
    pub claims: PageClaims,
    /// Set if the pair was renewed: the response has to bring it.
    pub renewed: Option<RenewedCookies>,
}

/// Issues, verifies and renews page tokens.
pub struct PageTokens {
    pub(crate) store: Arc<Store>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) strategy: Strategy,
    /// `iss` and `aud`: only this server itself accepts them.
    pub(crate) issuer: String,
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) refresh: Arc<RefreshTokens>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) roles: Arc<Roles>,
    pub(crate) uses: Arc<AccessUses>,
    pub(crate) verified: VerifiedPages,
}

/// Page tokens with a verified signature, and the `kid` by which it was.
pub(crate) struct VerifiedPages(Cache<Box<str>, (Arc<str>, PageClaims)>);

impl Default for VerifiedPages {
    fn default() -> Self {
        Self(Cache::new(VERIFIED))
    }
}

impl PageTokens {
    /// Whether new sessions get a pair.
    pub fn enabled(&self) -> bool {
        self.strategy.has_page_tokens()
    }

    /// Looks up who the cookies belong to; renews them if the page token is not enough. It is enough for a read; a change
    /// reads the row (ASVS 7.4.1).
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::RateLimited`].
    pub async fn look_up(
        &self,
        cookies: PresentedCookies<'_>,
        reads_only: bool,
        context: &RequestContext,
    ) -> Result<(CookieLookup, Option<FoundPage>), Error> {
        let mut ended = None;
        if let Some(claims) = self.verify(cookies.page).await? {
            let reads_only = reads_only && self.enabled();
            match if reads_only { self.trust(&claims, context).await } else { self.look_up_row(&claims).await }? {
                live @ CookieLookup::Live(_) => return Ok((live, Some(FoundPage { claims, renewed: None }))),
                CookieLookup::Ended(reason) => ended = Some(reason),
                CookieLookup::Unknown => {}
            }
        }
        let found = match cookies.refresh {
            Some(refresh) => self.renew(refresh, context).await,
            None => Ok((CookieLookup::Unknown, None)),
        };
        match (found, ended) {
            (Ok((CookieLookup::Unknown, _)) | Err(Error::Unavailable(_)), Some(reason)) => {
                Ok((CookieLookup::Ended(reason), None))
            }
            (found, _) => found,
        }
    }

    /// The session as the token tells it, with the user and roles as they are now.
    async fn trust(&self, claims: &PageClaims, context: &RequestContext) -> Result<CookieLookup, Error> {
        if let Some(reason) = self.revocations.list.reason(&claims.sid) {
            return Ok(CookieLookup::Ended(reason));
        }
        if self.revocations.list.is_superseded(&claims.sid, claims.renewed_at) {
            return Ok(CookieLookup::Unknown);
        }
        match self.store.users.find(&claims.sub).await? {
            Some(user) if user.disabled_at.is_none() => {
                let permissions = self.roles.permissions(&user).await?;
                let (user, session) = ((*user).clone(), claims.session(context));
                Ok(CookieLookup::Live(Box::new(SignedIn { user, session, permissions })))
            }
            Some(_) => Ok(CookieLookup::Ended(EndReason::AccountDisabled)),
            None => Ok(CookieLookup::Unknown),
        }
    }

    /// The session as its row tells it; `Unknown` if it got a new secret since the token was issued (ASVS 7.2.4).
    async fn look_up_row(&self, claims: &PageClaims) -> Result<CookieLookup, Error> {
        let session = sessions::find(self.store.reader(), &claims.sid).await?;
        match session {
            Some(session) if session.user_id == claims.sub => {
                let is_older = session.renewed_at != claims.renewed_at;
                match self.sessions.look_up_row(session).await? {
                    CookieLookup::Live(_) if is_older => Ok(CookieLookup::Unknown),
                    found => Ok(found),
                }
            }
            _ => Ok(CookieLookup::Unknown),
        }
    }

    async fn renew(&self, refresh: &str, context: &RequestContext) -> Result<(CookieLookup, Option<FoundPage>), Error> {
        let (session, refresh) = match self.refresh.rotate_cookie(refresh, context).await {
            Ok(rotated) => rotated,
            Err(Error::SessionEnded(reason)) => return Ok((CookieLookup::Ended(reason), None)),
            Err(Error::InvalidRefreshToken) => return Ok((CookieLookup::Unknown, None)),
            Err(error) => return Err(error),
        };
        let claims = self.claims(&session, &refresh);
        let renewed = RenewedCookies { page: self.sign(&claims)?, refresh: Some(refresh) };
        match self.sessions.look_up_row(session).await? {
            live @ CookieLookup::Live(_) => Ok((live, Some(FoundPage { claims, renewed: Some(renewed) }))),
            gone => Ok((gone, None)),
        }
    }

    /// Replaces the new cookie token of a session by a pair, and with it every refresh token that the session had. `None`
    /// if no live session has this token.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; then the cookie token is still valid.
    #[instrument(level = "debug", skip_all)]
    pub async fn replace_cookie_token(&self, token: CookieToken) -> Result<Option<RenewedCookies>, Error> {
        let found = sessions::find_by_token_hash(self.store.reader(), &token.hash()).await?;
        let Some(session) = found else { return Ok(None) };
        let refresh = OpaqueToken::generate(COOKIE_PREFIX);
        let claims = self.claims(&session, &refresh);
        let renewed = RenewedCookies { page: self.sign(&claims)?, refresh: Some(refresh.clone()) };
        let mut work = self.store.begin(None).await?;
        let now = work.now;
        if !page_tokens::remove_token(work.db(), &token.hash()).await? {
            return Ok(None);
        }
        let expires_at = refresh_expiry(&self.policy, &session, now);
        refresh_tokens::delete_of_session(work.db(), &session.id).await?;
        refresh_tokens::insert(work.db(), &refresh.hash(), &session.id, now, expires_at).await?;
        work.commit().await?;
        Ok(Some(renewed))
    }

    /// The page token after activity was recorded: with the session's new deadlines, but no longer than until the pair would
    /// have had to be renewed anyway.
    ///
    /// # Errors
    /// [`Error::Internal`] without a signing key.
    pub fn update(&self, claims: &mut PageClaims, session: &Session) -> Result<Option<RenewedCookies>, Error> {
        if claims.last_active_at == session.last_active_at && claims.idle_expires_at == session.idle_expires_at {
            return Ok(None);
        }
        let deadlines = [session.idle_expires_at, session.expires_at, Some(self.renew_at(claims.iat))];
        claims.last_active_at = session.last_active_at;
        claims.idle_expires_at = session.idle_expires_at;
        claims.exp = deadlines.into_iter().flatten().min().unwrap_or_default().div_euclid(1000);
        Ok(Some(RenewedCookies { page: self.sign(claims)?, refresh: None }))
    }

    /// Whether the session has ended or got a new secret meanwhile, as far as this process knows: its cookies must not take
    /// the place of others.
    pub fn is_over(&self, claims: &PageClaims) -> bool {
        let list = &self.revocations.list;
        list.reason(&claims.sid).is_some() || list.is_superseded(&claims.sid, claims.renewed_at)
    }

    fn renew_at(&self, iat: i64) -> UnixMillis {
        iat * 1000 + millis(self.policy.access_ttl)
    }

    fn claims(&self, session: &Session, refresh: &OpaqueToken) -> PageClaims {
        let iat = self.store.now().div_euclid(1000);
        let end = session.deadline().map_or(UnixMillis::MAX, |at| at).min(self.renew_at(iat));
        PageClaims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: session.user_id.clone(),
            sid: session.id.clone(),
            jti: AccessUses::jti(refresh, &self.store.new_id()),
            iat,
            exp: end.div_euclid(1000),
            method: session.method,
            second_factor: session.second_factor.0,
            created_at: session.created_at,
            authenticated_at: session.authenticated_at,
            last_active_at: session.last_active_at,
            idle_expires_at: session.idle_expires_at,
            expires_at: session.expires_at,
            new_device_at: session.new_device_at,
            renewed_at: session.renewed_at,
        }
    }

    fn sign(&self, claims: &PageClaims) -> Result<String, Error> {
        self.keys.sign_as(TYPE, claims, self.store.now())
    }

    /// The claims of a valid page token: signature, type, issuer, audience, times. `None`: there is none. Without a leeway
    /// for its end: renewing it is cheap.
    async fn verify(&self, token: Option<&str>) -> Result<Option<PageClaims>, Error> {
        let now = self.store.now();
        let Some(token) = token else { return Ok(None) };
        let Some(claims) = self.check_signature(token, now).await? else { return Ok(None) };
        self.revocations.reload_if_clock_set_back(now).await?;
        let seconds = now.div_euclid(1000);
        // A lifetime shortened by configuration applies to older tokens too.
        let running = seconds < claims.exp && now < self.renew_at(claims.iat);
        if claims.iat > seconds + LEEWAY || !running {
            return Ok(None);
        }
        self.uses.record(&claims.jti);
        Ok(Some(claims))
    }

    async fn check_signature(&self, token: &str, now: UnixMillis) -> Result<Option<PageClaims>, Error> {
        // A withdrawn key invalidates cached tokens.
        if let Some((kid, claims)) = self.verified.0.get(token)
            && self.keys.ring().verifier(&kid).is_some()
        {
            return Ok(Some(claims));
        }
        let Some(kid) = jws::kid_of_type(token, TYPE) else { return Ok(None) };
        if self.keys.ring().verifier(&kid).is_none() {
            self.keys.reload_for_unknown(now).await?;
        }
        let ring = self.keys.ring();
        let Some((kid, key, validation)) = ring.verifier(&kid) else { return Ok(None) };
        let Ok(decoded) = jsonwebtoken::decode::<PageClaims>(token, key, validation) else { return Ok(None) };
        let claims = decoded.claims;
        if claims.iss != self.issuer || claims.aud != self.issuer {
            return Ok(None);
        }
        self.verified.0.insert(token.into(), (kid.clone(), claims.clone()));
        Ok(Some(claims))
    }
}

// What pages keep in a session that has no cookie token
impl PageTokens {
    /// The JSON that pages store in this live session.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn find_page_data(&self, claims: &PageClaims) -> Result<Option<String>, Error> {
        Ok(page_tokens::find_data(self.store.reader(), &claims.sid, self.store.now()).await?)
    }

    /// Stores the pages' JSON; no effect on an ended session.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn save_page_data(&self, claims: &PageClaims, data: &str) -> Result<(), Error> {
        Ok(page_tokens::update_data(self.store.writer(), &claims.sid, data).await?)
    }
}

impl PageClaims {
    /// The session as it was when the token was issued, on the device that presents it.
    fn session(&self, context: &RequestContext) -> Session {
        Session {
            id: self.sid.clone(),
            user_id: self.sub.clone(),
            kind: SessionKind::Browser,
            token_hash: None,
            device: device_name(&context.user_agent),
            ip: context.ip.to_string(),
            user_agent: context.user_agent.clone(),
            method: self.method,
            second_factor: Nullable(self.second_factor),
            created_at: self.created_at,
            authenticated_at: self.authenticated_at,
            last_active_at: self.last_active_at,
            idle_expires_at: self.idle_expires_at,
            expires_at: self.expires_at,
            ended_at: None,
            ended_reason: Nullable(None),
            new_device_at: self.new_device_at,
            scope: None,
            renewed_at: self.renewed_at,
        }
    }
}
