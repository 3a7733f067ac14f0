//! `GET /api/v1/me/export`: everything stored about oneself, as a download.

use axum::{extract::State, response::Response};

use super::bearer::{Account, BearerUser, Sessions};
use crate::{
    http::{personal_data, problem::Problem},
    state::AppState,
};

/// It has the sessions too, so a token needs both scopes; and it is worth more to a thief than a page of a list, so it asks
/// for step-up.
pub async fn download(
    State(app): State<AppState>,
    bearer: BearerUser<Account>,
    _: BearerUser<Sessions>,
) -> Result<Response, Problem> {
    app.core.step_up.require_recent_api(&bearer.claims.sid).await?;
    let user_id = bearer.user(&app).await?.id.clone();
    Ok(personal_data::download(app, user_id, &bearer.context).await?)
}
