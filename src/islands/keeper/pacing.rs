//! How often something is done: at most once per interval ([`Throttle`]), or after growing pauses ([`Backoff`]).

use crate::browser::clock::Millis;

const SECOND: Millis = 1_000;
const LONGEST_PAUSE: Millis = 60 * SECOND;

/// Lets something happen once per interval.
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    interval: Millis,
    last: Millis,
}

impl Throttle {
    /// `last`: when it happened last, on the browser's clock.
    pub fn new(interval: Millis, last: Millis) -> Self {
        Self { interval: interval.max(SECOND), last }
    }

    /// How long it must wait; 0: not at all.
    pub fn wait(&self, now: Millis) -> Millis {
        // At most one interval, also after the clock was set back.
        (self.last + self.interval - now).clamp(0, self.interval)
    }

    /// It happens now.
    pub fn mark(&mut self, now: Millis) {
        self.last = now;
    }
}

/// Exponential backoff: 1 s, 2 s, 4 s … 60 s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure. How long to wait before the next attempt.
    pub fn fail(&mut self) -> Millis {
        self.failures += 1;
        LONGEST_PAUSE.min(SECOND << (self.failures - 1).min(6))
    }

    /// Whether it failed more than once in a row: a single failure is often a page that is being left.
    pub fn persists(&self) -> bool {
        self.failures > 1
    }

    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60 * SECOND;
    const NOW: Millis = 1_800_000_000_000;

    #[test]
    fn a_throttle_waits_until_the_interval_is_over() {
        let mut throttle = Throttle::new(MINUTE, NOW);
        assert_eq!(throttle.wait(NOW + 10 * SECOND), 50 * SECOND);
        assert_eq!(throttle.wait(NOW + 2 * MINUTE), 0);
        throttle.mark(NOW + 2 * MINUTE);
        assert_eq!(throttle.wait(NOW + 2 * MINUTE), MINUTE);
        assert_eq!(throttle.wait(NOW - 600 * MINUTE), MINUTE, "a clock set back holds it one interval at most");
    }

    #[test]
    fn pauses_grow_to_a_minute() {
        let mut backoff = Backoff::default();
        assert!(!backoff.persists());
        let pauses: Vec<Millis> = (0..40).map(|_| backoff.fail() / SECOND).collect();
        assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses[39], 60);
        assert!(backoff.persists());
        backoff.reset();
        assert_eq!(backoff.fail(), SECOND);
    }
}
