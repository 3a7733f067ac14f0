//! Who sends a request: the client's address and user agent, as a [`RequestContext`] in the request's extensions.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use ipnet::IpNet;
use tower::util::MapRequestLayer;

use super::request_id;
use crate::{http::error::HttpError, state::AppState};
use sekisho_core::RequestContext;

const MAX_USER_AGENT: usize = 300;

/// Adds the context. Handlers take `Extension<RequestContext>`, extractors [`request_context`].
pub fn layer(app: &AppState) -> MapRequestLayer<impl Fn(Request) -> Request + Clone + Send + Sync + 'static> {
    let app = app.clone();
    MapRequestLayer::new(move |mut request: Request| {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        let context = RequestContext {
            ip: client_ip(peer, request.headers(), &app.config.trusted_proxies),
            user_agent: user_agent(request.headers()),
            request_id: request_id::of(request.extensions()).map(Into::into),
            actor: None,
            session_id: None,
            received_at: app.core.clock.now(),
            device_cookie: None,
            trusted_browser: None,
        };
        request.extensions_mut().insert(context);
        request
    })
}

/// The context of a request.
pub fn request_context(parts: &Parts) -> Result<RequestContext, HttpError> {
    parts.extensions.get().cloned().ok_or_else(|| HttpError::internal("a request without its context"))
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

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
}
