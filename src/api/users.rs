//! `POST /api/v1/users`: makes an account.

use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;

use super::me::MeResponse;
use crate::{
    http::{json::JsonBody, problem::Problem},
    state::AppState,
};
use sekisho_core::{RequestContext, account::Registration};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateUserRequest {
    email: String,
    password: String,
    name: Option<String>,
}

pub async fn create(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    JsonBody(new): JsonBody<CreateUserRequest>,
) -> Result<(StatusCode, axum::Json<MeResponse>), Problem> {
    let registration =
        Registration { email: &new.email, password: &new.password, name: new.name.as_deref(), locale: None };
    let registered = app.core.accounts.register(registration, &context).await?;
    Ok((StatusCode::CREATED, axum::Json(MeResponse::from(registered.user()))))
}
