//! Counts requests and their durations, by route.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};

use crate::state::AppState;
use sekisho_core::metrics::Route;

pub async fn count(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let (since, (method, route)) = (Instant::now(), route(&request));
    let response = next.run(request).await;
    app.core.metrics.request(&Route { method, route, status: response.status().as_u16() }, since.elapsed());
    response
}

/// Method and route pattern: labels of low cardinality, whatever clients send; all else is `other`.
fn route(request: &Request) -> (&'static str, String) {
    let method = match *request.method() {
        Method::GET | Method::HEAD => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    (method, route.to_owned())
}
