//! The claims of this server's access tokens, of either kind.

use sekisho_model::{Scopes, SessionId, UserId};

/// The claims of this server's access tokens.
pub type Claims = sekisho_model::Claims<Scopes, UserId, SessionId>;
