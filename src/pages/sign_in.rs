//! What every way to sign in does once the core said yes: begins the session, sets the cookies, and redirects; or asks
//! for a second factor, to enrol one, or which device has to go.

use axum::{
    Extension,
    response::{IntoResponse, IntoResponseParts, Redirect, Response},
};
use serde::Deserialize;

use super::{
    device_limit, form::FormErrors, passkey_form::PasskeyFields, second_factor, session_store, visitor::Visitor,
};
use crate::{
    http::{
        cookies::{self, CookieKind},
        error::HttpError,
        form::Form,
    },
    middleware::device_cookie::SetDeviceCookie,
};
use sekisho_core::{
    Error, Session, UnixMillis,
    authenticator::{Authenticated, second_factor::PresentedCode},
    parse_id,
    session::credential::CookieToken,
    sign_in::{BrowserSession, SignInStep},
};
use sekisho_model::AuthMethod;

/// Signs somebody in and sends the browser on; or asks for what the sign-in needs next.
pub async fn complete(visitor: Visitor, authenticated: Authenticated, return_to: String) -> Result<Response, Error> {
    let step = proceed(&visitor, authenticated).await?;
    respond(visitor, step, return_to).await
}

/// As [`complete`], where no page can be shown: the step, for the caller to answer.
pub async fn proceed_in_place(
    visitor: &Visitor,
    authenticated: Authenticated,
) -> Result<SignInStep<BrowserSession>, Error> {
    proceed(visitor, authenticated).await
}

/// The cookies of a session that has begun; part of the response.
pub async fn begin(visitor: &Visitor, session: BrowserSession) -> Result<impl IntoResponseParts + use<>, Error> {
    let BrowserSession { user, token, trusted } = session;
    let device = set_cookies(visitor, Some(token), &user.email, user.password_changed_at).await?;
    let trusted = trusted.map(|token| cookies::set(&visitor.app, CookieKind::TrustedBrowser, token.expose()));
    Ok((device, trusted))
}

async fn proceed(visitor: &Visitor, authenticated: Authenticated) -> Result<SignInStep<BrowserSession>, Error> {
    let sign_in = &visitor.app.core.sign_in;
    sign_in.proceed_in_browser(authenticated, current_session(visitor), None, &visitor.context).await
}

fn current_session(visitor: &Visitor) -> Option<&Session> {
    visitor.signed_in.as_ref().map(|signed_in| &signed_in.session)
}

async fn respond(visitor: Visitor, step: SignInStep<BrowserSession>, return_to: String) -> Result<Response, Error> {
    match step {
        SignInStep::Complete(session) => {
            Ok((begin(&visitor, session).await?, Redirect::to(&return_to)).into_response())
        }
        SignInStep::SecondFactor(pending) => second_factor::ask(visitor, pending, return_to).await,
        SignInStep::EnrollSecondFactor(pending) => second_factor::ask_to_enroll(visitor, pending, return_to).await,
        SignInStep::DeviceChoice(pending, devices) => device_limit::ask(visitor, pending, devices, return_to).await,
    }
}

#[derive(Deserialize)]
pub struct CodeForm {
    waiting: String,
    code: Option<String>,
    recovery_code: Option<String>,
    /// A box: whether this browser needs no code for a while.
    trust: Option<String>,
}

