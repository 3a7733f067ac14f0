//! `/login`.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{CurrentPassword, Field, FormErrorNotice, FormErrors},
    github_button::OrGithub,
    layout::{Done, Layout},
    passkey_form::{PasskeyFields, PasskeySignIn},
    return_to::{local_path, with_return_to},
    sign_in,
    visitor::Visitor,
};
use crate::{
    http::{error::HttpError, form::Form, query::Query},
    locale::Lang,
};
use sekisho_core::Error;
use sekisho_model::EndReason;

#[derive(Deserialize)]
pub struct LoginQuery {
    next: Option<String>,
    /// Set by the redirect of `POST /logout`, which removes the cookie.
    signed_out: Option<String>,
    /// What was just done by a link in a message.
    done: Option<String>,
}

#[derive(Deserialize)]
pub struct LoginForm {
    email: String,
    password: String,
    next: Option<String>,
}

pub async fn show(visitor: Visitor, Query(query): Query<LoginQuery>) -> Response {
    let return_to = local_path(query.next.as_deref());
    if visitor.signed_in.is_some() {
        return Redirect::to(&return_to).into_response();
    }
    let end_reason = visitor.end_reason.or(query.signed_out.map(|_| EndReason::SignedOut));
    let done = match query.done.as_deref() {
        Some("verified") => Some("login-verified"),
        Some("reset") => Some("login-reset"),
        _ => None,
    };
    // What was done says more than that it ended this browser's session.
    let end_reason = end_reason.filter(|_| done.is_none());
    page(visitor, String::new(), return_to, (end_reason, done), FormErrors::default()).await
}

pub async fn submit(visitor: Visitor, Form(form): Form<LoginForm>) -> Result<Response, HttpError> {
    let return_to = local_path(form.next.as_deref());
    let checked = visitor.app.core.password.authenticate(&form.email, &form.password, &visitor.context).await;
    let completed = match checked {
        Ok(authenticated) => sign_in::complete(visitor.clone(), authenticated, return_to.clone()).await,
        Err(error) => Err(error),
    };
    match completed {
        Ok(response) => Ok(response),
        Err(error) => Ok(page(visitor, form.email, return_to, (None, None), FormErrors::of(error)?).await),
    }
}

#[derive(Deserialize)]
pub struct PasskeyForm {
    #[serde(flatten)]
    passkey: PasskeyFields,
    next: Option<String>,
}

/// `POST /login/passkey`
pub async fn submit_passkey(visitor: Visitor, Form(form): Form<PasskeyForm>) -> Result<Response, HttpError> {
    let return_to = local_path(form.next.as_deref());
    match sign_in_by_passkey(&visitor, &form.passkey, return_to.clone()).await {
        Ok(response) => Ok(response),
        Err(error) => Ok(page(visitor, String::new(), return_to, (None, None), FormErrors::of(error)?).await),
    }
}

async fn sign_in_by_passkey(visitor: &Visitor, passkey: &PasskeyFields, return_to: String) -> Result<Response, Error> {
    let browser = visitor.browser.as_ref().ok_or(Error::FlowGone)?;
    let response = passkey.response().ok_or(Error::FlowGone)?;
    let authenticated = visitor.app.core.passkey.authenticate(browser, response, &visitor.context).await?;
    sign_in::complete(visitor.clone(), authenticated, return_to).await
}

async fn page(
    visitor: Visitor,
    email: String,
    return_to: String,
    (end_reason, done): (Option<EndReason>, Option<&'static str>),
    form_errors: FormErrors,
) -> Response {
    let lang = visitor.lang;
    let github = visitor.app.config.core.github.is_some();
    let passkeys = visitor.app.core.passkey.is_available();
    let registration = visitor.app.config.core.registration_open;
    let recovery = visitor.app.core.accounts.can_recover();
    // Said to everybody whose sign-in failed: it must not tell whose address is registered.
    let unverified = visitor.app.config.core.policy.verify_email && form_errors.form.is_some();
    Layout::new(visitor, "login-title")
        .at("/login")
        .form_errors(&form_errors)
        .render(move || view! { <LoginPage lang email return_to end_reason done form_errors passkeys github registration recovery unverified /> })
        .await
}

#[component]
fn LoginPage(
    lang: Lang,
    email: String,
    return_to: String,
    end_reason: Option<EndReason>,
    done: Option<&'static str>,
    form_errors: FormErrors,
    passkeys: bool,
    github: bool,
    registration: bool,
    recovery: bool,
    unverified: bool,
) -> impl IntoView {
    let register = with_return_to("/register", &return_to);
    let errors = form_errors.any().then_some("");
    view! {
        <section class="narrow card">
            <h1>{lang.t("login-title")}</h1>
            {end_reason.map(|reason| view! {
                <p class="notice" data-kind="info" role="status">{lang.t(&format!("end-reason-{reason}"))}</p>
            })}
            <Done lang done />
            <form method="post" action="/login" data-errors=errors>
                <FormErrorNotice lang form_errors=form_errors.clone() />
                {unverified.then(|| view! { <p class="hint">{lang.t("login-unverified-hint")}</p> })}
                <input type="hidden" name="next" value=return_to.clone() />
                <Field lang form_errors=form_errors.clone() name="email" label="email" kind="email" value=email.clone()
                    autocomplete={if passkeys { "username webauthn" } else { "username" }} autofocus=email.is_empty() />
                <CurrentPassword lang form_errors name="password" label="password" autofocus=!email.is_empty() />
                {recovery.then(|| view! {
                    <p class="hint"><a href="/forgot-password">{lang.t("login-forgot")}</a></p>
                })}
                <button>{lang.t("login-submit")}</button>
            </form>
            {passkeys.then({
                let return_to = return_to.clone();
                move || view! { <PasskeySignIn lang return_to /> }
            })}
            {github.then(|| view! { <OrGithub lang return_to /> })}
            {registration.then(|| view! {
                <p class="aside">
                    {lang.t("login-no-account")} " " <a href=register>{lang.t("nav-register")}</a>
                </p>
            })}
        </section>
    }
}
