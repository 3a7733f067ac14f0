//! Device cookies: a browser that signed in to an account before is told from a guesser, so that guesses by others never
//! keep the owner out (OWASP, "Slow down online guessing attacks with device cookies"; ASVS 6.3.1).
//!
//! The cookie holds one entry for each account, `nonce.time.mac`. The MAC is over both and the account, which the cookie
//! does not name. It signs nobody in: it only gives guesses a count of their own. A changed password voids those made
//! before, as whoever knew the old one may have collected some.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    Auth, HOUR, RequestContext,
    rate_limit::account_key,
    secret::{MasterSecret, random},
};
use crate::db::UnixMillis;

const PURPOSE: &str = "device-cookie";
const SEPARATOR: char = '~';
/// Accounts that one browser is remembered for, the latest first.
const MAX_ENTRIES: usize = 6;
/// How long an entry is good, in milliseconds: as long as browsers keep cookies.
const MAX_AGE: UnixMillis = 400 * 24 * HOUR;

/// An entry that was made for an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownDevice<'a> {
    /// What its guesses are counted by.
    pub nonce: &'a str,
    issued_at: UnixMillis,
}

impl KnownDevice<'_> {
    /// Whether the password has not changed since.
    pub fn is_since(&self, password_changed_at: Option<UnixMillis>) -> bool {
        password_changed_at.is_none_or(|at| at <= self.issued_at)
    }
}

/// Neither part has a blank in it: nothing can be moved from one to the other.
fn message(nonce: &str, issued_at: UnixMillis, key: &str) -> String {
    format!("{nonce} {issued_at} {key}")
}

fn verify<'a>(secret: &MasterSecret, entry: &'a str, key: &str, now: UnixMillis) -> Option<KnownDevice<'a>> {
    let (nonce, rest) = entry.split_once('.')?;
    let (issued_at, mac) = rest.split_once('.')?;
    let issued_at = issued_at.parse().ok().filter(|at| now - at < MAX_AGE)?;
    let right = secret.verify_mac(PURPOSE, message(nonce, issued_at, key).as_bytes(), mac);
    right.then_some(KnownDevice { nonce, issued_at })
}

fn entries(cookie: &str) -> impl Iterator<Item = &str> {
    cookie.split(SEPARATOR).take(MAX_ENTRIES).filter(|entry| (1..128).contains(&entry.len()))
}

impl Auth {
    /// The entry of this browser for an account: absent where it never signed in to it.
    pub(super) fn known_device<'a>(&self, email: &str, context: &'a RequestContext) -> Option<KnownDevice<'a>> {
        let cookie = context.device_cookie.as_deref()?;
        let (key, now) = (account_key(email), self.clock.now());
        entries(cookie).find_map(|entry| verify(&self.secret, entry, &key, now))
    }

    /// The cookie of a browser that has just signed in to an account, or changed its password: a new entry comes first,
    /// with the nonce that it had, if the password has not changed since.
    pub fn renew_device_cookie(
        &self,
        email: &str,
        password_changed_at: Option<UnixMillis>,
        context: &RequestContext,
    ) -> String {
        let (key, now) = (account_key(email), self.clock.now());
        let known = self.known_device(email, context).filter(|known| known.is_since(password_changed_at));
        let nonce = known.map_or_else(|| URL_SAFE_NO_PAD.encode(random::<16>()), |known| known.nonce.to_owned());
        let mac = self.secret.mac(PURPOSE, message(&nonce, now, &key).as_bytes());
        let mut cookie = format!("{nonce}.{now}.{mac}");
        let others = entries(context.device_cookie.as_deref().unwrap_or_default())
            .filter(|entry| verify(&self.secret, entry, &key, now).is_none())
            .take(MAX_ENTRIES - 1);
        for other in others {
            cookie.push(SEPARATOR);
            cookie.push_str(other);
        }
        cookie
    }
}
