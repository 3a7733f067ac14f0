//! The signing keys in memory, decrypted.

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::Jwk};
use sekisho_model::ACCESS_TOKEN_TYPE;

use super::key_generation::{SEALED_FOR, encoding_key};
use crate::{clock::UnixMillis, db::signing_keys::SigningKey, error::Error, secret::MasterSecret};

/// One version of the stored keys. Withdrawn keys are not in it.
pub(crate) struct KeyRing {
    pub version: i64,
    /// Newest first.
    signers: Vec<Signer>,
    verifiers: HashMap<Arc<str>, (DecodingKey, Validation)>,
    pub jwks: Arc<str>,
}

/// A key that signs from `signs_at` on.
#[derive(Clone)]
pub(crate) struct Signer {
    pub kid: Arc<str>,
    signs_at: UnixMillis,
    header: Header,
    key: EncodingKey,
}

impl KeyRing {
    pub fn empty() -> Self {
        Self { version: 0, signers: Vec::new(), verifiers: HashMap::new(), jwks: "".into() }
    }

    /// Decrypts the stored keys, reusing those of `before`.
    pub fn open(version: i64, stored: &[SigningKey], secret: &MasterSecret, before: &Self) -> Result<Self, Error> {
        let mut ring = Self { version, ..Self::empty() };
        let mut jwks = Vec::new();
        for key in stored.iter().filter(|key| key.withdrawn_at.is_none()) {
            let kid: Arc<str> = key.kid.as_str().into();
            let jwk: Jwk = serde_json::from_str(&key.public_jwk).map_err(Error::internal)?;
            let algorithm: Algorithm = key.algorithm.parse().map_err(Error::internal)?;
            let opened = before.signers.iter().find(|signer| signer.kid == kid).cloned();
            match opened.map_or_else(|| Signer::open(key, algorithm, secret), Ok) {
                Ok(signer) => ring.signers.push(Signer { signs_at: key.signs_at, ..signer }),
                // Another node's key, encrypted with a secret not deployed here yet: verify only.
                Err(error) => tracing::warn!(kid = key.kid, %error, "the private key can't be decrypted"),
            }
            // One algorithm per key (RFC 8725, section 3.1). `AccessTokens::verify` checks the times.
            let mut validation = Validation::new(algorithm);
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            validation.validate_aud = false;
            let decoding = DecodingKey::from_jwk(&jwk).map_err(Error::internal)?;
            ring.verifiers.insert(kid, (decoding, validation));
            jwks.push(jwk);
        }
        ring.jwks = serde_json::json!({ "keys": jwks }).to_string().into();
        Ok(ring)
    }

    /// The key that signs at `now`: the newest of the preferred algorithm, otherwise of another, otherwise the next one.
    pub fn signer(&self, preferred: Algorithm, now: UnixMillis) -> Option<&Signer> {
        let ready = self.signers.iter().filter(|signer| signer.signs_at <= now);
        let newest = ready.max_by_key(|signer| (signer.header.alg == preferred, signer.signs_at, &signer.kid));
        newest.or_else(|| self.signers.iter().min_by_key(|signer| signer.signs_at))
    }

    /// The JOSE header and key to sign with at `now`.
    pub fn signing(&self, preferred: Algorithm, now: UnixMillis) -> Result<(&Header, &EncodingKey), Error> {
        let signer = self.signer(preferred, now).ok_or_else(|| Error::internal("there is no signing key"))?;
        Ok((&signer.header, &signer.key))
    }

    /// The verification key and rules for a `kid`.
    pub fn verifier(&self, kid: &str) -> Option<(&Arc<str>, &DecodingKey, &Validation)> {
        self.verifiers.get_key_value(kid).map(|(kid, (key, validation))| (kid, key, validation))
    }
}

impl Signer {
    fn open(key: &SigningKey, algorithm: Algorithm, secret: &MasterSecret) -> Result<Self, Error> {
        let pkcs8 = secret.open(SEALED_FOR, &key.private_key).map_err(Error::internal)?;
        let mut header = Header::new(algorithm);
        header.typ = Some(ACCESS_TOKEN_TYPE.into());
        header.kid = Some(key.kid.clone());
        Ok(Self { kid: key.kid.as_str().into(), signs_at: key.signs_at, header, key: encoding_key(algorithm, &pkcs8)? })
    }
}
