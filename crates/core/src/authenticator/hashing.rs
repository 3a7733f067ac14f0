//! Password policy, hashing and verification, in a bounded thread pool. Rejects common, guessable and breached passwords.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use super::breached::{self, BreachedPasswords};
use crate::error::{Error, FieldError};

mod argon2id;
mod pool;
mod strength;

use pool::{Pool, Priority};
use strength::strength;

/// The product's name.
const PRODUCT: [&str; 2] = ["sekisho", "関所"];
const MIN_CHARS: usize = 8;
const MAX_CHARS: usize = 256;
/// Characters read before normalisation. No text of at most [`MAX_CHARS`] in NFC comes from a longer one.
const MAX_RAW_CHARS: usize = 16 * MAX_CHARS;
/// Lowest accepted zxcvbn score; lower ones are common passwords and their variations (ASVS 6.2.4).
const MIN_SCORE: u8 = 2;

/// A password in NFC, redacted in `Debug` and zeroized on drop.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// A password to verify; no policy applies.
    pub fn presented(raw: &str) -> Self {
        Self(raw.chars().take(MAX_RAW_CHARS).nfc().collect::<String>().into())
    }

    fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The result of verifying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed with outdated parameters: rehash.
    RightOutdated,
}

/// CPU- and memory-bound password work; all of it runs in one bounded [`pool`].
#[derive(Clone)]
pub struct Passwords {
    pool: Pool,
    /// Verified for unknown users, so that timing does not reveal accounts (user enumeration, ASVS 6.3.8).
    dummy: Arc<str>,
    breached: BreachedPasswords,
    /// What everybody would try first at this deployment (ASVS 6.2.11).
    context_words: Vec<String>,
}

impl Passwords {
    /// `host` is that of the base URL: its name, and each part of it, is a context-specific word, as is the product's.
    pub fn new(breached: BreachedPasswords, host: &str) -> Result<Self, Error> {
        let dummy = argon2id::hash(b"no such user", &mut Vec::new())?.into();
        let suffixes = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
        let words = PRODUCT.into_iter().chain([host]).chain(suffixes).chain(host.split('.'));
        let context_words = words.map(ToOwned::to_owned).collect();
        Ok(Self { pool: Pool::new(), dummy, breached, context_words })
    }

    /// Parses a new password: 8 to 256 characters, any Unicode, no composition rules (ASVS 6.2.1, 6.2.5, 6.2.9), not
    /// guessable from `user_inputs` (name, e-mail address) and the deployment's name (ASVS 6.2.11), and not known from a breach (ASVS 6.2.12), which is looked up
    /// last.
    ///
    /// # Errors
    /// Outer: it could not be scored ([`Error::Busy`]). Inner: it is rejected, as an error of `field`.
    pub async fn choose(
        &self,
        field: &'static str,
        raw: &str,
        user_inputs: &[&str],
    ) -> Result<Result<Password, FieldError>, Error> {
        let password = Password::presented(raw);
        let code = match password.expose().chars().count() {
            0..MIN_CHARS => "password-too-short",
            MIN_CHARS..=MAX_CHARS if self.score(Priority::High, password.clone(), user_inputs).await? < MIN_SCORE => {
                "password-too-common"
            }
            MIN_CHARS..=MAX_CHARS if self.is_breached(&password).await? => "password-breached",
            MIN_CHARS..=MAX_CHARS => return Ok(Ok(password)),
            _ => "password-too-long",
        };
        Ok(Err(FieldError::new(field, code)))
    }

    /// The zxcvbn score, 0 to 4, at low priority: `Busy` long before sign-ins are.
    pub async fn strength(&self, raw: &str, user_inputs: &[&str]) -> Result<u8, Error> {
        self.score(Priority::Low, Password::presented(raw), user_inputs).await
    }

