//! `/login`.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{CurrentPassword, Faults, Field, FormFault},
    layout::Layout,
    next::{own_path, with_next},
    sign_in,
    visitor::Visitor,
};
use crate::{
    http::{error::HttpError, form::Form, query::Query},
    locale::Lang,
};
use sekisho_core::{reason::Reason, session::Method};

#[derive(Deserialize)]
pub struct Next {
    pub next: Option<String>,
    /// Set by the redirect of `POST /logout`, which removes the cookie.
    signed_out: Option<String>,
}

#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: String,
    next: Option<String>,
}

pub async fn show(visitor: Visitor, Query(query): Query<Next>) -> Response {
    let next = own_path(query.next.as_deref());
    if visitor.signed_in.is_some() {
        return Redirect::to(&next).into_response();
    }
    let ended = visitor.ended.or(query.signed_out.map(|_| Reason::SignedOut));
    page(visitor, String::new(), next, ended, Faults::default()).await
}

pub async fn submit(visitor: Visitor, Form(form): Form<Credentials>) -> Result<Response, HttpError> {
    let next = own_path(form.next.as_deref());
    let checked = visitor.app.auth.check_password(&form.email, &form.password, &visitor.context).await;
    let completed = match checked {
        Ok(user) => sign_in::complete(visitor.clone(), &user, (Method::Password, None), next.clone()).await,
        Err(error) => Err(error),
    };
    match completed {
        Ok(response) => Ok(response),
        Err(error) => Ok(page(visitor, form.email, next, None, Faults::of(error)?).await),
    }
}

async fn page(visitor: Visitor, email: String, next: String, ended: Option<Reason>, faults: Faults) -> Response {
    let lang = visitor.lang;
    let github = visitor.app.config.core.github.is_some();
    let registration = visitor.app.config.core.registration_open;
    Layout::new(visitor, "login-title")
        .at("/login")
        .faults(&faults)
        .render(move || view! { <LoginPage lang email next ended faults github registration /> })
        .await
}

#[component]
fn LoginPage(
    lang: Lang,
    email: String,
    next: String,
    ended: Option<Reason>,
    faults: Faults,
    github: bool,
    registration: bool,
) -> impl IntoView {
    let register = with_next("/register", &next);
    let errors = faults.any().then_some("");
    view! {
        <section class="narrow card">
            <h1>{lang.t("login-title")}</h1>
            {ended.map(|reason| view! {
                <p class="notice" data-kind="info" role="status">{lang.t(&format!("ended-{reason}"))}</p>
            })}
            <form method="post" action="/login" data-errors=errors>
                <FormFault lang faults=faults.clone() />
                <input type="hidden" name="next" value=next.clone() />
                <Field lang faults=faults.clone() name="email" label="email" kind="email" value=email.clone()
                    autocomplete="username" autofocus=email.is_empty() />
                <CurrentPassword lang faults name="password" label="password" autofocus=!email.is_empty() />
                <button>{lang.t("login-submit")}</button>
            </form>
            {github.then(|| view! { <GithubButton lang next /> })}
            {registration.then(|| view! {
                <p class="aside">
                    {lang.t("login-no-account")} " " <a href=register>{lang.t("nav-register")}</a>
                </p>
            })}
        </section>
    }
}

/// A form, as leaving for GitHub changes something: another site's page can't post it (ASVS 3.5.1).
#[component]
pub fn GithubButton(lang: Lang, next: String) -> impl IntoView {
    view! {
        <p class="or"><span>{lang.t("or")}</span></p>
        <form method="post" action="/auth/github">
            <input type="hidden" name="next" value=next />
            <button class="secondary github">{lang.t("login-github")}</button>
        </form>
    }
}
