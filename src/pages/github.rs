//! `/auth/github…`: the browser's side of signing in with GitHub.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{CurrentPassword, Faults, FormFault},
    layout::Layout,
    login::Next,
    next::{login_and_back, own_path},
    session_store, sign_in,
    step_up::Confirmed,
    visitor::{Member, Visitor},
};
use crate::{
    http::{
        cookies::{self, CookieKind},
        error::HttpError,
        form::{EmptyForm, Form},
        query::Query,
    },
    state::AppState,
};
use sekisho_core::{
    ceremony::BROWSER_PREFIX,
    error::Error,
    github::{Outcome, Purpose},
    link::PendingLink,
    secret::OpaqueToken,
    session::Method,
};

/// `GET /auth/github?next=…`: to the page whose button begins. Any site's page can make a browser ask for this, so it
/// changes nothing and counts against nobody (ASVS 3.5.3).
pub async fn show(State(app): State<AppState>, Query(query): Query<Next>) -> Result<Redirect, HttpError> {
    if app.auth.github.is_none() {
        return Err(Error::NotFound.into());
    }
    Ok(Redirect::to(&login_and_back(&own_path(query.next.as_deref()))))
}

#[derive(Deserialize)]
pub struct Back {
    next: Option<String>,
}

/// `POST /auth/github`
pub async fn begin(visitor: Visitor, Form(back): Form<Back>) -> Result<Response, HttpError> {
    depart(&visitor, Purpose::SignIn, own_path(back.next.as_deref())).await
}

/// `POST /auth/github/link`
pub async fn begin_link(confirmed: Confirmed<Member, EmptyForm>) -> Result<Response, HttpError> {
    depart(&confirmed.who.visitor, Purpose::Link, "/account?done=linked".into()).await
}

/// `POST /auth/github/step-up`: proves at GitHub who this is, and comes back to `next`.
pub async fn begin_step_up(member: Member, Form(back): Form<Back>) -> Result<Response, HttpError> {
    depart(&member.visitor, Purpose::StepUp, own_path(back.next.as_deref())).await
}

async fn depart(visitor: &Visitor, purpose: Purpose, next: String) -> Result<Response, HttpError> {
    let app = &visitor.app;
    if app.auth.github.is_none() {
        return Err(Error::NotFound.into());
    }
    app.auth.limits.depart(visitor.context.ip)?;
    let browser = visitor.browser.clone().unwrap_or_else(|| OpaqueToken::generate(BROWSER_PREFIX));
    let url = app.auth.begin_github(&browser, purpose, visitor.signed_in.as_deref(), next).await?;
    Ok((cookies::set(app, CookieKind::AuthFlow, browser.expose()), Redirect::to(&url)).into_response())
}

#[derive(Deserialize)]
pub struct CallbackQuery {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// `GET /auth/github/callback`
pub async fn callback(visitor: Visitor, Query(answer): Query<CallbackQuery>) -> Result<Response, HttpError> {
    let app = visitor.app.clone();
    let result = answer.code.ok_or(answer.error.as_deref().unwrap_or("no_code"));
    let current = visitor.signed_in.as_deref();
    match app.auth.finish_github(visitor.browser.as_ref(), &answer.state, result, current, &visitor.context).await? {
        Outcome::SignedIn { user, subject, next } => {
            Ok(sign_in::complete(visitor, &user, (Method::Github, Some(subject)), next).await?)
        }
        Outcome::SteppedUp { token, next } => {
            session_store::attach(&visitor.cookie, token).await?;
            Ok(Redirect::to(&next).into_response())
        }
        Outcome::Linked { next } => Ok(Redirect::to(&next).into_response()),
        Outcome::PasswordNeeded { token } => {
            Ok(Redirect::to(&format!("/auth/github/confirm?link={}", token.expose())).into_response())
        }
    }
}

#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    link: String,
}

#[derive(Deserialize)]
pub struct Confirmation {
    link: String,
    password: String,
}

/// `GET /auth/github/confirm`: asks for the password of the account that has the address.
pub async fn confirm(visitor: Visitor, Query(Link { link }): Query<Link>) -> Result<Response, HttpError> {
    let app = visitor.app.clone();
    let browser = visitor.browser.clone().ok_or(Error::Github("github_state"))?;
    let pending = app.auth.pending_link(&browser, &link).await?;
    Ok(confirm_page(visitor, pending, link, Faults::default()).await)
}

/// `POST /auth/github/confirm`
pub async fn submit_confirm(visitor: Visitor, Form(form): Form<Confirmation>) -> Result<Response, HttpError> {
    let app = visitor.app.clone();
    let browser = visitor.browser.clone().ok_or(Error::Github("github_state"))?;
    let pending = app.auth.pending_link(&browser, &form.link).await?;
    match app.auth.confirm_link(&browser, &form.link, &form.password, &visitor.context).await {
        // It is the password that lets them in.
        Ok((user, next)) => Ok(sign_in::complete(visitor, &user, (Method::Password, None), next).await?),
        Err(Error::InvalidCredentials) => {
            let faults = Faults::of(Error::InvalidCredentials)?;
            Ok(confirm_page(visitor, pending, form.link, faults).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn confirm_page(visitor: Visitor, pending: PendingLink, link: String, faults: Faults) -> Response {
    let lang = visitor.lang;
    Layout::new(visitor, "confirm-link-title")
        .faults(&faults)
        .render(move || {
            let errors = faults.any().then_some("");
            view! {
                <section class="narrow card">
                    <h1>{lang.t("confirm-link-title")}</h1>
                    <p>{lang.t1("confirm-link-text", "login", pending.login)}</p>
                    <form method="post" action="/auth/github/confirm" data-errors=errors>
                        <FormFault lang faults=faults.clone() />
                        <input type="hidden" name="link" value=link />
                        <div class="field">
                            <label for="email">{lang.t("email")}</label>
                            <input id="email" type="email" value=pending.email autocomplete="username" readonly />
                        </div>
                        <CurrentPassword lang faults name="password" label="password" autofocus=true />
                        <button>{lang.t("confirm-link-submit")}</button>
                    </form>
                </section>
            }
        })
        .await
}

/// `POST /auth/github/unlink`
pub async fn unlink(confirmed: Confirmed<Member, EmptyForm>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = confirmed.who;
    visitor.app.auth.unlink_github(&signed_in.user.id, &visitor.context).await?;
    Ok(Redirect::to("/account?done=unlinked").into_response())
}
