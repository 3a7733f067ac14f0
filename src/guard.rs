//! What every request passes before a handler sees it, and every answer on its way out.

use std::{
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{FutureExt, future::BoxFuture};
use ipnet::IpNet;
use tracing::{Instrument, Span, info_span};

use crate::{api::problem::Problem, locale::Lang, pages::error_page::ErrorPage, state::AppState};
use sekisho_core::{RequestContext, error::Error, metrics::Route, secret::random};

mod body;
mod host;

pub use body::{MAX_BODY, read_body};
pub use host::require_host;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_USER_AGENT: usize = 300;

/// Whether a path belongs to the machines' side, where errors are problem+json.
pub fn speaks_json(path: &str) -> bool {
    ["/api", "/session", "/health", "/.well-known", "/fn", "/csp-reports"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// An error in the form that the path's side speaks.
pub fn refuse(path: &str, error: Error) -> Response {
    if speaks_json(path) { Problem(error).into_response() } else { ErrorPage(error).into_response() }
}

/// An error that no page can be drawn for, as the request could not even be read.
pub fn refuse_unread(path: &str, error: Error) -> Response {
    if speaks_json(path) {
        return Problem(error).into_response();
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, format!("{}\n", Lang::En.t(&format!("error-{}", error.code())))).into_response()
}

/// Names of requests: unlike those of any other process, by a random beginning, and counted from there.
#[derive(Debug)]
pub struct RequestIds {
    process: String,
    next: AtomicU64,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self { process: format!("{:016x}", u64::from_le_bytes(random())), next: AtomicU64::new(1) }
    }
}

impl RequestIds {
    pub fn next(&self) -> String {
        format!("{}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Says who is calling, gives the request an id, and a span for its log lines.
pub async fn identify(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let request_id = app.request_ids.next();
    let context = RequestContext {
        ip: client_ip(peer, request.headers(), &app.config.trusted_proxies),
        user_agent: user_agent(request.headers()),
        request_id: Some(request_id.clone()),
        actor: None,
        session_id: None,
        received_at: app.auth.clock.now(),
        device_cookie: None,
    };
    // The path only: a query may hold a code or a state (ASVS 16.2.5).
    let span = info_span!("request", id = request_id, method = %request.method(), path = request.uri().path());
    request.extensions_mut().insert(context);
    let timed = app.config.metrics_listen.map(|_| (Instant::now(), route(&request)));
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some((since, (method, route))) = timed {
        app.auth.metrics.request(&Route { method, route, status: response.status().as_u16() }, since.elapsed());
    }
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    if let Ok(id) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Method and route pattern, of which there are only so many; whatever a stranger makes up is `other`.
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

/// The address of the client: the connection's own, unless that is a trusted proxy's; then the last address in
/// `X-Forwarded-For` that no trusted proxy has (ASVS 4.1.3).
fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    if !is_trusted(peer, trusted) {
        return peer.to_canonical();
    }
    let mut client = peer;
    let hops =
        headers.get_all("x-forwarded-for").iter().rev().flat_map(|value| value.as_bytes().rsplit(|b| *b == b','));
    for hop in hops {
        // An unreadable hop is not absent: what stands before it was not written by a trusted proxy.
        let hop = str::from_utf8(hop.trim_ascii()).ok().and_then(|hop| hop.parse::<IpAddr>().ok());
        let Some(ip) = hop else { break };
        client = ip;
        if !is_trusted(ip, trusted) {
            break;
        }
    }
    client.to_canonical()
}

/// Whether an address is a trusted proxy's.
pub fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&ip.to_canonical()))
}

/// The user agent, one short printable line (ASVS 16.4.1).
fn user_agent(headers: &HeaderMap) -> String {
    let raw = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    String::from_utf8_lossy(raw).chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect()
}

/// Who is asking, for extractors; a handler takes `Extension<RequestContext>`.
pub fn request_context(parts: &Parts) -> Result<RequestContext, Error> {
    parts.extensions.get().cloned().ok_or_else(|| Error::internal("a request without its context"))
}

/// Runs a request to its end even when the client is gone, so that nothing stops between a commit and what must
/// follow it; and turns a panic or an answer that takes too long into an error of its own. Its body has been read by
/// then ([`read_body`]): what goes on detached must not wait for a client.
pub async fn run_to_completion(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let work = AssertUnwindSafe(next.run(request).instrument(Span::current())).catch_unwind();
    match tokio::time::timeout(ANSWER_WITHIN, Unstoppable(Some(work.boxed()))).await {
        Ok(Ok(response)) if is_bare_rejection(&response) => refuse(&path, Error::InvalidInput(Vec::new())),
        Ok(Ok(response)) => response,
        Ok(Err(_)) => refuse(&path, Error::internal("a panic: see above")),
        Err(_) => refuse(&path, Error::Timeout),
    }
}

/// Whether axum itself refused a path or a query, in plain text: a twice given parameter, a path that is no UTF-8.
fn is_bare_rejection(response: &Response) -> bool {
    let plain = |value: &HeaderValue| value.as_bytes().starts_with(b"text/plain");
    response.status() == StatusCode::BAD_REQUEST && response.headers().get(header::CONTENT_TYPE).is_some_and(plain)
}

/// A future that goes on in a task of its own when nobody waits for it any more. A task from the start would cost
/// every request what only an interrupted one needs.
struct Unstoppable<T: Send + 'static>(Option<BoxFuture<'static, T>>);

impl<T: Send + 'static> Future for Unstoppable<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let answer = ready!(work.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(answer)
    }
}

