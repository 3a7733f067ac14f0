//! The sessions that ended lately, as the server tells them over one open connection. Refuses to guess: whoever has
//! not heard all ends says that it is stale.

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
const FORGET_EVERY: Duration = Duration::from_secs(15);

pub struct Feed {
    ended: RwLock<Ended>,
    caught_up: watch::Sender<bool>,
    stale_after: Duration,
    pace: Pace,
}

/// What is known, and since when.
#[derive(Default)]
struct Ended {
    /// By session id: why it ended, and when this was heard.
    sessions: HashMap<Box<str>, (Arc<str>, Instant)>,
    /// Key ids, which are never accepted again, whatever a cache of the key set says.
    withdrawn_keys: HashSet<Box<str>>,
    /// How long an end matters: as long as a token that was made before it. Never shortened, because tokens made
    /// before the server was given a shorter life are still about.
    retain_for: Duration,
    forgot_at: Option<Instant>,
    /// There is a connection, and it has told all ends until now.
    connected: bool,
    /// When such a connection was last heard.
    heard_at: Option<Instant>,
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
        Self { ended: RwLock::default(), caught_up: watch::Sender::new(false), stale_after, pace }
    }

    pub async fn ready(&self) {
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = self.caught_up.subscribe().wait_for(|caught_up| *caught_up).await;
    }

    /// Why the session ended, if it did.
    pub fn reason(&self, sid: &str) -> Option<Arc<str>> {
        self.read().sessions.get(sid).map(|(reason, _)| reason.clone())
    }

    /// The key was withdrawn, as a leaked one is: nothing that it signed counts.
    pub fn is_withdrawn(&self, kid: &str) -> bool {
        self.read().withdrawn_keys.contains(kid)
    }

    /// For how many seconds ends are remembered.
    pub fn retains_for(&self) -> i64 {
        i64::try_from(self.read().retain_for.as_secs()).unwrap_or(i64::MAX)
    }

    /// The server has been out of reach for too long: a session may have ended that nobody told of.
    pub fn is_stale(&self) -> bool {
        let ended = self.read();
        // A connection is trusted until it is silent for too long. That is asked here and not left to the task, so
        // that a task which is stuck or dead can't keep the door open.
        let limit = if ended.connected { self.stale_after.max(self.pace.silence) } else { self.stale_after };
        ended.heard_at.is_none_or(|at| at.elapsed() > limit)
    }

    fn read(&self) -> RwLockReadGuard<'_, Ended> {
        self.ended.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ended> {
        self.ended.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the feed, for ever; `credentials` say which service this is.
    pub async fn follow(self: Arc<Self>, client: Client, url: String, credentials: Option<HeaderValue>) {
        let mut cursor = None;
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            let Err(error) = self.follow_once(&client, &url, credentials.as_ref(), &mut cursor).await;
            if mem::replace(&mut self.write().connected, false) {
                (pause, told) = (FIRST_PAUSE, false);
            }
            if !mem::replace(&mut told, true) {
                tracing::warn!(
                    url,
                    error = &*error as &(dyn Error + 'static),
                    "ended sessions can't be followed, trying again"
                );
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Follows one connection to its end. `cursor` is where the next one goes on; `None` asks for everything.
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
        // Taken out, and put back only by what was read well: a cursor that brings trouble is not used twice.
        let last = cursor.take();
        if let Some(last) = &last {
            request = request.header("last-event-id", last);
        }
        let sent = timeout(CONNECT_TIMEOUT, request.send()).await.map_err(Cause::from);
        let mut response = match sent.and_then(|sent| sent.map_err(Cause::from)) {
            Ok(response) => response,
            Err(error) => {
                *cursor = last; // the server has not seen it
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
                // An end that can't be read could be anybody's: without it, nothing is known until all is told again.
                self.take(event, cursor).inspect_err(|_| *cursor = None)?;
            }
            self.write().hear(Instant::now());
        }
    }

    fn take(&self, event: Event, cursor: &mut Option<HeaderValue>) -> Result<(), Cause> {
        let now = Instant::now();
        let mut ended = self.write();
        match event.name.as_str() {
            "ended" => {
                let End { sid, reason } = serde_json::from_str(&event.data)?;
                ended.sessions.insert(sid, (reason.into(), now));
            }
            "key_withdrawn" => {
                let KeyWithdrawn { kid } = serde_json::from_str(&event.data)?;
                ended.withdrawn_keys.insert(kid);
            }
            "hello" => {
                let Hello { retain_for } = serde_json::from_str(&event.data)?;
                ended.retain_for = ended.retain_for.max(Duration::from_secs(retain_for));
                ended.connected = true;
                ended.heard_at = Some(now);
                self.caught_up.send_replace(true);
            }
            _ => {}
        }
        // While catching up, the cursor stays: a connection cut in the middle has not told everything before it.
        if ended.connected {
            *cursor = HeaderValue::from_str(&event.id).ok().filter(|id| !id.is_empty());
        }
        Ok(())
    }
}

impl Ended {
    /// Something came, if only a comment.
    fn hear(&mut self, now: Instant) {
        if self.connected {
            self.heard_at = Some(now);
        }
        if self.forgot_at.is_none_or(|at| now.saturating_duration_since(at) >= FORGET_EVERY) {
            self.forgot_at = Some(now);
            self.forget(now);
        }
    }

    /// Forgets what no token can contradict any more. Counted from when it was heard, by this machine's own clock.
    fn forget(&mut self, now: Instant) {
        if self.connected {
            let retain_for = self.retain_for;
            self.sessions.retain(|_, (_, heard_at)| now.saturating_duration_since(*heard_at) <= retain_for);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_forgotten_when_no_token_can_contradict_it_any_more() {
        let start = Instant::now();
        let mut ended = Ended { retain_for: Duration::from_secs(960), ..Ended::default() };
        ended.sessions.insert("a".into(), ("signed_out".into(), start));
        ended.hear(start + Duration::from_secs(1_000));
        assert_eq!(ended.sessions.len(), 1, "not before the server said for how long ends matter");
        ended.connected = true;
        ended.hear(start + Duration::from_secs(1_001));
        assert_eq!(ended.sessions.len(), 1, "not all the time");

        ended.sessions.insert("b".into(), ("signed_out".into(), start + Duration::from_secs(900)));
        ended.hear(start + Duration::from_secs(1_020));
        assert_eq!(ended.sessions.keys().map(|sid| &**sid).collect::<Vec<_>>(), ["b"]);
    }
}