    async fn score(&self, priority: Priority, password: Password, user_inputs: &[&str]) -> Result<u8, Error> {
        let user_inputs = user_inputs.iter().map(|text| (*text).to_owned());
        let user_inputs: Vec<String> = user_inputs.chain(self.context_words.iter().cloned()).collect();
        self.pool.run(priority, move |_| strength(password.expose(), &user_inputs)).await
    }

    async fn is_breached(&self, password: &Password) -> Result<bool, Error> {
        let found = match &self.breached.source {
            breached::Source::Off => return Ok(false),
            breached::Source::RangeApi(api) => api.contains(&breached::sha1(password.expose())).await,
            breached::Source::File(file) => {
                let (file, hash) = (file.clone(), breached::sha1(password.expose()));
                self.pool.run(Priority::High, move |_| file.contains(&hash)).await?
            }
        };
        Ok(self.breached.record(found))
    }

    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        self.pool.run(Priority::High, move |memory| argon2id::hash(password.expose().as_bytes(), memory)).await?
    }

    /// Verifies `password` against `stored`, or against a dummy hash if there is none.
    pub async fn verify(&self, password: Password, stored: Option<String>) -> Result<Verdict, Error> {
        let dummy = self.dummy.clone();
        let work = move |memory: &mut argon2id::Blocks| match stored {
            Some(stored) => argon2id::verify(password.expose().as_bytes(), &stored, memory),
            None => {
                argon2id::verify(password.expose().as_bytes(), &dummy, memory);
                Verdict::Wrong
            }
        };
        self.pool.run(Priority::High, work).await
    }

    /// Frees the pool's memory if nothing was hashed since the last call.
    pub fn release_memory(&self) {
        self.pool.release_memory();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metrics::Metrics, settings::BreachedPasswordsConfig};

    fn passwords() -> Passwords {
        let off = BreachedPasswords::open(&BreachedPasswordsConfig::Off, Metrics::default()).expect("nothing to open");
        Passwords::new(off, "id.kitahama-bank.example").expect("hashes")
    }

    async fn refusal(raw: &str, user_inputs: &[&str]) -> Option<&'static str> {
        passwords().choose("password", raw, user_inputs).await.expect("judged").err().map(|e| e.code)
    }

    #[tokio::test]
    async fn a_password_of_8_to_256_characters_is_accepted_unless_guessable() {
        assert_eq!(refusal("関所を越えて行く旅人", &[]).await, None);
        assert_eq!(refusal("correct horse battery staple", &[]).await, None);
        let long: String = (0..256_u32).filter_map(|n| char::from_u32(0x4e00 + n * n * 7 % 5_000)).collect();
        assert_eq!((long.chars().count(), refusal(&long, &[]).await), (256, None));
        assert_eq!(refusal("short", &[]).await, Some("password-too-short"));
        assert_eq!(refusal(&"x1".repeat(129), &[]).await, Some("password-too-long"));
        for common in ["password", "password1", "12345678", "qwertyuiop", "iloveyou", "letmein1", "sekisho1"] {
            assert_eq!(refusal(common, &[]).await, Some("password-too-common"), "{common}");
        }
        for known in ["kitahama-bank1", "sekisho関所", "Kitahama-Bank.example"] {
            assert_eq!(refusal(known, &[]).await, Some("password-too-common"), "{known}");
        }
        assert_eq!(refusal("hanako.yamada", &["hanako.yamada@example.jp"]).await, Some("password-too-common"));
    }

    #[tokio::test]
    async fn composed_and_decomposed_unicode_are_the_same_password() {
        let passwords = passwords();
        let stored = passwords.hash(Password::presented("cafe\u{301} au lait")).await.expect("hashed");
        let verify =
            async |raw| passwords.verify(Password::presented(raw), Some(stored.clone())).await.expect("checked");
        assert_eq!(verify("café au lait").await, Verdict::Right);
        assert_eq!(verify("cafe au lait").await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn the_dummy_hash_never_verifies() {
        let verdict = passwords().verify(Password::presented("no such user"), None).await;
        assert_eq!(verdict.expect("checked"), Verdict::Wrong);
    }
}
