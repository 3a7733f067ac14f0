//! Follows the server's revocation feed (server-sent events). Fails closed: reports itself stale unless every revocation
//! up to now has been received.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    error::Error,
    mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use reqwest::{
    Client, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    Pace,
    keys::Cause,
    sse::{Event, Parser},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
const PRUNE_EVERY: Duration = Duration::from_secs(15);

pub struct Feed {
    revocations: RwLock<Revocations>,
    caught_up: watch::Sender<bool>,
    stale_after: Duration,
    pace: Pace,
}

/// The received revocations and the state of the connection.
#[derive(Default)]
struct Revocations {
    /// By session id: end reason, and when it was received.
    sessions: HashMap<Box<str>, (Arc<str>, Instant)>,
    /// Withdrawn key ids: never accepted again, even if a cached key set still has them.
    withdrawn_keys: HashSet<Box<str>>,
    /// How long a revocation is kept: the server's longest token lifetime. Never shortened, as tokens issued before the
    /// setting changed may still be valid.
    retain_for: Duration,
    pruned_at: Option<Instant>,
    /// Connected, and caught up with all revocations.
    connected: bool,
    /// When data last arrived on such a connection.
    received_at: Option<Instant>,
}

#[derive(Deserialize)]
struct End {
    sid: Box<str>,
    reason: Box<str>,
}

#[derive(Deserialize)]
struct KeyWithdrawn {
    kid: Box<str>,
}

#[derive(Deserialize)]
struct Hello {
    /// Seconds.
    retain_for: u64,
}

impl Feed {
    pub fn new(stale_after: Duration, pace: Pace) -> Self {
        Self { revocations: RwLock::default(), caught_up: watch::Sender::new(false), stale_after, pace }
    }

    pub async fn ready(&self) {
        // Can't fail: `self` holds the sender.
        let _ = self.caught_up.subscribe().wait_for(|caught_up| *caught_up).await;
    }

    /// Why the session was revoked, if it was.
    pub fn reason(&self, sid: &str) -> Option<Arc<str>> {
        self.read().sessions.get(sid).map(|(reason, _)| reason.clone())
    }

    /// Whether the key was withdrawn: all its tokens are invalid.
    pub fn is_withdrawn(&self, kid: &str) -> bool {
        self.read().withdrawn_keys.contains(kid)
    }

    /// How long revocations are kept, in seconds.
    pub fn retains_for(&self) -> i64 {
        i64::try_from(self.read().retain_for.as_secs()).unwrap_or(i64::MAX)
    }

    /// Whether revocations may be missing, as the server has been unreachable for too long.
    pub fn is_stale(&self) -> bool {
        let state = self.read();
        // Derived from a time, so that a stuck or dead task is detected as well.
        let limit = if state.connected { self.stale_after.max(self.pace.silence) } else { self.stale_after };
        state.received_at.is_none_or(|at| at.elapsed() > limit)
    }

    fn read(&self) -> RwLockReadGuard<'_, Revocations> {
        self.revocations.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Revocations> {
        self.revocations.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the feed forever, reconnecting with exponential backoff; `credentials` authenticate this service.
    pub async fn follow(self: Arc<Self>, client: Client, url: String, credentials: Option<HeaderValue>) {
        let mut cursor = None;
        let mut pause = FIRST_PAUSE;
        let mut logged = false;
        loop {
            let Err(error) = self.follow_once(&client, &url, credentials.as_ref(), &mut cursor).await;
            if mem::replace(&mut self.write().connected, false) {
                (pause, logged) = (FIRST_PAUSE, false);
            }
            if !mem::replace(&mut logged, true) {
                tracing::warn!(
                    url,
                    error = &*error as &(dyn Error + 'static),
                    "the revocation feed is unavailable, retrying"
                );
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Follows one connection to its end. `cursor` is the `Last-Event-ID` of the next one; `None` requests everything.
    async fn follow_once(
        &self,
        client: &Client,
        url: &str,
        credentials: Option<&HeaderValue>,
        cursor: &mut Option<HeaderValue>,
    ) -> Result<Infallible, Cause> {
        let mut request = client.get(url).header(ACCEPT, "text/event-stream");
        if let Some(credentials) = credentials {
            request = request.header(AUTHORIZATION, credentials);
        }
        // Set again only by a valid event: a cursor that causes an error is not reused.
        let last = cursor.take();
        if let Some(last) = &last {
            request = request.header("last-event-id", last);
        }
        let sent = timeout(CONNECT_TIMEOUT, request.send()).await.map_err(Cause::from);
        let mut response = match sent.and_then(|sent| sent.map_err(Cause::from)) {
            Ok(response) => response,
            Err(error) => {
                *cursor = last; // not sent
                return Err(error);
            }
        };
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if response.status() != StatusCode::OK || !content_type.is_some_and(|t| t.starts_with("text/event-stream")) {
            return Err(format!("status {}, {}", response.status(), content_type.unwrap_or("no type")).into());
        }
        let mut parser = Parser::default();
        loop {
            let read = match timeout(self.pace.silence, response.chunk()).await {
                Ok(read) => read.map_err(Cause::from),
                Err(elapsed) => Err(elapsed.into()),
            };
            let chunk = read?.ok_or("the server closed the connection")?;
            for event in parser.push(&chunk).inspect_err(|_| *cursor = None)? {
                // An unreadable revocation may concern any session: request everything again.
                self.apply(event, cursor).inspect_err(|_| *cursor = None)?;
            }
            self.write().receive(Instant::now());
        }
    }

    fn apply(&self, event: Event, cursor: &mut Option<HeaderValue>) -> Result<(), Cause> {
        let now = Instant::now();
        let mut state = self.write();
        match event.name.as_str() {
            "ended" => {
                let End { sid, reason } = serde_json::from_str(&event.data)?;
                state.sessions.insert(sid, (reason.into(), now));
            }
            "key_withdrawn" => {
                let KeyWithdrawn { kid } = serde_json::from_str(&event.data)?;
                state.withdrawn_keys.insert(kid);
            }
            "hello" => {
                let Hello { retain_for } = serde_json::from_str(&event.data)?;
                state.retain_for = state.retain_for.max(Duration::from_secs(retain_for));
                state.connected = true;
                state.received_at = Some(now);
                self.caught_up.send_replace(true);
            }
            _ => {}
        }
        // Before `hello` the replay is incomplete, so the cursor must not advance.
        if state.connected {
            *cursor = HeaderValue::from_str(&event.id).ok().filter(|id| !id.is_empty());
        }
        Ok(())
    }
}

impl Revocations {
    /// Records that data arrived, if only a comment.
    fn receive(&mut self, now: Instant) {
        if self.connected {
            self.received_at = Some(now);
        }
        if self.pruned_at.is_none_or(|at| now.saturating_duration_since(at) >= PRUNE_EVERY) {
            self.pruned_at = Some(now);
            self.prune(now);
        }
    }

    /// Removes revocations older than any valid token, by local monotonic time since receipt.
    fn prune(&mut self, now: Instant) {
        if self.connected {
            let retain_for = self.retain_for;
            self.sessions.retain(|_, (_, received_at)| now.saturating_duration_since(*received_at) <= retain_for);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_is_pruned_after_the_longest_token_lifetime() {
        let start = Instant::now();
        let mut state = Revocations { retain_for: Duration::from_secs(960), ..Revocations::default() };
        state.sessions.insert("a".into(), ("signed_out".into(), start));
        state.receive(start + Duration::from_secs(1_000));
        assert_eq!(state.sessions.len(), 1, "not before the server has sent `retain_for`");
        state.connected = true;
        state.receive(start + Duration::from_secs(1_001));
        assert_eq!(state.sessions.len(), 1, "not more often than the interval");

        state.sessions.insert("b".into(), ("signed_out".into(), start + Duration::from_secs(900)));
        state.receive(start + Duration::from_secs(1_020));
        assert_eq!(state.sessions.keys().map(|sid| &**sid).collect::<Vec<_>>(), ["b"]);
    }
}
