//! A cache of users by id, for bearer requests and page tokens.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

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
/// How long a read may take before what is known serves.
const READ_WITHIN: Duration = Duration::from_millis(500);

/// Changes by this process invalidate entries at once.
pub(crate) struct UserCache {
    db: Db,
    clock: Clock,
    /// How long an entry serves while the database is out of reach, in milliseconds.
    stale_for: UnixMillis,
    /// When a read failed last.
    failed_at: AtomicI64,
    users: Cache<UserId, (UnixMillis, Arc<User>)>,
}

impl UserCache {
    pub fn new(db: Db, clock: Clock, stale_for: UnixMillis) -> Self {
        Self { db, clock, stale_for, failed_at: AtomicI64::new(UnixMillis::MIN), users: Cache::new(CAPACITY) }
    }

    pub async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        let now = self.clock.now();
        let known = self.users.get(id);
        if let Some((read_at, user)) = &known
            && (0..TTL).contains(&(now - read_at))
        {
            return Ok(Some(user.clone()));
        }
        let known = known.filter(|(read_at, _)| (0..self.stale_for).contains(&(now - read_at)));
        let found = match known {
            None => self.read(id).await?,
            Some((_, user)) if self.is_database_unreachable() => return Ok(Some(user)),
            Some((_, user)) => match tokio::time::timeout(READ_WITHIN, self.read(id)).await {
                Ok(Err(Error::Unavailable(_))) | Err(_) => {
                    self.failed_at.store(now, Ordering::Relaxed);
                    return Ok(Some(user));
                }
                Ok(found) => found?,
            },
        };
        match &found {
            Some(user) => self.users.insert(id.clone(), (now, user.clone())),
            None => self.invalidate(id),
        }
        Ok(found)
    }

    async fn read(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        Ok(users::find(self.db.reader(), id).await?.map(Arc::new))
    }

    /// Whether a read failed within the last second: what is known serves without another try, each of which may take
    /// seconds.
    pub fn is_database_unreachable(&self) -> bool {
        (0..TTL).contains(&self.clock.now().saturating_sub(self.failed_at.load(Ordering::Relaxed)))
    }

    pub fn invalidate(&self, id: &UserId) {
        self.users.remove(id);
    }
}
