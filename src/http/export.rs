//! The log: an entry as JSON, and all of it as a download, streamed a page at a time: a million entries take no more
//! memory than a thousand.

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::state::AppState;
use sekisho_core::{
    Error, Event, EventFilter as Filter, NamedEvent, RequestContext, audit::filter::LogFilter, clock::rfc3339,
};

const PAGE: usize = 1_000;

/// An entry. People are named by id: an export holds no e-mail address.
#[derive(Serialize)]
pub struct EventRecord {
    pub seq: i64,
    pub id: String,
    pub at: String,
    pub kind: String,
    pub outcome: String,
    pub user_id: Option<String>,
    /// Who did it, where that is somebody else.
    pub actor_id: Option<String>,
    pub session_id: Option<String>,
    pub reason: Option<String>,
    pub ip: String,
    pub network: String,
    pub user_agent: String,
    pub request_id: Option<String>,
    pub detail: Option<String>,
    pub hash: String,
}

impl From<NamedEvent> for EventRecord {
    fn from(NamedEvent { event, .. }: NamedEvent) -> Self {
        let Event { seq, id, at, user_id, actor_id, session_id, kind, outcome, reason, ip, .. } = event;
        let Event { network, user_agent, request_id, detail, hash, .. } = event;
        let at = rfc3339(at);
        Self {
            seq,
            id,
            at,
            kind,
            outcome,
            user_id,
            actor_id,
            session_id,
            reason,
            ip,
            network,
            user_agent,
            request_id,
            detail,
            hash,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    Jsonl,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl",
        }
    }
}

/// A format, and the fields of [`LogFilter`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    format: Format,
    person: Option<String>,
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    network: Option<String>,
}

/// Streams the entries that the filter lets through. The export itself is logged, with who asked for it.
pub async fn export(app: AppState, request: ExportRequest, context: &RequestContext) -> Result<Response, Error> {
    let ExportRequest { format, person, kind, from, to, network } = request;
    let filter = app.core.administration.resolve_filter(&LogFilter { person, kind, from, to, network }).await?;
    app.core.administration.log_export(format.name(), context).await?;
    let state = filter.map(|filter| Export { app, format, filter, position: Position::Beginning });
    let pages = stream::try_unfold(state, |state| async {
        let Some(mut export) = state else { return Ok(None) };
        match export.next().await {
            Ok(Some(chunk)) => Ok(Some((chunk, Some(export)))),
            Ok(None) => Ok(None),
            // Half a file must not look like a whole one: the connection breaks.
            Err(error) => {
                error.log();
                Err(error)
            }
        }
    });
    let name = format!("attachment; filename=\"sekisho-log.{}\"", format.name());
    let headers = [(header::CONTENT_TYPE, format.content_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(pages)).into_response())
}

enum Position {
    Beginning,
    Before(String),
    End,
}

struct Export {
    app: AppState,
    format: Format,
    filter: Filter,
    position: Position,
}

impl Export {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let (before, first) = match std::mem::replace(&mut self.position, Position::End) {
            Position::Beginning => (None, true),
            Position::Before(id) => (Some(id), false),
            Position::End => return Ok(None),
        };
        let (events, next) = self.app.core.administration.search_events(&self.filter, before.as_deref(), PAGE).await?;
        self.position = next.map_or(Position::End, Position::Before);
        let text = match self.format {
            Format::Csv => csv(events, first)?,
            Format::Jsonl => json_lines(events)?,
        };
        Ok(Some(text.into()))
    }
}

fn json_lines(events: Vec<NamedEvent>) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    for event in events {
        serde_json::to_writer(&mut text, &EventRecord::from(event)).map_err(Error::internal)?;
        text.push(b'\n');
    }
    Ok(text)
}

fn csv(events: Vec<NamedEvent>, with_header: bool) -> Result<Vec<u8>, Error> {
    let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if with_header {
        csv.write_record([
            "seq",
            "id",
            "at",
            "kind",
            "outcome",
            "user_id",
            "actor_id",
            "session_id",
            "reason",
            "ip",
            "network",
            "user_agent",
            "request_id",
            "detail",
            "hash",
        ])
        .map_err(Error::internal)?;
    }
    for event in events {
        let record = EventRecord::from(event);
        let user_agent = escape_formula(record.user_agent);
        csv.serialize(EventRecord { user_agent, detail: record.detail.map(escape_formula), ..record })
            .map_err(Error::internal)?;
    }
    csv.into_inner().map_err(|error| Error::internal(error.to_string()))
}

/// CSV injection: a cell that a spreadsheet would take for a formula becomes text (ASVS 1.2.10).
fn escape_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(escape_formula("=cmd|' /C calc'!A0".into()), "'=cmd|' /C calc'!A0");
        assert_eq!(escape_formula("curl/8.5".into()), "curl/8.5");
    }
}
