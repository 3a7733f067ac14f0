//! Who looks at a page: the one place that reads the cookie.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use tower_sessions::Session;

use super::{
    page_cookies::{self, PageCookies},
    return_to, session_store,
};
use crate::{
    http::{
        cookies::{CookieKind, RequestCookies},
        error::HttpError,
        problem::Problem,
    },
    locale::Lang,
    middleware::request_context::request_context,
    state::AppState,
};
use sekisho_core::{
    Actor, Error, RequestContext, pending_flow::BROWSER_PREFIX, secret::OpaqueToken, session::CookieLookup,
    session::SignedIn,
};
use sekisho_model::{EndReason, Permission};

/// Anybody who looks at a page, signed in or not.
#[derive(Clone)]
pub struct Visitor {
    /// For handlers that have no other access to it.
    pub app: AppState,
    /// The language of the answer: the account's, else the cookie's, else what the browser prefers.
    pub lang: Lang,
    /// What the log says of the request.
    pub context: RequestContext,
    /// `None`: anonymous.
    pub signed_in: Option<Arc<SignedIn>>,
    /// Why the session of this browser's cookie ended.
    pub end_reason: Option<EndReason>,
    /// Values kept for as long as the session lives.
    pub cookie: Session,
    /// The secret that binds an auth flow to this browser, if one has begun in it.
    pub browser: Option<OpaqueToken>,
}

/// Somebody who is signed in; anonymous visitors are redirected to the sign-in page, and back here afterwards.
#[derive(Clone)]
pub struct Member {
    /// Its context names the session, so that a change is refused once that has ended.
    pub visitor: Visitor,
    /// The user, their session and what they may do.
    pub signed_in: Arc<SignedIn>,
}

/// Somebody who may administer, by what the database says of them now; named as the one who acts.
#[derive(Clone)]
pub struct Administrator {
    /// Its context names the session, and the user as the one who acts.
    pub visitor: Visitor,
    /// The user, their session and what they may do.
    pub signed_in: Arc<SignedIn>,
}

/// Somebody signed in by the cookie, for the JSON of `/session/…`: 401 where [`Member`] redirects, and no activity.
#[derive(Clone)]
pub(crate) struct CookieUser {
    pub app: AppState,
    pub context: RequestContext,
    pub signed_in: SignedIn,
    /// As [`Visitor::browser`].
    pub browser: Option<OpaqueToken>,
    page_cookies: Option<PageCookies>,
}

impl CookieUser {
    /// Records activity.
    pub async fn touch(&mut self) -> Result<(), Error> {
        touch(&self.app, &mut self.signed_in.session, &self.context, self.page_cookies.as_ref()).await
    }
}

/// Records activity, in the page token too.
async fn touch(
    app: &AppState,
    session: &mut sekisho_core::Session,
    context: &RequestContext,
    page_cookies: Option<&PageCookies>,
) -> Result<(), Error> {
    app.core.sessions.touch(session, context).await?;
    match page_cookies {
        Some(page_cookies) => page_cookies.update(app, session),
        None => Ok(()),
    }
}

async fn present(app: &AppState, parts: &mut Parts) -> Result<(Session, CookieLookup), Error> {
    let session = Session::from_request_parts(parts, app).await.map_err(|_| Error::internal("no session layer"))?;
    let by_page_token = match page_cookies::look_up(app, parts).await? {
        (live @ CookieLookup::Live(_), Some(data)) => return Ok((data, live)),
        (other, _) => other,
    };
    match session_store::token(&session).await {
        Some(token) => match app.core.sessions.look_up(token).await? {
            CookieLookup::Unknown => Ok((session, by_page_token)),
            presented => Ok((session, presented)),
        },
        None => Ok((session, by_page_token)),
    }
}

/// Account, then cookie, then browser.
fn language(account: Option<&str>, cookies: &RequestCookies<'_>, headers: &HeaderMap) -> Lang {
    let cookie = || cookies.get(CookieKind::Language).and_then(Lang::from_code);
    let browser = || headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).map(Lang::negotiate);
    account.and_then(Lang::from_code).or_else(cookie).or_else(browser).unwrap_or(Lang::En)
}

