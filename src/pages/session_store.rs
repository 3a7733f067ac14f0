//! tower-sessions on our own table: it carries the cookie, the rules stay in [`sekisho_core::session`].
//!
//! A row is made by the core at a sign-in and attached to the cookie here; nothing else creates one. What a page
//! keeps with `session.insert(…)` is the row's `data`, for as long as the session lives.

use std::fmt;

use async_trait::async_trait;
use axum::http::HeaderName;
use time::Duration;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store::{Error as StoreError, Result as StoreResult},
};

use super::cookie;
use crate::state::AppState;
use sekisho_core::{
    db::sessions,
    error::Error,
    reason::Reason,
    session::{CookieToken, Which},
};

/// Under this key a sign-in hands the new row's token to [`Store::create`]; it is never stored.
const TOKEN: &str = "sekisho.token";
/// The cookie outlives the session by this, so that the sign-in page can still say why it ended.
const REMEMBER_ENDED: Duration = Duration::days(7);
const NEVER_ENDS: Duration = Duration::days(400);

#[derive(Clone)]
pub struct Store(AppState);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// The layer that reads and writes the cookie.
pub fn layer(app: &AppState) -> SessionManagerLayer<Store> {
    let lifetime = app.auth.policy.session_absolute.and_then(|d| Duration::try_from(d).ok());
    SessionManagerLayer::new(Store(app.clone()))
        .with_name(cookie_name(app))
        .with_secure(app.config.core.base_url.is_https()) // ASVS 3.3.1
        .with_http_only(true) // ASVS 3.3.4
        .with_same_site(SameSite::Lax) // ASVS 3.3.2
        .with_expiry(Expiry::OnInactivity(lifetime.map_or(NEVER_ENDS, |d| d + REMEMBER_ENDED)))
}

/// `__Host-` binds the cookie to this host, over https only (ASVS 3.3.1); plain http on localhost can't have it.
pub fn cookie_name(app: &AppState) -> &'static str {
    if app.config.core.base_url.is_https() { "__Host-sekisho" } else { "sekisho" }
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
pub async fn cookie_for_error(session: &Session, app: &AppState) -> Option<(HeaderName, String)> {
    if session.id().is_some() {
        return None;
    }
    let token = CookieToken::new(session.get(TOKEN).await.ok().flatten()?);
    let lifetime = app.auth.policy.session_absolute.map_or(400 * 86_400, |d| d.as_secs() + 7 * 86_400);
    let value = Id(i128::from_le_bytes(token.expose())).to_string();
    Some(cookie::set(app, cookie_name(app), &value, u32::try_from(lifetime).unwrap_or(u32::MAX)))
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
        sessions::update_data(self.0.auth.db.writer(), &token_of(record.id).hash(), &data).await.map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let auth = &self.0.auth;
        let data = sessions::find_data(auth.db.reader(), &token_of(*id).hash(), auth.clock.now()).await;
        let Some(data) = data.map_err(backend)? else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|e| StoreError::Decode(e.to_string()))?;
        // Its deadlines are the row's own; tower-sessions only needs one in the future.
        let expiry_date = time::OffsetDateTime::UNIX_EPOCH + Duration::days(36_500);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        let auth = &self.0.auth;
        let found = sessions::find_by_token_hash(auth.db.reader(), &token_of(*id).hash()).await;
        if let Some(row) = found.map_err(backend)?.filter(|row| row.ended_at.is_none()) {
            let ended = auth.end(Which::of(&row), Reason::SignedOut, None).await;
            ended.map_err(backend)?;
        }
        Ok(())
    }
}
