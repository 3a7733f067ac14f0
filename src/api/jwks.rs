//! `GET /.well-known/jwks.json`: the public keys, so that any service can verify a token without asking.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::state::AppState;
use sekisho_core::token::signing_keys::JWKS_MAX_AGE;

pub async fn show(State(app): State<AppState>) -> Response {
    let keep = format!("public, max-age={JWKS_MAX_AGE}");
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CACHE_CONTROL, keep)];
    (headers, app.core.access_tokens.jwks().to_string()).into_response()
}
