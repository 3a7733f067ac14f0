//! `/api/v1/admin/users`

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        bearer::{BearerAdmin, RecentAdmin},
        sessions::RevokedResponse,
    },
    http::{
        json::JsonBody,
        list::{Page, PageQuery},
        path::Path,
        problem::Problem,
        query::Query,
        session_response::SessionResponse as Session,
    },
    state::AppState,
};
use sekisho_core::{Error, User, UserFilter, administration::AccessChange, clock::rfc3339, parse_id};
use sekisho_model::{AuthMethod, UserId};

#[derive(Serialize)]
pub struct UserResponse {
    id: UserId,
    email: String,
    email_verified: bool,
    name: String,
    locale: Option<String>,
    roles: Vec<String>,
    has_password: bool,
    created_at: String,
    /// Null: not disabled.
    disabled_at: Option<String>,
}

impl From<User> for UserResponse {
    fn from(user: User) -> Self {
        Self {
            roles: user.role_names().map(Into::into).collect(),
            created_at: rfc3339(user.created_at),
            disabled_at: user.disabled_at.map(rfc3339),
            has_password: user.auth_methods.contains(AuthMethod::Password),
            id: user.id,
            email_verified: user.email_verified_at.is_some(),
            email: user.email,
            name: user.name,
            locale: user.locale,
        }
    }
}

#[derive(Deserialize)]
pub struct UsersQuery {
    /// Part of an address or a name.
    q: Option<String>,
    role: Option<String>,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateUserRequest {
    /// All roles that the user is to have.
    roles: Option<Vec<String>>,
    disabled: Option<bool>,
}

/// `GET /api/v1/admin/users?q=…&role=…&disabled=true`
pub async fn list(
    State(app): State<AppState>,
    _: BearerAdmin,
    range: PageQuery,
    Query(filter): Query<UsersQuery>,
) -> Result<Json<Page<UserResponse>>, Problem> {
    let filter = UserFilter { search: filter.q, role: filter.role, disabled: filter.disabled };
    Ok(Json(Page::of(
        app.core.administration.search_users(&filter, range.cursor.as_deref(), range.limit).await?,
        UserResponse::from,
    )))
}

/// `GET /api/v1/admin/users/{id}`
pub async fn show(
    State(app): State<AppState>,
    _: BearerAdmin,
    Path(id): Path<String>,
) -> Result<Json<UserResponse>, Problem> {
    Ok(Json(app.core.administration.find_user(&parse_id(&id)?).await?.into()))
}

/// `PATCH /api/v1/admin/users/{id}`: an absent field stays as it is.
pub async fn update(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<UpdateUserRequest>,
) -> Result<Json<UserResponse>, Problem> {
    let id: UserId = parse_id(&id)?;
    if change.disabled == Some(true) && id == admin.claims.sub {
        return Err(Error::field("disabled", "disabled-self").into());
    }
    let change = AccessChange { roles: change.roles.as_deref(), disabled: change.disabled };
    Ok(Json(app.core.administration.change_access(&id, change, Some(&admin.context)).await?.0.into()))
}

/// `GET /api/v1/admin/users/{id}/sessions`
pub async fn sessions(
    State(app): State<AppState>,
    admin: BearerAdmin,
    Path(id): Path<String>,
    range: PageQuery,
) -> Result<Json<Page<Session>>, Problem> {
    let user = app.core.administration.find_user(&parse_id(&id)?).await?;
    let found = app.core.sessions.list(&user.id, range.cursor.as_deref(), range.limit).await?;
    Ok(Json(Page::of(found, |session| Session::new(session, Some(&admin.claims.sid)))))
}

/// `POST /api/v1/admin/users/{id}/revoke-sessions`: signs a user out everywhere.
pub async fn revoke_sessions(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Path(id): Path<String>,
) -> Result<Json<RevokedResponse>, Problem> {
    let user = app.core.administration.find_user(&parse_id(&id)?).await?;
    Ok(Json(RevokedResponse { revoked: app.core.administration.sign_out_user(&user.id, &admin.context).await? }))
}

#[derive(Serialize)]
pub struct FactorResetResponse {
    /// When the second factors are removed.
    reset_at: String,
}

/// `POST /api/v1/admin/users/{id}/factor-reset`: removes the second factors in a day, unless the user stops it.
pub async fn request_factor_reset(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<FactorResetResponse>), Problem> {
    let at = app.core.administration.request_factor_reset(&parse_id(&id)?, &admin.context).await?;
    Ok((StatusCode::ACCEPTED, Json(FactorResetResponse { reset_at: rfc3339(at) })))
}

/// `DELETE /api/v1/admin/users/{id}/factor-reset`: idempotent.
pub async fn cancel_factor_reset(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.core.administration.cancel_factor_reset(&parse_id(&id)?, &admin.context).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/admin/users/{id}/identities/github`: ends the sessions that came by it, too. Idempotent.
pub async fn unlink_github(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.core.identities.unlink(&parse_id(&id)?, &admin.context).await?;
    Ok(StatusCode::NO_CONTENT)
}
