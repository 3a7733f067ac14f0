//! Generates signing keys (EdDSA, ES256, RS256); their private halves are stored encrypted.

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, PublicKeyUse},
};
use pkcs8::PrivateKeyInfoRef;

use crate::{
    db::signing_keys::SigningKey,
    error::Error,
    secret::{MasterSecret, random, sha256_hex},
};

/// The encryption purpose of private keys.
pub const SEALED_FOR: &str = "signing-key";

pub fn generate(algorithm: Algorithm, secret: &MasterSecret) -> Result<SigningKey, Error> {
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
    let mut jwk = Jwk::from_encoding_key(&encoding_key(algorithm, &pkcs8)?, algorithm).map_err(Error::internal)?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(SigningKey {
        kid,
        algorithm: format!("{algorithm:?}"),
        public_jwk: serde_json::to_string(&jwk).map_err(Error::internal)?,
        private_key: secret.seal(SEALED_FOR, &pkcs8),
        created_at: 0,
        signs_at: 0,
        signed_at: None,
        longest_ttl: 0,
        withdrawn_at: None,
    })
}

pub fn encoding_key(algorithm: Algorithm, pkcs8: &[u8]) -> Result<EncodingKey, Error> {
    Ok(match algorithm {
        Algorithm::EdDSA => EncodingKey::from_ed_der(pkcs8),
        Algorithm::ES256 => EncodingKey::from_ec_der(pkcs8),
        // jsonwebtoken takes RSA keys in PKCS#1, the content of PKCS#8 (RFC 5958).
        _ => EncodingKey::from_rsa_der(
            PrivateKeyInfoRef::try_from(pkcs8).map_err(Error::internal)?.private_key.as_bytes(),
        ),
    })
}
