//! `/api/v1/admin/events`: everybody's log.

use axum::{Json, extract::State, response::Response};
use serde::Serialize;

use super::export::{Wanted, export};
use crate::{
    api::{
        bearer::{BearerAdmin, RecentAdmin},
        json::Body,
        list::{Page, Params, Range},
        problem::Problem,
    },
    state::AppState,
};
use sekisho_core::{
    clock::rfc3339,
    db::events::{Event, NamedEvent},
    log_filter::LogFilter,
};

/// An entry. People are named by id: an export holds no e-mail address.
#[derive(Serialize)]
pub struct Item {
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

impl From<NamedEvent> for Item {
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

/// `GET /api/v1/admin/events?person=…&kind=…&from=…&to=…&network=…`
pub async fn list(
    State(app): State<AppState>,
    _: BearerAdmin,
    range: Range,
    Params(filter): Params<LogFilter>,
) -> Result<Json<Page<Item>>, Problem> {
    let Some(filter) = filter.resolve(&app.auth).await? else {
        return Ok(Json(Page { items: Vec::new(), next_cursor: None }));
    };
    Ok(Json(Page::of(app.auth.search_events(&filter, range.cursor.as_deref(), range.limit).await?, Item::from)))
}

/// `POST /api/v1/admin/events/export`: all entries that the filter lets through, as a download. The whole log at once is
/// worth more to a thief than a page of it, so it asks for step-up; and a body is in no proxy's log.
pub async fn download(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    Ok(export(app, wanted, &admin.context).await?)
}
