//! The configuration: environment variables over an optional `sekisho.toml`, read once, checked at start.
//!
//! `SEKISHO_SESSION_IDLE` in the environment is `session_idle` in the file. An unknown or bad key stops the start
//! with one message that names it. There is no default secret.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, time::Duration};

use ipnet::IpNet;
use jsonwebtoken::Algorithm;
use secrecy::SecretString;
use sekisho_core::{
    policy::{DeviceLimit, Policy, Profile},
    settings::{GithubConfig, Settings, Url},
};

const PREFIX: &str = "SEKISHO_";
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// `sqlite://path` or `postgres://…`.
    pub database_url: String,
    /// At least 32 characters; every key is derived from it. On SQLite one is made beside the database.
    pub secret: Option<SecretString>,
    /// The secret until now, while stored values are sealed with it.
    pub secret_previous: Option<SecretString>,
    /// The rules.
    pub core: Settings,
    /// What other services show to say who they are; several while one is replaced.
    pub service_secrets: Vec<SecretString>,
    /// Proxies whose `X-Forwarded-For` is believed; nobody else's is.
    pub trusted_proxies: Vec<IpNet>,
    /// Where `/metrics` is served; absent: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// A filter as `tracing_subscriber::EnvFilter` reads it.
    pub log: String,
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    Json,
}

/// What is wrong with the configuration, for the person who wrote it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    #[error("{0}: unknown setting; .env.sample lists the known ones")]
    Unknown(String),
    #[error("{key}: {problem}")]
    Invalid { key: String, problem: String },
    #[error("sekisho.toml: {0}")]
    File(String),
}