fn auth_flow_secret(cookies: &RequestCookies<'_>) -> Option<OpaqueToken> {
    OpaqueToken::parse(BROWSER_PREFIX, cookies.get(CookieKind::AuthFlow)?)
}

impl Visitor {
    /// Without looking the cookie up.
    pub async fn anonymous(parts: &mut Parts, app: &AppState) -> Result<Self, HttpError> {
        let cookie = Session::from_request_parts(parts, app).await.map_err(|_| Error::internal("no session layer"))?;
        let cookies = RequestCookies::of(app, &parts.headers);
        let lang = language(None, &cookies, &parts.headers);
        let browser = auth_flow_secret(&cookies);
        Ok(Self {
            app: app.clone(),
            lang,
            context: request_context(parts)?,
            signed_in: None,
            end_reason: None,
            cookie,
            browser,
        })
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, HttpError> {
        let (cookie, presented) = present(app, parts).await?;
        let cookies = RequestCookies::of(app, &parts.headers);
        let device_cookie = cookies.get(CookieKind::Device).map(Into::into);
        let trusted_browser = cookies.get(CookieKind::TrustedBrowser).map(Into::into);
        let context = RequestContext { device_cookie, trusted_browser, ..request_context(parts)? };
        let (signed_in, end_reason) = match presented {
            CookieLookup::Unknown => (None, None),
            CookieLookup::Ended(reason) => (None, Some(reason)),
            CookieLookup::Live(mut signed_in) => {
                // Navigation is activity; a page fetched ahead of a click is not.
                if parts.headers.get(HeaderName::from_static("sec-purpose")).is_none() {
                    touch(app, &mut signed_in.session, &context, parts.extensions.get()).await?;
                }
                (Some(Arc::new(*signed_in)), None)
            }
        };
        let locale = signed_in.as_ref().and_then(|s| s.user.locale.as_deref());
        let lang = language(locale, &cookies, &parts.headers);
        let browser = auth_flow_secret(&cookies);
        Ok(Self { app: app.clone(), lang, context, signed_in, end_reason, cookie, browser })
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let mut visitor = Visitor::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        match visitor.signed_in.clone() {
            // Nothing but the verification until it is done (`SEKISHO_VERIFY_EMAIL=required`).
            Some(signed_in) if app.core.accounts.must_verify(&signed_in.user) => {
                Err(Redirect::to("/verify-email").into_response())
            }
            Some(signed_in) => {
                visitor.context.session_id = Some(signed_in.session.id.clone());
                Ok(Self { visitor, signed_in })
            }
            None => Err(Redirect::to(&return_to::login_path(&return_path(parts, app))).into_response()),
        }
    }
}

impl FromRequestParts<AppState> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let Member { mut visitor, signed_in } = Member::from_request_parts(parts, app).await?;
        if !signed_in.permissions.allow(Permission::ADMINISTER) {
            return Err(HttpError::from(Error::Forbidden).into_response());
        }
        visitor.context.actor = Some(Actor::Administrator(signed_in.user.id.clone()));
        Ok(Self { visitor, signed_in })
    }
}

/// The path to return to after a sign-in: the page itself, or for a form the page that it is on.
pub fn return_path(parts: &Parts, app: &AppState) -> String {
    if parts.method == axum::http::Method::GET {
        return parts.uri.path_and_query().map_or("/".into(), ToString::to_string);
    }
    return_to::referring_path(&parts.headers, &app.origin)
}

impl FromRequestParts<AppState> for CookieUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        match present(app, parts).await?.1 {
            CookieLookup::Live(signed_in) => {
                let browser = auth_flow_secret(&RequestCookies::of(app, &parts.headers));
                let (context, page_cookies) = (request_context(parts)?, parts.extensions.get().cloned());
                Ok(Self { app: app.clone(), context, signed_in: *signed_in, browser, page_cookies })
            }
            CookieLookup::Ended(reason) => Err(reason.into()),
            CookieLookup::Unknown => Err(Error::Unauthenticated.into()),
        }
    }
}
