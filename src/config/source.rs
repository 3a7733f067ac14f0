//! Where settings come from, and how their text is read.

use std::{collections::BTreeMap, time::Duration};

use ipnet::IpNet;
use secrecy::SecretString;

use super::ConfigError;
use sekisho_core::policy::Mfa;

const PREFIX: &str = "SEKISHO_";

/// Settings by their short name, each with the name and the text its author used. What is taken is gone.
pub struct Source {
    values: BTreeMap<String, (String, String)>,
    /// The short names that were asked for, whether they were set or not: all that the code knows.
    pub asked: Vec<&'static str>,
}

impl Source {
    /// The text of a `sekisho.toml` and, over it, the variables of an environment that begin with the prefix.
    pub fn read(file: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
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
        Ok(Self { values, asked: Vec::new() })
    }

    /// The value of a setting, if it is set; `expected` says to its author what it must be.
    pub fn take<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.asked.push(name);
        let Some((key, text)) = self.values.remove(name) else { return Ok(None) };
        match parse(text.trim()) {
            Some(value) => Ok(Some(value)),
            None => Err(ConfigError::Invalid { key, problem: format!("must be {expected}") }),
        }
    }

    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, ConfigError> {
        self.take(name, "text", |v| Some(v.to_owned()))
    }

    /// `Some(None)` is off.
    pub fn duration(&mut self, name: &'static str) -> Result<Option<Option<Duration>>, ConfigError> {
        self.take(name, "a duration such as 90s, 15m, 24h or 30d, or 0 for off", parse_duration)
    }

    pub fn positive(&mut self, name: &'static str) -> Result<Option<Duration>, ConfigError> {
        self.take(name, "a duration such as 90s, 15m or 24h", |v| parse_duration(v).flatten())
    }

    /// The names of what was set and never asked for, as their author wrote them.
    pub fn left_over(self) -> impl Iterator<Item = String> {
        self.values.into_values().map(|(key, _)| key)
    }
}

/// One of two words.
pub fn choice(value: &str, yes: &str, no: &str) -> Option<bool> {
    if value == yes { Some(true) } else { (value == no).then_some(false) }
}

/// Short enough for a token of 1 KB.
pub fn is_audience(name: &str) -> bool {
    name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:/".contains(&b))
}

pub fn parse_mfa(text: &str) -> Option<Mfa> {
    match text {
        "optional" => Some(Mfa::Optional),
        "admins" => Some(Mfa::Admins),
        "required" => Some(Mfa::Required),
        roles => roles.split(',').map(|role| role.trim().parse().ok()).collect::<Option<_>>().map(Mfa::Roles),
    }
}

pub fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

/// It travels in a header (RFC 6750, section 2.1).
pub fn parse_service_secret(text: &str) -> Option<SecretString> {
    (text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| SecretString::from(text))
}

/// `90s`, `15m`, `24h`, `30d`; `0` is off.
pub fn parse_duration(text: &str) -> Option<Option<Duration>> {
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