impl<T: Send + 'static> Drop for Unstoppable<T> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

/// Refuses a change that another site's page asks for (ASVS 3.5.1). A browser says where a request comes from, by
/// `Sec-Fetch-Site` or at least by `Origin`; what says neither is no browser, and brings no cookie by accident.
pub async fn same_origin(State(app): State<AppState>, request: Request, next: Next) -> Response {
    if changes_nothing(request.method()) || is_same_origin(request.headers(), &app.origin) {
        return next.run(request).await;
    }
    refuse(request.uri().path(), Error::CrossOrigin)
}

fn changes_nothing(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_same_origin(headers: &HeaderMap, own: &str) -> bool {
    match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => origin == own,
        (None, None) => true,
    }
}

/// Headers of every answer. A page brings its own content policy, with its nonce; all else may load nothing.
pub async fn security_headers(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    add_security_headers(response.headers_mut(), &app);
    response
}

/// Adds what is not there yet.
pub fn add_security_headers(headers: &mut HeaderMap, app: &AppState) {
    for (name, value) in [
        // ASVS 3.4.3, 3.4.6
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"), // 3.4.4
        (header::REFERRER_POLICY, "same-origin"),    // 3.4.5
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"), // 3.4.8
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"), // 3.5.8
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if app.config.core.base_url.is_https() {
        // ASVS 3.4.1
        let two_years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, two_years);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn a_forwarded_address_is_believed_from_trusted_proxies_only() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let forged = headers(&[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.2")]);
        assert_eq!(client_ip(ip("198.51.100.7"), &forged, &trusted), ip("198.51.100.7"));
        assert_eq!(client_ip(ip("10.0.0.1"), &forged, &trusted), ip("203.0.113.9"));
        assert_eq!(client_ip(ip("::ffff:10.0.0.1"), &forged, &trusted), ip("203.0.113.9"));
        assert_eq!(client_ip(ip("10.0.0.1"), &headers(&[("x-forwarded-for", "junk")]), &trusted), ip("10.0.0.1"));
        assert_eq!(client_ip(ip("10.0.0.1"), &forged, &[]), ip("10.0.0.1"));
    }

    #[test]
    fn a_forwarded_address_that_is_not_ascii_ends_the_search_at_the_last_trusted_hop() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let of = |lines: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(line).expect("a value"));
            }
            client_ip(ip("10.0.0.1"), &headers, &trusted)
        };
        // The attacker's own line, then what the proxy has added to a second one.
        assert_eq!(of(&[b"203.0.113.66", b"198.51.100.7\xff"]), ip("10.0.0.1"));
        assert_eq!(of(&[b"203.0.113.66", b"\xff"]), ip("10.0.0.1"));
        assert_eq!(of(&[b"203.0.113.66", b"\xe9, 10.0.0.2"]), ip("10.0.0.2"));
        assert_eq!(of(&[b"203.0.113.66", b"\xff, 198.51.100.7"]), ip("198.51.100.7"));
        for unreadable in ["unknown", "_hidden", "198.51.100.7:443", "", "[2001:db8::1]"] {
            assert_eq!(of(&[b"203.0.113.66", unreadable.as_bytes()]), ip("10.0.0.1"), "{unreadable}");
        }
    }

    #[test]
    fn a_change_comes_from_this_origin_or_from_no_browser() {
        let own = "https://a.example";
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-origin")]), own));
        assert!(is_same_origin(&headers(&[("origin", "https://a.example")]), own));
        assert!(is_same_origin(&headers(&[]), own));
        for forged in [
            headers(&[("sec-fetch-site", "cross-site")]),
            headers(&[("sec-fetch-site", "same-site"), ("origin", "https://a.example")]),
            headers(&[("origin", "https://evil.example")]),
            headers(&[("origin", "null")]),
            headers(&[("origin", "http://a.example")]),
        ] {
            assert!(!is_same_origin(&forged, own), "{forged:?}");
        }
    }

    #[test]
    fn paths_know_their_side() {
        assert!(speaks_json("/api") && speaks_json("/api/v1/me") && speaks_json("/session/token"));
        assert!(!speaks_json("/apiary") && !speaks_json("/") && !speaks_json("/sessions"));
    }
}
