//! A person's copy of what is stored about them: one JSON object as a download, streamed a page at a time, so that
//! 100,000 events take no more memory than a thousand.

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures::stream;
use serde::Serialize;

use crate::state::AppState;
use sekisho_core::{Error, Event, RequestContext, clock::rfc3339};
use sekisho_model::UserId;

const PAGE: usize = 1_000;

/// An entry of the person's security log.
#[derive(Serialize)]
struct ExportedEvent {
    id: String,
    at: String,
    kind: String,
    outcome: String,
    session_id: Option<String>,
    reason: Option<String>,
    detail: Option<String>,
    /// Whether an administrator did it, whose address and browser are not the person's data.
    by_administrator: bool,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
}

impl From<Event> for ExportedEvent {
    fn from(event: Event) -> Self {
        let own = event.actor_id.is_none();
        Self {
            id: event.id,
            at: rfc3339(event.at),
            kind: event.kind,
            outcome: event.outcome,
            session_id: event.session_id,
            reason: event.reason,
            detail: event.detail,
            by_administrator: !own,
            ip: own.then_some(event.ip),
            user_agent: own.then_some(event.user_agent),
            request_id: event.request_id.filter(|_| own),
        }
    }
}

/// Streams everything about a user who has authenticated recently; it is logged.
pub async fn download(app: AppState, user_id: UserId, context: &RequestContext) -> Result<Response, Error> {
    let data = app.core.accounts.export(&user_id, context).await?;
    let mut beginning = serde_json::to_string(&data).map_err(Error::internal)?;
    beginning.pop(); // the closing brace comes last
    beginning.push_str(",\"sessions\":[");
    let state = Export { app, user_id, beginning: Some(beginning), list: Some(List::Sessions), before: None };
    let chunks = stream::try_unfold(state, |mut export| async {
        match export.next().await {
            Ok(chunk) => Ok(chunk.map(|chunk| (chunk, export))),
            // Half a file must not look like a whole one: the connection breaks.
            Err(error) => {
                error.log();
                Err(error)
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"sekisho-data.json\""),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

#[derive(Clone, Copy)]
enum List {
    Sessions,
    Events,
}

struct Export {
    app: AppState,
    user_id: UserId,
    /// What comes before the lists, until it is sent.
    beginning: Option<String>,
    /// The list that goes on; `None`: all is sent.
    list: Option<List>,
    before: Option<String>,
}

impl Export {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(beginning) = self.beginning.take() {
            return Ok(Some(beginning.into()));
        }
        let Some(list) = self.list else { return Ok(None) };
        let (core, before) = (&self.app.core, self.before.take());
        let first = before.is_none();
        let (mut text, next) = match list {
            List::Sessions => {
                let (sessions, next) = core.accounts.export_sessions(&self.user_id, before.as_deref(), PAGE).await?;
                (items(sessions, first)?, next)
            }
            List::Events => {
                let (events, next) = core.security_log.list(&self.user_id, &[], before.as_deref(), PAGE).await?;
                (items(events.into_iter().map(ExportedEvent::from), first)?, next)
            }
        };
        if next.is_none() {
            let (end, list) = match list {
                List::Sessions => ("],\"security_events\":[", Some(List::Events)),
                List::Events => ("]}\n", None),
            };
            text.extend_from_slice(end.as_bytes());
            self.list = list;
        }
        self.before = next;
        Ok(Some(text.into()))
    }
}

/// Members of a JSON array, without its brackets; `first`: none came before.
fn items(items: impl IntoIterator<Item = impl Serialize>, mut first: bool) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    for item in items {
        if !std::mem::take(&mut first) {
            text.extend_from_slice(b",\n");
        }
        serde_json::to_writer(&mut text, &item).map_err(Error::internal)?;
    }
    Ok(text)
}
