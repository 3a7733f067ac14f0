//! Token requests: audience and scope. Rejects unknown audiences, unknown scopes, and scopes beyond the session's.

use sekisho_model::Scopes;
use serde::{Deserialize, Serialize};

use crate::{
    db::sessions::Session,
    error::{Error, FieldError},
};

/// Requested audience and scope; by default Sekisho's own audience and the session's scope.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TokenRequest {
    pub(super) audience: Option<String>,
    pub(crate) scope: Option<Scopes>,
}

/// The accepted audiences.
#[derive(Clone, Debug)]
pub struct Audiences {
    /// Sekisho's own API.
    pub own: String,
    /// Other services.
    pub others: Vec<String>,
}

impl Audiences {
    /// Parses the requested audience and scope.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] with all field errors.
    pub fn parse_request(&self, audience: Option<String>, scope: Option<&str>) -> Result<TokenRequest, Error> {
        let known = |name: &String| *name == self.own || self.others.contains(name);
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
}

impl TokenRequest {
    /// The token's scope: at most the one granted at sign-in (RFC 6749, section 6).
    pub(crate) fn scope_within(&self, session: &Session) -> Result<Scopes, Error> {
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
