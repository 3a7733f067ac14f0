//! `/api/v1/sessions`: one's own devices.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Serialize;

use super::{
    bearer::{BearerUser, Sessions},
    list::{Page, Range},
    problem::Problem,
};
use crate::state::AppState;
use sekisho_core::{
    clock::rfc3339,
    db::sessions::Session,
    error::Error,
    reason::Reason,
    session::{Which, parse_id},
};

#[derive(Debug, Serialize)]
pub struct Item {
    id: String,
    kind: String,
    /// Whether this is the session of the token that asks.
    current: bool,
    device: String,
    ip: String,
    user_agent: String,
    created_at: String,
    last_active_at: String,
    /// The first of its deadlines as they stand; null: none.
    expires_at: Option<String>,
}

impl Item {
    pub fn new(session: Session, current: &str) -> Self {
        Self {
            current: session.id == current,
            created_at: rfc3339(session.created_at),
            last_active_at: rfc3339(session.last_active_at),
            expires_at: session.deadline().map(rfc3339),
            id: session.id,
            kind: session.kind,
            device: session.device,
            ip: session.ip,
            user_agent: session.user_agent,
        }
    }
}

#[derive(Serialize)]
pub struct Revoked {
    pub revoked: usize,
}

/// `GET /api/v1/sessions`
pub async fn list(
    State(app): State<AppState>,
    BearerUser { claims, .. }: BearerUser<Sessions>,
    range: Range,
) -> Result<Json<Page<Item>>, Problem> {
    let found = app.auth.sessions(&claims.sub, range.cursor.as_deref(), range.limit).await?;
    Ok(Json(Page::of(found, |session| Item::new(session, &claims.sid))))
}

/// `DELETE /api/v1/sessions/{id}`: a foreign id is as unknown as one that never was. Another device than one's own asks
/// for step-up, or a stolen token could sign the owner out.
pub async fn delete(
    State(app): State<AppState>,
    BearerUser { claims, context, .. }: BearerUser<Sessions>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let reason = if id == claims.sid {
        Reason::SignedOut
    } else {
        app.auth.require_recent_api(&claims.sid).await?;
        Reason::RevokedByUser
    };
    match app.auth.end(Which::One { user_id: &claims.sub, id: parse_id(&id)? }, reason, Some(&context)).await? {
        0 => Err(Problem(Error::NotFound)),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

pub async fn revoke_others(
    State(app): State<AppState>,
    BearerUser { claims, context, .. }: BearerUser<Sessions>,
) -> Result<Json<Revoked>, Problem> {
    app.auth.require_recent_api(&claims.sid).await?;
    let which = Which::Others { user_id: &claims.sub, keep: &claims.sid };
    let revoked = app.auth.end(which, Reason::RevokedByUser, Some(&context)).await?;
    Ok(Json(Revoked { revoked }))
}
