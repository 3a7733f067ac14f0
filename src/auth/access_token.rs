//! Access tokens: signed JWTs (RFC 9068) that live for minutes and are verified without the database, held to
//! RFC 8725: one algorithm per key, an explicit type, no key taken from the token.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    jwk::{Jwk, PublicKeyUse},
};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::{
    Auth,
    clock::Clock,
    jws, millis,
    reason::Reason,
    secret::{MasterSecret, random, sha256_hex},
};
use crate::{
    config::Config,
    db::{
        Db, UnixMillis,
        sessions::Session,
        signing_keys::{self, SigningKey},
        users::User,
    },
    error::Error,
};

/// RFC 9068, section 2.1.
const TYPE: &str = "at+jwt";
/// How far another machine's clock may be off, in seconds.
const LEEWAY: i64 = 5;
/// The largest whole number that every JSON parser reads alike (RFC 8259, section 6).
const MAX_TIME: u64 = (1 << 53) - 1;
const SEALED_FOR: &str = "signing-key";
/// Tokens whose signature has been checked; each is looked up by all of its bytes.
const VERIFIED: usize = 10_000;
/// Bytes before the PKCS#1 structure of a 2048-bit RSA key in PKCS#8.
const RSA_2048_PKCS8_HEADER: usize = 26;
/// Unknown `kid`s make the keys be read again, at most this often.
const RELOAD_EVERY: UnixMillis = 5_000;

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
    pub scope: String,
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
    algorithm: Algorithm,
    secret: MasterSecret,
    keys: RwLock<Arc<Keys>>,
    read_at: AtomicI64,
    verified: Cache<Box<str>, Arc<Claims>>,
}

struct Keys {
    signer: (Header, EncodingKey),
    verifiers: HashMap<String, (DecodingKey, Validation)>,
    jwks: Arc<str>,
}

impl AccessTokens {
    /// Reads the keys, and makes one if there is none of the configured algorithm.
    pub async fn load(config: &Config, db: &Db, secret: &MasterSecret, clock: &Clock) -> Result<Self, Error> {
        let algorithm = config.token_algorithm;
        let name = format!("{algorithm:?}");
        let mut stored = signing_keys::list(db.reader()).await?;
        if !stored.iter().any(|key| key.algorithm == name) {
            let key = generate(algorithm, secret)?;
            signing_keys::insert(db.writer(), &key, clock.now()).await?;
            stored.insert(0, key);
        }
        Ok(Self {
            issuer: config.token_issuer.clone(),
            audience: config.token_audience.clone(),
            algorithm,
            secret: secret.clone(),
            keys: RwLock::new(Arc::new(Keys::open(&stored, algorithm, secret)?)),
            read_at: AtomicI64::new(clock.now()),
            verified: Cache::new(VERIFIED),
        })
    }

    /// The public keys as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> Arc<str> {
        self.keys().jwks.clone()
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let keys = self.keys();
        let (header, key) = &keys.signer;
        jsonwebtoken::encode(header, claims, key).map_err(Error::internal)
    }

    /// The claims of a token whose signature, type, issuer and audience hold; its times are not looked at yet.
    async fn check_signature(&self, db: &Db, token: &str, now: UnixMillis) -> Result<Arc<Claims>, Error> {
        if let Some(claims) = self.verified.get(token) {
            return Ok(claims);
        }
        let kid = jws::kid(token).ok_or(Error::InvalidToken)?;
        let mut keys = self.keys();
        if !keys.verifiers.contains_key(&kid) {
            keys = self.reload(db, now).await?;
        }
        let (key, validation) = keys.verifiers.get(&kid).ok_or(Error::InvalidToken)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, validation).map_err(|_| Error::InvalidToken)?.claims;
        let nobody = claims.sub.is_empty() || claims.sid.is_empty();
        if claims.iss != self.issuer || claims.aud != self.audience || nobody {
            return Err(Error::InvalidToken);
        }
        let claims = Arc::new(claims);
        self.verified.insert(token.into(), claims.clone());
        Ok(claims)
    }

    /// Another node may have made a key; forged `kid`s cannot make this read the database more than now and then.
    async fn reload(&self, db: &Db, now: UnixMillis) -> Result<Arc<Keys>, Error> {
        let last = self.read_at.load(Ordering::Relaxed);
        let due = !(0..RELOAD_EVERY).contains(&(now - last));
        if due && self.read_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let stored = signing_keys::list(db.reader()).await?;
            let keys = Arc::new(Keys::open(&stored, self.algorithm, &self.secret)?);
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
        Ok(self.keys())
    }
}

