//! The core's settings, parsed and validated by the caller. Settings that only the server needs are not in here.

use std::{fmt, path::PathBuf, time::Duration};

use jsonwebtoken::Algorithm;
use secrecy::SecretString;

use crate::{policy::Policy, strategy::Strategy};

/// The settings of one deployment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's public URL. Links, cookies and the CSRF origin check use it, never the request's headers.
    pub base_url: Url,
    /// Which credentials are issued.
    pub strategy: Strategy,
    /// Lifetimes and limits.
    pub policy: Policy,
    /// The algorithm of new signing keys.
    pub token_algorithm: Algorithm,
    /// Rotation interval of signing keys; `None`: only on request.
    pub key_rotation: Option<Duration>,
    /// The claim `iss`.
    pub token_issuer: String,
    /// The `aud` that Sekisho's own API accepts.
    pub token_audience: String,
    /// The `aud` of other services.
    pub audiences: Vec<String>,
    /// Whether unauthenticated clients may register.
    pub registration_open: bool,
    /// Whether rate limits apply.
    pub rate_limit: bool,
    /// Whether a mail server is configured.
    pub mail: bool,
    /// Where new passwords are looked up.
    pub breached_passwords: BreachedPasswordsConfig,
    /// Origins beside the base URL's at which passkeys are accepted; each on its host or a subdomain of it.
    pub webauthn_origins: Vec<Url>,
    /// GitHub sign-in; `None`: off.
    pub github: Option<GithubConfig>,
}

/// A list of passwords known from breaches (ASVS 6.2.12).
#[derive(Clone, Debug)]
pub enum BreachedPasswordsConfig {
    /// None.
    Off,
    /// The range API of Have I Been Pwned, or of a mirror, at this URL.
    RangeApi(Url),
    /// A file made by [`import`](crate::authenticator::breached::import).
    File(PathBuf),
}

/// The OAuth app at GitHub.
#[derive(Clone, Debug)]
pub struct GithubConfig {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: SecretString,
    /// `https://github.com`, or a GitHub Enterprise server.
    pub url: Url,
    /// `https://api.github.com`, or that of the Enterprise server.
    pub api_url: Url,
}

/// An http or https URL without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// `None` for another scheme, or with credentials, query or fragment.
    pub fn parse(raw: &str) -> Option<Self> {
        let url = url::Url::parse(raw).ok()?;
        let plain = url.query().is_none() && url.fragment().is_none();
        let plain = plain && url.username().is_empty() && url.password().is_none();
        let http = matches!(url.scheme(), "http" | "https") && url.has_host();
        (plain && http).then(|| Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// Appends a path that begins with `/`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The host, without a port.
    pub fn host(&self) -> String {
        let host = url::Url::parse(&self.0).ok().and_then(|url| url.host_str().map(Into::into));
        host.unwrap_or_default()
    }

    /// The host, if it is a name: an IP address is no WebAuthn RP ID.
    pub fn domain(&self) -> Option<String> {
        url::Url::parse(&self.0).ok()?.domain().map(Into::into)
    }

    /// The origin (RFC 6454), as in a browser's `Origin` header.
    pub fn origin(&self) -> String {
        url::Url::parse(&self.0).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
