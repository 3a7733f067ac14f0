//! `/account` and `/account/password`.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{CurrentPassword, Field, FormErrorNotice, FormErrors, TextField},
    github_button::GithubButton,
    layout::{Done, Layout},
    register::NewPassword,
    sign_in,
    step_up::RecentlyAuthenticated,
    visitor::Member,
};
use crate::{
    http::{error::HttpError, form::Form, query::Query},
    locale::Lang,
};
use sekisho_core::{Error, Identity, ProfileChange, account};
use sekisho_model::AuthMethod;

/// What was just done here, as the redirect after it says.
#[derive(Deserialize)]
pub struct AccountQuery {
    done: Option<String>,
}

#[derive(Clone, Deserialize)]
pub struct ProfileForm {
    name: String,
    about: String,
    /// Empty: follow the browser.
    locale: String,
}

pub async fn show(member: Member, Query(after): Query<AccountQuery>) -> Result<Response, HttpError> {
    let user = &member.signed_in.user;
    let profile = ProfileForm {
        name: user.name.clone(),
        about: user.about.clone(),
        locale: user.locale.clone().unwrap_or_default(),
    };
    let done = match after.done.as_deref() {
        Some("saved") => Some("account-saved"),
        Some("password") => Some("password-changed"),
        Some("password-unlinked") => Some("password-changed-unlinked"),
        Some("linked") => Some("account-linked"),
        Some("unlinked") => Some("account-unlinked"),
        Some("verified") => Some("login-verified"),
        Some("email") => Some("account-email-changed"),
        _ => None,
    };
    page(member, profile, done, FormErrors::default()).await
}

pub async fn submit(member: Member, Form(form): Form<ProfileForm>) -> Result<Response, HttpError> {
    let locale = Some(form.locale.clone()).filter(|locale| !locale.is_empty());
    let change = ProfileChange { name: Some(form.name.clone()), about: Some(form.about.clone()), locale: Some(locale) };
    match member.visitor.app.core.accounts.change_profile(&member.signed_in.user, change, &member.visitor.context).await
    {
        Ok(_) => Ok(Redirect::to("/account?done=saved").into_response()),
        Err(error) => page(member, form, None, FormErrors::of(error)?).await,
    }
}

async fn page(
    member: Member,
    profile: ProfileForm,
    done: Option<&'static str>,
    form_errors: FormErrors,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let identity = visitor.app.core.identities.linked(&signed_in.user.id).await?;
    let github = (visitor.app.config.core.github.is_some() || identity.is_some()).then_some(identity);
    let has_password = signed_in.user.auth_methods.contains(AuthMethod::Password);
    let email = EmailCard {
        email: signed_in.user.email.clone(),
        verified: signed_in.user.email_verified_at.is_some(),
        new_device_mail: signed_in.user.new_device_mail_off_at.is_none(),
        available: visitor.app.core.mails.is_configured(),
    };
    let page = Layout::new(visitor, "account-title").at("/account").form_errors(&form_errors);
    Ok(page.render(move || view! { <AccountPage lang email profile done form_errors has_password github /> }).await)
}

/// What the account page says of the address.
#[derive(Clone)]
struct EmailCard {
    email: String,
    verified: bool,
    new_device_mail: bool,
    /// Whether a mail server is configured.
    available: bool,
}

