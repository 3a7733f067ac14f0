//! The strategy of a deployment (`SEKISHO_STRATEGY`): which credentials it issues. Which ones it accepts does not depend on
//! it, so that a switch signs nobody out.

/// Which credentials are issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A cookie that is looked up for pages; JWTs for the API.
    Hybrid,
    /// The same cookie; opaque access tokens. Every request is looked up.
    Session,
    /// JWTs for both; a refresh cookie renews those of pages.
    Jwt,
}

impl Strategy {
    /// Whether new access tokens are opaque.
    pub fn has_opaque_access_tokens(self) -> bool {
        self == Self::Session
    }

    /// Whether pages have JWTs, which are trusted without a look-up.
    pub fn has_page_tokens(self) -> bool {
        self == Self::Jwt
    }

    /// Whether every credential is looked up, also one that proves itself.
    pub fn looks_everything_up(self) -> bool {
        self == Self::Session
    }
}
