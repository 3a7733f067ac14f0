//! The range API of Have I Been Pwned (k-anonymity): the first 5 hex digits of the SHA-1 are sent, and the endings of all
//! known hashes that begin so come back. Padding hides from an observer how many those are.

use std::time::Duration;

use super::{LookUpError, Sha1};
use crate::{error::Error, settings::Url};

/// For connecting, asking and reading the answer: somebody waits.
const TIMEOUT: Duration = Duration::from_millis(500);
/// About ten times as much as a range has, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// Hex digits sent.
const PREFIX: usize = 5;
/// Hex digits of a SHA-1.
const DIGITS: usize = 40;

/// A client of the range API.
#[derive(Clone)]
pub(crate) struct RangeApi {
    http: reqwest::Client,
    url: Url,
}

impl RangeApi {
    pub fn new(url: &Url) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .user_agent("sekisho")
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        Ok(Self { http, url: url.clone() })
    }

    /// Whether the password with this hash is in the list.
    pub async fn contains(&self, hash: &Sha1) -> Result<bool, LookUpError> {
        let hex: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        let (prefix, ending) = hex.split_at(PREFIX);
        let url = self.url.join(&format!("/range/{prefix}"));
        let mut response = self.http.get(url).header("Add-Padding", "true").send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(LookUpError::Status(response.status().as_u16()));
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(LookUpError::TooLarge);
            }
            answer.extend_from_slice(&chunk);
        }
        find(&answer, ending)
    }
}

/// Whether `ENDING:COUNT` is among the lines, with a count above 0: 0 is padding. Every range has hashes, so an answer
/// without any is none.
fn find(answer: &[u8], ending: &str) -> Result<bool, LookUpError> {
    let answer = str::from_utf8(answer).map_err(|_| LookUpError::Malformed)?;
    let mut lines = answer.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    lines.peek().ok_or(LookUpError::Malformed)?;
    for line in lines {
        let (hash, count) = line.split_once(':').ok_or(LookUpError::Malformed)?;
        let count: u64 = count.trim().parse().map_err(|_| LookUpError::Malformed)?;
        if hash.len() != DIGITS - PREFIX || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(LookUpError::Malformed);
        }
        if count > 0 && hash.eq_ignore_ascii_case(ending) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDING: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
    const OTHER: &str = "0018A45C4D1DEF81644B54AB7F969B88D65";

    #[test]
    fn an_ending_counts_in_either_case_and_padding_does_not() {
        for (answer, expected) in [
            (format!("{OTHER}:1\r\n{ENDING}:9545824\r\n"), Some(true)),
            (format!("{OTHER}:1\n{}:3\n", ENDING.to_lowercase()), Some(true)),
            (format!("{OTHER}:1\r\n{ENDING}:0\r\n"), Some(false)),
            (format!("{OTHER}:1"), Some(false)),
            (String::new(), None),
            ("<html>Sign in to the Wi-Fi</html>".into(), None),
            (format!("{OTHER}:1\n{ENDING}"), None),
            (format!("{OTHER}:1\n{}:1", &ENDING[1..]), None),
            (format!("{ENDING}:many"), None),
        ] {
            assert_eq!(find(answer.as_bytes(), ENDING).ok(), expected, "{answer}");
        }
        assert!(find(b"\xff\xfe", ENDING).is_err());
    }

    #[tokio::test]
    async fn an_error_does_not_tell_the_hash() {
        let api = RangeApi::new(&Url::parse("http://127.0.0.1:9").expect("a URL")).expect("a client");
        let error = api.contains(&super::super::sha1("password")).await.expect_err("nobody listens there");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("5BAA6") && !text.contains("/range/"), "{text}");
    }
}
