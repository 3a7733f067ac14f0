//! A cache of users by id, for bearer requests.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sekisho_model::UserId;

use crate::{
    clock::{Clock, UnixMillis},
    db::{
        Db,
        users::{self, User},
    },
    error::Error,
};

/// Lifetime of an entry in milliseconds: the delay of other processes' changes.
const TTL: UnixMillis = 1_000;
/// Maximum number of entries.
const CAPACITY: usize = 10_000;

/// Changes by this process invalidate entries at once.
pub(crate) struct UserCache {
    db: Db,
    clock: Clock,
    users: Cache<UserId, (UnixMillis, Arc<User>)>,
}

impl UserCache {
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, users: Cache::new(CAPACITY) }
    }

    pub async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        let now = self.clock.now();
        if let Some((read_at, user)) = self.users.get(id)
            && (0..TTL).contains(&(now - read_at))
        {
            return Ok(Some(user));
        }
        let Some(user) = users::find(self.db.reader(), id).await?.map(Arc::new) else { return Ok(None) };
        self.users.insert(id.clone(), (now, user.clone()));
        Ok(Some(user))
    }

    pub fn invalidate(&self, id: &UserId) {
        self.users.remove(id);
    }
}
