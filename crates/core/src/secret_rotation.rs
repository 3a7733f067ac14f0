//! Rotation of `SEKISHO_SECRET`: values encrypted with `SEKISHO_SECRET_PREVIOUS` are re-encrypted with the current
//! secret, after which the previous one is no longer needed.

use std::sync::Arc;

use sekisho_model::EventKind;
use tracing::instrument;

use crate::{
    audit::event::Entry,
    authenticator::totp as totp_secret,
    db::{email_tokens, mails, signing_keys, totp},
    email_token,
    error::Error,
    outbox,
    request_context::RequestContext,
    secret::MasterSecret,
    token::key_generation::SEALED_FOR,
    unit_of_work::Store,
};

/// Rows per transaction.
const BATCH: i64 = 200;

/// What was re-encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// Number of signing keys.
    pub signing_keys: usize,
    /// Number of secrets of authenticator apps.
    pub totp_secrets: usize,
    /// Whether the audit chain got a new key.
    pub log: bool,
}

/// Rotates the secret.
pub struct SecretRotation {
    pub(crate) store: Arc<Store>,
    pub(crate) secret: MasterSecret,
}

impl SecretRotation {
    /// Re-encrypts the secrets of authenticator apps in batches, then signing keys, audit chain keys, messages and what
    /// reverts security events, in one transaction. No session ends: tokens and cookies are stored as plain hashes, and
    /// pending flows decrypt with either secret.
    ///
    /// # Errors
    /// [`Error::Internal`] if a key decrypts with neither secret, [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all)]
    pub async fn reseal(&self, context: &RequestContext) -> Result<Resealed, Error> {
        let totp_secrets = self.reseal_totp(context).await?;
        let mut work = self.store.begin(Some(context)).await?;
        let mut resealed = Resealed { signing_keys: 0, totp_secrets, log: false };
        for key in signing_keys::lock(work.db()).await?.iter().filter(|key| key.withdrawn_at.is_none()) {
            if let Some(private_key) = self.reseal_value(SEALED_FOR, Some(&key.private_key))? {
                signing_keys::set_private_key(work.db(), &key.kid, &private_key).await?;
                resealed.signing_keys += 1;
            }
        }
        for token in email_tokens::list_sealed(work.db()).await? {
            if let Some(resealed) = self.reseal_value(email_token::SEALED_FOR, token.detail.as_deref())? {
                email_tokens::set_detail(work.db(), &token.hash, &resealed).await?;
            }
        }
        for (id, sealed) in mails::list_sealed(work.db()).await? {
            if let Some(resealed) = self.reseal_value(outbox::SEALED_FOR, Some(&sealed))? {
                mails::set_sealed(work.db(), &id, &resealed).await?;
            }
        }
        resealed.log = self.store.audit.rotate_secret(work.db()).await?;
        if resealed.signing_keys > 0 || resealed.totp_secrets > 0 || resealed.log {
            work.log(Entry::new(EventKind::SecretRotated));
        }
        work.commit().await?;
        Ok(resealed)
    }

    /// A value sealed with the current secret; `None` if it is.
    fn reseal_value(&self, purpose: &str, sealed: Option<&str>) -> Result<Option<String>, Error> {
        let Some(sealed) = sealed.filter(|sealed| !self.secret.is_current(purpose, sealed)) else { return Ok(None) };
        let plain = self.secret.open(purpose, sealed).map_err(Error::internal)?;
        Ok(Some(self.secret.seal(purpose, &plain)))
    }

    async fn reseal_totp(&self, context: &RequestContext) -> Result<usize, Error> {
        let mut resealed = 0;
        let mut after = String::new();
        loop {
            let mut work = self.store.begin(Some(context)).await?;
            let rows = totp::list_secrets(work.db(), &after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(resealed) };
            after = last.user_id.to_string();
            for row in rows.iter().filter(|row| !self.secret.is_current(totp_secret::SEALED_FOR, &row.secret)) {
                let plain = self.secret.open(totp_secret::SEALED_FOR, &row.secret).map_err(Error::internal)?;
                let sealed = self.secret.seal(totp_secret::SEALED_FOR, &plain);
                if totp::swap_secret(work.db(), &row.user_id, &row.secret, &sealed).await? {
                    resealed += 1;
                }
            }
            work.commit().await?;
        }
    }
}
