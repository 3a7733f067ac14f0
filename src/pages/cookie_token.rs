//! How a handler hands a session's new secret to the layers that set cookies: in tower-sessions' record, under a key that is
//! never stored.

use tower_sessions::{Session, session::Id};

use sekisho_core::{Error, session::credential::CookieToken};

/// The key.
pub const TOKEN: &str = "sekisho.token";

/// Puts a session's new secret into its cookie, when the answer is sent; the old one is dead by now.
pub async fn attach(session: &Session, token: CookieToken) -> Result<(), Error> {
    session.cycle_id().await.map_err(Error::internal)?;
    session.clear().await;
    session.insert(TOKEN, token.expose()).await.map_err(Error::internal)
}

/// The secret that was attached, and that no cookie has yet.
pub async fn attached(session: &Session) -> Option<CookieToken> {
    match session.id() {
        Some(_) => None,
        None => session.get(TOKEN).await.ok().flatten().map(CookieToken::new),
    }
}

/// The secret as tower-sessions' id.
pub fn id_of(token: CookieToken) -> Id {
    Id(i128::from_le_bytes(token.expose()))
}

/// The secret that an id is.
pub fn token_of(id: Id) -> CookieToken {
    CookieToken::new(id.0.to_le_bytes())
}
