//! tower-sessions on our own table: it carries the cookie, the rules stay in [`sekisho_core::session`].
//!
//! A row is made by the core at a sign-in and attached to the cookie here; nothing else creates one. What a page
//! keeps with `session.insert(…)` is the row's `data`, for as long as the session lives.

use std::fmt;

use async_trait::async_trait;
use axum_extra::extract::CookieJar;
use time::Duration;
use tower_sessions::{
    Session, SessionManagerLayer, SessionStore,
    session::{Id, Record},
    session_store::{Error as StoreError, Result as StoreResult},
};

use crate::{
    http::cookies::{self, CookieKind},
    state::AppState,
};
use sekisho_core::{Error, session::credential::CookieToken};

/// Under this key a sign-in hands the new row's token to [`Store::create`]; it is never stored.
const TOKEN: &str = "sekisho.token";

/// The store behind the cookie; [`layer`] makes it.
#[derive(Clone)]
pub struct Store(AppState);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// The layer that reads and writes the cookie.
pub fn layer(app: &AppState) -> SessionManagerLayer<Store> {
    cookies::session_layer(app, Store(app.clone()))
}

/// The secret that the request's cookie holds, or the one that has been attached since.
pub async fn token(session: &Session) -> Option<CookieToken> {
    match session.id() {
        Some(id) => Some(token_of(id)),
        None => session.get(TOKEN).await.ok().flatten().map(CookieToken::new),
    }
}

/// `Set-Cookie` for a secret that was attached, where tower-sessions sets none: with an error of ours. The old secret
/// is dead by then, and an error is no reason to lose the session.
pub async fn cookie_for_error(session: &Session, app: &AppState) -> Option<CookieJar> {
    if session.id().is_some() {
        return None;
    }
    let token = CookieToken::new(session.get(TOKEN).await.ok().flatten()?);
    let value = Id(i128::from_le_bytes(token.expose())).to_string();
    Some(cookies::set(app, CookieKind::Session, value))
}

fn token_of(id: Id) -> CookieToken {
    CookieToken::new(id.0.to_le_bytes())
}

/// Puts a session's new secret into the cookie, when the answer is sent; the old one is dead by now.
pub async fn attach(session: &Session, token: CookieToken) -> Result<(), Error> {
    session.cycle_id().await.map_err(Error::internal)?;
    session.clear().await;
    session.insert(TOKEN, token.expose()).await.map_err(Error::internal)
}

fn backend(error: impl fmt::Display) -> StoreError {
    StoreError::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Store {
    /// Attaches a row that a sign-in made. Its id came from our generator and is unique by the table's index, so
    /// that no collision is possible here (tower-sessions#36).
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        let token = record.data.remove(TOKEN).ok_or_else(|| backend("only a sign-in makes a session"))?;
        record.id = Id(i128::from_le_bytes(serde_json::from_value(token).map_err(backend)?));
        Ok(())
    }

    /// Keeps the data of a live session; one that has ended meanwhile stays ended.
    async fn save(&self, record: &Record) -> StoreResult<()> {
        let data = serde_json::to_string(&record.data).map_err(|e| StoreError::Encode(e.to_string()))?;
        self.0.core.sessions.save_page_data(token_of(record.id), &data).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let data = self.0.core.sessions.find_page_data(token_of(*id)).await;
        let Some(data) = data.map_err(backend)? else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|e| StoreError::Decode(e.to_string()))?;
        // Its deadlines are the row's own; tower-sessions only needs one in the future.
        let expiry_date = time::OffsetDateTime::UNIX_EPOCH + Duration::days(36_500);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        self.0.core.sessions.sign_out(token_of(*id)).await.map_err(backend)
    }
}
