//! Tidies up: ends what is past its deadline, removes what nobody needs. In small batches, so that a sign-in never
//! waits behind it for long. Nothing rests on it: deadlines are compared at each request.

use std::time::Duration;

use super::{Auth, HOUR};
use crate::{
    db::{ceremonies, refresh_tokens, sessions},
    error::Error,
};

/// How often a running server does this.
pub const INTERVAL: Duration = Duration::from_secs(30);
const BATCH: i64 = 200;
/// Ended sessions stay this long, to say why they ended.
const KEEP_ENDED: i64 = 30 * 24 * HOUR;

impl Auth {
    /// One pass; leaves nothing over.
    pub async fn sweep(&self) -> Result<(), Error> {
        if let Err(error) = self.keep_keys().await {
            error.log(); // deadlines and the log are looked after all the same
        }
        self.write_sign_outs().await?;
        while self.end_expired().await? >= BATCH as usize {}
        self.note_access_ttl().await?;
        let now = self.clock.now();
        let writer = self.db.writer();
        let keep_ended = KEEP_ENDED.max(self.ends_matter_for());
        while sessions::delete_ended(writer, now - keep_ended, BATCH).await? == BATCH as u64 {}
        while refresh_tokens::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        while ceremonies::delete_expired(writer, now, BATCH).await? == BATCH as u64 {}
        self.trim_log().await?;
        self.take_stock().await?;
        self.tampered_seq().await?;
        self.ended.forget(now - self.ends_matter_for(), now);
        self.limits.sweep();
        self.passwords.release_memory();
        Ok(())
    }

    async fn end_expired(&self) -> Result<usize, Error> {
        let mut act = self.begin(None).await?;
        let now = act.now;
        let ended = sessions::end_expired(act.db(), now, BATCH, self.db.for_update()).await?;
        act.ended(ended);
        act.commit().await
    }
}
