//! OAuth scopes (RFC 6749, section 3.3). A token has all scopes unless fewer were requested.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::word::words;

words! {
    /// A scope of Sekisho's own API.
    Scope, "scope", {
        /// Read one's own account and its log.
        AccountRead = "account:read",
        /// Read and change one's own account.
        Account = "account",
        /// List and end one's own sessions.
        Sessions = "sessions",
        /// Administer, within the user's permissions.
        Admin = "admin",
    }
}

impl Scope {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of scopes; as text, names separated by one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// All scopes.
    pub const ALL: Self = Self(0b1111);

    /// Parses a non-empty set; `None` if a scope is unknown.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(' ').try_fold(Self(0), |set, name| {
            let scope: Scope = name.parse().ok()?;
            Some(Self(set.0 | scope.bit()))
        })
    }

    /// Whether these include `scope`; `account` implies `account:read`.
    pub fn allow(self, scope: Scope) -> bool {
        let implied = scope == Scope::AccountRead && self.0 & Scope::Account.bit() != 0;
        implied || self.0 & scope.bit() != 0
    }

    /// Whether these are a subset of what `most` allows.
    pub fn are_within(self, most: Self) -> bool {
        Scope::ALL.iter().filter(|scope| self.0 & scope.bit() != 0).all(|scope| most.allow(*scope))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Scope::ALL.iter().filter(|s| self.0 & s.bit() != 0).map(|s| s.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A token may have no scope, though none can be requested without.
        let scopes = if text.is_empty() { Some(Self(0)) } else { Self::parse(&text) };
        scopes.ok_or_else(|| D::Error::custom("an unknown scope"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text).expect("known scopes")
    }

    #[test]
    fn only_known_scopes_separated_by_one_space_parse() {
        assert_eq!(scopes("admin account:read admin").to_string(), "account:read admin");
        assert_eq!(scopes(&Scopes::ALL.to_string()), Scopes::ALL);
        for text in
            ["", " ", "account ", " account", "account  admin", "api", "Account", "account,admin", "account\tadmin"]
        {
            assert_eq!(Scopes::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn account_implies_account_read_and_nothing_else_is_implied() {
        assert!(scopes("account").allow(Scope::AccountRead));
        assert!(!scopes("account:read").allow(Scope::Account));
        assert!(!scopes("admin").allow(Scope::AccountRead) && !scopes("admin").allow(Scope::Sessions));
        assert!(scopes("account:read").are_within(scopes("account")));
        assert!(!scopes("account sessions").are_within(scopes("account")));
        assert!(Scope::ALL.iter().all(|scope| Scopes::ALL.allow(*scope)));
    }
}
