//! `GET /api/v1/revocations`: the sessions that ended lately, for services that verify access tokens by themselves.
//! They refuse the tokens of these sessions, and so an end counts everywhere within a second. Public, as the keys are:
//! a session's id is no secret. Services that authenticate have permits of their own, however many anonymous clients
//! there are.
//!
//! It also tells the keys that were withdrawn, each time all of them: whoever keeps keys in memory refuses them.
//!
//! As JSON, with `since` and an ETag; or, for `Accept: text/event-stream`, as a stream that stays open.

use std::{
    collections::{HashSet, VecDeque},
    convert::Infallible,
    sync::Arc,
};

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response, sse::Event},
};
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::service::Service;
use crate::{
    http::{event_stream::event_stream, problem::Problem, query::Query},
    state::{
        AppState,
        stream_limit::{RevocationClient, StreamPermit},
    },
};
use sekisho_core::{
    Error, RequestContext,
    clock::rfc3339,
    rate_limit::site,
    revocation::list::{Cursor, Revocation, STALE_AFTER},
};

/// Ends that one stream holds in memory at a time.
const CHUNK: usize = 256;
/// Ends in one answer; whoever gets as many asks on.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
pub struct FeedQuery {
    /// A `next_cursor`; one that is unknown, as after a restart, gets the whole list.
    since: Option<String>,
}

#[derive(Serialize)]
struct RevocationResponse {
    sid: String,
    reason: &'static str,
    ended_at: String,
}

impl From<Revocation> for RevocationResponse {
    fn from(end: Revocation) -> Self {
        Self { sid: end.session_id.to_string(), reason: end.reason.as_str(), ended_at: rfc3339(end.at) }
    }
}

/// Where to go on from; never null, as there is always more to come.
#[derive(Serialize)]
struct FeedPosition {
    next_cursor: String,
    /// Seconds that an entry matters: afterwards no token of its session is valid any more.
    retain_for: i64,
}

impl FeedPosition {
    fn at(cursor: Cursor, app: &AppState) -> Self {
        Self { next_cursor: cursor.to_string(), retain_for: app.core.revocations.relevant_for() / 1_000 }
    }
}

#[derive(Serialize)]
struct KeyWithdrawn<'a> {
    kid: &'a str,
}

#[derive(Serialize)]
struct FeedResponse {
    items: Vec<RevocationResponse>,
    /// Key ids; always all of them, whatever `since` is.
    withdrawn_keys: Arc<[String]>,
    #[serde(flatten)]
    position: FeedPosition,
}

pub async fn show(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    service: Service,
    headers: HeaderMap,
    Query(range): Query<FeedQuery>,
) -> Result<Response, Problem> {
    if app.core.revocations.list.is_stale() {
        return Err(Error::Busy.into());
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let since = text("last-event-id").or(range.since.as_deref()).and_then(Cursor::parse);
    if text("accept").is_some_and(|accept| accept.contains("text/event-stream")) {
        let client = match service {
            Service(Some(secret)) => RevocationClient::Service(secret),
            Service(None) => RevocationClient::Site(site(context.ip)),
        };
        let permit = app.stream_limits.acquire_revocations(client).ok_or(Error::Busy)?;
        return Ok(event_stream(follow(app, since, permit)).into_response());
    }
    let withdrawn_keys = app.core.revocations.list.withdrawn_keys();
    let tag_at = |cursor: Cursor| format!("\"{}\"", [&[cursor.to_string()], &withdrawn_keys[..]].concat().join("."));
    let mut tag = tag_at(app.core.revocations.list.end_cursor());
    let mut response = if text("if-none-match").is_some_and(|known| known == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (ends, cursor) = app.core.revocations.list.since(since, PAGE);
        tag = tag_at(cursor);
        let items = ends.into_iter().map(RevocationResponse::from).collect();
        Json(FeedResponse { items, withdrawn_keys, position: FeedPosition::at(cursor, &app) }).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// What was missed, then `hello`, then each end as it happens.
fn follow(
    app: AppState,
    since: Option<Cursor>,
    permit: StreamPermit<RevocationClient>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let news = app.core.revocations.list.subscribe();
    let follower = Follower {
        app,
        news,
        cursor: since,
        caught_up: false,
        greeted: false,
        told_keys: HashSet::new(),
        queue: VecDeque::new(),
        _permit: permit,
    };
    stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })
}

struct Follower {
    app: AppState,
    news: watch::Receiver<u64>,
    cursor: Option<Cursor>,
    /// Nothing is left of the list: what comes next is new.
    caught_up: bool,
    greeted: bool,
    told_keys: HashSet<String>,
    queue: VecDeque<Event>,
    _permit: StreamPermit<RevocationClient>,
}

impl Follower {
    /// `None` when the server stops, or can't learn of ends itself.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.caught_up {
                tokio::select! {
                    changed = self.news.changed() => changed.ok()?,
                    () = tokio::time::sleep(STALE_AFTER) => {}
                    () = self.app.stopping.cancelled() => return None,
                }
            }
            if self.app.core.revocations.list.is_stale() {
                return None;
            }
            self.news.mark_unchanged();
            let (ends, cursor) = self.app.core.revocations.list.since(self.cursor, CHUNK);
            self.cursor = Some(cursor);
            let count = ends.len();
            for (n, end) in ends.into_iter().enumerate() {
                let place = cursor.back(count - 1 - n).to_string();
                let event = Event::default().event("ended").id(place).json_data(RevocationResponse::from(end));
                self.queue.push_back(event.unwrap_or_default());
            }
            self.tell_withdrawn_keys(cursor);
            self.caught_up = count < CHUNK;
            if self.caught_up && !std::mem::replace(&mut self.greeted, true) {
                let hello = Event::default()
                    .event("hello")
                    .id(cursor.to_string())
                    .json_data(FeedPosition::at(cursor, &self.app));
                self.queue.push_back(hello.unwrap_or_default());
            }
        }
    }

    fn tell_withdrawn_keys(&mut self, cursor: Cursor) {
        for kid in self.app.core.revocations.list.withdrawn_keys().iter() {
            if self.told_keys.insert(kid.clone()) {
                let event = Event::default().event("key_withdrawn").id(cursor.to_string());
                self.queue.push_back(event.json_data(KeyWithdrawn { kid }).unwrap_or_default());
            }
        }
    }
}
