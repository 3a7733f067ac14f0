//! The session's deadlines: which comes first, how long until then, and when an access token is renewed before them.
//!
//! Times are on the browser's clock. A time of the server becomes a duration first (its deadline minus its own `now`),
//! so a browser whose clock is wrong counts as well as any other. [`Remaining::Passed`] is a reason to ask the server,
//! never the end itself.

use crate::browser::clock::Millis;

const SECOND: Millis = 1_000;

/// The longest time between two checks of the deadlines: `setTimeout` stands still while a computer sleeps.
const LONGEST_SLEEP: Millis = 60 * SECOND;

/// Spreads the renewals of tabs that got their token at the same time.
const JITTER: Millis = 10 * SECOND;

/// Between two renewals at least.
const RENEWAL_PAUSE: Millis = 5 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The idle timeout: activity moves it.
    Idle,
    /// The absolute timeout: fixed at sign-in.
    Absolute,
}

/// When the session times out. `None`: never.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deadlines {
    pub idle: Option<Millis>,
    pub absolute: Option<Millis>,
}

/// What is left until the first deadline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Remaining {
    /// Nothing to show yet.
    Plenty { check_in: Millis },
    /// Less than the warning time.
    Warning { limit: Limit, left: Millis },
    /// The deadline has passed.
    Passed,
}

impl Deadlines {
    pub fn after(now: Millis, idle: Option<Millis>, absolute: Option<Millis>) -> Self {
        Self { idle: idle.map(|left| now + left), absolute: absolute.map(|left| now + left) }
    }

    /// From the server's clock to the browser's.
    pub fn translated(self, server_now: Millis, now: Millis) -> Self {
        Self::after(now, self.idle.map(|end| end - server_now), self.absolute.map(|end| end - server_now))
    }

    /// The earlier one; of two at the same time the absolute one, which activity cannot move.
    pub fn first(self) -> Option<(Limit, Millis)> {
        match (self.idle, self.absolute) {
            (Some(idle), Some(absolute)) if idle < absolute => Some((Limit::Idle, idle)),
            (_, Some(absolute)) => Some((Limit::Absolute, absolute)),
            (Some(idle), None) => Some((Limit::Idle, idle)),
            (None, None) => None,
        }
    }

    /// `warning`: how long before the deadline to warn; 0: no warning.
    pub fn remaining(self, now: Millis, warning: Millis) -> Remaining {
        let Some((limit, end)) = self.first() else {
            return Remaining::Plenty { check_in: LONGEST_SLEEP };
        };
        match end - now {
            ..=0 => Remaining::Passed,
            left if left <= warning => Remaining::Warning { limit, left },
            left => Remaining::Plenty { check_in: LONGEST_SLEEP.min(left - warning) },
        }
    }

    pub fn have_passed(self, now: Millis) -> bool {
        self.remaining(now, 0) == Remaining::Passed
    }

    /// How long to wait before renewing an access token: until `lead` before its expiry, or until half its lifetime if
    /// that is later, less a jitter (`chance`: from 0 to 1). `None`: it already lives as long as the session, and a new
    /// one could not live longer until activity moves the deadline.
    pub fn renewal(self, now: Millis, expires_at: Millis, lead: Millis, chance: f64) -> Option<Millis> {
        // The server counts a token's lifetime in whole seconds.
        let reaches = |end| expires_at + 2 * SECOND > end;
        if self.first().is_some_and(|(_, end)| reaches(end)) {
            return None;
        }
        let lifetime = expires_at - now;
        let wait = (lifetime - lead).max(lifetime / 2);
        let jitter = JITTER.min(wait / 10) as f64 * chance;
        Some((wait - jitter as Millis).max(RENEWAL_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60 * SECOND;
    const NOW: Millis = 1_800_000_000_000;

    fn idle_in(left: Millis) -> Deadlines {
        Deadlines::after(NOW, Some(left), Some(100 * MINUTE))
    }

    #[test]
    fn a_wrong_clock_in_the_browser_changes_no_duration() {
        let server = Deadlines { idle: Some(NOW + MINUTE), absolute: None };
        let wrong = NOW - 5_000 * MINUTE;
        assert_eq!(server.translated(NOW, wrong), Deadlines { idle: Some(wrong + MINUTE), absolute: None });
    }

    #[test]
    fn the_earlier_deadline_counts_and_the_absolute_one_wins_a_tie() {
        let first = |idle, absolute| Deadlines { idle, absolute }.first();
        assert_eq!(first(Some(1), Some(2)), Some((Limit::Idle, 1)));
        assert_eq!(first(Some(2), Some(1)), Some((Limit::Absolute, 1)));
        assert_eq!(first(Some(1), Some(1)), Some((Limit::Absolute, 1)));
        assert_eq!(first(Some(1), None), Some((Limit::Idle, 1)));
        assert_eq!(first(None, Some(1)), Some((Limit::Absolute, 1)));
        assert_eq!(first(None, None), None);
    }

    #[test]
    fn there_is_plenty_of_time_then_a_warning_then_none() {
        let remaining = |left| idle_in(left).remaining(NOW, MINUTE);
        assert_eq!(remaining(90 * SECOND), Remaining::Plenty { check_in: 30 * SECOND });
        assert_eq!(remaining(MINUTE), Remaining::Warning { limit: Limit::Idle, left: MINUTE });
        assert_eq!(remaining(1), Remaining::Warning { limit: Limit::Idle, left: 1 });
        assert_eq!(remaining(0), Remaining::Passed);
        assert_eq!(remaining(-MINUTE), Remaining::Passed);
    }

    #[test]
    fn the_deadlines_are_checked_every_minute_at_least() {
        let plenty = Remaining::Plenty { check_in: MINUTE };
        assert_eq!(idle_in(90 * MINUTE).remaining(NOW, MINUTE), plenty);
        assert_eq!(Deadlines::default().remaining(NOW, MINUTE), plenty);
    }

    #[test]
    fn a_warning_time_of_zero_is_no_warning() {
        assert_eq!(idle_in(10).remaining(NOW, 0), Remaining::Plenty { check_in: 10 });
    }

    #[test]
    fn a_token_is_renewed_ahead_of_its_expiry() {
        let renewal = |life, chance| idle_in(60 * MINUTE).renewal(NOW, NOW + life, 2 * MINUTE, chance);
        assert_eq!(renewal(15 * MINUTE, 0.0), Some(13 * MINUTE));
        assert_eq!(renewal(15 * MINUTE, 1.0), Some(13 * MINUTE - JITTER));
        assert_eq!(renewal(3 * MINUTE, 0.0), Some(90 * SECOND), "half its lifetime is later");
        assert_eq!(renewal(SECOND, 0.0), Some(RENEWAL_PAUSE));
        assert_eq!(renewal(-MINUTE, 1.0), Some(RENEWAL_PAUSE));
    }

    #[test]
    fn a_token_that_reaches_the_deadline_is_not_renewed() {
        let renewal = |left| idle_in(left).renewal(NOW, NOW + 5 * MINUTE, 2 * MINUTE, 0.0);
        assert_eq!(renewal(5 * MINUTE + SECOND), None);
        assert_eq!(renewal(6 * MINUTE), Some(3 * MINUTE));
    }
}
