//! Time-based one-time passwords of an authenticator app (RFC 6238): HMAC-SHA-1, six digits, 30 seconds, which is what
//! every app supports. Accepts one step of drift either way (section 5.2). That a code works once is
//! [`SecondFactor::consume`](super::second_factor)'s.
//!
//! The HMAC is aws-lc's; RFC 4226's truncation is too little for another dependency and its own stack of hashes.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use data_encoding::BASE32_NOPAD;
use secrecy::{ExposeSecret, SecretSlice};
use unicode_normalization::UnicodeNormalization;

use crate::{
    clock::UnixMillis,
    error::Error,
    secret::{MasterSecret, random},
};

/// Encryption purpose of a secret.
pub(crate) const SEALED_FOR: &str = "totp";
const DIGITS: usize = 6;
const STEP: UnixMillis = 30_000;
/// Accepted steps before and after the current one.
const DRIFT: i64 = 1;

/// A shared secret of 160 bits (RFC 4226, section 4, R6).
#[derive(Clone, Debug)]
pub(crate) struct TotpSecret(SecretSlice<u8>);

impl TotpSecret {
    pub fn generate() -> Self {
        Self(random::<20>().to_vec().into())
    }

    pub fn seal(&self, secret: &MasterSecret) -> String {
        secret.seal(SEALED_FOR, self.0.expose_secret())
    }

    pub fn open(secret: &MasterSecret, sealed: &str) -> Result<Self, Error> {
        Ok(Self(secret.open(SEALED_FOR, sealed).map_err(Error::internal)?.into()))
    }

    /// Base32, as apps read it.
    pub fn text(&self) -> String {
        BASE32_NOPAD.encode(self.0.expose_secret())
    }

    /// The URI that a QR code and a link carry (`otpauth`, the Key URI Format of Google Authenticator).
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let encode = |text: &str| encode(text).replace('+', "%20");
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={}",
            STEP / 1_000,
            issuer = encode(issuer),
            account = encode(account),
            secret = self.text(),
        )
    }

    /// The step within the accepted drift whose code this is, the latest if there are several.
    pub fn verify(&self, code: &TotpCode, now: UnixMillis) -> Option<i64> {
        let current = now.div_euclid(STEP);
        let is_right =
            |step: &i64| verify_slices_are_equal(self.code(*step, DIGITS).as_bytes(), code.0.as_bytes()).is_ok();
        (current - DRIFT..=current + DRIFT).rev().find(is_right)
    }

    /// HOTP (RFC 4226, section 5.3) of a time step.
    fn code(&self, step: i64, digits: usize) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.expose_secret());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let hash = tag.as_ref();
        let offset = usize::from(hash[hash.len() - 1] & 0xf);
        let binary = hash[offset..offset + 4].iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte)) & 0x7fff_ffff;
        format!("{:0digits$}", binary % 10_u64.pow(digits as u32))
    }
}

/// Six digits.
#[derive(Clone, Debug)]
pub(crate) struct TotpCode(String);

impl TotpCode {
    /// Parses a code as typed: spaces do not count, nor whether digits are full-width.
    pub fn parse(text: &str) -> Option<Self> {
        let code: String = text.chars().take(64).nfkc().filter(|c| !c.is_whitespace()).collect();
        (code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(Self(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret(b"12345678901234567890".to_vec().into())
    }

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(secret().code(seconds / 30, 8), code);
        }
    }

    #[test]
    fn one_step_of_drift_is_accepted_either_way() {
        let code = TotpCode::parse("050 471").expect("a code"); // of the step from 1,111,111,110 s
        let step = 1_111_111_111 / 30;
        let at = |seconds: i64| secret().verify(&code, seconds * 1_000);
        assert_eq!([1_111_111_080, 1_111_111_111, 1_111_111_169].map(at), [Some(step); 3]);
        assert_eq!([1_111_111_079, 1_111_111_170].map(at), [None; 2]);
    }

    #[test]
    fn a_code_parses_as_people_and_their_keyboards_write_it() {
        let parsed = |text: &str| TotpCode::parse(text).map(|code| code.0);
        for text in ["123456", " 123 456 ", "１２３４５６", "123\u{3000}456"] {
            assert_eq!(parsed(text).as_deref(), Some("123456"), "{text}");
        }
        for text in ["", "12345", "1234567", "12345a", "+12345", "١٢٣٤٥٦", "1234-56", &"1".repeat(100_000)] {
            assert_eq!(parsed(text), None, "{text:.20}");
        }
    }

    #[test]
    fn the_uri_escapes_its_parts() {
        assert_eq!(
            secret().uri("Sekisho example.com", "a+b:c@d.e"),
            "otpauth://totp/Sekisho%20example.com:a%2Bb%3Ac%40d.e?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Sekisho%20example.com&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn the_secret_is_sealed_and_not_in_debug() {
        let master = MasterSecret::new([7; 32]).expect("32 bytes");
        let opened = TotpSecret::open(&master, &secret().seal(&master)).expect("opens");
        assert_eq!(opened.text(), secret().text());
        assert!(!format!("{:?}", secret()).contains("49"));
    }
}
