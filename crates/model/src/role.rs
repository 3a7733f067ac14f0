//! Roles and permissions. Deployments define their own, so these are validated strings, not enums.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::UnknownWord;

/// A role's name: a lower-case letter, then up to 31 letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RoleName(String);

impl RoleName {
    /// The implicit role of every user.
    pub const USER: &str = "user";
    /// All permissions.
    pub const ADMIN: &str = "admin";

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it always exists and can't be changed or deleted.
    pub fn is_built_in(&self) -> bool {
        [Self::USER, Self::ADMIN].contains(&self.as_str())
    }
}

impl FromStr for RoleName {
    type Err = UnknownWord;

    fn from_str(name: &str) -> Result<Self, UnknownWord> {
        let fits = name.len() <= 32
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if fits { Ok(Self(name.into())) } else { Err(UnknownWord { what: "role's name", word: name.into() }) }
    }
}

impl TryFrom<String> for RoleName {
    type Error = UnknownWord;

    fn try_from(name: String) -> Result<Self, UnknownWord> {
        name.parse()
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A permission, such as `orders:write`: lower-case words of letters, digits, `.`, `-` and `_`, separated by colons; the
/// last may be `*`, and `*` alone covers all. At most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Permission(String);

impl Permission {
    /// Required by the administration pages and API.
    pub const ADMINISTER: &str = "sekisho:admin";

    /// The permission's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this grants `permission`: equal, `*`, or `orders:*` for `orders:write`.
    fn covers(&self, permission: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => permission.starts_with(prefix),
            None => self.0 == permission,
        }
    }
}

impl FromStr for Permission {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let words = text.strip_suffix(":*").unwrap_or(if text == "*" { "all" } else { text });
        let is_word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c))
        };
        let fits = text.len() <= 64 && words.split(':').all(is_word);
        if fits { Ok(Self(text.into())) } else { Err(UnknownWord { what: "permission", word: text.into() }) }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<Permission>);

impl Permissions {
    /// `*`, the permission of the role `admin`.
    pub fn all() -> Self {
        Self([Permission("*".into())].into())
    }

    /// Whether one of them is or covers `permission`.
    pub fn allow(&self, permission: &str) -> bool {
        self.0.iter().any(|held| held.covers(permission))
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.0.iter()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().collect())
    }
}

impl TryFrom<String> for Permissions {
    type Error = UnknownWord;

    /// Parses permissions separated by spaces.
    fn try_from(permissions: String) -> Result<Self, UnknownWord> {
        permissions.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(Permission::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_granted_by_name_or_wildcard() {
        let of = |held: &[&str]| -> Permissions { held.iter().map(|p| p.parse().expect("a permission")).collect() };
        assert!(of(&["*"]).allow(Permission::ADMINISTER));
        assert!(of(&["orders:*"]).allow("orders:write") && !of(&["orders:*"]).allow("orders"));
        assert!(of(&["orders:read"]).allow("orders:read") && !of(&["orders:read"]).allow("orders:read:all"));
        assert!(!of(&[]).allow("orders:read"));
    }

    #[test]
    fn role_names_and_permissions_are_validated() {
        let is_name = |name: &str| name.parse::<RoleName>().is_ok();
        assert!(["support", "a", "tier-2-eu"].iter().all(|name| is_name(name)));
        assert!(["", "Support", "2nd", "a b", "a_b", "日本", &"a".repeat(33)].iter().all(|name| !is_name(name)));
        let is_permission = |text: &str| text.parse::<Permission>().is_ok();
        assert!(["*", "orders", "orders:read", "orders:*", "a.b:c-d"].iter().all(|p| is_permission(p)));
        assert!(["", ":", "a:", "a b", "a*", "*:a", "A", "a:**"].iter().all(|p| !is_permission(p)));
    }
}
