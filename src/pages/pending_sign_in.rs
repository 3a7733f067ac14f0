//! Sign-ins that wait for something, bound to the browser by a cookie.

use axum_extra::extract::CookieJar;

use super::visitor::Visitor;
use crate::http::cookies::{self, CookieKind};
use sekisho_core::{Error, pending_flow::BROWSER_PREFIX, secret::OpaqueToken, sign_in::PendingSignIn};

/// The secret that binds flows to this browser, new if there is none, and the cookie that keeps it.
pub fn bind_browser(visitor: &Visitor) -> (CookieJar, OpaqueToken) {
    let browser = visitor.browser.clone().unwrap_or_else(|| OpaqueToken::generate(BROWSER_PREFIX));
    (cookies::set(&visitor.app, CookieKind::AuthFlow, browser.expose()), browser)
}

/// Keeps a pending sign-in. The response has to bring the cookie along; the token continues the sign-in.
pub async fn suspend(
    visitor: &Visitor,
    pending: &PendingSignIn,
    return_to: String,
) -> Result<(CookieJar, OpaqueToken, OpaqueToken), Error> {
    let (cookie, browser) = bind_browser(visitor);
    let token = visitor.app.core.sign_in.suspend(&browser, pending, return_to).await?;
    Ok((cookie, browser, token))
}
