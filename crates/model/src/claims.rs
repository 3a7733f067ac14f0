//! Access token claims (RFC 9068).

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The header `typ` (RFC 9068, section 2.1): no other kind of JWT is accepted as an access token.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// Leeway for clock skew, in seconds.
pub const LEEWAY: i64 = 5;

/// The largest interoperable JSON integer (RFC 8259, section 6).
const MAX_TIME: u64 = (1 << 53) - 1;

/// The claims. No e-mail address and no profile: the payload is readable by anyone who holds the token.
///
/// The types of scope, subject and session are [`Scopes`](crate::Scopes), [`UserId`](crate::UserId) and
/// [`SessionId`](crate::SessionId) in the server. They are text in other services, to which ids are opaque (RFC 7519,
/// section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims<Scope, User = String, Session = String> {
    /// Issuer.
    pub iss: String,
    /// Audience: the service that accepts the token.
    pub aud: String,
    /// Subject: the user's id.
    pub sub: User,
    /// The session's id.
    pub sid: Session,
    /// The token's id.
    pub jti: String,
    /// Issued at, in Unix seconds.
    #[serde(deserialize_with = "seconds")]
    pub iat: i64,
    /// Expires at, in Unix seconds.
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
    /// Not valid before, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub nbf: Option<i64>,
    /// The [kind](crate::SessionKind) of the session; text, as a verifier may be older than the server.
    pub client_id: String,
    /// The granted scope.
    pub scope: Scope,
    /// The user's roles at issue.
    pub roles: Vec<String>,
    /// The [assurance level](crate::AssuranceLevel) of the session's authentication (RFC 9068, section 2.2.1).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acr: String,
    /// How the user authenticated (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
}

/// A present claim must have its type: `null` is not "absent" (CVE-2026-25537).
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    if seconds.unsigned_abs() > MAX_TIME { Err(D::Error::custom("out of range")) } else { Ok(seconds) }
}

/// The token lacks this scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingScope(pub &'static str);

impl Claims<String> {
    /// Whether the token has this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|allowed| allowed == scope)
    }

    /// Requires a scope in a handler: `claims.require_scope("orders:write")?`.
    ///
    /// # Errors
    /// [`MissingScope`] without it.
    pub fn require_scope(&self, scope: &'static str) -> Result<(), MissingScope> {
        if self.has_scope(scope) { Ok(()) } else { Err(MissingScope(scope)) }
    }
}