#[component]
fn AccountPage(
    lang: Lang,
    email: EmailCard,
    profile: ProfileForm,
    done: Option<&'static str>,
    form_errors: FormErrors,
    has_password: bool,
    /// `None`: GitHub is not offered here.
    github: Option<Option<Identity>>,
) -> impl IntoView {
    let errors = form_errors.any().then_some("");
    let saved = (done == Some("account-saved")).then_some("");
    let languages = std::iter::once(("", lang.t("account-language-auto")))
        .chain(Lang::ALL.map(|choice| (choice.code(), choice.name().to_owned())))
        .map(|(code, name)| view! { <option value=code selected=profile.locale == code>{name}</option> })
        .collect_view();
    view! {
        <h1>{lang.t("account-title")}</h1>
        <Done lang done />
        <section class="card" aria-labelledby="profile">
            <h2 id="profile">{lang.t("account-profile")}</h2>
            <form method="post" action="/account" data-draft="" data-saved=saved
                data-errors=errors>
                <FormErrorNotice lang form_errors=form_errors.clone() />
                <Field lang form_errors=form_errors.clone() name="name" label="name" value=profile.name
                    autocomplete="name" maxlength=100 />
                <TextField lang form_errors name="about" label="account-about" hint="account-about-hint"
                    value=profile.about maxlength=2000 />
                <div class="field">
                    <label for="locale">{lang.t("account-language")}</label>
                    <select id="locale" name="locale">{languages}</select>
                </div>
                <button>{lang.t("account-save")}</button>
            </form>
        </section>
        <EmailSection lang email />
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
        <section class="card" aria-labelledby="sign-in">
            <h2 id="sign-in">{lang.t("account-security-title")}</h2>
            <p>{lang.t("account-security-link")}</p>
            <p class="actions">
                <a class="button secondary" href="/account/security">{lang.t("account-security-open")}</a>
            </p>
        </section>
        <p class="aside"><a href="/account/data">{lang.t("data-title")}</a></p>
    }
}

#[component]
fn EmailSection(lang: Lang, email: EmailCard) -> impl IntoView {
    let EmailCard { email, verified, new_device_mail, available } = email;
    let standing = match (verified, available) {
        (true, _) => {
            Some(view! { <span class="badge" data-kind="current">{lang.t("email-verified")}</span> }.into_any())
        }
        (false, true) => Some(view! { <span class="badge">{lang.t("email-unverified")}</span> }.into_any()),
        (false, false) => None,
    };
    let actions = available.then(|| {
        view! {
            <p class="actions">
                <a class="button secondary" href="/account/email">{lang.t("email-change")}</a>
                {(!verified).then(|| view! {
                    <button class="secondary" form="verify-send">{lang.t("verify-send")}</button>
                })}
            </p>
            <form id="verify-send" method="post" action="/verify-email/send"></form>
            <form method="post" action="/account/mail">
                <div class="choices">
                    <label>
                        <input type="checkbox" name="new_device" value="yes" checked=new_device_mail
                            aria-describedby="new-device-hint" />
                        <span>{lang.t("mail-new-device")}</span>
                    </label>
                    <p class="hint" id="new-device-hint">{lang.t("mail-new-device-hint")}</p>
                </div>
                <button class="secondary">{lang.t("account-save")}</button>
            </form>
        }
    });
    view! {
        <section class="card" aria-labelledby="email">
            <h2 id="email">{lang.t("email")}</h2>
            <p>{email} " " {standing}</p>
            {actions}
        </section>
    }
}

#[derive(Deserialize)]
pub struct MailForm {
    /// A box: whether messages about new devices are wanted.
    new_device: Option<String>,
}

