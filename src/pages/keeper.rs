//! `/session/…`: what the session keeper asks, by the cookie. Only `activity` is activity.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response, sse::Event},
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    pending_sign_in::suspend,
    sign_in::{begin, proceed_in_place},
    visitor::{CookieUser, Visitor},
};
use crate::{
    http::{
        event_stream::{HEARTBEAT, event_stream},
        json::{JsonBody, OptionalJsonBody},
        problem::Problem,
        session_response::{second_factor_problem, sign_in_problem},
    },
    state::{AppState, stream_limit::StreamPermit},
};
use sekisho_core::{
    Error, Session,
    authenticator::{passkey::CeremonyResponse, second_factor::PresentedCode},
    clock::rfc3339,
    session::SignedIn,
    sign_in::SignInStep,
};
use sekisho_model::{AuthMethod, EndReason, SessionId, UserId};

/// When a look at the database failed.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    /// Seconds.
    expires_in: i64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The service that the token is for; by default Sekisho itself.
    audience: Option<String>,
    /// What the token may do; by default everything.
    scope: Option<String>,
}

/// `POST /session/token`: a short-lived access token for this browser's session.
pub async fn token(
    cookie: CookieUser,
    OptionalJsonBody(wanted): OptionalJsonBody<TokenRequest>,
) -> Result<Json<TokenResponse>, Problem> {
    let core = &cookie.app.core;
    let SignedIn { user, session, .. } = &cookie.signed_in;
    if core.accounts.must_verify(user) {
        return Err(Error::EmailUnverified.into());
    }
    let request = core.access_tokens.parse_request(wanted.audience, wanted.scope.as_deref())?;
    let issued = core.access_tokens.issue(user, session, core.clock.new_id(), &request).await?;
    Ok(Json(TokenResponse { access_token: issued.token, expires_in: issued.expires_in }))
}

/// Whose session this is, and its deadlines as they stand; null: none.
#[derive(Serialize)]
pub struct DeadlinesResponse {
    user_id: UserId,
    now: String,
    idle_expires_at: Option<String>,
    absolute_expires_at: Option<String>,
}

impl DeadlinesResponse {
    fn of(session: &Session, app: &AppState) -> Self {
        Self {
            user_id: session.user_id.clone(),
            now: rfc3339(app.core.clock.now()),
            idle_expires_at: session.idle_expires_at.map(rfc3339),
            absolute_expires_at: session.expires_at.map(rfc3339),
        }
    }
}

/// `POST /session/activity`: the person did something.
pub async fn activity(mut cookie: CookieUser) -> Result<Json<DeadlinesResponse>, Problem> {
    cookie.touch().await?;
    Ok(Json(DeadlinesResponse::of(&cookie.signed_in.session, &cookie.app)))
}

/// The e-mail address and the password, or a passkey; or the flow that a password began, and a code or a passkey.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    email: Option<String>,
    password: Option<String>,
    flow_id: Option<String>,
    code: Option<String>,
    /// What the authenticator answered.
    passkey: Option<String>,
    /// Its ceremony.
    passkey_flow: Option<String>,
}

#[derive(Serialize)]
pub struct SignInResponse {
    user_id: UserId,
}

/// `POST /session/sign-in`: signs in without leaving the page, whose form is still there. A sign-in that needs a second
/// factor is continued by its `flow_id` and a code or a passkey, in this browser.
pub async fn sign_in(visitor: Visitor, JsonBody(request): JsonBody<SignInRequest>) -> Result<Response, Problem> {
    let lang = visitor.lang;
    sign_in_in_place(visitor, request).await.map_err(|problem| problem.in_language(lang))
}

