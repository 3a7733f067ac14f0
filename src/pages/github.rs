//! `/auth/github…`: the browser's side of signing in with GitHub.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{CurrentPassword, FormErrorNotice, FormErrors},
    layout::Layout,
    return_to::{ReturnTo, login_path},
    session_store, sign_in,
    step_up::RecentlyAuthenticated,
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
    Error, GithubError, identity::Outcome, identity::PendingLink, identity::Purpose, pending_flow::BROWSER_PREFIX,
    secret::OpaqueToken,
};

/// `GET /auth/github?next=…`: to the page whose button begins. Any site's page can make a browser ask for this, so it
/// changes nothing and counts against nobody (ASVS 3.5.3).
pub async fn show(State(app): State<AppState>, Query(return_to): Query<ReturnTo>) -> Result<Redirect, HttpError> {
    if !app.core.identities.is_configured() {
        return Err(Error::NotFound.into());
    }
    Ok(Redirect::to(&login_path(&return_to.path())))
}

/// `POST /auth/github`
pub async fn begin(visitor: Visitor, Form(return_to): Form<ReturnTo>) -> Result<Response, HttpError> {
    begin_flow(&visitor, Purpose::SignIn, return_to.path()).await
}

/// `POST /auth/github/link`
pub async fn begin_link(confirmed: RecentlyAuthenticated<Member, EmptyForm>) -> Result<Response, HttpError> {
    begin_flow(&confirmed.who.visitor, Purpose::Link, "/account?done=linked".into()).await
}

/// `POST /auth/github/step-up`: proves at GitHub who this is, and comes back to `next`.
pub async fn begin_step_up(member: Member, Form(return_to): Form<ReturnTo>) -> Result<Response, HttpError> {
    begin_flow(&member.visitor, Purpose::StepUp, return_to.path()).await
}

async fn begin_flow(visitor: &Visitor, purpose: Purpose, return_to: String) -> Result<Response, HttpError> {
    let app = &visitor.app;
    if !app.core.identities.is_configured() {
        return Err(Error::NotFound.into());
    }
    app.core.limits.oauth_start(visitor.context.ip)?;
    let browser = visitor.browser.clone().unwrap_or_else(|| OpaqueToken::generate(BROWSER_PREFIX));
    let url = app.core.identities.begin(&browser, purpose, visitor.signed_in.as_deref(), return_to).await?;
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
pub async fn callback(visitor: Visitor, Query(query): Query<CallbackQuery>) -> Result<Response, HttpError> {
    let app = visitor.app.clone();
    let result = query.code.ok_or(query.error.as_deref().unwrap_or("no_code"));
    let current = visitor.signed_in.as_deref();
    match app.core.identities.finish(visitor.browser.as_ref(), &query.state, result, current, &visitor.context).await? {
        Outcome::Authenticated { authenticated, return_to } => {
            Ok(sign_in::complete(visitor, *authenticated, return_to).await?)
        }
        Outcome::SteppedUp { token, return_to } => {
            session_store::attach(&visitor.cookie, token).await?;
            Ok(Redirect::to(&return_to).into_response())
        }
        Outcome::Linked { return_to } => Ok(Redirect::to(&return_to).into_response()),
        Outcome::PasswordNeeded { token } => {
            Ok(Redirect::to(&format!("/auth/github/confirm?link={}", token.expose())).into_response())
        }
    }
}

#[derive(Deserialize)]
pub struct LinkQuery {
    #[serde(default)]
    link: String,
}

#[derive(Deserialize)]
pub struct ConfirmLinkForm {
    link: String,
    password: String,
}

/// `GET /auth/github/confirm`: asks for the password of the account that has the address.
pub async fn confirm(visitor: Visitor, Query(LinkQuery { link }): Query<LinkQuery>) -> Result<Response, HttpError> {
    let app = visitor.app.clone();
    let browser = visitor.browser.clone().ok_or(Error::Github(GithubError::State))?;
    let pending = app.core.identities.pending_link(&browser, &link).await?;
    Ok(confirm_page(visitor, pending, link, FormErrors::default()).await)
}

/// `POST /auth/github/confirm`
pub async fn submit_confirm(visitor: Visitor, Form(form): Form<ConfirmLinkForm>) -> Result<Response, HttpError> {
    let app = visitor.app.clone();
    let browser = visitor.browser.clone().ok_or(Error::Github(GithubError::State))?;
    let pending = app.core.identities.pending_link(&browser, &form.link).await?;
    match app.core.identities.confirm_link(&browser, &form.link, &form.password, &visitor.context).await {
        // It is the password that lets them in.
        Ok((authenticated, return_to)) => Ok(sign_in::complete(visitor, authenticated, return_to).await?),
        Err(Error::InvalidCredentials) => {
            let form_errors = FormErrors::of(Error::InvalidCredentials)?;
            Ok(confirm_page(visitor, pending, form.link, form_errors).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn confirm_page(visitor: Visitor, pending: PendingLink, link: String, form_errors: FormErrors) -> Response {
    let lang = visitor.lang;
    Layout::new(visitor, "confirm-link-title")
        .form_errors(&form_errors)
        .render(move || {
            let errors = form_errors.any().then_some("");
            view! {
                <section class="narrow card">
                    <h1>{lang.t("confirm-link-title")}</h1>
                    <p>{lang.t1("confirm-link-text", "login", pending.login)}</p>
                    <form method="post" action="/auth/github/confirm" data-errors=errors>
                        <FormErrorNotice lang form_errors=form_errors.clone() />
                        <input type="hidden" name="link" value=link />
                        <div class="field">
                            <label for="email">{lang.t("email")}</label>
                            <input id="email" type="email" value=pending.email autocomplete="username" readonly />
                        </div>
                        <CurrentPassword lang form_errors name="password" label="password" autofocus=true />
                        <button>{lang.t("confirm-link-submit")}</button>
                    </form>
                </section>
            }
        })
        .await
}

/// `POST /auth/github/unlink`
pub async fn unlink(confirmed: RecentlyAuthenticated<Member, EmptyForm>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = confirmed.who;
    visitor.app.core.identities.unlink(&signed_in.user.id, &visitor.context).await?;
    Ok(Redirect::to("/account?done=unlinked").into_response())
}
