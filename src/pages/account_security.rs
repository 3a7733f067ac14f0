//! `/account/security`: how one signs in, and what is asked for beside it.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    form::{FormErrorNotice, FormErrors},
    layout::{Done, Layout, When},
    passkeys::{self, PasskeyList, PasskeySection},
    pending_sign_in::bind_browser,
    recovery_codes::RecoveryCodes,
    session_store,
    step_up::RecentlyAuthenticated,
    totp::TotpSetup,
    visitor::Member,
};
use crate::{
    http::{
        error::HttpError,
        form::{EmptyForm, Form},
        query::Query,
    },
    locale::Lang,
};
use sekisho_core::{
    Error, Identity, UnixMillis,
    account::second_factors::{SecondFactorStatus, TotpEnrollment, TotpStatus, TrustedBrowser},
    authenticator::recovery_code::RecoveryCode,
};
use sekisho_model::AuthMethod;

/// Recovery codes from which on the page says that they run out.
const FEW: i64 = 3;

#[derive(Deserialize)]
pub struct SecurityQuery {
    /// What was just done here, as the redirect after it says.
    done: Option<String>,
}

pub async fn show(member: Member, Query(after): Query<SecurityQuery>) -> Result<Response, HttpError> {
    let done = match after.done.as_deref() {
        Some("totp") => Some("totp-done-added"),
        Some("totp-removed") => Some("totp-done-removed"),
        Some("kept") => Some("factor-reset-kept"),
        Some("browser") => Some("trusted-browsers-done"),
        Some(done) => passkeys::done(done),
        None => None,
    };
    page(member, done, FormErrors::default()).await
}

async fn page(member: Member, done: Option<&'static str>, form_errors: FormErrors) -> Result<Response, HttpError> {
    let passkeys = PasskeyList::of(&member).await?;
    let Member { visitor, signed_in } = member;
    let (lang, core) = (visitor.lang, &visitor.app.core);
    let user = &signed_in.user;
    let reset_at = user.factor_reset_at;
    let has_password = user.auth_methods.contains(AuthMethod::Password);
    let password_since = user.password_changed_at.filter(|_| has_password);
    let identity = core.identities.linked(&user.id).await?;
    let github = (core.identities.is_configured() || identity.is_some()).then_some(identity);
    let status = core.second_factors.status(&user.id).await?;
    let required = core.second_factors.are_required(&signed_in);
    let has_second_factor = user.auth_methods.has_second_factor();
    let has_codes = has_second_factor || required && user.auth_methods.can_present_second_factor();
    let can_trust = core.policy.trust_browser.is_some();
    let page = Layout::new(visitor, "account-security-title").at("/account").form_errors(&form_errors);
    let SecondFactorStatus { totp, recovery_codes, trusted_browsers } = status;
    Ok(page
        .render(move || {
            view! {
                <h1>{lang.t("account-security-title")}</h1>
                <p class="lead">{lang.t("account-security-lead")}</p>
                <Done lang done />
                <FormErrorNotice lang form_errors />
                {reset_at.map(|at| view! { <ResetNotice lang at /> })}
                <PasswordSection lang since=password_since />
                {github.map(|identity| view! { <GithubSection lang identity /> })}
                {passkeys.map(|list| view! { <PasskeySection lang list /> })}
                <TotpSection lang totp required />
                {has_codes.then(|| view! { <RecoveryCodesSection lang left=recovery_codes /> })}
                {(has_second_factor && can_trust).then(|| view! { <BrowsersSection lang browsers=trusted_browsers /> })}
            }
        })
        .await)
}

/// An administrator is about to remove the second factors.
#[component]
fn ResetNotice(
    lang: Lang,
    /// When, in Unix milliseconds.
    at: UnixMillis,
) -> impl IntoView {
    view! {
        <section class="notice" data-kind="warning">
            <p>{lang.t("factor-reset-pending")} " " <When at /></p>
            <form method="post" action="/account/security/keep">
                <button class="secondary">{lang.t("factor-reset-keep")}</button>
            </form>
        </section>
    }
}

