//! The credentials of a session: a cookie token or a refresh token.

use sekisho_model::SessionKind;

use crate::secret::{OpaqueToken, sha256_hex};

/// A browser's session token: 128 random bits (ASVS 7.2.3), stored as a hash.
#[derive(Clone, Copy)]
pub struct CookieToken([u8; 16]);

impl CookieToken {
    /// Wraps the bytes of a cookie.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The plain bytes, to set the cookie.
    pub fn expose(self) -> [u8; 16] {
        self.0
    }

    /// SHA-256 in hex, as stored.
    pub fn hash(self) -> String {
        sha256_hex(&self.0)
    }
}

impl std::fmt::Debug for CookieToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieToken(..)")
    }
}

/// The credential of a new session, which decides its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewCredential<'a> {
    /// A browser's.
    Cookie(CookieToken),
    /// An API client's first refresh token.
    RefreshToken(&'a OpaqueToken),
}

impl NewCredential<'_> {
    /// The kind of the session.
    pub fn kind(self) -> SessionKind {
        match self {
            Self::Cookie(_) => SessionKind::Browser,
            Self::RefreshToken(_) => SessionKind::Api,
        }
    }
}
