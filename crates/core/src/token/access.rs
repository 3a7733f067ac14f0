//! Access tokens: short-lived signed JWTs (RFC 9068), verified without the database. Per RFC 8725: one algorithm per
//! key, explicit typing, no key taken from the token.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sekisho_model::{LEEWAY, Scopes, SessionId, UserId, jws};

use super::{
    access_uses::AccessUses,
    request::{Audiences, TokenRequest},
    signing_keys::SigningKeys,
};
use crate::{
    clock::{Clock, UnixMillis, millis},
    db::{sessions::Session, users::User},
    error::Error,
    policy::Policy,
    revocation::Revocations,
};

/// Capacity of the cache of verified signatures, keyed by the complete token.
const VERIFIED: usize = 10_000;

/// The claims of this server's access tokens.
pub type Claims = sekisho_model::Claims<Scopes, UserId, SessionId>;

/// An issued access token.
#[derive(Clone)]
pub struct Issued {
    /// The compact JWS.
    pub token: String,
    /// Lifetime in seconds.
    pub expires_in: i64,
}

/// Issues and verifies access tokens.
pub struct AccessTokens {
    clock: Clock,
    policy: Arc<Policy>,
    issuer: String,
    audiences: Audiences,
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
        keys: Arc<SigningKeys>,
        revocations: Arc<Revocations>,
        uses: Arc<AccessUses>,
    ) -> Self {
        Self { clock, policy, issuer, audiences, keys, revocations, uses, verified: Cache::new(VERIFIED) }
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
    /// [`Error::InvalidInput`] if the scope exceeds the session's, [`Error::Internal`] without a signing key.
    pub fn issue(&self, user: &User, session: &Session, jti: String, request: &TokenRequest) -> Result<Issued, Error> {
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
        Ok(Issued { token: self.keys.sign(&claims, now)?, expires_in: exp - iat })
    }

    /// Verifies an access token: signature, type, issuer, audience, times, revocation. Reads the database only for an
    /// unknown key or after the clock was set back.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::SessionEnded`].
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, Error> {
        let now = self.clock.now();
        let claims = self.check_signature(token, now).await?;
        self.revocations.reload_if_clock_set_back(now).await?;
        if let Some(reason) = self.revocations.list.reason(&claims.sid) {
            return Err(Error::SessionEnded(reason));
        }
        let now = now.div_euclid(1000);
        let started = claims.iat <= now + LEEWAY && claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY);
        // The leeway is for other nodes' clocks. A lifetime shortened by configuration applies to older tokens too, as
        // revocations are kept for that long only.
        let life = millis(self.policy.access_ttl).div_euclid(1000);
        let running = now < claims.exp.min(claims.iat.saturating_add(life)).saturating_add(LEEWAY);
        if !started || !running {
            return Err(Error::InvalidToken);
        }
        self.uses.record(&claims.jti);
        Ok(claims)
    }

    /// Verifies signature, type, issuer and audience, but not the times.
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
        if claims.iss != self.issuer || claims.aud != self.audiences.own {
            return Err(Error::InvalidToken);
        }
        let claims = Arc::new(claims);
        self.verified.insert(token.into(), Verified { kid: kid.clone(), claims: claims.clone() });
        Ok(claims)
    }
}
