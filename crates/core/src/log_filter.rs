//! What an administrator looks for in the log, as it was typed.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339, macros::format_description};

use super::{
    Auth,
    event::{Kind, network_of},
};
use crate::{
    db::{
        UnixMillis,
        events::{Filter, Place},
    },
    error::{Error, FieldError},
};

/// Each is any if absent or empty.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LogFilter {
    /// An id or an e-mail address.
    pub person: Option<String>,
    pub kind: Option<String>,
    /// From this time on: `2026-11-21T06:00`, which is UTC, or RFC 3339.
    pub from: Option<String>,
    /// Before this time.
    pub to: Option<String>,
    /// An address, or a network: a /24, or a /64 for IPv6.
    pub network: Option<String>,
}

impl LogFilter {
    /// Reads it; all faults are told at once. `None`: nobody is called so.
    pub async fn resolve(&self, auth: &Auth) -> Result<Option<Filter>, Error> {
        let kind = read(&self.kind, "kind", "kind-unknown", Kind::parse);
        let from = read(&self.from, "from", "time-invalid", parse_time);
        let to = read(&self.to, "to", "time-invalid", parse_time);
        let place = read(&self.network, "network", "network-invalid", parse_place);
        let (kind, from, to, place) = match (kind, from, to, place) {
            (Ok(kind), Ok(from), Ok(to), Ok(place)) => (kind, from, to, place),
            (kind, from, to, place) => {
                let faults = [kind.err(), from.err(), to.err(), place.err()];
                return Err(Error::InvalidInput(faults.into_iter().flatten().collect()));
            }
        };
        let user_id = match filled(&self.person) {
            None => None,
            Some(person) => match auth.find_person(person).await? {
                Some(user) => Some(user.id),
                None => return Ok(None),
            },
        };
        Ok(Some(Filter { user_id, kind: kind.map(Kind::as_str), from, to, place }))
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

/// A network must be of the size that the log keeps: another one would be looked for in vain.
fn parse_place(text: &str) -> Option<Place> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(Place { network: network_of(ip), ip: Some(ip.to_canonical().to_string()) });
    }
    let net: IpNet = text.parse().ok()?;
    let kept = network_of(net.addr());
    (net.trunc().to_string() == kept).then_some(Place { network: kept, ip: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_unless_they_say_otherwise() {
        assert_eq!(parse_time("1970-01-01T00:01"), Some(60_000));
        assert_eq!(parse_time("1970-01-01T00:00:02"), Some(2_000));
        assert_eq!(parse_time("1970-01-01T09:00:00+09:00"), Some(0));
        assert!(["", "now", "1970-13-01T00:00", "1970-01-01"].iter().all(|text| parse_time(text).is_none()));
    }

    #[test]
    fn places_are_addresses_or_networks_as_the_log_keeps_them() {
        let of = |text: &str| match parse_place(text) {
            Some(place) => place.ip.unwrap_or(place.network),
            None => "none".into(),
        };
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(of("203.0.113.9/24"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2::/64"), "2001:db8:1:2::/64");
        assert!(["203.0.113.0/16", "2001:db8::/32", "here", "1.2.3"].iter().all(|text| of(text) == "none"));
    }
}
