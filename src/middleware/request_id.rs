//! Request ids, and the span that every log line of a request is in.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::Request,
    http::{Extensions, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tower_http::request_id::{MakeRequestId, RequestId};
use tracing::{Instrument, info_span};

use sekisho_core::secret::random;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Makes ids that no other process makes: a random prefix, and a counter.
#[derive(Clone, Debug)]
pub struct RequestIds {
    process: Arc<str>,
    next: Arc<AtomicU64>,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self { process: format!("{:016x}", u64::from_le_bytes(random())).into(), next: Arc::new(AtomicU64::new(1)) }
    }
}

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = format!("{}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed));
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

/// Drops an id that the client sent: tower-http would take it over, and a client could forge lines of the log.
pub fn drop_clients_id(mut request: Request) -> Request {
    request.headers_mut().remove(X_REQUEST_ID);
    request
}

/// The request's id.
pub fn of(extensions: &Extensions) -> Option<&str> {
    extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok())
}

/// Runs a request in a span with its id, method and path. Without the query, which may hold a code or a state
/// (ASVS 16.2.5).
pub async fn trace(request: Request, next: Next) -> Response {
    let id = of(request.extensions()).unwrap_or_default();
    let span = info_span!("request", id, method = %request.method(), path = request.uri().path());
    let response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    response
}
