//! Access tokens: signed JWTs (RFC 9068) that live for minutes and are verified without the database, held to
//! RFC 8725: one algorithm per key, an explicit type, no key taken from the token.

use std::{
    sync::{Arc, PoisonError, RwLock, atomic::AtomicI64},
    time::Duration,
};

use jsonwebtoken::Algorithm;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::{Auth, jws, millis, reason::Reason, scope::Scopes, secret::MasterSecret, signing_keys::KeyRing};
use crate::{
    db::{UnixMillis, sessions::Session, users::User},
    error::{Error, FieldError},
    settings::Settings,
};

/// RFC 9068, section 2.1: no other kind of JWT is taken for an access token.
pub(super) const TYPE: &str = "at+jwt";
/// How far another machine's clock may be off, in seconds.
pub(super) const LEEWAY: i64 = 5;
/// The largest whole number that every JSON parser reads alike (RFC 8259, section 6).
const MAX_TIME: u64 = (1 << 53) - 1;
/// Tokens whose signature has been checked; each is looked up by all of its bytes.
const VERIFIED: usize = 10_000;
/// What an access token says. No e-mail address, no profile: anybody who holds the token can read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user's id.
    pub sub: String,
    /// The session's id.
    pub sid: String,
    pub jti: String,
    /// Unix seconds, as are `exp` and `nbf`.
    #[serde(deserialize_with = "seconds")]
    pub iat: i64,
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub nbf: Option<i64>,
    /// `browser` or `api`: the kind of session it was made for.
    pub client_id: String,
    pub scope: Scopes,
    pub roles: Vec<String>,
}

/// A claim that is there must have its type: `null` is not "absent" (CVE-2026-25537).
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    let readable = seconds.unsigned_abs() <= MAX_TIME;
    if readable { Ok(seconds) } else { Err(serde::de::Error::custom("out of range")) }
}

/// What a client asks of an access token; by default one for Sekisho itself, that may do what its session may.
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    audience: Option<String>,
    pub(super) scope: Option<Scopes>,
}

/// A new access token.
#[derive(Clone)]
pub struct Issued {
    pub token: String,
    /// Seconds.
    pub expires_in: i64,
}

/// Signs and verifies, with the keys of the database.
pub struct AccessTokens {
    issuer: String,
    audience: String,
    /// Other services' names.
    audiences: Vec<String>,
    pub(super) algorithm: Algorithm,
    /// After this time the next key signs.
    pub(super) rotation: Option<Duration>,
    pub(super) secret: MasterSecret,
    keys: RwLock<Arc<KeyRing>>,
    pub(super) read_at: AtomicI64,
    verified: Cache<Box<str>, Verified>,
}

/// A token whose signature was checked, good for as long as its key is.
#[derive(Clone)]
struct Verified {
    kid: Arc<str>,
    claims: Arc<Claims>,
}

impl AccessTokens {
    /// Without keys yet.
    pub(super) fn new(settings: &Settings, secret: &MasterSecret) -> Self {
        Self {
            issuer: settings.token_issuer.clone(),
            audience: settings.token_audience.clone(),
            audiences: settings.audiences.clone(),
            algorithm: settings.token_algorithm,
            rotation: settings.key_rotation,
            secret: secret.clone(),
            keys: RwLock::new(Arc::new(KeyRing::empty())),
            read_at: AtomicI64::new(0),
            verified: Cache::new(VERIFIED),
        }
    }

    /// Reads what a client asks for; all faults are told at once.
    pub fn parse_request(&self, audience: Option<String>, scope: Option<&str>) -> Result<TokenRequest, Error> {
        let known = |name: &String| *name == self.audience || self.audiences.contains(name);
        let parsed = scope.map(Scopes::parse);
        let mut faults = Vec::new();
        if audience.as_ref().is_some_and(|name| !known(name)) {
            faults.push(FieldError::new("audience", "audience-unknown"));
        }
        if parsed == Some(None) {
            faults.push(FieldError::new("scope", "scope-unknown"));
        }
        let request = TokenRequest { audience, scope: parsed.flatten() };
        if faults.is_empty() { Ok(request) } else { Err(Error::InvalidInput(faults)) }
    }

