//! The shared secrets by which other services authenticate (`SEKISHO_SERVICE_SECRET`).

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Digest, SHA256, digest},
};
use secrecy::{ExposeSecret, SecretString};

/// The accepted secrets, as hashes; several while one is rotated.
#[derive(Debug)]
pub struct ServiceSecrets(Vec<Digest>);

impl ServiceSecrets {
    pub fn new(secrets: &[SecretString]) -> Self {
        Self(secrets.iter().map(|secret| digest(&SHA256, secret.expose_secret().as_bytes())).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of the secret that was presented. Compares hashes, all of them and in constant time: the time tells
    /// nothing about a secret (ASVS 11.2.4).
    pub fn find(&self, presented: &str) -> Option<usize> {
        let presented = digest(&SHA256, presented.as_bytes());
        let is_presented = |known: &Digest| verify_slices_are_equal(known.as_ref(), presented.as_ref()).is_ok();
        self.0.iter().enumerate().fold(None, |found, (n, known)| if is_presented(known) { Some(n) } else { found })
    }
}
