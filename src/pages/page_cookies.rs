//! The cookies of pages under `SEKISHO_STRATEGY=jwt`: a page token, and the refresh token by which it is renewed in the
//! request that needs it. They are renewed only where this layer carries them into the response. Read under each strategy,
//! so that a switch signs nobody out.
//!
//! Parallel requests of a browser share a successor. None of them removes a cookie, so that none takes away what another
//! one brought; nor sets one for a session that has ended meanwhile. Only signing out removes them.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::extract::CookieJar;
use tower_sessions::{
    Session, SessionStore,
    session::{Id, Record},
    session_store::{Error as StoreError, Result as StoreResult},
};

use super::cookie_token::{attached, id_of};
use crate::{
    http::cookies::{self, CookieKind, RequestCookies},
    middleware::request_context::request_context,
    state::AppState,
};
use sekisho_core::{
    Error,
    session::CookieLookup,
    session::credential::CookieToken,
    token::page::{FoundPage, PageClaims, PresentedCookies, RenewedCookies},
};

/// What one request's page cookies became, shared by its handler and this layer.
#[derive(Clone, Default)]
pub struct PageCookies(Arc<Mutex<Option<Found>>>);

#[derive(Clone)]
struct Found {
    claims: PageClaims,
    /// Cookies for the response.
    renewed: Option<RenewedCookies>,
    /// What pages keep in this session.
    data: Session,
}

impl PageCookies {
    fn found(&self) -> MutexGuard<'_, Option<Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After activity was recorded.
    pub fn update(&self, app: &AppState, session: &sekisho_core::Session) -> Result<(), Error> {
        if let Some(found) = &mut *self.found()
            && let Some(updated) = app.core.page_tokens.update(&mut found.claims, session)?
        {
            let refresh = found.renewed.take().and_then(|renewed| renewed.refresh);
            found.renewed = Some(RenewedCookies { refresh, ..updated });
        }
        Ok(())
    }
}

/// Looks up whose session the page cookies belong to, and what pages keep in it.
pub async fn look_up(app: &AppState, parts: &Parts) -> Result<(CookieLookup, Option<Session>), Error> {
    let none = Ok((CookieLookup::Unknown, None));
    let Some(carried) = parts.extensions.get::<PageCookies>() else { return none };
    let cookies = RequestCookies::of(app, &parts.headers);
    let (mut page, mut refresh) = (cookies.get(CookieKind::Page), cookies.get(CookieKind::Refresh));
    // Again in the same request, as an error page does: by what it was renewed to.
    let before = carried.found().clone();
    if let Some(renewed) = before.as_ref().and_then(|found| found.renewed.as_ref()) {
        page = Some(&renewed.page);
        refresh = renewed.refresh.as_ref().map_or(refresh, |_| None);
    }
    if page.is_none() && refresh.is_none() {
        return none;
    }
    let Ok(context) = request_context(parts) else { return none };
    let presented = PresentedCookies { page, refresh };
    let (lookup, found) = app.core.page_tokens.look_up(presented, reads_only(parts), &context).await?;
    let Some(FoundPage { claims, renewed }) = found else { return Ok((lookup, None)) };
    let data = match &before {
        Some(found) => found.data.clone(),
        None => Session::new(Some(Id::default()), Arc::new(Store(app.clone(), claims.clone())), None),
    };
    let renewed = renewed.or_else(|| before.and_then(|found| found.renewed));
    *carried.found() = Some(Found { claims, renewed, data: data.clone() });
    Ok((lookup, Some(data)))
}

/// Whether a request only reads. A provider's redirect is a GET that signs in, links or steps up.
fn reads_only(parts: &Parts) -> bool {
    matches!(parts.method, Method::GET | Method::HEAD) && !parts.uri.path().starts_with("/auth/")
}

