//! The pages between a right password and the session: a code of the second factor, or the enrolment of one that the
//! policy requires.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use leptos::prelude::*;

use super::{
    form::{Field, FormErrorNotice, FormErrors},
    layout::Layout,
    passkey_form::{CeremonyKind, PasskeyInput},
    pending_sign_in::suspend,
    recovery_codes::RecoveryCodes,
    totp::TotpSetup,
    visitor::Visitor,
};
use crate::locale::Lang;
use sekisho_core::{
    Error, User, account::second_factors::TotpEnrollment, authenticator::recovery_code::RecoveryCode,
    secret::OpaqueToken, sign_in::PendingSignIn,
};
use sekisho_model::AuthMethod;

const DAY: u64 = 24 * 3_600;

/// Keeps the pending sign-in and asks for a code.
pub async fn ask(visitor: Visitor, pending: PendingSignIn, return_to: String) -> Result<Response, Error> {
    let (cookie, _, token) = suspend(&visitor, &pending, return_to).await?;
    let page = page(visitor, pending.user(), token.expose().to_owned(), None, FormErrors::default()).await?;
    Ok((cookie, page).into_response())
}

/// `token` continues the sign-in; `tried` is what was presented last.
pub async fn page(
    visitor: Visitor,
    user: &User,
    token: String,
    tried: Option<AuthMethod>,
    form_errors: FormErrors,
) -> Result<Response, Error> {
    let lang = visitor.lang;
    let mut methods = visitor.app.core.second_factors.code_methods(user).await?;
    methods.extend(visitor.app.core.passkey.is_usable_by(user).then_some(AuthMethod::Passkey));
    let trust_days = visitor.app.core.policy.trust_browser.map(days);
    let page = Layout::new(visitor, "second-factor-title").at("/login").form_errors(&form_errors);
    Ok(page.render(move || view! { <CodePage lang token methods trust_days tried form_errors /> }).await)
}

/// At least one.
fn days(lifetime: Duration) -> u64 {
    lifetime.as_secs().div_ceil(DAY)
}

#[component]
fn CodePage(
    lang: Lang,
    token: String,
    methods: Vec<AuthMethod>,
    /// `None`: no browser is trusted.
    trust_days: Option<u64>,
    tried: Option<AuthMethod>,
    form_errors: FormErrors,
) -> impl IntoView {
    let errors = form_errors.any().then_some("");
    let passkey = methods.contains(&AuthMethod::Passkey).then(|| {
        view! {
            <form method="post" action="/login/verify-passkey" class="passkey" data-errors=errors>
                <p>{lang.t("second-factor-passkey-text")}</p>
                <input type="hidden" name="waiting" value=token.clone() />
                <PasskeyInput lang kind=CeremonyKind::SecondFactor label="step-up-passkey" waiting=token.clone() />
                <noscript><p class="hint">{lang.t("second-factor-passkey-no-script")}</p></noscript>
            </form>
        }
    });
    let totp = methods.contains(&AuthMethod::Totp).then(|| {
        view! {
            <p>{lang.t("second-factor-text")}</p>
            <form method="post" action="/login/verify" data-errors=errors>
                <input type="hidden" name="waiting" value=token.clone() />
                <Field lang form_errors=form_errors.clone() name="code" label="second-factor-code"
                    autocomplete="one-time-code" inputmode="numeric" maxlength=16 autofocus=true />
                {trust_days.map(|days| view! {
                    <div class="choices">
                        <label>
                            <input type="checkbox" name="trust" value="yes" aria-describedby="trust-hint" />
                            <span>{lang.t1("second-factor-trust", "days", days)}</span>
                        </label>
                        <p class="hint" id="trust-hint">{lang.t("second-factor-trust-hint")}</p>
                    </div>
                })}
                <button>{lang.t("second-factor-submit")}</button>
            </form>
        }
    });
    let is_open = totp.is_none() && passkey.is_none() || tried == Some(AuthMethod::RecoveryCode);
    let recovery = methods.contains(&AuthMethod::RecoveryCode).then(|| {
        view! {
            <details class="alternative" open=is_open>
                <summary>{lang.t("second-factor-recovery")}</summary>
                <p>{lang.t("second-factor-recovery-text")}</p>
                <form method="post" action="/login/verify" data-errors=errors>
                    <input type="hidden" name="waiting" value=token.clone() />
                    <Field lang form_errors=form_errors.clone() name="recovery_code"
                        label="second-factor-recovery-code" maxlength=64 />
                    <button class="secondary">{lang.t("second-factor-submit")}</button>
                </form>
            </details>
        }
    });
    view! {
        <section class="narrow card">
            <h1>{lang.t("second-factor-title")}</h1>
            <FormErrorNotice lang form_errors=form_errors.clone() />
            {passkey}
            {totp}
            {recovery}
            <p class="aside"><a href="/login">{lang.t("step-up-cancel")}</a></p>
        </section>
    }
}

/// Keeps the pending sign-in and begins the enrolment of an authenticator app in it.
pub async fn ask_to_enroll(visitor: Visitor, pending: PendingSignIn, return_to: String) -> Result<Response, Error> {
    let (cookie, browser, token) = suspend(&visitor, &pending, return_to).await?;
    let enrollment = visitor.app.core.second_factors.begin_totp(pending.user(), &browser).await?;
    let page = enrollment_page(visitor, token.expose().to_owned(), enrollment, FormErrors::default()).await;
    Ok((cookie, page).into_response())
}

/// Says why, and shows what an app needs.
pub async fn enrollment_page(
    visitor: Visitor,
    token: String,
    enrollment: TotpEnrollment,
    form_errors: FormErrors,
) -> Response {
    let lang = visitor.lang;
    Layout::new(visitor, "enroll-title")
        .at("/login")
        .form_errors(&form_errors)
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t("enroll-title")}</h1>
                    <p>{lang.t("enroll-text")}</p>
                    <TotpSetup lang enrollment action="/login/enroll" form_errors>
                        <input type="hidden" name="waiting" value=token />
                    </TotpSetup>
                    <p class="aside"><a href="/login">{lang.t("step-up-cancel")}</a></p>
                </section>
            }
        })
        .await
}

/// Shows the recovery codes once; `token` continues the sign-in.
pub async fn enrolled_page(visitor: Visitor, token: OpaqueToken, codes: Vec<RecoveryCode>) -> Response {
    let lang = visitor.lang;
    Layout::new(visitor, "recovery-codes-title")
        .at("/login")
        .render(move || {
            view! {
                <section class="narrow card">
                    <h1>{lang.t("recovery-codes-title")}</h1>
                    <RecoveryCodes lang codes />
                    <form method="post" action="/login/continue">
                        <input type="hidden" name="waiting" value=token.expose().to_owned() />
                        <button>{lang.t("recovery-codes-saved")}</button>
                    </form>
                </section>
            }
        })
        .await
}
