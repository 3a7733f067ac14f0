//! Every cookie of this server and its rules (ASVS 3.3): over https `Secure` and the `__Host-` prefix, which bind it to
//! this host (3.3.1; plain http on localhost can have neither), `SameSite=Lax` (3.3.2), as the auth flow's and the
//! session's must come along when GitHub redirects back, `HttpOnly` (3.3.4), `Path=/`, and how long a browser keeps it.

use axum::http::HeaderMap;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use time::Duration;
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};

use crate::state::AppState;

const SAME_SITE: SameSite = SameSite::Lax;
const HTTP_ONLY: bool = true;
const PATH: &str = "/";

/// The longest that browsers keep a cookie.
const MOST: Duration = Duration::days(400);
/// The session's cookie outlives the session by this, so that the sign-in page can still say why it ended.
const REMEMBER_ENDED: Duration = Duration::days(7);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieKind {
    /// The session's secret; tower-sessions sets and reads it.
    Session,
    /// The page token (`SEKISHO_STRATEGY=jwt`), in place of the session's secret.
    Page,
    /// The refresh token that renews it.
    Refresh,
    /// The language that was chosen in this browser.
    Language,
    /// The colours that were chosen in this browser.
    Theme,
    /// Minutes that this browser's clock is ahead of UTC; set by `public/page.js`.
    UtcOffset,
    /// Which accounts signed in from this browser.
    Device,
    /// Binds an auth flow, or a sign-in that is not finished, to the browser in which it began.
    AuthFlow,
    /// A browser that needs no second factor for a while.
    TrustedBrowser,
}

impl CookieKind {
    pub fn name(self, app: &AppState) -> &'static str {
        match (self, is_secure(app)) {
            (Self::Session, true) => "__Host-sekisho",
            (Self::Session, false) => "sekisho",
            (Self::Page, true) => "__Host-sekisho_page",
            (Self::Page, false) => "sekisho_page",
            (Self::Refresh, true) => "__Host-sekisho_refresh",
            (Self::Refresh, false) => "sekisho_refresh",
            (Self::Language, true) => "__Host-sekisho_language",
            (Self::Language, false) => "sekisho_language",
            (Self::Theme, true) => "__Host-sekisho_theme",
            (Self::Theme, false) => "sekisho_theme",
            (Self::UtcOffset, true) => "__Host-sekisho_offset",
            (Self::UtcOffset, false) => "sekisho_offset",
            (Self::Device, true) => "__Host-sekisho_device",
            (Self::Device, false) => "sekisho_device",
            (Self::AuthFlow, true) => "__Host-sekisho_ceremony",
            (Self::AuthFlow, false) => "sekisho_ceremony",
            (Self::TrustedBrowser, true) => "__Host-sekisho_trusted",
            (Self::TrustedBrowser, false) => "sekisho_trusted",
        }
    }

    fn max_age(self, app: &AppState) -> Duration {
        match self {
            Self::Session | Self::Page | Self::Refresh => {
                let lifetime = app.core.policy.session_absolute.and_then(|d| Duration::try_from(d).ok());
                lifetime.map_or(MOST, |lifetime| lifetime + REMEMBER_ENDED)
            }
            Self::Language | Self::Theme | Self::UtcOffset => Duration::days(365),
            Self::Device => MOST,
            Self::AuthFlow => Duration::minutes(10),
            Self::TrustedBrowser => {
                let lifetime = app.core.policy.trust_browser.and_then(|d| Duration::try_from(d).ok());
                lifetime.unwrap_or(Duration::ZERO).min(MOST)
            }
        }
    }
}

fn is_secure(app: &AppState) -> bool {
    app.config.core.base_url.is_https()
}

/// The cookies of a request.
pub struct RequestCookies<'a> {
    app: &'a AppState,
    jar: CookieJar,
}

impl<'a> RequestCookies<'a> {
    pub fn of(app: &'a AppState, headers: &HeaderMap) -> Self {
        Self { app, jar: CookieJar::from_headers(headers) }
    }

    pub fn get(&self, kind: CookieKind) -> Option<&str> {
        self.jar.get(kind.name(self.app)).map(Cookie::value)
    }
}

/// Sets a cookie; part of a response.
pub fn set(app: &AppState, kind: CookieKind, value: impl Into<String>) -> CookieJar {
    with_max_age(app, kind, value.into(), kind.max_age(app))
}

/// Removes a cookie; part of a response.
pub fn remove(app: &AppState, kind: CookieKind) -> CookieJar {
    with_max_age(app, kind, String::new(), Duration::ZERO)
}

fn with_max_age(app: &AppState, kind: CookieKind, value: String, max_age: Duration) -> CookieJar {
    let cookie = Cookie::build((kind.name(app), value))
        .path(PATH)
        .max_age(max_age)
        .http_only(HTTP_ONLY)
        .same_site(SAME_SITE)
        .secure(is_secure(app));
    CookieJar::new().add(cookie)
}

/// tower-sessions, which sets the session's cookie by the same rules.
pub fn session_layer<S: SessionStore>(app: &AppState, store: S) -> SessionManagerLayer<S> {
    SessionManagerLayer::new(store)
        .with_name(CookieKind::Session.name(app))
        .with_path(PATH)
        .with_expiry(Expiry::OnInactivity(CookieKind::Session.max_age(app)))
        .with_http_only(HTTP_ONLY)
        .with_same_site(SAME_SITE)
        .with_secure(is_secure(app))
}
