//! What the core is told at start: rules and names, already parsed and checked. Where they were read from is the
//! server's business, and so is whatever only the server needs.

use std::{fmt, time::Duration};

use jsonwebtoken::Algorithm;
use secrecy::SecretString;

use crate::policy::Policy;

/// How one deployment signs people in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How people reach the server; links, cookies and the origin check follow it, never a request's own headers.
    pub base_url: Url,
    /// Lifetimes and limits.
    pub policy: Policy,
    /// What new signing keys are made for.
    pub token_algorithm: Algorithm,
    /// A signing key's time, after which the next one signs; `None`: as long as nobody asks for another.
    pub key_rotation: Option<Duration>,
    /// The claim `iss`.
    pub token_issuer: String,
    /// Sekisho's own: what its API takes.
    pub token_audience: String,
    /// Other services that tokens may be for.
    pub audiences: Vec<String>,
    /// Whether strangers may make an account.
    pub registration_open: bool,
    /// Whether attempts are counted and refused.
    pub rate_limit: bool,
    /// `None`: no GitHub sign-in.
    pub github: Option<GithubConfig>,
}

/// The OAuth app at GitHub.
#[derive(Clone, Debug)]
pub struct GithubConfig {
    pub client_id: String,
    pub client_secret: SecretString,
    /// `https://github.com`, or a GitHub Enterprise.
    pub url: Url,
    pub api_url: Url,
}

/// An http or https URL, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    pub fn parse(raw: &str) -> Option<Self> {
        let url = url::Url::parse(raw).ok()?;
        let plain = url.query().is_none() && url.fragment().is_none();
        let plain = plain && url.username().is_empty() && url.password().is_none();
        let http = matches!(url.scheme(), "http" | "https") && url.has_host();
        (plain && http).then(|| Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// An absolute URL for one of this server's own paths.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Scheme, host and port, as a browser's `Origin` header has them.
    pub fn origin(&self) -> String {
        url::Url::parse(&self.0).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
