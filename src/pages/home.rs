//! `/`: what this is, or a light page for whoever is signed in.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;

use super::{
    layout::{Layout, When},
    visitor::Visitor,
};
use crate::locale::Lang;
use sekisho_core::session::SignedIn;

pub async fn show(visitor: Visitor) -> Response {
    let lang = visitor.lang;
    match visitor.signed_in.clone() {
        Some(signed_in) if visitor.app.core.accounts.must_verify(&signed_in.user) => {
            Redirect::to("/verify-email").into_response()
        }
        Some(signed_in) => Layout::new(visitor, "brand").render(move || view! { <Welcome lang signed_in /> }).await,
        None => {
            let registration = visitor.app.config.core.registration_open;
            Layout::new(visitor, "brand").render(move || view! { <Landing lang registration /> }).await
        }
    }
}

#[component]
fn Welcome(lang: Lang, signed_in: Arc<SignedIn>) -> impl IntoView {
    view! {
        <section class="hero">
            <h1>{lang.t1("home-welcome", "name", signed_in.user.name.clone())}</h1>
            <p class="lead">{lang.t("home-welcome-lead")}</p>
            <p class="hint">{lang.t("home-last-active")} " " <When at=signed_in.session.last_active_at /></p>
            <p class="actions">
                <a class="button" href="/devices">{lang.t("home-to-devices")}</a>
                <a class="button secondary" href="/account">{lang.t("home-to-account")}</a>
            </p>
        </section>
    }
}

#[component]
fn Landing(lang: Lang, registration: bool) -> impl IntoView {
    let sign_in = if registration { "button secondary" } else { "button" };
    let point = |name: &str| {
        view! {
            <section class="card">
                <h2>{lang.t(&format!("home-{name}-title"))}</h2>
                <p>{lang.t(&format!("home-{name}-text"))}</p>
            </section>
        }
    };
    view! {
        <section class="hero">
            <h1>{lang.t("home-title")}</h1>
            <p class="lead">{lang.t("home-lead")}</p>
            <p class="actions">
                {registration.then(|| view! { <a class="button" href="/register">{lang.t("nav-register")}</a> })}
                <a class=sign_in href="/login">{lang.t("nav-sign-in")}</a>
            </p>
        </section>
        <div class="points">
            {point("sessions")}
            {point("tokens")}
            {point("truth")}
        </div>
    }
}
