//! A clock that tests move.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sekisho_core::clock::{Clock, TimeSource};

/// The system's time, moved by tests; clones are one clock.
#[derive(Clone, Debug)]
pub struct MockClock {
    time: Arc<MockTime>,
    clock: Clock,
}

#[derive(Debug)]
struct MockTime {
    system: Clock,
    started: Instant,
    /// Milliseconds by which it was moved.
    offset: AtomicI64,
    /// Milliseconds that passed by moves forward.
    passed: AtomicU64,
}

impl Default for MockClock {
    fn default() -> Self {
        let (offset, passed) = Default::default();
        let time = Arc::new(MockTime { system: Clock::default(), started: Instant::now(), offset, passed });
        Self { clock: Clock::new(time.clone()), time }
    }
}

impl MockClock {
    /// What the app is given.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    pub fn new_id(&self) -> String {
        self.clock.new_id()
    }

    /// A negative number sets it back.
    pub fn advance(&self, by: i64) {
        self.time.offset.fetch_add(by, Ordering::Relaxed);
        self.time.passed.fetch_add(by.max(0).unsigned_abs(), Ordering::Relaxed);
    }
}

impl TimeSource for MockTime {
    fn now(&self) -> i64 {
        self.system.now() + self.offset.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed() + Duration::from_millis(self.passed.load(Ordering::Relaxed))
    }
}
