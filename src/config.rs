//! The configuration: environment variables over an optional `sekisho.toml`, read once, checked at start.
//!
//! `SEKISHO_SESSION_IDLE` in the environment is `session_idle` in the file. An unknown or bad key stops the start
//! with one message that names it. There is no default secret.

pub mod mail;
mod source;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, path::Path, time::Duration};

use ipnet::IpNet;
use jsonwebtoken::Algorithm;
use secrecy::SecretString;
use sekisho_core::{
    policy::DeviceLimit, policy::Policy, policy::Profile, settings::BreachedPasswordsConfig, settings::GithubConfig,
    settings::Settings, settings::Url, strategy::Strategy,
};

use self::{
    mail::{MailConfig, MailServer, SENDER_EXPECTED, SERVER_EXPECTED, parse_sender},
    source::{Source, choice, is_audience, parse_duration, parse_mfa, parse_network, parse_service_secret},
};

const HOUR: Duration = Duration::from_secs(3_600);

/// The settings of one deployment; README and `.env.sample` name their variables and defaults.
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
    /// `pretty` or `json`.
    pub log_format: LogFormat,
    /// E-mail; absent: none is sent.
    pub mail: Option<MailConfig>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Pretty,
    /// One object a line, for a collector.
    Json,
}

/// What is wrong with the configuration, for the person who wrote it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The setting that nothing reads.
    #[error("{0}: unknown setting; .env.sample lists the known ones")]
    Unknown(String),
    /// A value that can't be used, or that contradicts another.
    #[error("{key}: {problem}")]
    Invalid {
        /// The variable, or the key of the file.
        key: String,
        /// What is expected of it. Never the value, which may be a secret.
        problem: String,
    },
    /// The file can't be read, or is no TOML.
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
        match source.left_over().find(|key| !key.starts_with("SEKISHO_TEST_")) {
            Some(key) => Err(ConfigError::Unknown(key)),
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
        let mail = Self::mail(source, &base_url)?;
        let profile = profile.unwrap_or(Profile::Medium);
        // An address can be verified only where mail is sent.
        let verify_email = profile == Profile::High && mail.is_some();
        let policy = Self::policy(source, Policy { verify_email, ..Policy::preset(profile) })?;
        if policy.verify_email && mail.is_none() {
            return Err(invalid("SEKISHO_VERIFY_EMAIL", "needs SEKISHO_SMTP_URL to be required"));
        }
        let core = Settings {
            strategy: source
                .take("strategy", "hybrid, session or jwt", |v| match v {
                    "hybrid" => Some(Strategy::Hybrid),
                    "session" => Some(Strategy::Session),
                    "jwt" => Some(Strategy::Jwt),
                    _ => None,
                })?
                .unwrap_or(Strategy::Hybrid),
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
            mail: mail.is_some(),
            breached_passwords: Self::breached_passwords(source)?,
            webauthn_origins: Self::webauthn_origins(source, &base_url)?,
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
            mail,
        })
    }

    /// A browser accepts an RP ID only at its own host and the subdomains (W3C WebAuthn, section 5.1.3).
    fn webauthn_origins(source: &mut Source, base_url: &Url) -> Result<Vec<Url>, ConfigError> {
        let rp_id = base_url.domain();
        let is_valid = |origin: &Url| {
            let (Some(rp_id), Some(host)) = (&rp_id, origin.domain()) else { return false };
            let within = host == *rp_id || host.strip_suffix(rp_id.as_str()).is_some_and(|sub| sub.ends_with('.'));
            within && origin.to_string() == origin.origin() && (origin.is_https() || !base_url.is_https())
        };
        let expected = "origins on the host name of SEKISHO_BASE_URL or its subdomains, separated by commas";
        let origins = source.take("webauthn_origins", expected, |v| {
            let origins = v.split(',').map(str::trim).filter(|origin| !origin.is_empty());
            origins.map(|origin| Url::parse(origin).filter(is_valid)).collect()
        })?;
        Ok(origins.unwrap_or_default())
    }

    fn mail(source: &mut Source, base_url: &Url) -> Result<Option<MailConfig>, ConfigError> {
        let server = source.take("smtp_url", SERVER_EXPECTED, MailServer::parse)?;
        let from = source.take("mail_from", SENDER_EXPECTED, parse_sender)?;
        match (server, from) {
            (Some(server), Some(from)) => Ok(Some(MailConfig { server, from, base_url: base_url.clone() })),
            (Some(_), None) => Err(invalid("SEKISHO_MAIL_FROM", "is missing beside the mail server")),
            (None, _) => Ok(None),
        }
    }

    fn breached_passwords(source: &mut Source) -> Result<BreachedPasswordsConfig, ConfigError> {
        let url = source.take("breached_passwords_url", "a URL such as https://api.pwnedpasswords.com", Url::parse)?;
        let url = url.map_or_else(|| known_url("https://api.pwnedpasswords.com"), Ok)?;
        let config =
            source.take("breached_passwords", "off, hibp, or the path of a file, with a / in it", |v| match v {
                "off" => Some(BreachedPasswordsConfig::Off),
                "hibp" => Some(BreachedPasswordsConfig::RangeApi(url)),
                path => path.contains('/').then(|| BreachedPasswordsConfig::File(path.into())),
            })?;
        Ok(config.unwrap_or(BreachedPasswordsConfig::Off))
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
            verify_email: source
                .take("verify_email", "off or required", |v| choice(v, "required", "off"))?
                .unwrap_or(preset.verify_email),
            mfa: source
                .take("mfa", "optional, admins, required, or names of roles, separated by commas", parse_mfa)?
                .unwrap_or(preset.mfa),
            trust_browser: source.duration("trust_browser")?.unwrap_or(preset.trust_browser),
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
