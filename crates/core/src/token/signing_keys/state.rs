//! The state of a signing key, from its row and its successors' rows alone: every node computes the same.

use jsonwebtoken::Algorithm;
use sekisho_model::LEEWAY;

use crate::{clock::UnixMillis, db::signing_keys::SigningKey};

/// Nodes report the key they sign with every 30 s; a key unreported for this long (milliseconds) no longer signs.
const SIGNS_FOR: UnixMillis = 120_000;

/// The state of a key; times are Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published; signs from this time on.
    Next(UnixMillis),
    /// Signs.
    Signing,
    /// Verifies only, until its last token expires at this time.
    Retiring(UnixMillis),
    /// Rejected since this time.
    Withdrawn(UnixMillis),
}

impl SigningKey {
    pub(super) fn is_of(&self, algorithm: Algorithm) -> bool {
        self.algorithm.parse() == Ok(algorithm)
    }

    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        (self.signs_at, &self.kid) > (other.signs_at, &other.kid)
    }

    pub(super) fn state(&self, all: &[Self], now: UnixMillis) -> KeyState {
        if let Some(at) = self.withdrawn_at {
            return KeyState::Withdrawn(at);
        }
        if self.signs_at > now {
            return KeyState::Next(self.signs_at);
        }
        let others = || all.iter().filter(|key| key.algorithm == self.algorithm && key.is_newer_than(self));
        let succeeded = others().any(|key| key.withdrawn_at.is_none() && key.signs_at <= now);
        let reported_until = self.signed_at.unwrap_or(self.signs_at) + SIGNS_FOR;
        if !succeeded && now < reported_until {
            return KeyState::Signing;
        }
        // Even without a report, nodes signed with this key until its successor began to.
        let last = others().map(|key| key.signs_at).min().map_or(reported_until, |next| reported_until.max(next));
        KeyState::Retiring(last + self.longest_ttl + LEEWAY * 1000)
    }

    pub(super) fn is_expired(&self, all: &[Self], now: UnixMillis) -> bool {
        matches!(self.state(all, now), KeyState::Retiring(until) if until < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: i64 = 900_000;

    fn key(kid: &str, signs_at: UnixMillis) -> SigningKey {
        SigningKey {
            kid: kid.into(),
            algorithm: "EdDSA".into(),
            public_jwk: String::new(),
            private_key: String::new(),
            created_at: 0,
            signs_at,
            signed_at: None,
            longest_ttl: TTL,
            withdrawn_at: None,
        }
    }

    #[test]
    fn a_key_retires_when_its_last_token_has_expired_with_or_without_reports() {
        let (old, next) = (key("old", 0), key("next", 10_000_000));
        let keys = [next, old];
        let old = &keys[1];
        assert_eq!(old.state(&keys, 1_000), KeyState::Signing);
        assert_eq!(keys[0].state(&keys, 9_999_999), KeyState::Next(10_000_000));
        assert_eq!(keys[0].state(&keys, 10_000_000), KeyState::Signing);
        // It signed until its successor did, even without a report.
        let until = 10_000_000 + TTL + 5_000;
        assert_eq!(old.state(&keys, 10_000_000), KeyState::Retiring(until));
        assert!(!old.is_expired(&keys, until) && old.is_expired(&keys, until + 1));
        // A node with a slow clock that still reports it extends its life.
        let reported = SigningKey { signed_at: Some(11_000_000), ..old.clone() };
        assert_eq!(reported.state(&keys, 11_000_001), KeyState::Retiring(11_000_000 + SIGNS_FOR + TTL + 5_000));
        // A key of another algorithm has no successor: it retires when no longer reported.
        let other = SigningKey { algorithm: "ES256".into(), signed_at: Some(11_000_000), ..key("other", 5) };
        assert_eq!(other.state(&keys, 11_000_000), KeyState::Signing);
        assert!(matches!(other.state(&keys, 11_000_000 + SIGNS_FOR), KeyState::Retiring(_)));
    }
}
