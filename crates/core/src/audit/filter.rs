//! Parses an administrator's log search. Rejects networks of another size than the log records.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339, macros::format_description};

use sekisho_model::EventKind;

use crate::{
    clock::UnixMillis,
    db::events::{Filter, Network},
    error::{Error, FieldError},
    network::network_of,
};

/// The search form; an absent or empty field matches any event.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LogFilter {
    /// User id or e-mail address.
    pub person: Option<String>,
    /// An [`EventKind`] by name.
    pub kind: Option<String>,
    /// Inclusive start: RFC 3339, or `2026-11-21T06:00` in UTC.
    pub from: Option<String>,
    /// Exclusive end, as `from`.
    pub to: Option<String>,
    /// An IP address, an IPv4 /24 or an IPv6 /64.
    pub network: Option<String>,
}

impl LogFilter {
    /// Parses all fields but `person`, which needs the database; collects all field errors.
    pub(crate) fn parse(&self) -> Result<Filter, Error> {
        let kind = read(&self.kind, "kind", "kind-unknown", |name: &str| name.parse().ok());
        let from = read(&self.from, "from", "time-invalid", parse_time);
        let to = read(&self.to, "to", "time-invalid", parse_time);
        let network = read(&self.network, "network", "network-invalid", parse_network);
        match (kind, from, to, network) {
            (Ok(kind), Ok(from), Ok(to), Ok(network)) => {
                Ok(Filter { user_id: None, kind: kind.map(EventKind::as_str), from, to, network })
            }
            (kind, from, to, network) => {
                let faults = [kind.err(), from.err(), to.err(), network.err()];
                Err(Error::InvalidInput(faults.into_iter().flatten().collect()))
            }
        }
    }

    /// The trimmed person field.
    pub(crate) fn person(&self) -> Option<&str> {
        filled(&self.person)
    }
}

fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn read<T>(
    text: &Option<String>,
    field: &str,
    code: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, FieldError> {
    filled(text).map(|text| parse(text).ok_or_else(|| FieldError::new(field, code))).transpose()
}

fn parse_time(text: &str) -> Option<UnixMillis> {
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let local = |format| PrimitiveDateTime::parse(text, format).map(PrimitiveDateTime::assume_utc);
    let time = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| local(minutes)).or_else(|_| local(seconds)).ok()?;
    Some(time.unix_timestamp() * 1_000)
}

/// Accepts only the prefix lengths the log records; no other could match.
fn parse_network(text: &str) -> Option<Network> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(Network { network: network_of(ip), ip: Some(ip.to_canonical().to_string()) });
    }
    let net: IpNet = text.parse().ok()?;
    let kept = network_of(net.addr());
    (net.trunc().to_string() == kept).then_some(Network { network: kept, ip: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_an_offset_is_utc() {
        assert_eq!(parse_time("1970-01-01T00:01"), Some(60_000));
        assert_eq!(parse_time("1970-01-01T00:00:02"), Some(2_000));
        assert_eq!(parse_time("1970-01-01T09:00:00+09:00"), Some(0));
        assert!(["", "now", "1970-13-01T00:00", "1970-01-01"].iter().all(|text| parse_time(text).is_none()));
    }

    #[test]
    fn a_network_is_an_address_or_a_prefix_of_the_recorded_length() {
        let of = |text: &str| match parse_network(text) {
            Some(network) => network.ip.unwrap_or(network.network),
            None => "none".into(),
        };
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(of("203.0.113.9/24"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2::/64"), "2001:db8:1:2::/64");
        assert!(["203.0.113.0/16", "2001:db8::/32", "here", "1.2.3"].iter().all(|text| of(text) == "none"));
    }
}
