//! Where somebody was going: a path of this server, never another site (ASVS 3.7.2).

use axum::http::{HeaderMap, HeaderValue, header};

/// Takes `next` if it is a path of this server, else `/`. What a browser could read as another host is refused:
/// `//host`, `/\host`, and control characters, which browsers drop before they look.
pub fn own_path(next: Option<&str>) -> String {
    match next {
        Some(next)
            if next.starts_with('/')
                && !next.starts_with("//")
                && !next.contains('\\')
                && !next.contains(char::is_control)
                && next.len() <= 2_000 =>
        {
            next.to_owned()
        }
        _ => "/".to_owned(),
    }
}

/// The page of ours that a form was on: of the base URL, or of the host that the browser asks.
pub fn page_before(headers: &HeaderMap, own_origin: &str) -> String {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let is_ours = |url: &url::Url| url.origin().ascii_serialization() == own_origin || url.authority() == host;
    let url = text(header::REFERER).and_then(|page| url::Url::parse(page).ok()).filter(is_ours);
    let path =
        url.map(|url| format!("{}{}", url.path(), url.query().map_or(String::new(), |query| format!("?{query}"))));
    own_path(path.as_deref())
}

/// `/login?next=…` for a path of this server.
pub fn login_and_back(next: &str) -> String {
    with_next("/login", next)
}

/// `path?next=…`, or just `path` when there is nowhere in particular to go.
pub fn with_next(path: &str, next: &str) -> String {
    match next {
        "/" => path.to_owned(),
        next => format!(
            "{path}?{}",
            url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_followed() {
        for own in ["/", "/devices", "/account?done=saved#x", "/日本語"] {
            assert_eq!(own_path(Some(own)), own);
        }
        for foreign in [
            "//evil.example",
            "/\\evil.example",
            "\\/evil",
            "https://evil.example",
            "javascript:alert(1)",
            "evil",
            "",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\\b",
            " /x",
            "/\u{0}",
        ] {
            assert_eq!(own_path(Some(foreign)), "/", "{foreign:?}");
        }
        assert_eq!(own_path(None), "/");
    }

    #[test]
    fn the_page_before_is_a_path_of_ours_under_whatever_name_we_are_reached() {
        let before = |referer: &str| {
            let headers = [(header::REFERER, referer), (header::HOST, "localhost:3000")];
            let headers = headers.map(|(name, value)| (name, value.parse().expect("a header")));
            page_before(&HeaderMap::from_iter(headers), "https://sign-in.example")
        };
        assert_eq!(before("http://localhost:3000/devices?a=b"), "/devices?a=b");
        assert_eq!(before("https://sign-in.example/account"), "/account");
        for odd in ["", "nonsense", "https://evil.example/account", "http://localhost:3000//evil", "about:blank"] {
            assert_eq!(before(odd), "/", "{odd}");
        }
        assert_eq!(page_before(&HeaderMap::new(), ""), "/");
    }

    #[test]
    fn next_is_encoded() {
        assert_eq!(login_and_back("/devices?a=b&c"), "/login?next=%2Fdevices%3Fa%3Db%26c");
        assert_eq!(login_and_back("/"), "/login");
    }
}
