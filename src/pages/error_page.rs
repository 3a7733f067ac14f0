//! Errors as pages, in the same look and the visitor's language.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{AppendHeaders, IntoResponse, Response},
};
use leptos::prelude::*;

use super::{layout::Layout, session_store, visitor::Visitor};
use crate::{api::problem::Problem, state::AppState};
use sekisho_core::error::Error;

/// An error on its way to a person. It has no page yet: [`draw`] knows for whom to draw it.
#[derive(Debug)]
pub struct ErrorPage(pub Error);

impl<E: Into<Error>> From<E> for ErrorPage {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// What [`draw`] finds in an answer.
#[derive(Clone)]
struct Undrawn {
    code: &'static str,
    retry_after: Option<u64>,
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let Self(error) = self;
        error.log();
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(Undrawn { code: error.code(), retry_after: error.retry_after() });
        response
    }
}

/// Draws the errors of the pages below it.
pub async fn draw(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut seen = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(Undrawn { code, retry_after }) = response.extensions().get::<Undrawn>().cloned() else {
        return response;
    };
    let visitor = match Visitor::from_request_parts(&mut seen, &app).await {
        Ok(visitor) => visitor,
        // Who it is can't be told: the database is gone.
        Err(_) => match Visitor::stranger(&mut seen, &app).await {
            Ok(stranger) => stranger,
            Err(error) => return Problem(error).into_response(),
        },
    };
    let lang = visitor.lang;
    let status = response.status();
    let signed_in = visitor.signed_in.is_some();
    let cookie = match status.is_server_error() {
        true => session_store::cookie_for_error(&visitor.cookie, &app).await,
        false => None,
    };
    let mut page = Layout::new(visitor, "error-title")
        .status(status)
        .retry_after(retry_after)
        .render(move || {
            view! {
                <section class="narrow">
                    <p class="code">{status.as_u16()}</p>
                    <h1>{lang.t("error-title")}</h1>
                    <p>{lang.t(&format!("error-{code}"))}</p>
                    <p class="actions">
                        {if code.starts_with("github_") && !signed_in {
                            view! { <a class="button" href="/login">{lang.t("error-back-to-sign-in")}</a> }
                        } else {
                            view! { <a class="button" href="/">{lang.t("error-home")}</a> }
                        }}
                    </p>
                </section>
            }
        })
        .await;
    // What the answer had beside its page stays, such as `Allow` on a 405.
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
            page.headers_mut().insert(name, value.clone());
        }
    }
    match cookie {
        Some(cookie) => (AppendHeaders([cookie]), page).into_response(),
        None => page,
    }
}
