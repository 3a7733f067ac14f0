//! Errors as pages, in the same look and the visitor's language.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::prelude::*;

use super::{layout::Layout, session_store, visitor::Visitor};
use crate::{
    http::error::{keep_headers, take},
    state::AppState,
};

/// A layer of the router whose errors are pages: renders those that are not rendered yet.
pub async fn render(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut seen = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(error) = take(&mut response) else { return response };
    let visitor = match Visitor::from_request_parts(&mut seen, &app).await {
        Ok(visitor) => visitor,
        // Who it is can't be told: the database is gone.
        Err(_) => match Visitor::anonymous(&mut seen, &app).await {
            Ok(visitor) => visitor,
            Err(error) => return error.into_response(),
        },
    };
    let lang = visitor.lang;
    let (status, code) = (error.status(), error.code());
    let signed_in = visitor.signed_in.is_some();
    let cookie = match status.is_server_error() {
        true => session_store::cookie_for_error(&visitor.cookie, &app).await,
        false => None,
    };
    let mut page = Layout::new(visitor, "error-title")
        .status(status)
        .retry_after(error.retry_after())
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
    keep_headers(&mut page, &response);
    match cookie {
        Some(cookie) => (cookie, page).into_response(),
        None => page,
    }
}
