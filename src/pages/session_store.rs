//! tower-sessions on our own table: it carries the cookie, the rules stay in [`sekisho_core::session`].
//!
//! A row is made by the core at a sign-in and attached to the cookie here; nothing else creates one. What a page
//! keeps with `session.insert(…)` is the row's `data`, for as long as the session lives.

use std::{convert::Infallible, fmt};

use async_trait::async_trait;
use axum::{extract::Request, middleware::from_fn_with_state, response::Response};
use axum_extra::extract::CookieJar;
use time::Duration;
use tower::{Layer, Service, util::BoxCloneSyncService};
use tower_sessions::{
    Session, SessionManagerLayer, SessionStore,
    session::{Id, Record},
    session_store::{Error as StoreError, Result as StoreResult},
};

pub use super::cookie_token::attach;
use super::{
    cookie_token::{TOKEN, attached, id_of, token_of},
    page_cookies,
};
use crate::{
    http::cookies::{self, CookieKind},
    state::AppState,
};
use sekisho_core::session::credential::CookieToken;

/// The store behind the cookie; [`layer`] makes it.
#[derive(Clone)]
pub struct Store(AppState);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// The layer that reads and writes the cookies.
pub fn layer(app: &AppState) -> SessionLayer {
    SessionLayer { app: app.clone(), sessions: cookies::session_layer(app, Store(app.clone())) }
}

/// tower-sessions' layer, and inside of it that of the page cookies.
#[derive(Clone)]
pub struct SessionLayer {
    app: AppState,
    sessions: SessionManagerLayer<Store>,
}

impl<S> Layer<S> for SessionLayer
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Service = BoxCloneSyncService<Request, Response, Infallible>;

    fn layer(&self, inner: S) -> Self::Service {
        let page_cookies = from_fn_with_state(self.app.clone(), page_cookies::carry);
        BoxCloneSyncService::new(self.sessions.layer(page_cookies.layer(inner)))
    }
}

/// The secret that the request's cookie holds, or the one that has been attached since.
pub async fn token(session: &Session) -> Option<CookieToken> {
    match session.id() {
        Some(id) => Some(token_of(id)),
        None => attached(session).await,
    }
}

/// `Set-Cookie` for a secret that was attached, where tower-sessions sets none: with an error of ours. The old secret
/// is dead by then, and an error is no reason to lose the session. Page cookies are set with errors as well.
pub async fn cookie_for_error(session: &Session, app: &AppState) -> Option<CookieJar> {
    if app.core.page_tokens.enabled() {
        return None;
    }
    Some(cookies::set(app, CookieKind::Session, id_of(attached(session).await?).to_string()))
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
