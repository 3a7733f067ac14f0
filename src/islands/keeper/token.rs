//! The access token of a page: in memory only, never stored.

use std::fmt;

use crate::browser::clock::Millis;

/// A token that expires sooner is not handed out: it could expire on its way.
const SHORTEST_LIFETIME: Millis = 5_000;

#[derive(Clone, PartialEq)]
pub struct AccessToken {
    pub value: String,
    /// On the browser's clock.
    pub expires_at: Millis,
}

impl AccessToken {
    /// Whether it can still be used.
    pub fn is_live(&self, now: Millis) -> bool {
        self.expires_at > now + SHORTEST_LIFETIME
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
