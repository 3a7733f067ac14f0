//! `/account` and `/account/password`.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    error_page::ErrorPage,
    form::{CurrentPassword, Faults, Field, Form, FormFault, TextField},
    layout::{Done, Layout},
    register::NewPassword,
    session_store, step_up,
    visitor::Member,
};
use crate::{
    db::{identities::Identity, users::ProfileChange},
    locale::Lang,
};

/// What was just done here, as the redirect after it says.
#[derive(Deserialize)]
pub struct After {
    done: Option<String>,
}

#[derive(Clone, Deserialize)]
pub struct Profile {
    name: String,
    about: String,
    /// Empty: follow the browser.
    locale: String,
}

pub async fn show(member: Member, Query(after): Query<After>) -> Result<Response, ErrorPage> {
    let user = &member.signed_in.user;
    let profile =
        Profile { name: user.name.clone(), about: user.about.clone(), locale: user.locale.clone().unwrap_or_default() };
    let done = match after.done.as_deref() {
        Some("saved") => Some("account-saved"),
        Some("password") => Some("password-changed"),
        Some("linked") => Some("account-linked"),
        Some("unlinked") => Some("account-unlinked"),
        _ => None,
    };
    page(member, profile, done, Faults::default()).await
}

pub async fn submit(member: Member, Form(form): Form<Profile>) -> Result<Response, ErrorPage> {
    let locale = Some(form.locale.clone()).filter(|locale| !locale.is_empty());
    let change = ProfileChange { name: Some(form.name.clone()), about: Some(form.about.clone()), locale: Some(locale) };
    match member.visitor.app.auth.change_profile(&member.signed_in.user, change, &member.visitor.caller).await {
        Ok(_) => Ok(Redirect::to("/account?done=saved").into_response()),
        Err(error) => page(member, form, None, Faults::of(error)?).await,
    }
}

async fn page(
    member: Member,
    profile: Profile,
    done: Option<&'static str>,
    faults: Faults,
) -> Result<Response, ErrorPage> {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let identity = visitor.app.auth.github_identity(&signed_in.user.id).await?;
    let github = (visitor.app.config.github.is_some() || identity.is_some()).then_some(identity);
    let has_password = signed_in.user.password_hash.is_some();
    let email = signed_in.user.email.clone();
    let page = Layout::new(visitor, "account-title").at("/account").faults(&faults);
    Ok(page.render(move || view! { <AccountPage lang email profile done faults has_password github /> }).await)
}

#[component]
fn AccountPage(
    lang: Lang,
    email: String,
    profile: Profile,
    done: Option<&'static str>,
    faults: Faults,
    has_password: bool,
    /// `None`: GitHub is not offered here.
    github: Option<Option<Identity>>,
) -> impl IntoView {
    let errors = faults.any().then_some("");
    let saved = (done == Some("account-saved")).then_some("");
    let languages = std::iter::once(("", lang.t("account-language-auto")))
        .chain(Lang::ALL.map(|choice| (choice.code(), choice.name().to_owned())))
        .map(|(code, name)| view! { <option value=code selected=profile.locale == code>{name}</option> })
        .collect_view();
    view! {
        <h1>{lang.t("account-title")}</h1>
        {done.map(|key| view! { <Done text=lang.t(key) /> })}
        <section class="card" aria-labelledby="profile">
            <h2 id="profile">{lang.t("account-profile")}</h2>
            <form method="post" action="/account" data-draft="" data-saved=saved
                data-errors=errors>
                <FormFault lang faults=faults.clone() />
                <div class="field">
                    <label for="email">{lang.t("email")}</label>
                    <input id="email" type="email" value=email autocomplete="username" readonly />
                </div>
                <Field lang faults=faults.clone() name="name" label="name" value=profile.name autocomplete="name"
                    maxlength=100 />
                <TextField lang faults name="about" label="account-about" hint="account-about-hint"
                    value=profile.about maxlength=2000 />
                <div class="field">
                    <label for="locale">{lang.t("account-language")}</label>
                    <select id="locale" name="locale">{languages}</select>
                </div>
                <button>{lang.t("account-save")}</button>
            </form>
        </section>
        <section class="card" aria-labelledby="password">
            <h2 id="password">{lang.t("account-password")}</h2>
            <p>{lang.t("account-password-text")}</p>
            <p class="actions">
                <a class="button secondary" href="/account/password">
                    {lang.t(if has_password { "account-password-change" } else { "account-password-set" })}
                </a>
            </p>
        </section>
        {github.map(|identity| view! { <GithubSection lang identity has_password /> })}
    }
}

