//! `/api/v1/sessions`: one's own devices.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use super::bearer::{BearerUser, Sessions};
use crate::{
    http::{
        list::{Page, PageQuery},
        path::Path,
        problem::Problem,
        session_response::SessionResponse,
    },
    state::AppState,
};
use sekisho_core::{Error, SessionSelector, parse_id};
use sekisho_model::EndReason;

#[derive(Serialize)]
pub struct RevokedResponse {
    pub revoked: usize,
}

/// `GET /api/v1/sessions`
pub async fn list(
    State(app): State<AppState>,
    BearerUser { claims, .. }: BearerUser<Sessions>,
    range: PageQuery,
) -> Result<Json<Page<SessionResponse>>, Problem> {
    let found = app.core.sessions.list(&claims.sub, range.cursor.as_deref(), range.limit).await?;
    Ok(Json(Page::of(found, |session| SessionResponse::new(session, Some(&claims.sid)))))
}

/// `DELETE /api/v1/sessions/{id}`: a foreign id is as unknown as one that never was. Another device than one's own asks
/// for step-up, or a stolen token could sign the owner out.
pub async fn delete(
    State(app): State<AppState>,
    BearerUser { claims, context, .. }: BearerUser<Sessions>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let reason = if id == claims.sid.as_str() {
        EndReason::SignedOut
    } else {
        app.core.step_up.require_recent_api(&claims.sid).await?;
        EndReason::RevokedByUser
    };
    match app
        .core
        .sessions
        .end(SessionSelector::One { user_id: &claims.sub, id: &parse_id(&id)? }, reason, Some(&context))
        .await?
    {
        0 => Err(Error::NotFound.into()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

pub async fn revoke_others(
    State(app): State<AppState>,
    BearerUser { claims, context, .. }: BearerUser<Sessions>,
) -> Result<Json<RevokedResponse>, Problem> {
    app.core.step_up.require_recent_api(&claims.sid).await?;
    let which = SessionSelector::AllBut { user_id: &claims.sub, keep: &claims.sid };
    let revoked = app.core.sessions.end(which, EndReason::RevokedByUser, Some(&context)).await?;
    Ok(Json(RevokedResponse { revoked }))
}