/// The layer, inside of tower-sessions' own: stores what pages keep, and sets the cookies.
pub async fn carry(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let carried = PageCookies::default();
    request.extensions_mut().insert(carried.clone());
    let plain = request.extensions().get::<Session>().cloned();
    let presented = Presented::of(&app, request.headers());
    let response = next.run(request).await;
    let found = carried.found().take();
    if let Some(found) = &found
        && let Some(token) = attached(&found.data).await
    {
        return set_new(&app, token, None, presented, response).await;
    }
    if let Some(plain) = &plain
        && let Some(token) = attached(plain).await
    {
        return set_new(&app, token, Some(plain), presented, response).await;
    }
    let Some(Found { claims, renewed, data }) = found else { return response };
    // As tower-sessions does with its own.
    if data.is_modified()
        && !response.status().is_server_error()
        && let Err(error) = data.save().await
    {
        tracing::error!(%error, "what a page keeps can't be stored");
    }
    match renewed.filter(|_| !app.core.page_tokens.is_over(&claims)) {
        Some(renewed) => (set(&app, renewed), response).into_response(),
        None => response,
    }
}

/// Which of the cookies a request brought.
#[derive(Clone, Copy)]
struct Presented {
    session: bool,
    pair: bool,
}

impl Presented {
    fn of(app: &AppState, headers: &HeaderMap) -> Self {
        let cookies = RequestCookies::of(app, headers);
        let has = |kind| cookies.get(kind).is_some();
        Self { session: has(CookieKind::Session), pair: has(CookieKind::Page) || has(CookieKind::Refresh) }
    }
}

/// Sets the cookies of a session's new secret, of the kind that the strategy issues, and removes those of the other kind.
/// `plain` is tower-sessions' own record, if the secret was attached to that.
async fn set_new(
    app: &AppState,
    token: CookieToken,
    plain: Option<&Session>,
    presented: Presented,
    response: Response,
) -> Response {
    let tokens = &app.core.page_tokens;
    if !tokens.enabled() {
        let old = presented.pair.then(|| remove(app));
        // tower-sessions sets its own.
        let new = plain.is_none().then(|| cookies::set(app, CookieKind::Session, id_of(token).to_string()));
        return (new, old, response).into_response();
    }
    if let Some(plain) = plain {
        plain.clear().await; // tower-sessions sets no cookie
    }
    match tokens.replace_cookie_token(token).await {
        Ok(Some(renewed)) => {
            let old = presented.session.then(|| cookies::remove(app, CookieKind::Session));
            (set(app, renewed), old, response).into_response()
        }
        Ok(None) => response, // ended meanwhile
        Err(error) => {
            error.log(); // the secret itself is still valid
            let old = presented.pair.then(|| remove(app));
            (cookies::set(app, CookieKind::Session, id_of(token).to_string()), old, response).into_response()
        }
    }
}

fn set(app: &AppState, RenewedCookies { page, refresh }: RenewedCookies) -> (CookieJar, Option<CookieJar>) {
    let refresh = refresh.map(|token| cookies::set(app, CookieKind::Refresh, token.expose()));
    (cookies::set(app, CookieKind::Page, page), refresh)
}

/// Removes the page cookies; part of a response.
pub fn remove(app: &AppState) -> (CookieJar, CookieJar) {
    (cookies::remove(app, CookieKind::Page), cookies::remove(app, CookieKind::Refresh))
}

/// What pages keep in a session that is found by its page token.
struct Store(AppState, PageClaims);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

fn backend(error: impl fmt::Display) -> StoreError {
    StoreError::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, _: &mut Record) -> StoreResult<()> {
        Err(backend("only a sign-in makes a session"))
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        let data = serde_json::to_string(&record.data).map_err(|e| StoreError::Encode(e.to_string()))?;
        self.0.core.page_tokens.save_page_data(&self.1, &data).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let data = self.0.core.page_tokens.find_page_data(&self.1).await.map_err(backend)?;
        let Some(data) = data else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|e| StoreError::Decode(e.to_string()))?;
        let expiry_date = time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(36_500);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    /// At a change of the secret the session goes on.
    async fn delete(&self, _: &Id) -> StoreResult<()> {
        Ok(())
    }
}
