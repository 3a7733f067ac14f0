//! Access tokens: short-lived signed JWTs (RFC 9068), verified without the database, or [opaque](super::opaque) ones, as
//! the strategy says; both kinds are accepted. Per RFC 8725: one algorithm per key, explicit typing, no key taken from the
//! token.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sekisho_model::{LEEWAY, jws};

pub use super::claims::Claims;
use super::{
    access_uses::AccessUses,
    opaque::{self, OpaqueAccessTokens},
    request::{Audiences, TokenRequest},
    signing_keys::SigningKeys,
};
use crate::{
    clock::{Clock, UnixMillis, millis},
    db::{sessions::Session, users::User},
    error::Error,
    policy::Policy,
    revocation::Revocations,
    secret::OpaqueToken,
    strategy::Strategy,
};

/// Capacity of the cache of verified signatures, keyed by the complete token.
const VERIFIED: usize = 10_000;

/// An issued access token.
#[derive(Clone)]
pub struct Issued {
    /// The compact JWS, or the opaque token.
    pub token: String,
    /// Lifetime in seconds.
    pub expires_in: i64,
}

/// Issues and verifies access tokens.
pub struct AccessTokens {
    clock: Clock,
    policy: Arc<Policy>,
    strategy: Strategy,
    issuer: String,
    pub(super) audiences: Audiences,
    opaque: OpaqueAccessTokens,
    keys: Arc<SigningKeys>,
    revocations: Arc<Revocations>,
    uses: Arc<AccessUses>,
    verified: Cache<Box<str>, Verified>,
}

/// A token with a verified signature; valid while its key is.
#[derive(Clone)]
struct Verified {
    kid: Arc<str>,
    claims: Arc<Claims>,
}

impl AccessTokens {
    pub(crate) fn new(
        clock: Clock,
        policy: Arc<Policy>,
        (issuer, audiences): (String, Audiences),
        (strategy, opaque): (Strategy, OpaqueAccessTokens),
        keys: Arc<SigningKeys>,
        revocations: Arc<Revocations>,
        uses: Arc<AccessUses>,
    ) -> Self {
        let verified = Cache::new(VERIFIED);
        Self { clock, policy, strategy, issuer, audiences, opaque, keys, revocations, uses, verified }
    }

    /// Parses the requested audience and scope.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] with all field errors.
    pub fn parse_request(&self, audience: Option<String>, scope: Option<&str>) -> Result<TokenRequest, Error> {
        self.audiences.parse_request(audience, scope)
    }

    /// The public keys as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> Arc<str> {
        self.keys.ring().jwks.clone()
    }

    /// Issues an access token for a live session. It expires no later than the session's current deadlines.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the scope exceeds the session's, [`Error::Internal`] without a signing key;
    /// [`Error::Unavailable`] where tokens are opaque.
    pub async fn issue(
        &self,
        user: &User,
        session: &Session,
        jti: String,
        request: &TokenRequest,
    ) -> Result<Issued, Error> {
        let scope = request.scope_within(session)?;
        let now = self.clock.now();
        let end = session.deadline().map_or(UnixMillis::MAX, |at| at).min(now + millis(self.policy.access_ttl));
        let (iat, exp) = (now.div_euclid(1000), end.div_euclid(1000));
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: request.audience.clone().unwrap_or_else(|| self.audiences.own.clone()),
            sub: user.id.clone(),
            sid: session.id.clone(),
            jti,
            iat,
            exp,
            nbf: None,
            client_id: session.kind.to_string(),
            scope,
            roles: user.role_names().map(Into::into).collect(),
            acr: session.assurance().to_string(),
            amr: session.amr(),
        };
        let token = match self.strategy.has_opaque_access_tokens() {
            true => self.opaque.issue(&claims).await?.expose().to_owned(),
            false => self.keys.sign(&claims, now)?,
        };
        Ok(Issued { token, expires_in: exp - iat })
    }

    /// Verifies an access token for Sekisho's own API. A JWT: signature, type, issuer, audience, times, revocation; that
    /// reads the database only for an unknown key or after the clock was set back, unless the strategy looks everything
    /// up. An opaque one is looked up.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::SessionEnded`].
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, Error> {
        self.verify_for(token, |audience| audience == self.audiences.own).await
    }

    /// As [`AccessTokens::verify`], for other audiences.
    pub(super) async fn verify_for(
        &self,
        token: &str,
        accepts: impl Fn(&str) -> bool + Send,
    ) -> Result<Arc<Claims>, Error> {
        let now = self.clock.now();
        let claims = match OpaqueToken::parse(opaque::PREFIX, token) {
            Some(token) => Arc::new(self.opaque.look_up(&token, &self.issuer, now, accepts).await?),
            None => {
                let claims = self.verify_jwt(token, now, accepts).await?;
                if self.strategy.looks_everything_up() {
                    self.opaque.require_live_id(&claims.sid).await?;
                }
                claims
            }
        };
        self.uses.record(&claims.jti);
        Ok(claims)
    }

    async fn verify_jwt(
        &self,
        token: &str,
        now: UnixMillis,
        accepts: impl Fn(&str) -> bool + Send,
    ) -> Result<Arc<Claims>, Error> {
        let claims = self.check_signature(token, now).await?;
        if !accepts(&claims.aud) {
            return Err(Error::InvalidToken);
        }
        self.revocations.reload_if_clock_set_back(now).await?;
        if let Some(reason) = self.revocations.list.reason(&claims.sid) {
            return Err(Error::SessionEnded(reason));
        }
        let now = now.div_euclid(1000);
        let started = claims.iat <= now + LEEWAY && claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY);
        // The leeway is for other nodes' clocks.
        let running = now < self.expires_at(&claims).saturating_add(LEEWAY);
        if !started || !running {
            return Err(Error::InvalidToken);
        }
        Ok(claims)
    }

    /// When a token ends, in Unix seconds. A lifetime shortened by configuration applies to older tokens too, as revocations
    /// are kept for that long only.
    pub(super) fn expires_at(&self, claims: &Claims) -> i64 {
        let life = millis(self.policy.access_ttl).div_euclid(1000);
        claims.exp.min(claims.iat.saturating_add(life))
    }

    /// Verifies signature, type and issuer.
    async fn check_signature(&self, token: &str, now: UnixMillis) -> Result<Arc<Claims>, Error> {
        // A withdrawn key invalidates cached tokens.
        if let Some(Verified { kid, claims }) = self.verified.get(token)
            && self.keys.ring().verifier(&kid).is_some()
        {
            return Ok(claims);
        }
        let kid = jws::kid(token).ok_or(Error::InvalidToken)?;
        if self.keys.ring().verifier(&kid).is_none() {
            self.keys.reload_for_unknown(now).await?;
        }
        let ring = self.keys.ring();
        let (kid, key, validation) = ring.verifier(&kid).ok_or(Error::InvalidToken)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, validation).map_err(|_| Error::InvalidToken)?.claims;
        if claims.iss != self.issuer {
            return Err(Error::InvalidToken);
        }
        let claims = Arc::new(claims);
        self.verified.insert(token.into(), Verified { kid: kid.clone(), claims: claims.clone() });
        Ok(claims)
    }
}
