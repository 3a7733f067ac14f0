//! Secrets: random tokens, hashes, MACs, key derivation, authenticated encryption. Secret types have no `Display`, a
//! redacted `Debug`, and are zeroized on drop.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
    hkdf, hmac, rand,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// Random bytes from the system's CSPRNG.
#[expect(clippy::expect_used, reason = "without random numbers nothing here is safe: the process must not go on")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's random generator works");
    bytes
}

/// SHA-256 in hex: how random tokens are stored. They have at least 128 bits of entropy, so no slow hash is needed.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// HMAC-SHA-256 in hex.
pub(crate) fn mac(key: &[u8; 32], message: &[u8]) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A plain opaque token: a prefix, by which secret scanners find leaks, and 256 random bits in base64url.
#[derive(Clone, Debug)]
pub struct OpaqueToken(SecretString);

impl OpaqueToken {
    /// A new random token.
    pub fn generate(prefix: &str) -> Self {
        Self::from_bytes(prefix, &random::<32>())
    }

    fn from_bytes(prefix: &str, bytes: &[u8]) -> Self {
        Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)).into())
    }

    /// Parses an untrusted token; `None` without the prefix or from 128 bytes on.
    pub fn parse(prefix: &str, token: &str) -> Option<Self> {
        (token.starts_with(prefix) && token.len() < 128).then(|| Self(token.into()))
    }

    /// The plain token, to send to its holder.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// SHA-256 in hex, as stored.
    pub fn hash(&self) -> String {
        sha256_hex(self.expose().as_bytes())
    }
}

/// The deployment's secret (`SEKISHO_SECRET`); a key per purpose is derived from it by HKDF.
#[derive(Clone, Debug)]
pub struct MasterSecret {
    current: SecretSlice<u8>,
    /// `SEKISHO_SECRET_PREVIOUS`: decrypts only.
    previous: Option<SecretSlice<u8>>,
}

/// A value does not decrypt with this secret and purpose.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value can't be opened: SEKISHO_SECRET is not the one it was sealed with")]
pub struct Unsealable;

