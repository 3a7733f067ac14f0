//! `POST /api/v1/users`: makes an account.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

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

/// With e-mail configured: what happens next is in a message to the address, whether it had an account or not.
#[derive(Serialize)]
struct MailSentResponse {
    email: String,
    status: &'static str,
}

pub async fn create(
    State(app): State<AppState>,
    Extension(context): Extension<RequestContext>,
    JsonBody(new): JsonBody<CreateUserRequest>,
) -> Result<Response, Problem> {
    let registration =
        Registration { email: &new.email, password: &new.password, name: new.name.as_deref(), locale: None };
    let registered = app.core.accounts.register(registration, &context).await?;
    Ok(match registered {
        Some(registered) => (StatusCode::CREATED, Json(MeResponse::from(registered.user()))).into_response(),
        None => {
            let sent = MailSentResponse { email: new.email, status: "mail_sent" };
            (StatusCode::ACCEPTED, Json(sent)).into_response()
        }
    })
}
