//! `GET /.well-known/jwks.json`: the public keys, so that any service can verify a token without asking.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::app::App;

pub async fn show(State(app): State<App>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")];
    (headers, app.auth.access_tokens.jwks().to_string()).into_response()
}
