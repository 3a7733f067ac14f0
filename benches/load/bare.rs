//! What the ratios are measured against: one axum route that answers JSON, and nothing else.

use axum::{Json, Router, routing::get, serve::ListenerExt};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::Result;

/// The argument that makes a bare server of the bench.
pub const ROLE: &str = "bare";

/// The fields of `GET /api/v1/me`, in its order.
#[derive(Serialize, Deserialize)]
struct Me {
    id: String,
    email: String,
    name: String,
    about: String,
    locale: Option<String>,
    roles: Vec<String>,
    created_at: String,
}

/// Answers `GET /` with `body`, serialized at each request.
pub async fn serve(address: &str, body: &str) -> Result<()> {
    let me: &'static Me = Box::leak(Box::new(serde_json::from_str(body)?));
    let router = Router::new().route("/", get(async move || Json(me)));
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}
