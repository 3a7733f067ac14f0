//! What every way to sign in does once the core said yes: begins the session, sets the cookies, and redirects; or asks
//! which device has to go.

use axum::{
    Extension,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{device_limit, session_store, visitor::Visitor};
use crate::{
    http::{error::HttpError, form::Form},
    middleware::device_cookie::SetDeviceCookie,
};
use sekisho_core::{
    Error, Session, UnixMillis,
    authenticator::Authenticated,
    parse_id,
    session::credential::CookieToken,
    sign_in::{BrowserSession, SignInStep},
};

/// Signs somebody in and sends the browser on; or asks for what the sign-in needs next.
pub async fn complete(visitor: Visitor, authenticated: Authenticated, return_to: String) -> Result<Response, Error> {
    let step = proceed(&visitor, authenticated).await?;
    respond(visitor, step, return_to).await
}

/// Begins a browser session, in place of the one this browser may hold, where no page can ask for anything more.
pub async fn begin_session(
    visitor: &Visitor,
    authenticated: Authenticated,
) -> Result<Extension<SetDeviceCookie>, Error> {
    let BrowserSession { user, token } = proceed(visitor, authenticated).await?.into_complete()?;
    set_cookies(visitor, Some(token), &user.email, user.password_changed_at).await
}

async fn proceed(visitor: &Visitor, authenticated: Authenticated) -> Result<SignInStep<BrowserSession>, Error> {
    let sign_in = &visitor.app.core.sign_in;
    sign_in.proceed_in_browser(authenticated, current_session(visitor), None, &visitor.context).await
}

fn current_session(visitor: &Visitor) -> Option<&Session> {
    visitor.signed_in.as_ref().map(|signed_in| &signed_in.session)
}

async fn respond(visitor: Visitor, step: SignInStep<BrowserSession>, return_to: String) -> Result<Response, Error> {
    let BrowserSession { user, token } = match step {
        SignInStep::Complete(session) => session,
        SignInStep::DeviceChoice(pending, devices) => {
            return device_limit::ask(visitor, pending, devices, return_to).await;
        }
        SignInStep::SecondFactor(_) => return Err(Error::SecondFactorRequired),
        SignInStep::EnrollSecondFactor(_) => return Err(Error::SecondFactorEnrollment),
    };
    let device = set_cookies(&visitor, Some(token), &user.email, user.password_changed_at).await?;
    Ok((device, Redirect::to(&return_to)).into_response())
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
