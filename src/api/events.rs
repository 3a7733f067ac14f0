//! `GET /api/v1/events?cursor=…&limit=…`: one's own security log, the newest first.

use axum::{Json, extract::State};
use serde::Serialize;

use super::bearer::{AccountRead, BearerUser};
use crate::{
    http::{
        list::{Page, PageQuery},
        problem::Problem,
    },
    state::AppState,
};
use sekisho_core::{Event, clock::rfc3339};

#[derive(Serialize)]
pub struct EventResponse {
    id: String,
    at: String,
    kind: String,
    outcome: String,
    session_id: Option<String>,
    reason: Option<String>,
    ip: String,
    user_agent: String,
    request_id: Option<String>,
}

impl From<Event> for EventResponse {
    fn from(event: Event) -> Self {
        let own = event.actor_id.is_none();
        Self {
            id: event.id,
            at: rfc3339(event.at),
            kind: event.kind,
            outcome: event.outcome,
            session_id: event.session_id,
            reason: event.reason,
            // An administrator's are not for the people they look after.
            ip: if own { event.ip } else { String::new() },
            user_agent: if own { event.user_agent } else { String::new() },
            request_id: event.request_id.filter(|_| own),
        }
    }
}

pub async fn list(
    State(app): State<AppState>,
    BearerUser { claims, .. }: BearerUser<AccountRead>,
    range: PageQuery,
) -> Result<Json<Page<EventResponse>>, Problem> {
    Ok(Json(Page::of(
        app.core.security_log.list(&claims.sub, &[], range.cursor.as_deref(), range.limit).await?,
        EventResponse::from,
    )))
}
