//! `/api/v1/admin/…`: for administrators, by what the database says of them now. Nothing here shows a secret.

pub(crate) mod events;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod users;

use axum::{Json, extract::State};
use serde::Serialize;

use super::bearer::BearerAdmin;
use crate::{http::problem::Problem, state::AppState};
use sekisho_core::{Count, clock::HOUR, clock::rfc3339};

#[derive(Serialize)]
pub struct OverviewResponse {
    users: i64,
    disabled_users: i64,
    live_sessions: LiveSessions,
    /// The number of the log's entry that records tampering; null: none was found.
    log_tampered_seq: Option<i64>,
    /// By hour, from 30 days ago on; `kind` is an event's, `refresh`, or `live_sessions` (the most in that hour).
    counts: Vec<CountResponse>,
}

#[derive(Serialize)]
struct LiveSessions {
    browser: i64,
    api: i64,
}

#[derive(Serialize)]
struct CountResponse {
    hour: String,
    kind: String,
    count: i64,
}

impl From<Count> for CountResponse {
    fn from(count: Count) -> Self {
        Self { hour: rfc3339(count.hour * HOUR), kind: count.kind, count: count.n }
    }
}

/// `GET /api/v1/admin/overview`
pub async fn overview(State(app): State<AppState>, _: BearerAdmin) -> Result<Json<OverviewResponse>, Problem> {
    let overview = app.core.administration.overview().await?;
    Ok(Json(OverviewResponse {
        users: overview.users,
        disabled_users: overview.disabled,
        log_tampered_seq: overview.tampered_seq,
        live_sessions: LiveSessions { browser: overview.live_browsers, api: overview.live_api },
        counts: overview.counts.into_iter().map(CountResponse::from).collect(),
    }))
}
