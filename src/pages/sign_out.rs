//! `/logout`.

use axum::response::{IntoResponse, Redirect, Response};

use super::{page_cookies, visitor::Visitor};
use crate::http::{
    cookies::{self, CookieKind},
    error::HttpError,
};
use sekisho_core::SessionSelector;
use sekisho_model::EndReason;

/// `POST /logout`: ends this session and removes the cookies. Idempotent.
pub async fn submit(visitor: Visitor) -> Result<Response, HttpError> {
    let app = &visitor.app;
    if let Some(signed_in) = &visitor.signed_in {
        app.core
            .sessions
            .end(SessionSelector::of(&signed_in.session), EndReason::SignedOut, Some(&visitor.context))
            .await?;
    }
    // tower-sessions' own removal lacks `Secure`, without which a browser keeps a `__Host-` cookie.
    Ok((cookies::remove(app, CookieKind::Session), page_cookies::remove(app), Redirect::to("/login?signed_out"))
        .into_response())
}
