//! E-mail addresses as account keys: parsed and normalised. Rejects everything but one plain address.

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;

/// A normalised address: NFC, lower case, trimmed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Parses one plain `local@domain.tld`, at most 254 bytes (RFC 5321); no display name, quoted or bracketed part, or
    /// list (CVE-2022-35924: two addresses in one field).
    pub fn parse(raw: &str) -> Option<Self> {
        let email = normalise(raw);
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        let plain = !email.contains(|c: char| c.is_control() || c.is_whitespace() || "\"(),:;<>[\\]".contains(c));
        (plain && email.len() <= 254 && EmailAddress::parse_with_options(&email, options).is_ok())
            .then_some(Self(email))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters normalised: bounds the work on unauthenticated input.
const MAX_CHARS: usize = 512;

/// Normalises any input, valid or not; rate limits use it as their key.
pub fn normalise(raw: &str) -> String {
    raw.trim().chars().take(MAX_CHARS).nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// Redacted: addresses stay out of logs.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_spellings_normalise_to_one() {
        let stored = |raw| Email::parse(raw).map(|e| e.0);
        assert_eq!(stored("  Ada@Example.COM "), Some("ada@example.com".into()));
        assert_eq!(stored("jose\u{301}@example.com"), stored("josé@EXAMPLE.com"));
        assert_eq!(stored("a.b+c@sub.example.co.jp"), Some("a.b+c@sub.example.co.jp".into()));
    }

    #[test]
    fn anything_but_one_plain_address_is_rejected() {
        for odd in [
            "",
            "@",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a@b..c",
            "a@@b.c",
            "a@b.c,d@e.f",
            "a@b.c;d@e.f",
            "a@b.c d@e.f",
            "a@b.c\nbcc:d@e.f",
            "Ada <a@b.c>",
            "<a@b.c>",
            "\"a b\"@b.c",
            "\"a@x.y\"@b.c",
            "a@[127.0.0.1]",
            "a(comment)@b.c",
            "a@b.c\u{0}",
            "a\u{200b} @b.c",
            "a@-b.c",
            "a@b.c.",
            ".a@b.c",
            "a.@b.c",
            "mailto:a@b.c",
            "a@b.c\r\n",
            "a\tb@c.d",
        ] {
            let trimmed_is_fine = odd.trim() != odd && Email::parse(odd.trim()).is_some();
            assert!(Email::parse(odd).is_none() || trimmed_is_fine, "{odd:?}");
        }
        assert!(Email::parse(&format!("a@{}.com", "b".repeat(300))).is_none());
    }
}