#[component]
fn GithubSection(lang: Lang, identity: Option<Identity>, has_password: bool) -> impl IntoView {
    let body = match identity {
        None => view! {
            <p>{lang.t("account-github-not-linked")}</p>
            <form method="post" action="/auth/github/link">
                <button class="secondary github">{lang.t("account-github-link")}</button>
            </form>
        }
        .into_any(),
        Some(identity) => view! {
            <p>{lang.t1("account-github-linked", "login", identity.login)}</p>
            {if has_password {
                view! {
                    <form method="post" action="/auth/github/unlink">
                        <button class="secondary">{lang.t("account-github-unlink")}</button>
                    </form>
                }
                .into_any()
            } else {
                view! { <p class="hint">{lang.t("account-github-only")}</p> }.into_any()
            }}
        }
        .into_any(),
    };
    view! {
        <section class="card" aria-labelledby="github">
            <h2 id="github">{lang.t("account-github")}</h2>
            {body}
        </section>
    }
}

#[derive(Deserialize)]
pub struct PasswordChange {
    #[serde(default)]
    current_password: String,
    new_password: String,
}

pub async fn show_password(member: Member) -> Response {
    match needs_proof(&member) {
        true => prove_first(member).await,
        false => password_page(member, Faults::default()).await,
    }
}

/// Whoever has no password to be asked for in the form proves at GitHub who they are, before they type a new one.
fn needs_proof(Member { visitor, signed_in }: &Member) -> bool {
    signed_in.user.password_hash.is_none() && visitor.app.auth.require_recent(&signed_in.session).is_err()
}

async fn prove_first(Member { visitor, signed_in }: Member) -> Response {
    let here = "/account/password".to_owned();
    step_up::page(visitor, &signed_in, here.clone(), here, Vec::new(), Faults::default()).await
}

/// Changes the password; this session stays, with a new cookie, and all others end.
pub async fn submit_password(member: Member, Form(form): Form<PasswordChange>) -> Result<Response, ErrorPage> {
    if needs_proof(&member) {
        return Ok(prove_first(member).await);
    }
    let Member { visitor, signed_in } = &member;
    let auth = &visitor.app.auth;
    let changed = auth
        .change_password(
            &signed_in.user,
            &signed_in.session,
            &form.current_password,
            &form.new_password,
            true,
            &visitor.caller,
        )
        .await;
    match changed {
        Ok(token) => {
            if let Some(token) = token {
                session_store::attach(&visitor.cookie, token).await?;
            }
            Ok(Redirect::to("/account?done=password").into_response())
        }
        Err(error) => Ok(password_page(member, Faults::of(error)?).await),
    }
}

async fn password_page(member: Member, faults: Faults) -> Response {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let has_password = signed_in.user.password_hash.is_some();
    let email = signed_in.user.email.clone();
    let title = if has_password { "password-title" } else { "password-set-title" };
    Layout::new(visitor, title)
        .at("/account")
        .faults(&faults)
        .render(move || {
            let errors = faults.any().then_some("");
            let submit = if has_password { "password-change-submit" } else { "account-password-set" };
            view! {
                <section class="narrow card">
                    <h1>{lang.t(title)}</h1>
                    <p>{lang.t("account-password-text")}</p>
                    <form method="post" action="/account/password" data-errors=errors>
                        <FormFault lang faults=faults.clone() />
                        // Tells a password manager whose password this is.
                        <input type="text" name="username" value=email autocomplete="username" hidden readonly />
                        {has_password.then(|| view! {
                            <CurrentPassword lang faults=faults.clone() name="current_password"
                                label="password-current" autofocus=true />
                        })}
                        <NewPassword lang faults=faults.clone() name="new_password" label="password-new" />
                        <button>{lang.t(submit)}</button>
                    </form>
                </section>
            }
        })
        .await
}