impl Config {
    /// Reads `sekisho.toml` in the working directory, if there is one, and the environment.
    pub fn load() -> Result<Self, ConfigError> {
        let file = match std::fs::read_to_string(Path::new("sekisho.toml")) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(ConfigError::File(e.to_string())),
        };
        Self::from_sources(&file, std::env::vars())
    }

    /// Reads the text of a `sekisho.toml` and the variables of an environment.
    pub fn from_sources(
        file: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut source = Source::read(file, environment)?;
        let config = Self::from_source(&mut source)?;
        // What the tests are told is not for the server.
        match source.values.into_values().find(|(key, _)| key != "SEKISHO_TEST_DATABASE_URL") {
            Some((key, _)) => Err(ConfigError::Unknown(key)),
            None => Ok(config),
        }
    }

    fn from_source(source: &mut Source) -> Result<Self, ConfigError> {
        let profile = source.take("profile", "low, medium or high", |v| match v {
            "low" => Some(Profile::Low),
            "medium" => Some(Profile::Medium),
            "high" => Some(Profile::High),
            _ => None,
        })?;
        let policy = Self::policy(source, Policy::preset(profile.unwrap_or(Profile::Medium)))?;
        let listen = source
            .take("listen", "an address and a port, such as 127.0.0.1:3000", |v| v.parse().ok())?
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000)));
        let base_url = source.take("base_url", "a URL such as https://sign-in.example.com, without a path", |v| {
            Url::parse(v).filter(|url| url.to_string() == url.origin())
        })?;
        let base_url = base_url.map_or_else(|| known_url(&format!("http://{listen}")), Ok)?;
        let token_audience = source.text("token_audience")?.unwrap_or_else(|| base_url.join("/api"));
        let audiences = source
            .take("audiences", "names of letters, digits and -._:/, separated by commas, without Sekisho's own", |v| {
                let names = v.split(',').map(str::trim).filter(|name| !name.is_empty());
                names.map(|name| (is_audience(name) && name != token_audience).then(|| name.to_owned())).collect()
            })?
            .unwrap_or_default();
        let long = |v: &str| (v.len() >= 32).then(|| SecretString::from(v));
        let secret = source.take("secret", "at least 32 characters", long)?;
        let secret_previous = source.take("secret_previous", "at least 32 characters", long)?;
        if secret.is_none() && secret_previous.is_some() {
            return Err(invalid("SEKISHO_SECRET_PREVIOUS", "needs SEKISHO_SECRET beside it"));
        }
        let core = Settings {
            policy,
            token_algorithm: source
                .take("token_alg", "EdDSA, ES256 or RS256", |v| match v {
                    "EdDSA" => Some(Algorithm::EdDSA),
                    "ES256" => Some(Algorithm::ES256),
                    "RS256" => Some(Algorithm::RS256),
                    _ => None,
                })?
                .unwrap_or(Algorithm::EdDSA),
            key_rotation: source
                .take("key_rotation", "a duration of an hour or more such as 90d, or 0 for off", |v| {
                    parse_duration(v).filter(|every| every.is_none_or(|every| every >= HOUR))
                })?
                .unwrap_or(Some(90 * 24 * HOUR)),
            token_issuer: source.text("token_issuer")?.unwrap_or_else(|| base_url.to_string()),
            token_audience,
            audiences,
            registration_open: source
                .take("registration", "open or closed", |v| choice(v, "open", "closed"))?
                .unwrap_or(true),
            rate_limit: source.take("rate_limit", "on or off", |v| choice(v, "on", "off"))?.unwrap_or(true),
            github: Self::github(source)?,
            base_url,
        };
        Ok(Self {
            core,
            database_url: source.text("database_url")?.unwrap_or_else(|| "sqlite://data/sekisho.db".into()),
            secret,
            secret_previous,
            service_secrets: source
                .take("service_secret", "at least 32 visible ASCII characters; several are separated by commas", |v| {
                    v.split(',').map(str::trim).map(parse_service_secret).collect()
                })?
                .unwrap_or_default(),
            trusted_proxies: source
                .take("trusted_proxies", "addresses or networks, separated by commas", |v| {
                    v.split(',').map(str::trim).filter(|net| !net.is_empty()).map(parse_network).collect()
                })?
                .unwrap_or_default(),
            metrics_listen: source
                .take("metrics_listen", "an address and a port, such as 127.0.0.1:9464", |v| v.parse().ok())?,
            log: source
                .take("log", "a filter such as info or sekisho=debug,info", |v| {
                    tracing_subscriber::EnvFilter::try_new(v).is_ok().then(|| v.to_owned())
                })?
                .unwrap_or_else(|| "info".into()),
            log_format: source
                .take("log_format", "pretty or json", |v| choice(v, "json", "pretty"))?
                .map_or(LogFormat::Pretty, |json| if json { LogFormat::Json } else { LogFormat::Pretty }),
            listen,
        })
    }

    fn policy(source: &mut Source, preset: Policy) -> Result<Policy, ConfigError> {
        let policy = Policy {
            session_idle: source.duration("session_idle")?.unwrap_or(preset.session_idle),
            session_absolute: source.duration("session_absolute")?.unwrap_or(preset.session_absolute),
            session_roll: source.duration("session_roll")?.map_or(preset.session_roll, Option::unwrap_or_default),
            idle_warning: source.duration("idle_warning")?.map_or(preset.idle_warning, Option::unwrap_or_default),
            access_ttl: source.positive("access_ttl")?.unwrap_or(preset.access_ttl),
            refresh_ttl: source.duration("refresh_ttl")?.unwrap_or(preset.refresh_ttl),
            api_absolute: source.duration("api_absolute")?.unwrap_or(preset.api_absolute),
            refresh_grace: source.duration("refresh_grace")?.map_or(preset.refresh_grace, Option::unwrap_or_default),
            refresh_lead: source.duration("refresh_lead")?.map_or(preset.refresh_lead, Option::unwrap_or_default),
            max_devices: source
                .take("max_devices", "a number; 0 for any number", |v| v.parse::<u32>().ok())?
                .map_or(preset.max_devices, |max| Some(max).filter(|max| *max > 0)),
            device_limit: source
                .take("device_limit", "evict or deny", |v| choice(v, "evict", "deny"))?
                .map_or(preset.device_limit, |evict| if evict { DeviceLimit::Evict } else { DeviceLimit::Deny }),
            step_up: source.duration("step_up")?.unwrap_or(preset.step_up),
            log_retention: source.duration("log_retention")?.unwrap_or(preset.log_retention),
        };
        match policy.session_idle {
            Some(idle) if policy.idle_warning >= idle => {
                Err(invalid("SEKISHO_IDLE_WARNING", "must be shorter than SEKISHO_SESSION_IDLE"))
            }
            _ => Ok(policy),
        }
    }

    fn github(source: &mut Source) -> Result<Option<GithubConfig>, ConfigError> {
        let client_id = source.text("github_client_id")?;
        let client_secret = source.text("github_client_secret")?;
        let url = source.take("github_url", "a URL such as https://github.com", Url::parse)?;
        let api_url = source.take("github_api_url", "a URL such as https://api.github.com", Url::parse)?;
        match (client_id, client_secret) {
            (None, None) => Ok(None),
            (Some(client_id), Some(client_secret)) => Ok(Some(GithubConfig {
                client_id,
                client_secret: client_secret.into(),
                url: url.map_or_else(|| known_url("https://github.com"), Ok)?,
                api_url: api_url.map_or_else(|| known_url("https://api.github.com"), Ok)?,
            })),
            (Some(_), None) => Err(invalid("SEKISHO_GITHUB_CLIENT_SECRET", "is missing beside the client id")),
            (None, Some(_)) => Err(invalid("SEKISHO_GITHUB_CLIENT_ID", "is missing beside the client secret")),
        }
    }
}

