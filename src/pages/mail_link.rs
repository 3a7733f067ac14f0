//! What the pages have in common that links in messages open.

use axum::{http::StatusCode, response::Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{layout::Layout, visitor::Visitor};
use crate::http::error::HttpError;
use sekisho_core::Error;

#[derive(Deserialize)]
pub struct TokenQuery {
    pub token: Option<String>,
}

#[derive(Deserialize)]
pub struct TokenForm {
    pub token: String,
}

/// Says that a message is on its way to `email`, whoever that is: the same for every address.
pub async fn mail_sent_page(visitor: Visitor, title: &'static str, text: &'static str, email: String) -> Response {
    let lang = visitor.lang;
    Layout::new(visitor, title)
        .at("/login")
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t("mail-sent-title")}</h1>
                    <p role="status">{lang.t1(text, "email", email)}</p>
                    <p class="hint">{lang.t("mail-sent-hint")}</p>
                    <p class="aside"><a href="/login">{lang.t("forgot-back")}</a></p>
                </section>
            }
        })
        .await
}

/// A link that is expired, used, or overtaken by another change.
pub async fn link_gone_page(visitor: Visitor) -> Response {
    let lang = visitor.lang;
    let status = if visitor.app.core.accounts.can_recover() {
        HttpError::from(Error::LinkGone).status()
    } else {
        StatusCode::NOT_FOUND
    };
    Layout::new(visitor, "link-gone-title")
        .status(status)
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t("link-gone-title")}</h1>
                    <p>{lang.t("error-link_gone")}</p>
                    <p class="actions">
                        <a class="button secondary" href="/forgot-password">{lang.t("link-gone-again")}</a>
                    </p>
                </section>
            }
        })
        .await
}
