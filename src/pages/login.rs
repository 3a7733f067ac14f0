//! `/login` and `/logout`.

use axum::{
    Extension,
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    cookie::{self, SetDevice},
    form::{CurrentPassword, Faults, Field, FormFault},
    layout::Layout,
    next::{own_path, with_next},
    room, session_store,
    visitor::Visitor,
};
use crate::{
    http::{error::HttpError, form::Form, query::Query},
    locale::Lang,
};
use sekisho_core::{
    db::users::User,
    error::Error,
    reason::Reason,
    session::{Kind, Method, NewSession, Which},
};

#[derive(Deserialize)]
pub struct Next {
    pub next: Option<String>,
    /// Set by [`logout`], whose cookie is gone.
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
    let arrived = match checked {
        Ok(user) => arrive(visitor.clone(), &user, (Method::Password, None), next.clone()).await,
        Err(error) => Err(error),
    };
    match arrived {
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

/// How somebody signed in, and as whom at the provider.
pub type Proof = (Method, Option<String>);

/// Signs `user` in and sends the browser on; or, where all devices are in use, to the page that makes room.
pub async fn arrive(visitor: Visitor, user: &User, proof: Proof, next: String) -> Result<Response, Error> {
    match enter(&visitor, user, proof.clone()).await {
        Ok(device) => Ok((Extension(device), Redirect::to(&next)).into_response()),
        Err(Error::DeviceLimit(devices)) => {
            let waiting = visitor.app.auth.waiting(user, proof, next);
            room::ask(visitor, waiting, devices).await
        }
        Err(error) => Err(error),
    }
}

/// Begins a browser session for `user`, in place of the one this browser may hold. The answer brings the device cookie
/// that is returned.
pub async fn enter(visitor: &Visitor, user: &User, (method, subject): Proof) -> Result<SetDevice, Error> {
    let new = NewSession {
        user_id: &user.id,
        password_changed_at: user.password_changed_at,
        proved_at: visitor.app.auth.clock.now(),
        kind: Kind::Browser,
        method,
        subject: subject.as_deref(),
        device: None,
        replaces: visitor.signed_in.as_ref().map(|signed_in| &signed_in.session),
        instead_of: None,
        scope: None,
    };
    let token = visitor.app.auth.begin_browser_session(new, &visitor.context).await?;
    session_store::attach(&visitor.cookie, token).await?;
    Ok(SetDevice(visitor.app.auth.renew_device_cookie(&user.email, user.password_changed_at, &visitor.context)))
}

/// `POST /logout`: ends this session and takes the cookie back. Done twice, it is done.
pub async fn logout(visitor: Visitor) -> Result<Response, HttpError> {
    let app = &visitor.app;
    if let Some(signed_in) = &visitor.signed_in {
        app.auth.end(Which::of(&signed_in.session), Reason::SignedOut, Some(&visitor.context)).await?;
    }
    // tower-sessions' own removal lacks `Secure`, without which a browser keeps a `__Host-` cookie.
    let cookie = AppendHeaders([cookie::set(app, session_store::cookie_name(app), "", 0)]);
    Ok((cookie, Redirect::to("/login?signed_out")).into_response())
}