fn invalid(key: &str, problem: &str) -> ConfigError {
    ConfigError::Invalid { key: key.into(), problem: problem.into() }
}

/// A URL that nobody configured.
fn known_url(text: &str) -> Result<Url, ConfigError> {
    Url::parse(text).ok_or_else(|| invalid("SEKISHO_BASE_URL", "must be set"))
}

fn choice(value: &str, yes: &str, no: &str) -> Option<bool> {
    if value == yes { Some(true) } else { (value == no).then_some(false) }
}

/// Short enough for a token of 1 KB.
fn is_audience(name: &str) -> bool {
    name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:/".contains(&b))
}

fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

/// It travels in a header (RFC 6750, section 2.1).
fn parse_service_secret(text: &str) -> Option<SecretString> {
    (text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| SecretString::from(text))
}

/// `90s`, `15m`, `24h`, `30d`; `0` is off.
fn parse_duration(text: &str) -> Option<Option<Duration>> {
    if text == "0" {
        return Some(None);
    }
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = text[..text.len() - 1].parse().ok()?;
    let seconds = count.checked_mul(unit).filter(|s| *s <= 3_650 * 86_400)?;
    Some(Some(Duration::from_secs(seconds)).filter(|d| !d.is_zero()))
}

/// Settings by their short name, each with the name and the text its author used.
struct Source {
    values: BTreeMap<String, (String, String)>,
}

