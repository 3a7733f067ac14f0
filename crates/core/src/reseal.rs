//! Replacing the deployment's secret: with `SEKISHO_SECRET_PREVIOUS`, what the one until now sealed still opens;
//! this seals it with the new one, after which the old one is worth nothing.

use super::{
    Auth, RequestContext,
    event::{Entry, Kind},
    signing_keys::SEALED_FOR,
};
use crate::{db::signing_keys, error::Error};

/// What was sealed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resealed {
    pub signing_keys: usize,
    /// Whether the log goes on with a new key.
    pub log: bool,
}

impl Auth {
    /// Seals everything that the previous secret sealed with the current one; all of it or nothing. Refresh tokens
    /// and cookies are stored as plain hashes, and what waits for minutes opens by either secret: nobody is signed out.
    pub async fn reseal(&self, context: &RequestContext) -> Result<Resealed, Error> {
        let mut act = self.begin(Some(context)).await?;
        let mut resealed = Resealed { signing_keys: 0, log: false };
        for key in signing_keys::lock(act.db()).await?.iter().filter(|key| key.withdrawn_at.is_none()) {
            if !self.secret.is_current(SEALED_FOR, &key.private_key) {
                let pkcs8 = self.secret.open(SEALED_FOR, &key.private_key).map_err(Error::internal)?;
                signing_keys::set_private_key(act.db(), &key.kid, &self.secret.seal(SEALED_FOR, &pkcs8)).await?;
                resealed.signing_keys += 1;
            }
        }
        resealed.log = self.reseal_chain(act.db()).await?;
        if resealed.signing_keys > 0 || resealed.log {
            act.log(Entry::new(Kind::SecretRotated));
            act.commit().await?;
        }
        Ok(resealed)
    }
}
