//! What was begun and waits to be finished: a sign-in at GitHub, a link that needs a password, a sign-in that needs
//! room. Short-lived, used once, and bound to the browser that began it (ASVS 10.1.2): in any other it is nothing.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::{Auth, millis, secret::OpaqueToken};
use crate::{db::ceremonies, error::Error};

/// The secret in the ceremony cookie.
pub const BROWSER_PREFIX: &str = "sk_br_";
pub(super) const TTL: Duration = Duration::from_secs(600);

/// What a kind of ceremony remembers. Sealed under its name: no kind is ever taken for another (CVE-2023-48309).
pub(super) trait Ceremony: Serialize + DeserializeOwned {
    const NAME: &'static str;
}

impl Auth {
    pub(super) async fn keep_ceremony<C: Ceremony>(
        &self,
        id_hash: &str,
        browser: &OpaqueToken,
        ceremony: &C,
    ) -> Result<(), Error> {
        let payload = serde_json::to_vec(ceremony).map_err(Error::internal)?;
        let sealed = self.secret.seal(C::NAME, &payload);
        let expires_at = self.clock.now() + millis(TTL);
        Ok(ceremonies::insert(self.db.writer(), id_hash, &browser.hash(), &sealed, expires_at).await?)
    }

    /// Looks at a ceremony without using it up.
    pub(super) async fn find_ceremony<C: Ceremony>(
        &self,
        id_hash: &str,
        browser: &OpaqueToken,
    ) -> Result<Option<C>, Error> {
        let found = ceremonies::find(self.db.reader(), id_hash, &browser.hash(), self.clock.now()).await?;
        Ok(found.and_then(|sealed| self.open_ceremony(&sealed)))
    }

    /// Uses a ceremony up.
    pub(super) async fn take_ceremony<C: Ceremony>(
        &self,
        id_hash: &str,
        browser: &OpaqueToken,
    ) -> Result<Option<C>, Error> {
        let taken = ceremonies::take(self.db.writer(), id_hash, &browser.hash(), self.clock.now()).await?;
        Ok(taken.and_then(|sealed| self.open_ceremony(&sealed)))
    }

    fn open_ceremony<C: Ceremony>(&self, sealed: &str) -> Option<C> {
        serde_json::from_slice(&self.secret.open(C::NAME, sealed).ok()?).ok()
    }
}
