//! Other services that say who they are, by a shared secret (`SEKISHO_SERVICE_SECRET`).

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Digest, SHA256, digest},
};
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use super::{bearer::bearer, problem::Problem};
use secrecy::{ExposeSecret, SecretString};

use crate::app::App;
use sekisho_core::error::Error;

/// The secrets that services may show, as hashes; several while one is replaced by another.
#[derive(Debug)]
pub struct ServiceSecrets(Vec<Digest>);

impl ServiceSecrets {
    pub fn new(secrets: &[SecretString]) -> Self {
        Self(secrets.iter().map(|secret| digest(&SHA256, secret.expose_secret().as_bytes())).collect())
    }

    /// Which secret this is. Compares hashes, all of them and in constant time: the time tells nothing about a secret
    /// (ASVS 11.2.4).
    fn find(&self, shown: &str) -> Option<usize> {
        let shown = digest(&SHA256, shown.as_bytes());
        let is_shown = |known: &Digest| verify_slices_are_equal(known.as_ref(), shown.as_ref()).is_ok();
        self.0.iter().enumerate().fold(None, |found, (n, known)| if is_shown(known) { Some(n) } else { found })
    }
}

/// Who asks: a service, by the number of its secret, or a stranger. A wrong secret, or another kind of credential, is
/// never taken for none. Where no secret is configured there are only strangers, and the header is not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Service(pub Option<usize>);

impl FromRequestParts<App> for Service {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if app.service_secrets.0.is_empty() || !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(None));
        }
        let shown = bearer(&parts.headers)?;
        let known = app.service_secrets.find(shown).ok_or(Error::InvalidToken)?;
        Ok(Self(Some(known)))
    }
}
