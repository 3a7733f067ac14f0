//! Breached passwords: a new password is refused if it is known from a data breach (ASVS 6.2.12, NIST SP 800-63B-4
//! section 3.1.1.2). They are looked up in the range API of Have I Been Pwned, or in a file made from its download.
//!
//! A look-up that fails lets the password through, is logged and counted: an outage elsewhere must not keep people from
//! changing a password. Neither the log nor an error has the password, its hash or a part of it.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::{error::Error, metrics::Metrics, settings::BreachedPasswordsConfig};

mod import;
mod prefix_file;
mod range_api;

pub use import::{ImportError, import};
use prefix_file::PrefixFile;
use range_api::RangeApi;

/// The SHA-1 of a password, as lists of breached passwords have it; never stored.
type Sha1 = [u8; 20];

/// Why a password was not looked up. It has no data of the password.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookUpError {
    #[error("the request failed: {0}")]
    Request(#[source] reqwest::Error),
    #[error("the answer has the status {0}")]
    Status(u16),
    #[error("the answer is not a list of hashes")]
    Malformed,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the file can't be read: {0}")]
    File(#[from] std::io::Error),
}

impl From<reqwest::Error> for LookUpError {
    /// The URL has the first digits of the hash.
    fn from(error: reqwest::Error) -> Self {
        Self::Request(error.without_url())
    }
}

/// Where passwords are looked up.
#[derive(Clone)]
pub(super) enum Source {
    Off,
    RangeApi(RangeApi),
    File(Arc<PrefixFile>),
}

/// The configured list.
#[derive(Clone)]
pub(crate) struct BreachedPasswords {
    pub(super) source: Source,
    metrics: Metrics,
}

impl BreachedPasswords {
    /// Opens the configured list.
    ///
    /// # Errors
    /// [`Error::Internal`] if the file can't be used; the message is for the operator.
    pub fn open(config: &BreachedPasswordsConfig, metrics: Metrics) -> Result<Self, Error> {
        let source = match config {
            BreachedPasswordsConfig::Off => Source::Off,
            BreachedPasswordsConfig::RangeApi(url) => Source::RangeApi(RangeApi::new(url)?),
            BreachedPasswordsConfig::File(path) => {
                let file = PrefixFile::open(path).map_err(|error| {
                    let path = path.display();
                    Error::internal(format!("SEKISHO_BREACHED_PASSWORDS: {path} can't be used: {error}"))
                })?;
                Source::File(Arc::new(file))
            }
        };
        Ok(Self { source, metrics })
    }

    /// Counts a look-up; one that failed lets the password through.
    pub(super) fn record(&self, found: Result<bool, LookUpError>) -> bool {
        let outcome = match found {
            Ok(true) => "breached",
            Ok(false) => "clear",
            Err(ref error) => {
                tracing::warn!(%error, "a new password was accepted without looking it up among breached ones");
                "unchecked"
            }
        };
        self.metrics.breached_password(outcome);
        found.unwrap_or(false)
    }
}

pub(super) fn sha1(password: &str) -> Sha1 {
    let mut hash = Sha1::default();
    hash.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref());
    hash
}
