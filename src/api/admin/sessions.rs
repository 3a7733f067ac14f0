//! `/api/v1/admin/sessions`: all live sessions.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::{
    api::{
        bearer::{BearerAdmin, RecentAdmin},
        sessions::RevokedResponse,
    },
    http::{
        list::{Page, PageQuery},
        path::Path,
        problem::Problem,
        session_response::SessionResponse as Session,
    },
    state::AppState,
};
use sekisho_core::parse_id;
use sekisho_model::UserId;

#[derive(Serialize)]
pub struct OwnedSessionResponse {
    user_id: UserId,
    #[serde(flatten)]
    session: Session,
}

/// `GET /api/v1/admin/sessions`
pub async fn list(
    State(app): State<AppState>,
    admin: BearerAdmin,
    range: PageQuery,
) -> Result<Json<Page<OwnedSessionResponse>>, Problem> {
    let (sessions, next_cursor) = app.core.administration.all_sessions(range.cursor.as_deref(), range.limit).await?;
    let item = |owned: sekisho_core::OwnedSession| OwnedSessionResponse {
        user_id: owned.session.user_id.clone(),
        session: Session::new(owned.session, Some(&admin.claims.sid)),
    };
    Ok(Json(Page { items: sessions.into_iter().map(item).collect(), next_cursor }))
}

/// `DELETE /api/v1/admin/sessions/{id}`
pub async fn delete(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.core.administration.end_session(&parse_id(&id)?, &admin.context).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/admin/sessions/revoke-all`: global sign-out: revokes all sessions but this one.
pub async fn revoke_all(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
) -> Result<Json<RevokedResponse>, Problem> {
    Ok(Json(RevokedResponse {
        revoked: app.core.global_sign_out.revoke_all_sessions(&admin.claims.sid, &admin.context).await?,
    }))
}
