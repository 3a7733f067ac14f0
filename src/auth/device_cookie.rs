//! Device cookies: a browser that signed in to an account before is told from a guesser, so that guesses by others never
//! keep the owner out (OWASP, "Slow down online guessing attacks with device cookies"; ASVS 6.3.1).
//!
//! The cookie holds one entry for each account, `nonce.mac`. The MAC is over the nonce and the account, which the cookie
//! does not name. It signs nobody in: it only gives guesses a count of their own.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    Auth, Caller,
    rate_limit::account_key,
    secret::{MasterSecret, random},
};

const PURPOSE: &str = "device-cookie";
const SEPARATOR: char = '~';
/// Accounts that one browser is remembered for, the latest first.
const MAX_ENTRIES: usize = 6;

/// The nonce of an entry that was made for this account.
fn verify<'a>(secret: &MasterSecret, entry: &'a str, email: &str) -> Option<&'a str> {
    let (nonce, mac) = entry.split_once('.')?;
    secret.verify_mac(PURPOSE, message(nonce, email).as_bytes(), mac).then_some(nonce)
}

/// The nonce has no blank in it: nothing can be moved from one part to the other.
fn message(nonce: &str, email: &str) -> String {
    format!("{nonce} {}", account_key(email))
}

fn entries(cookie: &str) -> impl Iterator<Item = &str> {
    cookie.split(SEPARATOR).take(MAX_ENTRIES).filter(|entry| entry.len() < 128)
}

impl Auth {
    /// What this browser's guesses at an account are counted by: absent where it never signed in to it.
    pub(super) fn known_device<'a>(&self, email: &str, caller: &'a Caller) -> Option<&'a str> {
        entries(caller.device_cookie.as_deref()?).find_map(|entry| verify(&self.secret, entry, email))
    }

    /// The cookie of a browser that has just signed in to an account: the entry it had, or a new one, comes first.
    pub fn renew_device_cookie(&self, email: &str, caller: &Caller) -> String {
        let cookie = caller.device_cookie.as_deref().unwrap_or_default();
        let (own, others): (Vec<_>, Vec<_>) =
            entries(cookie).partition(|entry| verify(&self.secret, entry, email).is_some());
        let own = own.first().map_or_else(
            || {
                let nonce = URL_SAFE_NO_PAD.encode(random::<16>());
                let mac = self.secret.mac(PURPOSE, message(&nonce, email).as_bytes());
                format!("{nonce}.{mac}")
            },
            |own| (*own).to_owned(),
        );
        let mut cookie = own;
        for other in others.into_iter().filter(|entry| !entry.is_empty()).take(MAX_ENTRIES - 1) {
            cookie.push(SEPARATOR);
            cookie.push_str(other);
        }
        cookie
    }
}
