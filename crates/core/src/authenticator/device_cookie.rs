//! Device cookies: give a browser that signed in to an account before its own rate limit, so that password guessing by
//! others can't lock the owner out (OWASP, "Slow down online guessing attacks with device cookies"; ASVS 6.3.1).
//!
//! The cookie holds one entry per account, `nonce.time.mac`; the MAC also covers the account, which is not in the cookie.
//! It does not authenticate. A password change invalidates older entries, as someone who knew the old password may have
//! collected some.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    clock::{Clock, HOUR, UnixMillis},
    rate_limit::account_key,
    request_context::RequestContext,
    secret::{MasterSecret, random},
};

const PURPOSE: &str = "device-cookie";
const SEPARATOR: char = '~';
/// Entries per cookie, newest first.
const MAX_ENTRIES: usize = 6;
/// Lifetime of an entry in milliseconds: the longest that browsers keep a cookie (400 days, RFC 6265bis).
const MAX_AGE: UnixMillis = 400 * 24 * HOUR;

/// A valid entry for an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownDevice<'a> {
    /// The rate limit's key.
    pub nonce: &'a str,
    issued_at: UnixMillis,
}

impl KnownDevice<'_> {
    /// Whether the password is unchanged since the entry was issued.
    pub fn is_since(&self, password_changed_at: Option<UnixMillis>) -> bool {
        password_changed_at.is_none_or(|at| at <= self.issued_at)
    }
}

/// The MAC's input. No part contains a space, so the encoding is unambiguous.
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

/// Signs and verifies device cookies.
#[derive(Clone)]
pub struct DeviceCookies {
    pub(crate) clock: Clock,
    pub(crate) secret: MasterSecret,
}

impl DeviceCookies {
    /// This browser's entry for an account.
    pub(crate) fn find<'a>(&self, email: &str, context: &'a RequestContext) -> Option<KnownDevice<'a>> {
        let cookie = context.device_cookie.as_deref()?;
        let (key, now) = (account_key(email), self.clock.now());
        entries(cookie).find_map(|entry| verify(&self.secret, entry, &key, now))
    }

    /// The cookie's new value after a sign-in or password change: a new entry first, which keeps its nonce unless the
    /// password changed; other accounts' entries follow.
    pub fn renew(&self, email: &str, password_changed_at: Option<UnixMillis>, context: &RequestContext) -> String {
        let (key, now) = (account_key(email), self.clock.now());
        let known = self.find(email, context).filter(|known| known.is_since(password_changed_at));
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
