//! Security headers, on every response. A page brings its own Content-Security-Policy, with its nonce.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use tower::util::MapResponseLayer;

use crate::state::AppState;

/// Where the response has none of its own.
const DEFAULTS: [(HeaderName, HeaderValue); 7] = [
    // ASVS 3.4.3, 3.4.6
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")), // 3.4.4
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),    // 3.4.5
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")), // 3.4.8
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")), // 3.5.8
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=()"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
/// Two years (ASVS 3.4.1).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

pub fn layer(app: &AppState) -> MapResponseLayer<impl Fn(Response) -> Response + Clone + Send + Sync + 'static> {
    let is_https = app.config.core.base_url.is_https();
    MapResponseLayer::new(move |mut response: Response| {
        add(response.headers_mut(), is_https);
        response
    })
}

fn add(headers: &mut HeaderMap, is_https: bool) {
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}
