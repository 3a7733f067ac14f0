//! The path to return to after signing in: of this server, never another site's (open redirect, ASVS 3.7.2). In a query
//! or a form its name is `next`.

use axum::http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

/// `?next=…`, or the field of a form.
#[derive(Deserialize)]
pub struct ReturnTo {
    next: Option<String>,
}

impl ReturnTo {
    /// The path, if it is a path of this server; else `/`.
    pub fn path(&self) -> String {
        local_path(self.next.as_deref())
    }
}

/// Takes `path` if it is a path of this server, else `/`. What a browser could read as another host is rejected:
/// `//host`, `/\host`, and control characters, which browsers drop before they look.
pub fn local_path(path: Option<&str>) -> String {
    match path {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains('\\')
                && !path.contains(char::is_control)
                && path.len() <= 2_000 =>
        {
            path.to_owned()
        }
        _ => "/".to_owned(),
    }
}

/// The page of ours that a form was on: of the base URL, or of the host that the browser asks.
pub fn referring_path(headers: &HeaderMap, own_origin: &str) -> String {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let is_ours = |url: &url::Url| url.origin().ascii_serialization() == own_origin || url.authority() == host;
    let url = text(header::REFERER).and_then(|page| url::Url::parse(page).ok()).filter(is_ours);
    let path =
        url.map(|url| format!("{}{}", url.path(), url.query().map_or(String::new(), |query| format!("?{query}"))));
    local_path(path.as_deref())
}

/// `/login?next=…` for a path of this server.
pub fn login_path(return_to: &str) -> String {
    with_return_to("/login", return_to)
}

/// `path?next=…`, or just `path` when there is nowhere in particular to go.
pub fn with_return_to(path: &str, return_to: &str) -> String {
    match return_to {
        "/" => path.to_owned(),
        return_to => format!(
            "{path}?{}",
            url::form_urlencoded::Serializer::new(String::new()).append_pair("next", return_to).finish()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_paths_are_followed() {
        for own in ["/", "/devices", "/account?done=saved#x", "/日本語"] {
            assert_eq!(local_path(Some(own)), own);
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
            assert_eq!(local_path(Some(foreign)), "/", "{foreign:?}");
        }
        assert_eq!(local_path(None), "/");
    }

    #[test]
    fn the_page_before_is_a_path_of_ours_under_whatever_name_we_are_reached() {
        let before = |referer: &str| {
            let headers = [(header::REFERER, referer), (header::HOST, "localhost:3000")];
            let headers = headers.map(|(name, value)| (name, value.parse().expect("a header")));
            referring_path(&HeaderMap::from_iter(headers), "https://sign-in.example")
        };
        assert_eq!(before("http://localhost:3000/devices?a=b"), "/devices?a=b");
        assert_eq!(before("https://sign-in.example/account"), "/account");
        for odd in ["", "nonsense", "https://evil.example/account", "http://localhost:3000//evil", "about:blank"] {
            assert_eq!(before(odd), "/", "{odd}");
        }
        assert_eq!(referring_path(&HeaderMap::new(), ""), "/");
    }

    #[test]
    fn the_path_is_encoded() {
        assert_eq!(login_path("/devices?a=b&c"), "/login?next=%2Fdevices%3Fa%3Db%26c");
        assert_eq!(login_path("/"), "/login");
    }
}
