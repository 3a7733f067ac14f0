//! Requests to the server, and what its answers are to the model.

use super::Keeper;
use crate::{
    browser::{
        clock::{self, Millis},
        event_stream::{EventStream, StreamEvent},
        fields::Fields,
        http::{self, Response},
        webauthn::{self, WebauthnError},
    },
    islands::{
        keeper::{
            deadlines::Deadlines,
            model::{Event, Refusal, SessionStatus, TokenRequest},
            token::AccessToken,
        },
        protocol::{
            EndReason, INVALID_CODE, INVALID_CREDENTIALS, PASSKEY_FIELD, PASSKEY_FLOW_FIELD, PASSKEY_REFUSED,
            SECOND_FACTOR_REQUIRED, WAITING_FIELD, path, stream_event,
        },
    },
};

pub enum SignInError {
    WrongPassword,
    /// The password was right: the sign-in with this id goes on with a code.
    CodeRequired(String),
    WrongCode,
    /// The person used no passkey.
    Cancelled,
    /// Text of the server for the person.
    Refused(String),
    Failed,
}

impl Keeper {
    pub(super) async fn request_token(&'static self, request: TokenRequest) {
        let answer = judge(http::post(path::TOKEN, None).await).map(|body| access_token(&body));
        self.dispatch(Event::TokenAnswered(request, answer));
    }

    pub(super) async fn report_activity(&'static self) {
        let answer = judge(http::post(path::ACTIVITY, None).await).map(|body| session_status(&body));
        self.dispatch(Event::ActivityAnswered(answer));
    }

    pub(super) fn open_stream(&'static self) {
        let names = [stream_event::HELLO, stream_event::ENDED];
        let on_event = |event| {
            self.dispatch(match event {
                StreamEvent::Named(name, data) if name == stream_event::HELLO => {
                    Event::StreamHello(session_status(&data))
                }
                StreamEvent::Named(_, data) => Event::StreamClosed(end_reason(&data).or(Some(EndReason::Unknown))),
                StreamEvent::Closed => Event::StreamClosed(None),
            });
        };
        self.stream.replace(EventStream::open(path::EVENTS, &names, on_event));
    }

    /// Signs in again on this page, with the same e-mail address.
    pub async fn sign_in(&'static self, password: String) -> Result<(), SignInError> {
        self.post_sign_in(Fields::empty().with("email", self.email.as_str()).with("password", password)).await
    }

    /// Goes on with a sign-in that needs a code.
    pub async fn present_code(&'static self, flow_id: String, code: String) -> Result<(), SignInError> {
        self.post_sign_in(Fields::empty().with("flow_id", flow_id).with("code", code)).await
    }

    /// Signs in again by a passkey; or goes on by it with the sign-in `flow_id`, which needs a second factor.
    pub async fn present_passkey(&'static self, flow_id: Option<String>) -> Result<(), SignInError> {
        let (path, body) = match &flow_id {
            Some(token) => (path::PASSKEY_SECOND_FACTOR, Some(Fields::empty().with(WAITING_FIELD, token.as_str()))),
            None => (path::PASSKEY_SIGN_IN, None),
        };
        let begun = http::post(path, body).await.ok_or(SignInError::Failed)?;
        let flow = begun.body.text("flow").filter(|_| begun.is_ok()).ok_or_else(|| refused(&begun))?;
        let answer = webauthn::get(begun.body.object("options")).await.map_err(|error| match error {
            WebauthnError::NotAllowed => SignInError::Cancelled,
            _ => SignInError::Failed,
        })?;
        let body = Fields::empty().with(PASSKEY_FLOW_FIELD, flow).with(PASSKEY_FIELD, answer);
        let body = flow_id.into_iter().fold(body, |body, flow_id| body.with("flow_id", flow_id));
        self.post_sign_in(body).await
    }

    async fn post_sign_in(&'static self, body: Fields) -> Result<(), SignInError> {
        let response = http::post(path::SIGN_IN, Some(body)).await.ok_or(SignInError::Failed)?;
        if response.is_ok() {
            self.dispatch(Event::SignedInAgain { user_id: response.body.text("user_id") });
            return Ok(());
        }
        let flow_id = response.body.text("flow_id");
        Err(match (response.unauthorized().as_deref(), flow_id) {
            (Some(SECOND_FACTOR_REQUIRED), Some(flow_id)) => SignInError::CodeRequired(flow_id),
            (Some(INVALID_CREDENTIALS), _) => SignInError::WrongPassword,
            (Some(INVALID_CODE), _) => SignInError::WrongCode,
            _ => refused(&response),
        })
    }
}

/// What the server says to the person, if anything.
fn refused(response: &Response) -> SignInError {
    let is_for_person = response.is_refusal() || response.unauthorized().as_deref() == Some(PASSKEY_REFUSED);
    let detail = response.body.text("detail").filter(|_| is_for_person);
    detail.map_or(SignInError::Failed, SignInError::Refused)
}

/// The body of a success, or what the failure says about the session.
fn judge(response: Option<Response>) -> Result<Fields, Refusal> {
    match response {
        Some(response) if response.is_ok() => Ok(response.body),
        Some(response) if response.unauthorized().is_some() => Err(Refusal::Unauthorized(end_reason(&response.body))),
        _ => Err(Refusal::Unavailable),
    }
}

fn end_reason(body: &Fields) -> Option<EndReason> {
    body.text("reason").map(|reason| EndReason::parse(&reason))
}

fn access_token(body: &Fields) -> Option<AccessToken> {
    let lifetime = body.number("expires_in")? * 1_000.0;
    Some(AccessToken { value: body.text("access_token")?, expires_at: clock::now() + lifetime as Millis })
}

fn session_status(body: &Fields) -> SessionStatus {
    SessionStatus {
        user_id: body.text("user_id"),
        now: body.time("now"),
        deadlines: Deadlines { idle: body.time("idle_expires_at"), absolute: body.time("absolute_expires_at") },
    }
}