#[component]
fn PasswordSection(
    lang: Lang,
    /// Unix milliseconds; `None`: there is none.
    since: Option<UnixMillis>,
) -> impl IntoView {
    let label = if since.is_some() { "account-password-change" } else { "account-password-set" };
    view! {
        <section class="card" aria-labelledby="password">
            <h2 id="password">{lang.t("account-password")}</h2>
            {match since {
                Some(at) => view! { <p>{lang.t("account-security-since")} " " <When at /></p> }.into_any(),
                None => view! { <p>{lang.t("account-security-no-password")}</p> }.into_any(),
            }}
            <p class="actions"><a class="button secondary" href="/account/password">{lang.t(label)}</a></p>
        </section>
    }
}

#[component]
fn GithubSection(lang: Lang, identity: Option<Identity>) -> impl IntoView {
    let text = match identity {
        Some(identity) => lang.t1("account-github-linked", "login", identity.login),
        None => lang.t("account-github-not-linked"),
    };
    view! {
        <section class="card" aria-labelledby="github">
            <h2 id="github">{lang.t("account-github")}</h2>
            <p>{text}</p>
            <p class="actions"><a class="button secondary" href="/account#github">{lang.t("account-security-manage")}</a></p>
        </section>
    }
}

#[component]
fn TotpSection(
    lang: Lang,
    totp: Option<TotpStatus>,
    /// Whether the policy requires a second factor.
    required: bool,
) -> impl IntoView {
    let body = match totp {
        None => view! {
            <p>{lang.t("totp-text")}</p>
            <form method="post" action="/account/security/totp">
                <button class="secondary">{lang.t("totp-set-up")}</button>
            </form>
        }
        .into_any(),
        Some(TotpStatus { created_at, last_used_at }) => view! {
            <p>{lang.t("account-security-since")} " " <When at=created_at /></p>
            {last_used_at.map(|at| view! { <p>{lang.t("totp-last-used")} " " <When at /></p> })}
            {required.then(|| view! { <p class="hint">{lang.t("totp-required")}</p> })}
            <div class="actions">
                <form method="post" action="/account/security/totp">
                    <button class="secondary">{lang.t("totp-replace")}</button>
                </form>
                <form method="post" action="/account/security/totp/remove">
                    <button class="danger">{lang.t("totp-remove")}</button>
                </form>
            </div>
        }
        .into_any(),
    };
    view! {
        <section class="card" aria-labelledby="totp">
            <h2 id="totp">{lang.t("totp-title")}</h2>
            {body}
        </section>
    }
}

#[component]
fn RecoveryCodesSection(lang: Lang, left: i64) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="recovery-codes">
            <h2 id="recovery-codes">{lang.t("recovery-codes-title")}</h2>
            <p>{lang.t1("recovery-codes-left", "count", left)}</p>
            {(left <= FEW).then(|| view! {
                <p class="notice" data-kind="info">{lang.t("recovery-codes-few")}</p>
            })}
            <form method="post" action="/account/security/recovery-codes">
                <button class="secondary">{lang.t("recovery-codes-regenerate")}</button>
            </form>
        </section>
    }
}

