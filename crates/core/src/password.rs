//! Passwords: which ones are taken, and how they are hashed and checked without eating the machine.

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Auth, RequestContext};
use crate::error::{Error, FieldError};

mod argon2id;
mod pool;
mod strength;

use pool::{Pool, Priority};
use strength::strength;

const MIN_CHARS: usize = 8;
const MAX_CHARS: usize = 256;
/// What is read of a password before it is normalised. No text of [`MAX_CHARS`] in NFC comes from one as long.
const MAX_RAW_CHARS: usize = 16 * MAX_CHARS;
/// Below this zxcvbn score a password falls to a list of common ones and their variations (ASVS 6.2.4).
const MIN_SCORE: u8 = 2;

/// A password as typed, in NFC. Never printed, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// A password that somebody presents: any text, as the stored one decides.
    pub fn presented(raw: &str) -> Self {
        Self(raw.chars().take(MAX_RAW_CHARS).nfc().collect())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What checking a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed with older parameters: to be hashed anew.
    RightOutdated,
}

/// Everything about passwords that costs processor time or memory; all of it runs in one bounded [`pool`].
#[derive(Clone)]
pub struct Passwords {
    pool: Pool,
    /// Checked for unknown users, so that they take as long as known ones (ASVS 6.3.8).
    dummy: Arc<str>,
}

impl Passwords {
    pub fn new() -> Self {
        Self { pool: Pool::new(), dummy: argon2id::hash(b"no such user", &mut Vec::new()).into() }
    }

    /// A password that somebody chooses: 8 to 256 characters, any Unicode, no composition rules
    /// (ASVS 6.2.1, 6.2.5, 6.2.9), not easily guessed from `user_inputs` (the person's name, address).
    ///
    /// The outer error is that it could not be judged, `Busy` for one; the inner one is the fault of `field`.
    pub async fn choose(
        &self,
        field: &'static str,
        raw: &str,
        user_inputs: &[&str],
    ) -> Result<Result<Password, FieldError>, Error> {
        let password = Password::presented(raw);
        let code = match password.0.chars().count() {
            0..MIN_CHARS => "password-too-short",
            MIN_CHARS..=MAX_CHARS if self.score(Priority::High, password.clone(), user_inputs).await? < MIN_SCORE => {
                "password-too-common"
            }
            MIN_CHARS..=MAX_CHARS => return Ok(Ok(password)),
            _ => "password-too-long",
        };
        Ok(Err(FieldError::new(field, code)))
    }

    async fn strength(&self, raw: &str, user_inputs: &[&str]) -> Result<u8, Error> {
        self.score(Priority::Low, Password::presented(raw), user_inputs).await
    }

    async fn score(&self, priority: Priority, password: Password, user_inputs: &[&str]) -> Result<u8, Error> {
        let user_inputs: Vec<String> = user_inputs.iter().map(|text| (*text).to_owned()).collect();
        self.pool.run(priority, move |_| strength(&password.0, &user_inputs)).await
    }

    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        self.pool.run(Priority::High, move |memory| argon2id::hash(password.0.as_bytes(), memory)).await
    }

    /// Checks `password` against `stored`, or does the same work in vain when there is none.
    pub async fn verify(&self, password: Password, stored: Option<String>) -> Result<Verdict, Error> {
        let dummy = self.dummy.clone();
        let work = move |memory: &mut argon2id::Blocks| match stored {
            Some(stored) => argon2id::verify(password.0.as_bytes(), &stored, memory),
            None => {
                argon2id::verify(password.0.as_bytes(), &dummy, memory);
                Verdict::Wrong
            }
        };
        self.pool.run(Priority::High, work).await
    }

    /// Gives the memory back to the system, if nothing was hashed since the last call.
    pub fn release_memory(&self) {
        self.pool.release_memory();
    }
}

impl Auth {
    /// The score of a password that somebody types, 0 to 4; spends the processor on strangers, so it is limited by
    /// network, and `Busy` long before sign-ins are.
    pub async fn password_strength(
        &self,
        raw: &str,
        user_inputs: &[&str],
        context: &RequestContext,
    ) -> Result<u8, Error> {
        self.limits.meter(context.ip)?;
        self.passwords.strength(raw, user_inputs).await
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refusal(raw: &str, user_inputs: &[&str]) -> Option<&'static str> {
        Passwords::new().choose("password", raw, user_inputs).await.expect("judged").err().map(|e| e.code)
    }

    #[tokio::test]
    async fn any_text_of_8_to_256_characters_is_taken_unless_it_is_easily_guessed() {
        assert_eq!(refusal("関所を越えて行く旅人", &[]).await, None);
        assert_eq!(refusal("correct horse battery staple", &[]).await, None);
        let long: String = (0..256_u32).filter_map(|n| char::from_u32(0x4e00 + n * n * 7 % 5_000)).collect();
        assert_eq!((long.chars().count(), refusal(&long, &[]).await), (256, None));
        assert_eq!(refusal("short", &[]).await, Some("password-too-short"));
        assert_eq!(refusal(&"x1".repeat(129), &[]).await, Some("password-too-long"));
        for common in ["password", "password1", "12345678", "qwertyuiop", "iloveyou", "letmein1", "sekisho1"] {
            assert_eq!(refusal(common, &[]).await, Some("password-too-common"), "{common}");
        }
        assert_eq!(refusal("hanako.yamada", &["hanako.yamada@example.jp"]).await, Some("password-too-common"));
    }

    #[tokio::test]
    async fn both_unicode_spellings_of_a_password_are_the_same() {
        let passwords = Passwords::new();
        let stored = passwords.hash(Password::presented("cafe\u{301} au lait")).await.expect("hashed");
        let verify =
            async |raw| passwords.verify(Password::presented(raw), Some(stored.clone())).await.expect("checked");
        assert_eq!(verify("café au lait").await, Verdict::Right);
        assert_eq!(verify("cafe au lait").await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn the_work_for_an_unknown_user_finds_nothing() {
        let verdict = Passwords::new().verify(Password::presented("no such user"), None).await;
        assert_eq!(verdict.expect("checked"), Verdict::Wrong);
    }
}
