//! CSRF: rejects cross-site writes (ASVS 3.5.1) by `Sec-Fetch-Site`, or by `Origin` where a browser sends only that. A
//! request with neither comes from no browser, which would send the cookie unasked.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{http::error::HttpError, state::AppState};

pub async fn reject_cross_site(State(app): State<AppState>, request: Request, next: Next) -> Response {
    if is_safe(request.method()) || is_same_origin(request.headers(), &app.origin) {
        return next.run(request).await;
    }
    HttpError::CrossOrigin.into_response()
}

/// RFC 9110, section 9.2.1
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_same_origin(headers: &HeaderMap, own: &str) -> bool {
    match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => origin == own,
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn a_write_is_same_origin_or_from_no_browser() {
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
}
