//! `POST /theme`: the colours for this browser.

use axum::{
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{preferences::Theme, return_to::referring_path, visitor::Visitor};
use crate::http::{
    cookies::{self, CookieKind},
    form::Form,
};

#[derive(Deserialize)]
pub struct ThemeForm {
    theme: String,
}

pub async fn choose(visitor: Visitor, headers: HeaderMap, Form(choice): Form<ThemeForm>) -> Response {
    let app = &visitor.app;
    let cookie = match Theme::parse(&choice.theme) {
        Some(theme) => cookies::set(app, CookieKind::Theme, theme.as_str()),
        // As the system has it.
        None => cookies::remove(app, CookieKind::Theme),
    };
    (cookie, Redirect::to(&referring_path(&headers, &app.origin))).into_response()
}
