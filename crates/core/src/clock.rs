//! The one place that reads the time, and makes ids from it. Tests move it; nothing else asks the system.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::{Timestamp, Uuid, timestamp::context::ContextV7};

use crate::db::UnixMillis;

#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    /// Milliseconds by which tests have moved this clock.
    offset: Arc<AtomicI64>,
    /// Milliseconds that passed by such moves: those that went forward.
    passed: Arc<AtomicU64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { started: Instant::now(), offset: Arc::default(), passed: Arc::default() }
    }
}

impl Clock {
    pub fn now(&self) -> UnixMillis {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since_epoch.as_millis() as i64 + self.offset.load(Ordering::Relaxed)
    }

    /// Moves this clock and all its clones, for tests; a negative number moves it back.
    pub fn advance(&self, by: UnixMillis) {
        self.offset.fetch_add(by, Ordering::Relaxed);
        self.passed.fetch_add(by.max(0).unsigned_abs(), Ordering::Relaxed);
    }

    /// A new id (UUIDv7): later ids sort later. Not a secret (ASVS 11.5.1).
    pub fn new_id(&self) -> String {
        static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());
        let now = self.now().max(0) as u64;
        Uuid::new_v7(Timestamp::from_unix(&CONTEXT, now / 1000, (now % 1000) as u32 * 1_000_000)).to_string()
    }
}

/// The rate limiter's view of time: it never goes back, or whoever asked lately would wait for as long.
impl governor::clock::Clock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.started.elapsed() + Duration::from_millis(self.passed.load(Ordering::Relaxed))
    }
}

/// RFC 3339 in UTC, whole seconds: `2026-11-21T09:30:00Z`.
pub fn rfc3339(at: UnixMillis) -> String {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1000))
        .ok()
        .and_then(|t| t.format(&Rfc3339).ok())
        .unwrap_or_default()
}