async fn sign_in_in_place(visitor: Visitor, request: SignInRequest) -> Result<Response, Problem> {
    let core = visitor.app.core.clone();
    let missing = |field| Error::field(field, "missing");
    let browser = || visitor.browser.clone().ok_or(Error::FlowGone);
    let previous = visitor.signed_in.as_deref().map(|signed_in| &signed_in.session);
    let passkey = request
        .passkey
        .as_deref()
        .map(|credential| CeremonyResponse { flow: request.passkey_flow.as_deref().unwrap_or_default(), credential });
    let step = match (&request, passkey) {
        (SignInRequest { flow_id: Some(flow_id), email: None, password: None, .. }, Some(passkey)) => {
            let flow = (&browser()?, flow_id.as_str());
            core.sign_in.verify_passkey_in_browser(flow, passkey, previous, &visitor.context).await?.0
        }
        (SignInRequest { flow_id: Some(flow_id), email: None, password: None, code, .. }, None) => {
            let code = PresentedCode { code: code.as_deref().ok_or_else(|| missing("code"))?, method: None };
            let flow = (&browser()?, flow_id.as_str());
            core.sign_in.verify_in_browser(flow, code, false, previous, &visitor.context).await?.0
        }
        (_, Some(passkey)) => {
            let authenticated = core.passkey.authenticate(&browser()?, passkey, &visitor.context).await?;
            proceed_in_place(&visitor, authenticated).await?
        }
        (SignInRequest { email, password, .. }, None) => {
            let email = email.as_deref().ok_or_else(|| missing("email"))?;
            let password = password.as_deref().ok_or_else(|| missing("password"))?;
            let authenticated = core.password.authenticate(email, password, &visitor.context).await?;
            proceed_in_place(&visitor, authenticated).await?
        }
    };
    match step {
        SignInStep::Complete(session) => {
            let user_id = session.user.id.clone();
            Ok((begin(&visitor, session).await?, Json(SignInResponse { user_id })).into_response())
        }
        SignInStep::SecondFactor(pending) => {
            let mut methods = core.second_factors.code_methods(pending.user()).await?;
            methods.extend(core.passkey.is_usable_by(pending.user()).then_some(AuthMethod::Passkey));
            let (cookie, _, flow_id) = suspend(&visitor, &pending, "/".into()).await?;
            let problem = second_factor_problem(&flow_id, &methods).in_language(visitor.lang);
            Ok((cookie, problem).into_response())
        }
        step => Err(step.into_complete().map_or_else(sign_in_problem, |_| Error::FlowGone.into())),
    }
}

/// `GET /session/events`: says `hello`, then `ended` with the reason as soon as the session ends, and closes.
pub async fn events(cookie: CookieUser) -> Result<impl IntoResponse, Problem> {
    let CookieUser { app, signed_in, .. } = cookie;
    let permit = app.stream_limits.sessions.acquire(signed_in.session.id.clone()).ok_or(Error::Busy)?;
    let hello = Event::default().event("hello").json_data(DeadlinesResponse::of(&signed_in.session, &app));
    let hello = stream::once(async { hello.unwrap_or_default() });
    let news = app.core.revocations.list.subscribe();
    let ended = stream::once(Watch { app, session: signed_in.session, news, _permit: permit }.end()).filter_map(
        |reason| async move {
            let data = serde_json::json!({ "reason": reason?.as_str() });
            Some(Event::default().event("ended").json_data(data).unwrap_or_default())
        },
    );
    let events = hello.chain(ended).map(Ok::<_, Infallible>);
    Ok(event_stream(events))
}

/// One open event stream's view of its session.
struct Watch {
    app: AppState,
    session: Session,
    news: watch::Receiver<u64>,
    _permit: StreamPermit<SessionId>,
}

impl Watch {
    /// Waits until the session ends; `None` when the server stops.
    async fn end(mut self) -> Option<EndReason> {
        loop {
            if let Some(reason) = self.app.core.revocations.list.reason(&self.session.id) {
                return Some(reason);
            }
            let now = self.app.core.clock.now();
            // Whether a deadline that seems to have passed was moved meanwhile, only the row knows.
            if self.session.deadline().is_some_and(|at| at <= now) {
                match self.app.core.sessions.find(&self.session.id).await {
                    Ok(Some(session)) => {
                        self.session = session;
                        if let Some(reason) = self.session.end_reason(now) {
                            return Some(reason);
                        }
                    }
                    Ok(None) => return Some(EndReason::SignedOut),
                    Err(error) => tracing::warn!(%error, "an event stream can't read its session"),
                }
            }
            let look_again = match self.session.deadline() {
                // It could not be looked up: nothing is known, and so nothing is said.
                Some(at) if at <= now => RETRY,
                Some(at) => HEARTBEAT.min(Duration::from_millis((at - now).unsigned_abs())),
                None => HEARTBEAT,
            };
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                () = tokio::time::sleep(look_again) => {}
                () = self.app.stopping.cancelled() => return None,
            }
        }
    }
}
