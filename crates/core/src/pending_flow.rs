//! Pending flows: OAuth flows, account links, sign-ins at the device limit. Encrypted, short-lived, single-use and bound
//! to the browser that began them (ASVS 10.1.2); not found from any other.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    clock::{Clock, millis},
    db::{Db, pending_flows},
    error::Error,
    secret::{MasterSecret, OpaqueToken},
};

/// Prefix of the browser token, the cookie that binds a flow to its browser.
pub const BROWSER_PREFIX: &str = "sk_br_";
/// Lifetime of a flow.
pub(crate) const TTL: Duration = Duration::from_secs(600);

/// The state of a kind of flow. `NAME` is the encryption purpose, so kinds can't be confused (CVE-2023-48309).
pub(crate) trait PendingFlow: Serialize + DeserializeOwned {
    const NAME: &'static str;
}

/// Stores pending flows.
#[derive(Clone)]
pub(crate) struct PendingFlows {
    pub db: Db,
    pub clock: Clock,
    pub secret: MasterSecret,
}

impl PendingFlows {
    /// Stores a flow for a browser.
    pub async fn insert<F: PendingFlow>(&self, id_hash: &str, browser: &OpaqueToken, flow: &F) -> Result<(), Error> {
        let payload = serde_json::to_vec(flow).map_err(Error::internal)?;
        let sealed = self.secret.seal(F::NAME, &payload);
        let expires_at = self.clock.now() + millis(TTL);
        Ok(pending_flows::insert(self.db.writer(), id_hash, &browser.hash(), &sealed, expires_at).await?)
    }

    /// Reads a flow without consuming it.
    pub async fn find<F: PendingFlow>(&self, id_hash: &str, browser: &OpaqueToken) -> Result<Option<F>, Error> {
        let found = pending_flows::find(self.db.reader(), id_hash, &browser.hash(), self.clock.now()).await?;
        Ok(found.and_then(|sealed| self.open(&sealed)))
    }

    /// Consumes a flow: succeeds once.
    pub async fn take<F: PendingFlow>(&self, id_hash: &str, browser: &OpaqueToken) -> Result<Option<F>, Error> {
        let taken = pending_flows::take(self.db.writer(), id_hash, &browser.hash(), self.clock.now()).await?;
        Ok(taken.and_then(|sealed| self.open(&sealed)))
    }

    fn open<F: PendingFlow>(&self, sealed: &str) -> Option<F> {
        serde_json::from_slice(&self.secret.open(F::NAME, sealed).ok()?).ok()
    }
}
