//! `POST /fn/password-strength`: what the password meter shows. Public like any endpoint.

use axum::{Extension, Json, extract::State};
use serde::{Deserialize, Serialize};

use crate::{
    http::{json::JsonBody, problem::Problem},
    state::AppState,
};
use sekisho_core::RequestContext;

/// Its path, for `public/page.js`.
pub const PATH: &str = "/fn/password-strength";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrengthRequest {
    password: String,
    /// What somebody who knows the person would try first.
    #[serde(default)]
    context: Vec<String>,
}

#[derive(Serialize)]
pub struct Strength {
    /// From 0, guessed at once, to 4, not in centuries.
    score: u8,
}

pub async fn show(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    JsonBody(StrengthRequest { password, context: user_inputs }): JsonBody<StrengthRequest>,
) -> Result<Json<Strength>, Problem> {
    let user_inputs: Vec<&str> = user_inputs.iter().map(String::as_str).collect();
    Ok(Json(Strength { score: app.core.password.strength(&password, &user_inputs, &context).await? }))
}
