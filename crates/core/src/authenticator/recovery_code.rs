//! Recovery codes: single-use, for when the second factor is lost. 120 random bits each, so that a plain SHA-256 is
//! enough to store them (ASVS 6.5.2).

use data_encoding::BASE32_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use crate::secret::{random, sha256_hex};

/// Codes of an account.
pub const COUNT: usize = 10;
/// Characters of a code, without its hyphens.
const LENGTH: usize = 24;
const GROUP: usize = 4;

/// A code in plain text, to be shown once.
#[derive(Clone, Debug)]
pub struct RecoveryCode(SecretString);

impl RecoveryCode {
    pub(crate) fn generate() -> Self {
        Self(BASE32_NOPAD.encode(&random::<15>()).to_ascii_lowercase().into())
    }

    /// In groups, as people read it.
    pub fn expose(&self) -> String {
        let characters: Vec<_> = self.0.expose_secret().chars().collect();
        let groups: Vec<String> = characters.chunks(GROUP).map(|group| group.iter().collect()).collect();
        groups.join("-")
    }

    /// Parses a code as typed: case, spaces and hyphens do not count.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_separator = |c: &char| c.is_whitespace() || "-‐‑–—−ー".contains(*c);
        let code: String = text.chars().take(128).nfkc().filter(|c| !is_separator(c)).collect();
        let code = code.to_ascii_lowercase();
        let fits = code.len() == LENGTH && code.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
        fits.then(|| Self(code.into()))
    }

    /// As stored.
    pub(crate) fn hash(&self) -> String {
        sha256_hex(self.0.expose_secret().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_hyphens_do_not_count() {
        let code = RecoveryCode::generate();
        let shown = code.expose();
        assert_eq!((shown.len(), shown.matches('-').count()), (29, 5));
        let upper = shown.to_uppercase();
        for typed in [&shown, &upper, &shown.replace('-', ""), &shown.replace('-', " "), &format!(" {upper}\n")] {
            assert_eq!(RecoveryCode::parse(typed).expect("a code").hash(), code.hash());
        }
        for text in ["", "123456", &shown[1..], &format!("{shown}a"), &format!("{}1", &shown[1..])] {
            assert!(RecoveryCode::parse(text).is_none(), "{text}");
        }
        assert!(!format!("{code:?}").contains(&shown[..4]));
    }
}