impl Source {
    fn read(file: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let table: toml::Table =
            file.parse().map_err(|e: toml::de::Error| ConfigError::File(e.to_string().trim_end().to_owned()))?;
        let mut values = BTreeMap::new();
        for (key, value) in table {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                _ => return Err(ConfigError::Invalid { key, problem: "must be text or a number".into() }),
            };
            values.insert(key.clone(), (key, text));
        }
        for (key, text) in environment {
            if let Some(name) = key.strip_prefix(PREFIX).map(str::to_ascii_lowercase) {
                // An empty variable is one that is not set, as in `.env` files.
                if !text.is_empty() {
                    values.insert(name, (key, text));
                }
            }
        }
        Ok(Self { values })
    }

    fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((key, text)) = self.values.remove(name) else { return Ok(None) };
        match parse(text.trim()) {
            Some(value) => Ok(Some(value)),
            None => Err(ConfigError::Invalid { key, problem: format!("must be {expected}") }),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, ConfigError> {
        self.take(name, "text", |v| Some(v.to_owned()))
    }

    fn duration(&mut self, name: &str) -> Result<Option<Option<Duration>>, ConfigError> {
        self.take(name, "a duration such as 90s, 15m, 24h or 30d, or 0 for off", parse_duration)
    }

    fn positive(&mut self, name: &str) -> Result<Option<Duration>, ConfigError> {
        self.take(name, "a duration such as 90s, 15m or 24h", |v| parse_duration(v).flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of the tests, 32 characters or more";

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::from_sources(file, environment).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_set_gives_the_medium_policy_on_localhost() {
        let config = load("", &[("PATH", "/bin")]).expect("the defaults hold");
        assert_eq!(config.core.policy, Policy::preset(Profile::Medium));
        assert_eq!(config.core.base_url.to_string(), "http://127.0.0.1:3000");
        assert!(config.core.github.is_none());
    }

    #[test]
    fn the_environment_wins_over_the_file_and_both_over_the_profile() {
        let file = "profile = 'high'\nsession_idle = '5m'\nmax_devices = 3";
        let config = load(file, &[("SEKISHO_SESSION_IDLE", "2m"), ("SEKISHO_SESSION_ABSOLUTE", "0")]).expect("valid");
        assert_eq!(config.core.policy.session_idle, Some(Duration::from_secs(120)));
        assert_eq!(config.core.policy.session_absolute, None);
        assert_eq!(config.core.policy.max_devices, Some(3));
        assert_eq!(config.core.policy.access_ttl, Duration::from_secs(300));
    }

    #[test]
    fn a_bad_setting_is_named() {
        for (key, value, named) in [
            ("SEKISHO_SESION_IDLE", "1h", "SEKISHO_SESION_IDLE: unknown"),
            ("SEKISHO_SESSION_IDLE", "1 hour", "SEKISHO_SESSION_IDLE: must be a duration"),
            ("SEKISHO_ACCESS_TTL", "0", "SEKISHO_ACCESS_TTL: must be"),
            ("SEKISHO_PROFILE", "extreme", "SEKISHO_PROFILE: must be low"),
            ("SEKISHO_SECRET", "short", "SEKISHO_SECRET: must be at least 32"),
            ("SEKISHO_SERVICE_SECRET", "short", "SEKISHO_SERVICE_SECRET: must be at least 32"),
            (
                "SEKISHO_SERVICE_SECRET",
                "0123456789abcdef0123456789abcdef,short",
                "SEKISHO_SERVICE_SECRET: must be at least 32",
            ),
            (
                "SEKISHO_SERVICE_SECRET",
                "0123456789abcdef0123456789abcdef,",
                "SEKISHO_SERVICE_SECRET: must be at least 32",
            ),
            (
                "SEKISHO_SERVICE_SECRET",
                "0123456789abcdef 0123456789abcdef",
                "SEKISHO_SERVICE_SECRET: must be at least 32",
            ),
            ("SEKISHO_SECRET_PREVIOUS", "short", "SEKISHO_SECRET_PREVIOUS: must be at least 32"),
            ("SEKISHO_SECRET_PREVIOUS", SECRET, "SEKISHO_SECRET_PREVIOUS: needs SEKISHO_SECRET"),
            ("SEKISHO_BASE_URL", "example.com", "SEKISHO_BASE_URL: must be a URL"),
            ("SEKISHO_BASE_URL", "https://example.com/auth", "SEKISHO_BASE_URL: must be a URL"),
            ("SEKISHO_BASE_URL", "https://:x@example.com", "SEKISHO_BASE_URL: must be a URL"),
            ("SEKISHO_TOKEN_ALG", "HS256", "SEKISHO_TOKEN_ALG: must be"),
            ("SEKISHO_KEY_ROTATION", "10s", "SEKISHO_KEY_ROTATION: must be a duration of an hour"),
            ("SEKISHO_AUDIENCES", "orders, my shop", "SEKISHO_AUDIENCES: must be names"),
            ("SEKISHO_AUDIENCES", "http://127.0.0.1:3000/api", "SEKISHO_AUDIENCES: must be names"),
            ("SEKISHO_TRUSTED_PROXIES", "10.0.0.0/33", "SEKISHO_TRUSTED_PROXIES: must be"),
            ("SEKISHO_GITHUB_CLIENT_ID", "x", "SEKISHO_GITHUB_CLIENT_SECRET: is missing"),
            ("SEKISHO_IDLE_WARNING", "2h", "SEKISHO_IDLE_WARNING: must be shorter"),
        ] {
            let error = load("", &[(key, value)]).expect_err(key);
            assert!(error.starts_with(named), "{error}");
            assert!(!key.ends_with("_SECRET") || !error.contains(value), "a secret is never repeated");
        }
        let test = ("SEKISHO_TEST_DATABASE_URL", "x");
        assert!(load("", &[test, ("SEKISHO_TYPO", "x")]).expect_err("a typo").starts_with("SEKISHO_TYPO"));
        assert!(load("session_idle = [1]", &[]).expect_err("not text").starts_with("session_idle: must be text"));
        assert!(load("x = ", &[]).expect_err("not TOML").starts_with("sekisho.toml: "));
    }
}
