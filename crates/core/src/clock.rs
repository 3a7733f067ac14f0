//! The clock and UUIDv7 ids. The only code that reads the system time; tests replace it.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sekisho_model::{SessionId, UserId};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::{Timestamp, Uuid, timestamp::context::ContextV7};

/// Milliseconds since 1970-01-01 UTC.
pub type UnixMillis = i64;

/// One hour in milliseconds.
pub const HOUR: UnixMillis = 3_600_000;

/// A duration in milliseconds, saturating.
pub fn millis(duration: Duration) -> UnixMillis {
    UnixMillis::try_from(duration.as_millis()).unwrap_or(UnixMillis::MAX / 4)
}

/// A source of time: the system, or a test.
pub trait TimeSource: Debug + Send + Sync {
    /// Wall-clock time; may be set back.
    fn now(&self) -> UnixMillis;

    /// Monotonic time since a fixed moment.
    fn elapsed(&self) -> Duration;
}

#[derive(Debug)]
struct SystemTimeSource(Instant);

impl TimeSource for SystemTimeSource {
    fn now(&self) -> UnixMillis {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since_epoch.as_millis() as i64
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The shared clock; clones read the same source.
#[derive(Clone, Debug)]
pub struct Clock(Arc<dyn TimeSource>);

impl Default for Clock {
    /// The system clock.
    fn default() -> Self {
        Self(Arc::new(SystemTimeSource(Instant::now())))
    }
}

impl Clock {
    /// A clock with another source.
    pub fn new(source: Arc<dyn TimeSource>) -> Self {
        Self(source)
    }

    /// Wall-clock time.
    pub fn now(&self) -> UnixMillis {
        self.0.now()
    }

    /// A new UUIDv7 as text.
    pub fn new_id(&self) -> String {
        self.new_uuid().to_string()
    }

    /// The id of a new user.
    pub fn new_user_id(&self) -> UserId {
        UserId::from_u128(self.new_uuid().as_u128())
    }

    /// The id of a new session.
    pub fn new_session_id(&self) -> SessionId {
        SessionId::from_u128(self.new_uuid().as_u128())
    }

    /// A new UUIDv7, which sorts by creation time. Not a secret (ASVS 11.5.1).
    fn new_uuid(&self) -> Uuid {
        static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());
        let now = self.now().max(0) as u64;
        Uuid::new_v7(Timestamp::from_unix(&CONTEXT, now / 1000, (now % 1000) as u32 * 1_000_000))
    }
}

/// Rate limits use monotonic time: a clock set back must not lengthen the wait.
impl governor::clock::Clock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// RFC 3339 in UTC, truncated to seconds: `2026-11-21T09:30:00Z`.
pub fn rfc3339(at: UnixMillis) -> String {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1000))
        .ok()
        .and_then(|t| t.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod mock {
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use super::*;

    /// Time that stands still until it is moved.
    #[derive(Debug, Default)]
    pub struct MockTime {
        now: AtomicI64,
        elapsed: AtomicU64,
    }

    impl MockTime {
        pub fn clock() -> (Clock, Arc<Self>) {
            let time = Arc::new(Self::default());
            (Clock::new(time.clone()), time)
        }

        /// A negative number sets the time of day back.
        pub fn advance(&self, by: UnixMillis) {
            self.now.fetch_add(by, Ordering::Relaxed);
            self.elapsed.fetch_add(by.max(0).unsigned_abs(), Ordering::Relaxed);
        }
    }

    impl TimeSource for MockTime {
        fn now(&self) -> UnixMillis {
            self.now.load(Ordering::Relaxed)
        }

        fn elapsed(&self) -> Duration {
            Duration::from_millis(self.elapsed.load(Ordering::Relaxed))
        }
    }
}