impl Keys {
    /// Opens the stored keys, the newest first; the newest of `algorithm` signs.
    fn open(stored: &[SigningKey], algorithm: Algorithm, secret: &MasterSecret) -> Result<Self, Error> {
        let mut signer = None;
        let mut verifiers = HashMap::new();
        let mut jwks = Vec::new();
        for key in stored {
            let jwk: Jwk = serde_json::from_str(&key.public_jwk).map_err(Error::internal)?;
            let key_algorithm: Algorithm = key.algorithm.parse().map_err(Error::internal)?;
            if signer.is_none() && key_algorithm == algorithm {
                let pkcs8 = secret.open(SEALED_FOR, &key.private_key).map_err(Error::internal)?;
                let mut header = Header::new(algorithm);
                header.typ = Some(TYPE.into());
                header.kid = Some(key.kid.clone());
                signer = Some((header, encoding_key(algorithm, &pkcs8)));
            }
            // Exactly one algorithm per key (RFC 8725, section 3.1). Times are checked by our own clock.
            let mut validation = Validation::new(key_algorithm);
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            validation.validate_aud = false;
            let decoding = DecodingKey::from_jwk(&jwk).map_err(Error::internal)?;
            verifiers.insert(key.kid.clone(), (decoding, validation));
            jwks.push(jwk);
        }
        let signer = signer.ok_or_else(|| Error::internal("no signing key for the configured algorithm"))?;
        let jwks = serde_json::json!({ "keys": jwks }).to_string().into();
        Ok(Self { signer, verifiers, jwks })
    }
}

fn generate(algorithm: Algorithm, secret: &MasterSecret) -> Result<SigningKey, Error> {
    let failed = |_| Error::internal("a signing key can't be made");
    let pkcs8 = match algorithm {
        Algorithm::EdDSA => Ed25519KeyPair::generate().map_err(failed)?.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(),
        Algorithm::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(failed)?
            .to_pkcs8v1()
            .map_err(failed)?
            .as_ref()
            .to_vec(),
        Algorithm::RS256 => {
            RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?.as_der().map_err(failed)?.as_ref().to_vec()
        }
        _ => return Err(Error::internal("no such signing algorithm")),
    };
    let kid = sha256_hex(&random::<16>())[..16].to_owned();
    let mut jwk = Jwk::from_encoding_key(&encoding_key(algorithm, &pkcs8), algorithm).map_err(Error::internal)?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(SigningKey {
        kid,
        algorithm: format!("{algorithm:?}"),
        public_jwk: serde_json::to_string(&jwk).map_err(Error::internal)?,
        private_key: secret.seal(SEALED_FOR, &pkcs8),
    })
}

fn encoding_key(algorithm: Algorithm, pkcs8: &[u8]) -> EncodingKey {
    match algorithm {
        Algorithm::EdDSA => EncodingKey::from_ed_der(pkcs8),
        Algorithm::ES256 => EncodingKey::from_ec_der(pkcs8),
        // jsonwebtoken wants RSA keys in PKCS#1, which is what PKCS#8 (RFC 5958) holds behind its header.
        _ => EncodingKey::from_rsa_der(&pkcs8[RSA_2048_PKCS8_HEADER..]),
    }
}

impl Auth {
    /// Makes an access token for a live session. It never outlives the session's deadlines as they stand.
    pub fn issue_access_token(&self, user: &User, session: &Session, jti: String) -> Result<Issued, Error> {
        let now = self.clock.now();
        let end = session.deadline().map_or(UnixMillis::MAX, |at| at).min(now + millis(self.policy.access_ttl));
        let (iat, exp) = (now.div_euclid(1000), end.div_euclid(1000));
        let token = self.access_tokens.sign(&Claims {
            iss: self.access_tokens.issuer.clone(),
            aud: self.access_tokens.audience.clone(),
            sub: user.id.clone(),
            sid: session.id.clone(),
            jti,
            iat,
            exp,
            nbf: None,
            client_id: session.kind.clone(),
            scope: "api".into(),
            roles: user.roles().map(Into::into).collect(),
        })?;
        Ok(Issued { token, expires_in: exp - iat })
    }

    /// Verifies an access token: signature, type, issuer, audience, times, and that its session has not ended.
    /// Reads no database.
    pub async fn verify_access_token(&self, token: &str) -> Result<Arc<Claims>, Error> {
        let now = self.clock.now();
        let claims = self.access_tokens.check_signature(&self.db, token, now).await?;
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
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self::SessionEnded(reason)
    }
}