/// `POST /account/mail`. Asks for a recent authentication: an intruder must not silence the alarm about themselves.
pub async fn submit_mail(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Member, MailForm>,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = who;
    let wanted = form.new_device.is_some();
    visitor.app.core.accounts.set_new_device_mail(&signed_in.user, wanted, &visitor.context).await?;
    Ok(Redirect::to("/account?done=saved").into_response())
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
pub struct PasswordForm {
    #[serde(default)]
    current_password: String,
    new_password: String,
    /// A box that is ticked unless the person unticks it.
    unlink: Option<String>,
}

pub async fn show_password(member: Member) -> Result<Response, HttpError> {
    match refused(&member) {
        Some(refusal) => Ok(refused_page(member, refusal).await),
        None => password_page(member, true, FormErrors::default()).await,
    }
}

/// Why somebody may not set a first password now.
fn refused(Member { visitor, signed_in }: &Member) -> Option<Error> {
    let first = !signed_in.user.auth_methods.contains(AuthMethod::Password);
    first.then(|| visitor.app.core.step_up.require_recent_sign_in(signed_in).err()).flatten()
}

/// Asks for a new sign-in, before anything is typed; or says that it can't be done here.
async fn refused_page(Member { visitor, .. }: Member, refusal: Error) -> Response {
    let lang = visitor.lang;
    let again = matches!(refusal, Error::StepUpRequired { .. }) && visitor.app.core.identities.is_configured();
    let text = match (again, refusal) {
        (true, _) => "password-set-again",
        (false, Error::StepUpRequired { .. }) => "step-up-text-no-way",
        (false, _) => "password-set-admin",
    };
    Layout::new(visitor, "password-set-title")
        .at("/account")
        .status(StatusCode::FORBIDDEN)
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t("password-set-title")}</h1>
                    <p>{lang.t(text)}</p>
                    {again.then(|| view! {
                        <GithubButton lang return_to="/account/password" />
                    })}
                    <p class="aside"><a href="/account">{lang.t("step-up-cancel")}</a></p>
                </section>
            }
        })
        .await
}

/// Changes the password; this session stays, with a new cookie, and all others end.
pub async fn submit_password(member: Member, Form(form): Form<PasswordForm>) -> Result<Response, HttpError> {
    if let Some(refusal) = refused(&member) {
        return Ok(refused_page(member, refusal).await);
    }
    let Member { visitor, signed_in } = &member;
    let unlink = form.unlink.is_some();
    let change = account::PasswordChange {
        current: &form.current_password,
        new: &form.new_password,
        keep_links: !unlink,
        renew: true,
    };
    match visitor.app.core.accounts.change_password(signed_in, change, &visitor.context).await {
        Ok(token) => {
            let changed_at = visitor.app.core.clock.now();
            let device = sign_in::set_cookies(visitor, token, &signed_in.user.email, Some(changed_at)).await?;
            let done = if unlink { "password-unlinked" } else { "password" };
            Ok((device, Redirect::to(&format!("/account?done={done}"))).into_response())
        }
        Err(error) => password_page(member, unlink, FormErrors::of(error)?).await,
    }
}

/// `unlink`: whether the box is ticked that unlinks GitHub.
async fn password_page(member: Member, unlink: bool, form_errors: FormErrors) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = member;
    let lang = visitor.lang;
    let has_password = signed_in.user.auth_methods.contains(AuthMethod::Password);
    let linked = has_password && signed_in.user.auth_methods.contains(AuthMethod::Github);
    let email = signed_in.user.email.clone();
    let title = if has_password { "password-title" } else { "password-set-title" };
    let page = Layout::new(visitor, title).at("/account").form_errors(&form_errors);
    Ok(page
        .render(move || {
            let errors = form_errors.any().then_some("");
            let submit = if has_password { "password-change-submit" } else { "account-password-set" };
            view! {
                <section class="narrow card">
                    <h1>{lang.t(title)}</h1>
                    <p>{lang.t("account-password-text")}</p>
                    <form method="post" action="/account/password" data-errors=errors>
                        <FormErrorNotice lang form_errors=form_errors.clone() />
                        // Tells a password manager whose password this is.
                        <input type="text" name="username" value=email autocomplete="username" hidden readonly />
                        {has_password.then(|| view! {
                            <CurrentPassword lang form_errors=form_errors.clone() name="current_password"
                                label="password-current" autofocus=true />
                        })}
                        <NewPassword lang form_errors=form_errors.clone() name="new_password" label="password-new" />
                        {linked.then(|| view! {
                            <div class="choices">
                                <label>
                                    <input type="checkbox" name="unlink" value="yes" checked=unlink
                                        aria-describedby="unlink-hint" />
                                    <span>{lang.t("password-unlink")}</span>
                                </label>
                                <p class="hint" id="unlink-hint">{lang.t("password-unlink-hint")}</p>
                            </div>
                        })}
                        <button>{lang.t(submit)}</button>
                    </form>
                </section>
            }
        })
        .await)
}
