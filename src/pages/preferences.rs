//! What a browser says of its reader in cookies, whoever is signed in: the colours they chose, and how far their clock
//! is from UTC. Kept beside a request rather than in it, for every page to be drawn with, an error's as well.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use time::UtcOffset;

use crate::{
    http::cookies::{CookieKind, RequestCookies},
    state::AppState,
};

tokio::task_local! {
    static PREFERENCES: Preferences;
}

/// Of a browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct Preferences {
    /// `None`: as the system has it.
    pub theme: Option<Theme>,
    /// As its script found it; `None`: not known, so times are UTC and say so.
    pub utc_offset: Option<UtcOffset>,
}

/// The colours of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// In the cookie, the form and `<html data-theme>`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name)
    }
}

impl Preferences {
    fn of(cookies: &RequestCookies<'_>) -> Self {
        let minutes = cookies.get(CookieKind::UtcOffset).and_then(|minutes| minutes.parse::<i32>().ok());
        let seconds = minutes.filter(|minutes| minutes.abs() <= 14 * 60).map(|minutes| minutes * 60);
        Self {
            theme: cookies.get(CookieKind::Theme).and_then(Theme::parse),
            utc_offset: seconds.and_then(|seconds| UtcOffset::from_whole_seconds(seconds).ok()),
        }
    }

    /// Those of the request that is being answered.
    pub fn current() -> Self {
        PREFERENCES.try_with(|preferences| *preferences).unwrap_or_default()
    }
}

/// A layer: reads them for what is inside.
pub async fn read(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let preferences = Preferences::of(&RequestCookies::of(&app, request.headers()));
    PREFERENCES.scope(preferences, next.run(request)).await
}
