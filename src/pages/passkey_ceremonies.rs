//! `/session/passkeys/…`: begins the ceremonies of passkeys (W3C WebAuthn). What the authenticator answers is posted by a
//! form, to the page that asked.

use axum::Json;
use axum_extra::extract::CookieJar;
use sekisho_core::{Error, authenticator::passkey::Ceremony, pending_flow::BROWSER_PREFIX, secret::OpaqueToken};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::visitor::{CookieUser, Visitor};
use crate::{
    http::{
        cookies::{self, CookieKind},
        json::JsonBody,
        problem::Problem,
    },
    state::AppState,
};

#[derive(Serialize)]
pub struct CeremonyResponse {
    flow: String,
    /// As `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` take them.
    options: Value,
}

type Begun = Result<(CookieJar, Json<CeremonyResponse>), Problem>;

/// `POST /session/passkeys/sign-in`
pub async fn sign_in(visitor: Visitor) -> Begun {
    let browser = browser_token(visitor.browser);
    let begun = visitor.app.core.passkey.begin(&browser, &visitor.context).await;
    respond(&visitor.app, &browser, begun)
}

/// `POST /session/passkeys/step-up`
pub async fn step_up(cookie: CookieUser) -> Begun {
    let CookieUser { app, context, signed_in, browser, .. } = cookie;
    let browser = browser_token(browser);
    let begun = app.core.passkeys.begin_step_up(&browser, &signed_in, &context).await;
    respond(&app, &browser, begun)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorRequest {
    waiting: String,
}

/// `POST /session/passkeys/second-factor`
pub async fn second_factor(visitor: Visitor, JsonBody(request): JsonBody<SecondFactorRequest>) -> Begun {
    let browser = visitor.browser.ok_or(Error::FlowGone)?;
    let begun = visitor.app.core.sign_in.begin_passkey((&browser, &request.waiting), &visitor.context).await;
    respond(&visitor.app, &browser, begun)
}

/// `POST /session/passkeys/enrol`: 401 `step_up_required` unless the session authenticated recently.
pub async fn enrol(cookie: CookieUser) -> Begun {
    let CookieUser { app, context, signed_in, browser, .. } = cookie;
    let browser = browser_token(browser);
    let begun = app.core.passkeys.begin_enrolment(&browser, &signed_in, &context).await;
    respond(&app, &browser, begun)
}

/// The secret that binds a ceremony to this browser.
fn browser_token(browser: Option<OpaqueToken>) -> OpaqueToken {
    browser.unwrap_or_else(|| OpaqueToken::generate(BROWSER_PREFIX))
}

fn respond(app: &AppState, browser: &OpaqueToken, begun: Result<Ceremony, Error>) -> Begun {
    let Ceremony { flow, options } = begun?;
    let cookie = cookies::set(app, CookieKind::AuthFlow, browser.expose());
    Ok((cookie, Json(CeremonyResponse { flow: flow.expose().to_owned(), options })))
}
