//! Names that people give to their own devices. Nothing is recognised by them: a name says what its owner sees, and is
//! shown beside what the client itself said, never instead of it.

use std::{collections::HashMap, sync::Arc};

use sekisho_model::{SessionId, UserId};
use tracing::instrument;

use crate::{
    db::device_names::{self, Device},
    error::Error,
    request_context::RequestContext,
    session::SignedIn,
    unit_of_work::Store,
};

/// Characters of a name at most.
pub const MAX_DEVICE_NAME: usize = 60;

/// The names of devices, per account.
pub struct DeviceNames {
    pub(crate) store: Arc<Store>,
}

impl DeviceNames {
    /// The devices of those of `ids` that are sessions of this user, live or ended, by id: one statement for a page.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn find(&self, user_id: &UserId, ids: &[&str]) -> Result<HashMap<String, Device>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = device_names::list(self.store.reader(), user_id, ids).await?;
        Ok(found.into_iter().map(|device| (device.id.to_string(), device)).collect())
    }

    /// Names one of the user's own live sessions; an empty name is the client's own again. The caller has made sure of a
    /// recent authentication: an intruder must not give their session a familiar name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidInput`], [`Error::SessionEnded`], [`Error::Unavailable`].
    #[instrument(level = "debug", skip_all, fields(user.id = %who.user.id))]
    pub async fn rename(
        &self,
        who: &SignedIn,
        id: &SessionId,
        name: &str,
        context: &RequestContext,
    ) -> Result<(), Error> {
        let name = name.trim();
        if name.chars().count() > MAX_DEVICE_NAME || name.chars().any(char::is_control) {
            return Err(Error::field("device", "device-invalid"));
        }
        let mut work = self.store.begin(Some(context)).await?;
        if name.is_empty() {
            device_names::delete(work.db(), &who.user.id, id).await?;
        } else if !device_names::save(work.db(), &who.user.id, id, name).await? {
            return Err(Error::NotFound);
        }
        work.commit().await.map(drop)
    }
}
