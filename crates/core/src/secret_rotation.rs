//! Rotation of `SEKISHO_SECRET`: values encrypted with `SEKISHO_SECRET_PREVIOUS` are re-encrypted with the current
//! secret, after which the previous one is no longer needed.

use std::sync::Arc;

use sekisho_model::EventKind;
use tracing::instrument;

use crate::{
    audit::event::Entry, db::signing_keys, error::Error, request_context::RequestContext, secret::MasterSecret,
    token::key_generation::SEALED_FOR, unit_of_work::Store,
};

/// What was re-encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// Number of signing keys.
    pub signing_keys: usize,
    /// Whether the audit chain got a new key.
    pub log: bool,
}

/// Rotates the secret.
pub struct SecretRotation {
    pub(crate) store: Arc<Store>,
    pub(crate) secret: MasterSecret,
}

impl SecretRotation {
    /// Re-encrypts signing keys and audit chain keys in one transaction. No session ends: tokens and cookies are stored as
    /// plain hashes, and pending flows decrypt with either secret.
    ///
    /// # Errors
    /// [`Error::Internal`] if a key decrypts with neither secret, [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all)]
    pub async fn reseal(&self, context: &RequestContext) -> Result<Resealed, Error> {
        let mut work = self.store.begin(Some(context)).await?;
        let mut resealed = Resealed { signing_keys: 0, log: false };
        for key in signing_keys::lock(work.db()).await?.iter().filter(|key| key.withdrawn_at.is_none()) {
            if !self.secret.is_current(SEALED_FOR, &key.private_key) {
                let pkcs8 = self.secret.open(SEALED_FOR, &key.private_key).map_err(Error::internal)?;
                signing_keys::set_private_key(work.db(), &key.kid, &self.secret.seal(SEALED_FOR, &pkcs8)).await?;
                resealed.signing_keys += 1;
            }
        }
        resealed.log = self.store.audit.rotate_secret(work.db()).await?;
        if resealed.signing_keys > 0 || resealed.log {
            work.log(Entry::new(EventKind::SecretRotated));
            work.commit().await?;
        }
        Ok(resealed)
    }
}