    /// The public keys as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> Arc<str> {
        self.keys().jwks.clone()
    }

    pub(super) fn keys(&self) -> Arc<KeyRing> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses these keys from now on, unless newer ones are in use by now.
    pub(super) fn install(&self, ring: KeyRing) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if ring.version >= keys.version {
            *keys = Arc::new(ring);
        }
    }

    fn sign(&self, claims: &Claims, now: UnixMillis) -> Result<String, Error> {
        let keys = self.keys();
        let (header, key) = keys.signing(self.algorithm, now)?;
        jsonwebtoken::encode(header, claims, key).map_err(Error::internal)
    }
}

impl TokenRequest {
    /// What the token may do: never more than was granted at the sign-in (RFC 6749, section 6).
    pub(super) fn scope_within(&self, session: &Session) -> Result<Scopes, Error> {
        let granted = match session.scope.as_deref() {
            Some(granted) => Scopes::parse(granted).ok_or_else(|| Error::internal("a session's scope is unknown"))?,
            None => Scopes::ALL,
        };
        match self.scope {
            Some(wanted) if !wanted.are_within(granted) => Err(Error::field("scope", "scope-exceeded")),
            wanted => Ok(wanted.unwrap_or(granted)),
        }
    }
}

impl Auth {
    /// Makes an access token for a live session. It never outlives the session's deadlines as they stand.
    pub fn issue_access_token(
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
            iss: self.access_tokens.issuer.clone(),
            aud: request.audience.clone().unwrap_or_else(|| self.access_tokens.audience.clone()),
            sub: user.id.clone(),
            sid: session.id.clone(),
            jti,
            iat,
            exp,
            nbf: None,
            client_id: session.kind.clone(),
            scope,
            roles: user.roles().map(Into::into).collect(),
        };
        Ok(Issued { token: self.access_tokens.sign(&claims, now)?, expires_in: exp - iat })
    }

    /// Verifies an access token: signature, type, issuer, audience, times, and that its session has not ended.
    /// Reads no database, but for an unknown key, or after the clock was set back.
    pub async fn verify_access_token(&self, token: &str) -> Result<Arc<Claims>, Error> {
        let now = self.clock.now();
        let claims = self.check_signature(token, now).await?;
        self.recall_ends(now).await?;
        if let Some(reason) = self.ended.reason(&claims.sid) {
            return Err(Error::SessionEnded(reason));
        }
        let now = now.div_euclid(1000);
        let started = claims.iat <= now + LEEWAY && claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY);
        // Our own deadlines are exact; the leeway is for other machines' clocks, and harmless on a token this short.
        // A life that was shortened since counts for old tokens too: ends are remembered for that long.
        let life = millis(self.policy.access_ttl).div_euclid(1000);
        let running = now < claims.exp.min(claims.iat.saturating_add(life)).saturating_add(LEEWAY);
        if !started || !running {
            return Err(Error::InvalidToken);
        }
        self.access_uses.note(&claims.jti);
        Ok(claims)
    }

    /// The claims of a token whose signature, type, issuer and audience hold; its times are not looked at yet.
    async fn check_signature(&self, token: &str, now: UnixMillis) -> Result<Arc<Claims>, Error> {
        let tokens = &self.access_tokens;
        // A checked token lives no longer than its key.
        if let Some(Verified { kid, claims }) = tokens.verified.get(token)
            && tokens.keys().verifier(&kid).is_some()
        {
            return Ok(claims);
        }
        let kid = jws::kid(token).ok_or(Error::InvalidToken)?;
        if tokens.keys().verifier(&kid).is_none() {
            self.reload_for_unknown_key(now).await?;
        }
        let keys = tokens.keys();
        let (kid, key, validation) = keys.verifier(&kid).ok_or(Error::InvalidToken)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, validation).map_err(|_| Error::InvalidToken)?.claims;
        let nobody = claims.sub.is_empty() || claims.sid.is_empty();
        if claims.iss != tokens.issuer || claims.aud != tokens.audience || nobody {
            return Err(Error::InvalidToken);
        }
        let claims = Arc::new(claims);
        tokens.verified.insert(token.into(), Verified { kid: kid.clone(), claims: claims.clone() });
        Ok(claims)
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self::SessionEnded(reason)
    }
}