impl MasterSecret {
    /// `None` below 32 bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Option<Self> {
        let current = SecretSlice::from(secret.into());
        (current.expose_secret().len() >= 32).then_some(Self { current, previous: None })
    }

    /// Also decrypts what `previous` encrypted (secret rotation).
    pub fn with_previous(mut self, previous: &Self) -> Self {
        self.previous = Some(previous.current.clone());
        self
    }

    /// The current secret alone, then the previous one alone.
    pub(crate) fn each(&self) -> impl Iterator<Item = Self> {
        let alone = |secret: &SecretSlice<u8>| Self { current: secret.clone(), previous: None };
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().map(alone)
    }

    #[expect(clippy::expect_used, reason = "32 bytes are within HKDF's bounds (RFC 5869, section 2.3)")]
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"sekisho")
            .extract(self.current.expose_secret())
            .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .expect("32 bytes are within HKDF's bounds");
        key
    }

    #[expect(clippy::expect_used, reason = "the type of the key has AES-256's length")]
    fn sealing_key(&self, purpose: &str) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, &self.derive(purpose)).expect("the key has AES-256's length")
    }

    /// Encrypts with AES-256-GCM, to base64url; decrypts only with the same secret and purpose.
    #[expect(clippy::expect_used, reason = "no plain text in memory reaches AES-GCM's bound of 64 GiB")]
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> String {
        let mut sealed = plain.to_vec();
        let nonce = self
            .sealing_key(purpose)
            .seal_in_place_append_tag(Aad::from(purpose), &mut sealed)
            .expect("the plain text is short");
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut sealed);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Decrypts, with the previous secret too.
    ///
    /// # Errors
    /// [`Unsealable`] for another secret or purpose, or a modified value.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Vec<u8>, Unsealable> {
        self.each().find_map(|secret| secret.open_alone(purpose, sealed).ok()).ok_or(Unsealable)
    }

    /// Whether a value decrypts with the current secret.
    pub(crate) fn is_current(&self, purpose: &str, sealed: &str) -> bool {
        self.open_alone(purpose, sealed).is_ok()
    }

    fn open_alone(&self, purpose: &str, sealed: &str) -> Result<Vec<u8>, Unsealable> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Unsealable)?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(Unsealable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable)?;
        let plain = self.sealing_key(purpose).open_in_place(nonce, Aad::from(purpose), sealed);
        Ok(plain.map_err(|_| Unsealable)?.to_vec())
    }

    /// HMAC-SHA-256 in hex, with a key derived for this purpose.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> String {
        mac(&self.derive(purpose), message)
    }

    /// Verifies a [`MasterSecret::mac`] in constant time, with the previous secret too.
    pub fn verify_mac(&self, purpose: &str, message: &[u8], mac: &str) -> bool {
        let is =
            |secret: &Self| verify_slices_are_equal(secret.mac(purpose, message).as_bytes(), mac.as_bytes()).is_ok();
        self.each().any(|secret| is(&secret))
    }

    /// Derives the successor of a refresh token from the token, a stored salt and this secret, so that a replay within the
    /// grace period returns the same successor without storing it.
    pub fn successor(&self, prefix: &str, token: &OpaqueToken, salt: &str) -> OpaqueToken {
        let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.derive("refresh-successor")));
        mac.update(salt.as_bytes());
        mac.update(b".");
        mac.update(token.expose().as_bytes());
        OpaqueToken::from_bytes(prefix, mac.sign().as_ref())
    }

    /// The successor with this hash, derived from either secret.
    pub(crate) fn find_successor(
        &self,
        prefix: &str,
        token: &OpaqueToken,
        salt: &str,
        hash: &str,
    ) -> Option<OpaqueToken> {
        self.each().map(|secret| secret.successor(prefix, token, salt)).find(|successor| successor.hash() == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(byte: u8) -> MasterSecret {
        MasterSecret::new(vec![byte; 32]).expect("32 bytes are enough")
    }

    #[test]
    fn a_value_decrypts_only_with_the_same_secret_and_purpose() {
        let sealed = master(1).seal("a", b"plain");
        assert_eq!(master(1).open("a", &sealed).expect("opens"), b"plain");
        assert!(master(1).open("b", &sealed).is_err());
        assert!(master(2).open("a", &sealed).is_err());
        assert!(master(1).open("a", "short").is_err());
    }

    #[test]
    fn the_previous_secret_decrypts_and_never_encrypts() {
        let (old, both) = (master(1).seal("a", b"plain"), master(2).with_previous(&master(1)));
        assert_eq!(both.open("a", &old).expect("opens"), b"plain");
        assert!(!both.is_current("a", &old) && both.is_current("a", &both.seal("a", b"plain")));
        assert!(master(1).open("a", &both.seal("a", b"plain")).is_err());
        assert!(master(3).with_previous(&master(2)).open("a", &old).is_err());
        let token = OpaqueToken::generate("sk_rt_");
        let successor = master(1).successor("sk_rt_", &token, "s");
        let found = both.find_successor("sk_rt_", &token, "s", &successor.hash()).expect("derived from the old one");
        assert_eq!(found.expose(), successor.expose());
        assert!(master(2).find_successor("sk_rt_", &token, "s", &successor.hash()).is_none());
    }

    #[test]
    fn a_successor_depends_on_token_salt_and_secret() {
        let token = OpaqueToken::generate("sk_rt_");
        let next = |m: u8, salt| master(m).successor("sk_rt_", &token, salt).expose().to_owned();
        assert_eq!(next(1, "s"), next(1, "s"));
        assert_ne!(next(1, "s"), next(1, "t"));
        assert_ne!(next(1, "s"), next(2, "s"));
    }

    #[test]
    fn debug_is_redacted() {
        let token = OpaqueToken::generate("sk_rt_");
        assert!(!format!("{token:?} {:?}", master(7)).contains(&token.expose()[6..]));
    }
}
