//! Token introspection (RFC 7662), for services that don't verify access tokens by themselves, or can't: opaque ones.

use std::sync::Arc;

use super::{access::AccessTokens, claims::Claims};
use crate::{
    db::{sessions, users},
    error::Error,
    unit_of_work::Store,
};

/// Answers whether an access token is active.
pub struct Introspection {
    pub(crate) store: Arc<Store>,
    pub(crate) access: Arc<AccessTokens>,
}

impl Introspection {
    /// Whether a token can be for this service.
    pub fn is_service(&self, audience: &str) -> bool {
        self.access.audiences.others.iter().any(|known| known == audience)
    }

    /// The claims of an active access token for the service `audience`, or for any service (`None`); never for Sekisho's own
    /// API (RFC 7662, section 4). The session's row and the user's are read, whichever kind of token it is, so that no end
    /// goes unseen. The roles are current ones.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Busy`] while ends by other processes may be unknown.
    pub async fn introspect(&self, token: &str, audience: Option<&str>) -> Result<Option<Claims>, Error> {
        if self.store.revocations.is_stale() {
            return Err(Error::Busy);
        }
        let accepts = |of_token: &str| self.is_service(of_token) && audience.is_none_or(|service| service == of_token);
        let claims = match self.access.verify_for(token, accepts).await {
            Ok(claims) => claims,
            Err(Error::InvalidToken | Error::SessionEnded(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let now = self.store.now();
        let Some(session) = sessions::find(self.store.reader(), &claims.sid).await? else { return Ok(None) };
        let Some(user) = users::find(self.store.reader(), &claims.sub).await? else { return Ok(None) };
        let expires_at = self.access.expires_at(&claims);
        if session.end_reason(now).is_some() || user.disabled_at.is_some() || expires_at <= now.div_euclid(1000) {
            return Ok(None);
        }
        let roles = user.role_names().map(Into::into).collect();
        Ok(Some(Claims { roles, exp: expires_at, ..(*claims).clone() }))
    }
}
