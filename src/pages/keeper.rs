//! `/session/…`: what the session keeper asks, by the cookie. Only `activity` is activity.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension, Json,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    cookie::SetDevice,
    error_page::ErrorPage,
    login::enter,
    visitor::{KeeperUser, Visitor},
};
use crate::{
    api::{
        json::{Body, OptionalBody},
        problem::{Problem, problem},
        revocations::UNBUFFERED,
    },
    app::App,
    auth::{
        clock::rfc3339,
        millis,
        reason::Reason,
        session::{Method, SignedIn},
    },
    db::sessions::{self, Session},
    error::Error,
    islands::{KeeperConfig, KeeperMessages},
    locale::Lang,
    places::Place,
};

const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a look at the database failed.
const RETRY: Duration = Duration::from_secs(1);
/// Event streams of one session: a browser has one for each page that is seen.
pub const LISTENERS: usize = 32;

/// What the keeper island is told with the page. It stands in the HTML: no secret in here.
pub fn keeper_config(app: &App, signed_in: &SignedIn, lang: Lang) -> KeeperConfig {
    let SignedIn { user, session, .. } = signed_in;
    let policy = &app.auth.policy;
    let now = app.auth.clock.now();
    KeeperConfig {
        user_id: user.id.clone(),
        email: user.email.clone(),
        has_password: user.password_hash.is_some(),
        idle_remaining: session.idle_expires_at.map(|at| at - now),
        absolute_remaining: session.expires_at.map(|at| at - now),
        warning: millis(policy.idle_warning),
        refresh_lead: millis(policy.refresh_lead),
        // A little more, so that a report never comes too early to be written.
        report_interval: millis(policy.roll()) + 250,
        messages: KeeperMessages::from_lookup(|key| lang.t(key)),
    }
}

#[derive(Serialize)]
pub struct Token {
    access_token: String,
    /// Seconds.
    expires_in: i64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The service that the token is for; by default Sekisho itself.
    audience: Option<String>,
    /// What the token may do; by default everything.
    scope: Option<String>,
}

/// `POST /session/token`: a short-lived access token for this browser's session.
pub async fn token(keeper: KeeperUser, OptionalBody(wanted): OptionalBody<Wanted>) -> Result<Json<Token>, Problem> {
    let auth = &keeper.app.auth;
    let SignedIn { user, session, .. } = &keeper.signed_in;
    let request = auth.access_tokens.parse_request(wanted.audience, wanted.scope.as_deref())?;
    let issued = auth.issue_access_token(user, session, auth.clock.new_id(), &request)?;
    Ok(Json(Token { access_token: issued.token, expires_in: issued.expires_in }))
}

/// Whose session this is, and its deadlines as they stand; null: none.
#[derive(Serialize)]
pub struct Deadlines {
    user_id: String,
    now: String,
    idle_expires_at: Option<String>,
    absolute_expires_at: Option<String>,
}

impl Deadlines {
    fn of(session: &Session, app: &App) -> Self {
        Self {
            user_id: session.user_id.clone(),
            now: rfc3339(app.auth.clock.now()),
            idle_expires_at: session.idle_expires_at.map(rfc3339),
            absolute_expires_at: session.expires_at.map(rfc3339),
        }
    }
}

/// `POST /session/activity`: the person did something.
pub async fn activity(mut keeper: KeeperUser) -> Result<Json<Deadlines>, Problem> {
    keeper.app.auth.touch(&mut keeper.signed_in.session, &keeper.caller).await?;
    Ok(Json(Deadlines::of(&keeper.signed_in.session, &keeper.app)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: String,
    password: String,
}

#[derive(Serialize)]
pub struct SignedInAs {
    user_id: String,
}

/// `POST /session/sign-in`: signs in again without leaving the page, which shows what is wrong as it is said here.
pub async fn sign_in(
    visitor: Result<Visitor, ErrorPage>,
    Body(credentials): Body<Credentials>,
) -> Result<(Extension<SetDevice>, Json<SignedInAs>), Response> {
    let visitor = visitor.map_err(|page| Problem(page.0).into_response())?;
    let in_their_language = |error: Error| problem(error, visitor.lang);
    let auth = &visitor.app.auth;
    let checked = auth.check_password(&credentials.email, &credentials.password, &visitor.caller).await;
    let user = checked.map_err(in_their_language)?;
    let device = enter(&visitor, &user, (Method::Password, None)).await.map_err(in_their_language)?;
    Ok((Extension(device), Json(SignedInAs { user_id: user.id })))
}

/// `GET /session/events`: says `hello`, then `ended` with the reason as soon as the session ends, and closes.
pub async fn events(keeper: KeeperUser) -> Result<impl IntoResponse, Problem> {
    let KeeperUser { app, signed_in, .. } = keeper;
    let place = app.listeners.take(signed_in.session.id.clone()).ok_or(Error::Busy)?;
    let hello = Event::default().event("hello").json_data(Deadlines::of(&signed_in.session, &app));
    let hello = stream::once(async { hello.unwrap_or_default() });
    let news = app.auth.ended.subscribe();
    let ended = stream::once(Watch { app, session: signed_in.session, news, _place: place }.end()).filter_map(
        |reason| async move {
            let data = serde_json::json!({ "reason": reason?.as_str() });
            Some(Event::default().event("ended").json_data(data).unwrap_or_default())
        },
    );
    let events = hello.chain(ended).map(Ok::<_, Infallible>);
    Ok((UNBUFFERED, Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))))
}

/// One open event stream's view of its session.
struct Watch {
    app: App,
    session: Session,
    news: watch::Receiver<u64>,
    _place: Place<String>,
}

impl Watch {
    /// Waits until the session ends; `None` when the server stops.
    async fn end(mut self) -> Option<Reason> {
        loop {
            if let Some(reason) = self.app.auth.ended.reason(&self.session.id) {
                return Some(reason);
            }
            let now = self.app.auth.clock.now();
            // Whether a deadline that seems to have passed was moved meanwhile, only the row knows.
            if self.session.deadline().is_some_and(|at| at <= now) {
                match sessions::find(self.app.auth.db.reader(), &self.session.id).await {
                    Ok(Some(session)) => {
                        self.session = session;
                        if let Some(reason) = self.session.ended(now) {
                            return Some(reason);
                        }
                    }
                    Ok(None) => return Some(Reason::SignedOut),
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
