//! `/api/v1/admin/events`: the audit log.

use axum::{Json, extract::State, response::Response};

use crate::{
    api::bearer::{BearerAdmin, RecentAdmin},
    http::{
        export::{EventRecord, ExportRequest, export},
        json::JsonBody,
        list::{Page, PageQuery},
        problem::Problem,
        query::Query,
    },
    state::AppState,
};
use sekisho_core::audit::filter::LogFilter;

/// `GET /api/v1/admin/events?person=…&kind=…&from=…&to=…&network=…`
pub async fn list(
    State(app): State<AppState>,
    _: BearerAdmin,
    range: PageQuery,
    Query(filter): Query<LogFilter>,
) -> Result<Json<Page<EventRecord>>, Problem> {
    let Some(filter) = app.core.administration.resolve_filter(&filter).await? else {
        return Ok(Json(Page { items: Vec::new(), next_cursor: None }));
    };
    Ok(Json(Page::of(
        app.core.administration.search_events(&filter, range.cursor.as_deref(), range.limit).await?,
        EventRecord::from,
    )))
}

/// `POST /api/v1/admin/events/export`: all entries that the filter lets through, as a download. The whole log at once
/// is worth more to a thief than a page of it, so it asks for step-up; and a body is in no proxy's log.
pub async fn download(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    JsonBody(request): JsonBody<ExportRequest>,
) -> Result<Response, Problem> {
    Ok(export(app, request, &admin.context).await?)
}
