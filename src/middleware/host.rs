//! `Host` as RFC 9112, section 3.2 requires it.

use std::net::Ipv6Addr;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::http::error::HttpError;

/// Why hyper could not parse a request. Such a request reaches the router without its headers, and so without `Host`,
/// to be answered in the format of the route that it was for.
#[derive(Clone, Copy, Debug)]
pub enum Unparsed {
    BadRequest,
    UriTooLong,
    HeadersTooLarge,
}

impl From<Unparsed> for HttpError {
    fn from(unparsed: Unparsed) -> Self {
        match unparsed {
            Unparsed::BadRequest => Self::BadRequest,
            Unparsed::UriTooLong => Self::UriTooLong,
            Unparsed::HeadersTooLarge => Self::HeadersTooLarge,
        }
    }
}

/// Rejects a request of HTTP/1.1 without `Host`, and any with two of them or an invalid one: a proxy in front may
/// have understood another host.
pub async fn require_host(request: Request, next: Next) -> Response {
    if has_valid_host(request.version(), request.headers()) {
        return next.run(request).await;
    }
    let unparsed = request.extensions().get().copied().unwrap_or(Unparsed::BadRequest);
    HttpError::from(unparsed).into_response()
}

fn has_valid_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version < Version::HTTP_11,
        (Some(host), None) => is_host(host),
        (Some(_), Some(_)) => false,
    }
}

/// `uri-host [ ":" port ]` (RFC 3986, section 3.2), and not empty, as http requires.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(value) = value.to_str() else { return false };
    let is_port = |text: &str| text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((address, port)) = value.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = value.split_once(':').unwrap_or((value, ""));
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&b);
    !name.is_empty() && name.bytes().all(allowed) && is_port(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in
            ["a.example", "a.example:3000", "127.0.0.1", "[::1]", "[::1]:3000", "localhost:", "xn--bcher-kva.example"]
        {
            assert!(is_host(&HeaderValue::from_static(host)), "{host}");
        }
        for host in [
            "",
            ":80",
            "a b",
            "a/b",
            "user@a.example",
            "a.example:http",
            "a.example:999999",
            "[::1",
            "[evil]",
            "[::1]x",
            "a:1:2",
            "a\\b",
            "a?b",
            "a#b",
            "<a>",
            "http://a.example",
        ] {
            assert!(!is_host(&HeaderValue::from_static(host)), "{host}");
        }
        assert!(!is_host(&HeaderValue::from_bytes(b"\xff.example").expect("a value")));
    }

    #[test]
    fn http_1_1_needs_one_host_and_http_1_0_may_do_without() {
        let hosts = |hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            headers
        };
        assert!(has_valid_host(Version::HTTP_11, &hosts(&["a.example"])));
        assert!(has_valid_host(Version::HTTP_10, &hosts(&[])));
        assert!(!has_valid_host(Version::HTTP_11, &hosts(&[])));
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert!(!has_valid_host(version, &hosts(&["a.example", "a.example"])));
            assert!(!has_valid_host(version, &hosts(&["a b"])));
        }
    }
}
