//! `/api/v1/admin/roles`

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    api::bearer::{BearerAdmin, RecentAdmin},
    http::{json::JsonBody, list::Page, path::Path, problem::Problem},
    state::AppState,
};
use sekisho_core::Role;

#[derive(Serialize)]
pub struct RoleResponse {
    name: String,
    permissions: Vec<String>,
}

impl From<Role> for RoleResponse {
    fn from(role: Role) -> Self {
        Self { permissions: role.permissions.iter().map(ToString::to_string).collect(), name: role.name.to_string() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaveRoleRequest {
    permissions: Vec<String>,
}

/// `GET /api/v1/admin/roles`
pub async fn list(State(app): State<AppState>, _: BearerAdmin) -> Result<Json<Page<RoleResponse>>, Problem> {
    Ok(Json(Page::of((app.core.roles.list().await?, None), RoleResponse::from)))
}

/// `PUT /api/v1/admin/roles/{name}`: makes a role, or gives it other permissions.
pub async fn save(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Path(name): Path<String>,
    JsonBody(role): JsonBody<SaveRoleRequest>,
) -> Result<Json<RoleResponse>, Problem> {
    Ok(Json(app.core.roles.save(&name, &role.permissions, &admin.context).await?.into()))
}

/// `DELETE /api/v1/admin/roles/{name}`: only while nobody has it.
pub async fn delete(
    State(app): State<AppState>,
    RecentAdmin(admin): RecentAdmin,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    app.core.roles.remove(&name, &admin.context).await?;
    Ok(StatusCode::NO_CONTENT)
}
