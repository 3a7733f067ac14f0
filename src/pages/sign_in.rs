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
    db::{UnixMillis, users::User},
    error::Error,
    room::Waiting,
    session::{CookieToken, Kind, Method, NewSession, parse_id},
};

/// How somebody signed in, and as whom at the provider.
pub type Proof = (Method, Option<String>);

/// Signs `user` in and sends the browser on; or, where all devices are in use, asks which of them has to go.
pub async fn complete(visitor: Visitor, user: &User, proof: Proof, return_to: String) -> Result<Response, Error> {
    match begin_session(&visitor, user, proof.clone()).await {
        Ok(device) => Ok((device, Redirect::to(&return_to)).into_response()),
        Err(Error::DeviceLimit(devices)) => {
            let waiting = visitor.app.auth.waiting(user, proof, return_to);
            device_limit::ask(visitor, waiting, devices).await
        }
        Err(error) => Err(error),
    }
}

/// Begins a browser session for `user`, in place of the one this browser may hold.
pub async fn begin_session(
    visitor: &Visitor,
    user: &User,
    (method, subject): Proof,
) -> Result<Extension<SetDeviceCookie>, Error> {
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
    set_cookies(visitor, Some(token), &user.email, user.password_changed_at).await
}

#[derive(Deserialize)]
pub struct DeviceChoiceForm {
    waiting: String,
    id: String,
}

/// `POST /login/room`: signs the chosen device out and this one in.
pub async fn choose_device(visitor: Visitor, Form(choice): Form<DeviceChoiceForm>) -> Result<Response, HttpError> {
    let id = parse_id(&choice.id)?;
    let browser = visitor.browser.clone().ok_or(Error::CeremonyGone)?;
    let replaces = visitor.signed_in.as_ref().map(|signed_in| &signed_in.session);
    let auth = &visitor.app.auth;
    match auth.make_room(&browser, &choice.waiting, id, replaces, &visitor.context).await {
        Ok((token, Waiting { next, email, password_changed_at, .. })) => {
            let device = set_cookies(&visitor, Some(token), &email, password_changed_at).await?;
            Ok((device, Redirect::to(&next)).into_response())
        }
        Err((Error::DeviceLimit(devices), Some(waiting))) => {
            Ok(device_limit::ask(visitor.clone(), waiting, devices).await?)
        }
        Err((error, _)) => Err(error.into()),
    }
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
    let auth = &visitor.app.auth;
    Ok(Extension(SetDeviceCookie(auth.renew_device_cookie(email, password_changed_at, &visitor.context))))
}
