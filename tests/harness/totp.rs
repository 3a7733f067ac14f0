//! An authenticator app, and people who have one.

use aws_lc_rs::hmac;

use super::{Answer, Client, PASSWORD, Page, TestApp};

const STEP: i64 = 30_000;

/// An app that was given a secret: RFC 6238, written apart from the server's.
#[derive(Clone)]
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Given the secret as the page shows it.
    pub fn new(base32: &str) -> Self {
        let (mut bits, mut buffer, mut secret) = (0, 0_u32, Vec::new());
        for character in base32.bytes().filter(|byte| *byte != b' ') {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|c| *c == character).expect("base32");
            buffer = buffer << 5 | value as u32;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                secret.push((buffer >> bits) as u8);
                buffer &= (1 << bits) - 1;
            }
        }
        assert_eq!(secret.len(), 20);
        Self(secret)
    }

    /// The code at a time in Unix milliseconds.
    pub fn code(&self, at: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &(at / STEP).to_be_bytes());
        let at = (tag.as_ref()[19] & 15) as usize;
        let word: [u8; 4] = tag.as_ref()[at..at + 4].try_into().expect("four bytes");
        format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }
}

impl TestApp {
    /// The code that an app shows next: none that was seen before.
    pub fn next_code(&self, authenticator: &Authenticator) -> String {
        self.clock.advance(STEP);
        authenticator.code(self.clock.now())
    }

    /// Sets up an app from a page of somebody signed in; also returns the recovery codes.
    pub async fn enroll(&self, browser: &mut Client) -> (Authenticator, Vec<String>) {
        let page = browser.form("/account/security/totp", &[]).await.page();
        let authenticator = secret_of(&page);
        let enrollment = page.field("enrollment");
        let code = authenticator.code(self.clock.now());
        let fields = [("enrollment", enrollment.as_str()), ("code", code.as_str())];
        let done = browser.form("/account/security/totp/confirm", &fields).await;
        assert_eq!(done.status, 200, "{}", done.text());
        (authenticator, recovery_codes_of(&done))
    }

    /// A browser signed in to a new account with an app.
    pub async fn enrolled_browser(&self, email: &str) -> (Client, Authenticator, Vec<String>) {
        let mut browser = self.browser(email).await;
        let (authenticator, codes) = self.enroll(&mut browser).await;
        (browser, authenticator, codes)
    }
}

/// The app that a page's secret is given to.
pub fn secret_of(page: &Page) -> Authenticator {
    Authenticator::new(&page.one("code.secret").text())
}

/// The recovery codes that a page shows.
pub fn recovery_codes_of(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.header("cache-control"), "no-store");
    let codes: Vec<_> = answer.page().select(".recovery-codes code").iter().map(|code| code.text()).collect();
    assert_eq!(codes.len(), 10, "{}", answer.text());
    codes
}

/// Signs in by the password, up to the page that asks for a code; returns the token of the pending sign-in.
pub async fn challenge(browser: &mut Client, email: &str) -> String {
    let asked = browser.form("/login", &[("email", email), ("password", PASSWORD)]).await;
    waiting(&asked)
}

/// The token of the pending sign-in that a page asks for a code of.
pub fn waiting(asked: &Answer) -> String {
    assert_eq!(asked.status, 200, "{}", asked.text());
    asked.page().select("form[action='/login/verify'] [name=waiting]")[0].value()
}

/// Presents a code, by `code` or `recovery_code`.
pub async fn present(browser: &mut Client, waiting: &str, field: &str, code: &str) -> Answer {
    browser.form("/login/verify", &[("waiting", waiting), (field, code)]).await
}