/// `POST /login/verify`: a code of the second factor. A wrong one can be tried again, for as long as the sign-in waits.
pub async fn verify(visitor: Visitor, Form(form): Form<CodeForm>) -> Result<Response, HttpError> {
    let browser = visitor.browser.clone().ok_or(Error::FlowGone)?;
    let flow = (&browser, form.waiting.as_str());
    let (sign_in, previous) = (&visitor.app.core.sign_in, current_session(&visitor));
    let (pending, _) = sign_in.find_pending(&browser, &form.waiting).await?;
    let (code, method) = match (&form.code, &form.recovery_code) {
        (None, Some(code)) => (code, AuthMethod::RecoveryCode),
        (code, _) => (code.as_ref().ok_or(Error::InvalidCode)?, AuthMethod::Totp),
    };
    let presented = PresentedCode { code, method: Some(method) };
    match sign_in.verify_in_browser(flow, presented, form.trust.is_some(), previous, &visitor.context).await {
        Ok((step, return_to)) => Ok(respond(visitor, step, return_to).await?),
        Err(error @ (Error::InvalidCode | Error::RateLimited(_))) => {
            let form_errors = FormErrors::of(error)?;
            Ok(second_factor::page(visitor, pending.user(), form.waiting, Some(method), form_errors).await?)
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub struct PasskeyForm {
    waiting: String,
    #[serde(flatten)]
    passkey: PasskeyFields,
}

/// `POST /login/verify-passkey`: a passkey as the second factor. After one that is refused another can be tried.
pub async fn verify_passkey(visitor: Visitor, Form(form): Form<PasskeyForm>) -> Result<Response, HttpError> {
    let browser = visitor.browser.clone().ok_or(Error::FlowGone)?;
    let flow = (&browser, form.waiting.as_str());
    let (sign_in, previous) = (&visitor.app.core.sign_in, current_session(&visitor));
    let (pending, _) = sign_in.find_pending(&browser, &form.waiting).await?;
    let response = form.passkey.response().ok_or(Error::FlowGone)?;
    match sign_in.verify_passkey_in_browser(flow, response, previous, &visitor.context).await {
        Ok((step, return_to)) => Ok(respond(visitor, step, return_to).await?),
        Err(error @ Error::PasskeyRefused) => {
            let (form_errors, method) = (FormErrors::of(error)?, Some(AuthMethod::Passkey));
            Ok(second_factor::page(visitor, pending.user(), form.waiting, method, form_errors).await?)
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub struct EnrollmentForm {
    waiting: String,
    enrollment: String,
    code: String,
}

/// `POST /login/enroll`: the first code of an authenticator app that the policy requires. Shows the recovery codes, whose
/// button goes on with the sign-in.
pub async fn enroll(visitor: Visitor, Form(form): Form<EnrollmentForm>) -> Result<Response, HttpError> {
    let browser = visitor.browser.clone().ok_or(Error::FlowGone)?;
    let (flow, core) = ((&browser, form.waiting.as_str()), visitor.app.core.clone());
    match core.sign_in.enroll_totp(flow, &form.enrollment, &form.code, &visitor.context).await {
        Ok((waiting, codes)) => Ok(second_factor::enrolled_page(visitor, waiting, codes).await),
        Err(error @ Error::InvalidInput(_)) => {
            let (pending, _) = core.sign_in.find_pending(&browser, &form.waiting).await?;
            let enrollment = core.second_factors.pending_totp(pending.user(), &browser, &form.enrollment).await?;
            Ok(second_factor::enrollment_page(visitor, form.waiting, enrollment, FormErrors::of(error)?).await)
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub struct ContinueForm {
    waiting: String,
}

/// `POST /login/continue`: goes on with a sign-in that lacks nothing more.
pub async fn proceed_pending(visitor: Visitor, Form(form): Form<ContinueForm>) -> Result<Response, HttpError> {
    let browser = visitor.browser.clone().ok_or(Error::FlowGone)?;
    let (sign_in, previous) = (&visitor.app.core.sign_in, current_session(&visitor));
    let (step, return_to) = sign_in.proceed_pending(&browser, &form.waiting, previous, &visitor.context).await?;
    Ok(respond(visitor, step, return_to).await?)
}

#[derive(Deserialize)]
pub struct DeviceChoiceForm {
    waiting: String,
    id: String,
}

/// `POST /login/room`: signs the chosen device out and this one in.
pub async fn choose_device(visitor: Visitor, Form(choice): Form<DeviceChoiceForm>) -> Result<Response, HttpError> {
    let id = parse_id(&choice.id)?;
    let browser = visitor.browser.clone().ok_or(Error::FlowGone)?;
    let (sign_in, previous) = (&visitor.app.core.sign_in, current_session(&visitor));
    let (step, return_to) =
        sign_in.resolve_device_limit(&browser, &choice.waiting, &id, previous, &visitor.context).await?;
    Ok(respond(visitor, step, return_to).await?)
}

/// Puts a session's new secret into its cookie, if there is one, and remembers the browser in the device cookie. The
/// response has to bring along what is returned.
pub async fn set_cookies(
    visitor: &Visitor,
    token: Option<CookieToken>,
    email: &str,
    password_changed_at: Option<UnixMillis>,
) -> Result<Extension<SetDeviceCookie>, Error> {
    if let Some(token) = token {
        session_store::attach(&visitor.cookie, token).await?;
    }
    let core = &visitor.app.core;
    Ok(Extension(SetDeviceCookie(core.devices.renew(email, password_changed_at, &visitor.context))))
}
