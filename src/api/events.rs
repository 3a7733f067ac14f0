//! `GET /api/v1/events?cursor=…&limit=…`: one's own security log, the newest first.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};

use super::{bearer::BearerUser, problem::Problem, sessions::Page};
use crate::{app::App, auth::clock::rfc3339, db::events::Event, error::Error};

const MAX_LIMIT: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    cursor: Option<String>,
    /// 1 to 100; else 50.
    limit: Option<usize>,
}

#[derive(Serialize)]
pub struct Item {
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

impl From<Event> for Item {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            at: rfc3339(event.at),
            kind: event.kind,
            outcome: event.outcome,
            session_id: event.session_id,
            reason: event.reason,
            ip: event.ip,
            user_agent: event.user_agent,
            request_id: event.request_id,
        }
    }
}

pub async fn list(
    State(app): State<App>,
    BearerUser { claims }: BearerUser,
    range: Result<Query<Range>, QueryRejection>,
) -> Result<Json<Page<Item>>, Problem> {
    let Ok(Query(range)) = range else { return Err(Problem(Error::field("limit", "limit-invalid"))) };
    let limit = range.limit.unwrap_or(50);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem(Error::field("limit", "limit-invalid")));
    }
    if range.cursor.as_deref().is_some_and(|cursor| uuid::Uuid::try_parse(cursor).is_err()) {
        return Err(Problem(Error::field("cursor", "cursor-invalid")));
    }
    let (events, next_cursor) = app.auth.events(&claims.sub, range.cursor.as_deref(), limit).await?;
    Ok(Json(Page { items: events.into_iter().map(Item::from).collect(), next_cursor }))
}