#[component]
fn BrowsersSection(lang: Lang, browsers: Vec<TrustedBrowser>) -> impl IntoView {
    let is_empty = browsers.is_empty();
    let items = browsers
        .into_iter()
        .map(|browser| {
            let name = if browser.device.is_empty() { lang.t("devices-unknown") } else { browser.device };
            let label = lang.t1("trusted-browsers-remove-label", "device", name.clone());
            view! {
                <li>
                    <span>
                        <strong>{name}</strong> " · " {browser.ip}
                        <span class="hint">
                            {lang.t("trusted-browsers-last-used")} " "
                            <When at=browser.last_used_at.unwrap_or(browser.created_at) />
                            " · " {lang.t("devices-ends")} " " <When at=browser.expires_at />
                        </span>
                    </span>
                    <form method="post" action="/account/security/forget-browser">
                        <input type="hidden" name="id" value=browser.hash />
                        <button class="secondary" aria-label=label>{lang.t("trusted-browsers-remove")}</button>
                    </form>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="trusted-browsers">
            <h2 id="trusted-browsers">{lang.t("trusted-browsers-title")}</h2>
            <p>{lang.t("trusted-browsers-text")}</p>
            {is_empty.then(|| view! { <p class="hint">{lang.t("trusted-browsers-empty")}</p> })}
            <ul class="trusted-browsers">{items}</ul>
        </section>
    }
}

/// `POST /account/security/totp`: begins the enrolment of an authenticator app, or of another one.
pub async fn begin_totp(confirmed: RecentlyAuthenticated<Member, EmptyForm>) -> Result<Response, HttpError> {
    let member = confirmed.who;
    let (cookie, browser) = bind_browser(&member.visitor);
    let enrollment = member.visitor.app.core.second_factors.begin_totp(&member.signed_in.user, &browser).await?;
    let page = totp_page(member, enrollment, FormErrors::default()).await;
    Ok((cookie, page).into_response())
}

#[derive(Deserialize)]
pub struct ConfirmTotpForm {
    enrollment: String,
    code: String,
}

/// `POST /account/security/totp/confirm`: the first code of the app. Shows the recovery codes.
pub async fn confirm_totp(
    RecentlyAuthenticated { who: member, form }: RecentlyAuthenticated<Member, ConfirmTotpForm>,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &member;
    let factors = visitor.app.core.second_factors.clone();
    let browser = visitor.browser.clone().ok_or(Error::FlowGone)?;
    let flow = (&browser, form.enrollment.as_str());
    match factors.confirm_totp(signed_in, flow, &form.code, &visitor.context).await {
        Ok((token, codes)) => {
            session_store::attach(&visitor.cookie, token).await?;
            Ok(recovery_codes_page(member, "totp-done-added", codes).await)
        }
        Err(error @ Error::InvalidInput(_)) => {
            let enrollment = factors.pending_totp(&signed_in.user, &browser, &form.enrollment).await?;
            Ok(totp_page(member, enrollment, FormErrors::of(error)?).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn totp_page(member: Member, enrollment: TotpEnrollment, form_errors: FormErrors) -> Response {
    let lang = member.visitor.lang;
    Layout::new(member.visitor, "totp-title")
        .at("/account")
        .form_errors(&form_errors)
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t("totp-title")}</h1>
                    <TotpSetup lang enrollment action="/account/security/totp/confirm" form_errors />
                    <p class="aside"><a href="/account/security">{lang.t("step-up-cancel")}</a></p>
                </section>
            }
        })
        .await
}

/// `POST /account/security/totp/remove`
pub async fn remove_totp(confirmed: RecentlyAuthenticated<Member, EmptyForm>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &confirmed.who;
    match visitor.app.core.second_factors.remove_totp(signed_in, &visitor.context).await {
        Ok(()) => Ok(Redirect::to("/account/security?done=totp-removed").into_response()),
        Err(error @ Error::LastSecondFactor) => page(confirmed.who, None, FormErrors::of(error)?).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/security/keep`: stops the removal that an administrator requested.
pub async fn keep_factors(confirmed: RecentlyAuthenticated<Member, EmptyForm>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &confirmed.who;
    visitor.app.core.second_factors.keep(signed_in, &visitor.context).await?;
    Ok(Redirect::to("/account/security?done=kept").into_response())
}

/// `POST /account/security/recovery-codes`: new ones, shown once.
pub async fn regenerate_recovery_codes(
    confirmed: RecentlyAuthenticated<Member, EmptyForm>,
) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &confirmed.who;
    let factors = &visitor.app.core.second_factors;
    let codes = factors.regenerate_recovery_codes(signed_in, &visitor.context).await?;
    Ok(recovery_codes_page(confirmed.who, "recovery-codes-done", codes).await)
}

async fn recovery_codes_page(member: Member, done: &'static str, codes: Vec<RecoveryCode>) -> Response {
    let lang = member.visitor.lang;
    Layout::new(member.visitor, "recovery-codes-title")
        .at("/account")
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t("recovery-codes-title")}</h1>
                    <Done lang done=Some(done) />
                    <RecoveryCodes lang codes />
                    <p class="actions"><a class="button" href="/account/security">{lang.t("recovery-codes-saved")}</a></p>
                </section>
            }
        })
        .await
}

#[derive(Deserialize)]
pub struct ForgetBrowserForm {
    id: String,
}

/// `POST /account/security/forget-browser`
pub async fn forget_browser(member: Member, Form(form): Form<ForgetBrowserForm>) -> Result<Response, HttpError> {
    let Member { visitor, signed_in } = &member;
    visitor.app.core.second_factors.forget_browser(&signed_in.user.id, &form.id, &visitor.context).await?;
    Ok(Redirect::to("/account/security?done=browser").into_response())
}
