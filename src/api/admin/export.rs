//! The log as a download, streamed a page at a time: a million entries take no more memory than a thousand.

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures::stream;
use serde::Deserialize;

use super::events::Item;
use crate::state::AppState;
use sekisho_core::{
    RequestContext,
    db::events::{Filter, NamedEvent},
    error::Error,
    log_filter::LogFilter,
};

const PAGE: usize = 1_000;

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

/// What is to be exported: a format, and the fields of [`LogFilter`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    format: Format,
    person: Option<String>,
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    network: Option<String>,
}

/// Who takes the log along is in the log.
pub async fn export(app: AppState, wanted: Wanted, context: &RequestContext) -> Result<Response, Error> {
    let Wanted { format, person, kind, from, to, network } = wanted;
    let filter = LogFilter { person, kind, from, to, network }.resolve(&app.auth).await?;
    app.auth.log_export(format.name(), context).await?;
    let state = filter.map(|filter| Export { app, format, filter, place: Place::Beginning });
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

enum Place {
    Beginning,
    Before(String),
    End,
}

struct Export {
    app: AppState,
    format: Format,
    filter: Filter,
    place: Place,
}

impl Export {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let (before, first) = match std::mem::replace(&mut self.place, Place::End) {
            Place::Beginning => (None, true),
            Place::Before(id) => (Some(id), false),
            Place::End => return Ok(None),
        };
        let (events, next) = self.app.auth.search_events(&self.filter, before.as_deref(), PAGE).await?;
        self.place = next.map_or(Place::End, Place::Before);
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
        serde_json::to_writer(&mut text, &Item::from(event)).map_err(Error::internal)?;
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
        let item = Item::from(event);
        let user_agent = harmless(item.user_agent);
        csv.serialize(Item { user_agent, detail: item.detail.map(harmless), ..item }).map_err(Error::internal)?;
    }
    csv.into_inner().map_err(|error| Error::internal(error.to_string()))
}

/// A cell that a spreadsheet would take for a formula becomes text (ASVS 1.2.10).
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(harmless("=cmd|' /C calc'!A0".into()), "'=cmd|' /C calc'!A0");
        assert_eq!(harmless("curl/8.5".into()), "curl/8.5");
    }
}
