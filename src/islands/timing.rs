//! The keeper's arithmetic: how long a session still has, when to warn, to renew, to report, to try again.
//!
//! There is no clock in here; `now` is a parameter, in milliseconds of the browser's `Date.now()`. The server's times
//! become durations (its deadline minus its own `now`) before they get here, so a machine whose clock is wrong counts
//! as well as any other. And all of it is courtesy: whoever comes to [`Outlook::Over`] asks the server.

use crate::browser::clock::Millis;

const SECOND: Millis = 1_000;

/// The longest time between two looks at the deadlines: `setTimeout` stands still while a laptop sleeps.
const LONGEST_SLEEP: Millis = 60 * SECOND;

/// So that the tabs of a browser, which got their token together, don't all renew it at once.
const JITTER: Millis = 10 * SECOND;

/// Two renewals are never closer than this.
const RENEWAL_PAUSE: Millis = 5 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Moves with activity.
    Idle,
    /// Fixed at sign-in.
    Absolute,
}

/// When a session ends by itself, on the browser's clock. `None` is never.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deadlines {
    pub idle: Option<Millis>,
    pub absolute: Option<Millis>,
}

/// What the deadlines ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlook {
    Quiet { look_again_in: Millis },
    Closing { limit: Limit, left: Millis },
    Over,
}

impl Deadlines {
    pub fn after(now: Millis, idle: Option<Millis>, absolute: Option<Millis>) -> Self {
        Self { idle: idle.map(|left| now + left), absolute: absolute.map(|left| now + left) }
    }

    /// The same deadlines on the browser's clock, when `self` is on the server's.
    pub fn translated(self, server_now: Millis, now: Millis) -> Self {
        Self::after(now, self.idle.map(|end| end - server_now), self.absolute.map(|end| end - server_now))
    }

    /// The one that comes first; of two at the same time, the one that activity cannot move.
    pub fn first(self) -> Option<(Limit, Millis)> {
        match (self.idle, self.absolute) {
            (Some(idle), Some(absolute)) if idle < absolute => Some((Limit::Idle, idle)),
            (_, Some(absolute)) => Some((Limit::Absolute, absolute)),
            (Some(idle), None) => Some((Limit::Idle, idle)),
            (None, None) => None,
        }
    }

    /// `warning`: how long before the end a person is told; 0 is not at all.
    pub fn outlook(self, now: Millis, warning: Millis) -> Outlook {
        let Some((limit, end)) = self.first() else {
            return Outlook::Quiet { look_again_in: LONGEST_SLEEP };
        };
        match end - now {
            ..=0 => Outlook::Over,
            left if left <= warning => Outlook::Closing { limit, left },
            left => Outlook::Quiet { look_again_in: LONGEST_SLEEP.min(left - warning) },
        }
    }
}

/// Whole seconds, rounded up: the last one shown is 1.
pub fn seconds(left: Millis) -> u32 {
    u32::try_from((left + SECOND - 1) / SECOND).unwrap_or(0)
}

/// How long the number that [`seconds`] gives stays right.
pub fn until_next_second(left: Millis) -> Millis {
    match left % SECOND {
        0 => SECOND,
        part => part,
    }
}

/// Minutes and seconds, as a countdown shows them: `0:59`.
pub fn countdown(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Whether a countdown that goes from `before` to `now` is spoken by a screen reader: when it starts, and as it passes
/// 30 and 10 seconds. Each second would drown everything else.
pub fn is_spoken(before: Option<u32>, now: u32) -> bool {
    before.is_none_or(|before| [30, 10].iter().any(|mark| before > *mark && now <= *mark))
}

/// When to renew a token: `lead` before its end, or at half its life if that is later, less some jitter (`chance` is
/// a number from 0 to 1). `None` when it already lives as long as the session: renewing would gain nothing until
/// activity moves the deadline.
pub fn renewal(now: Millis, expires_at: Millis, deadlines: Deadlines, lead: Millis, chance: f64) -> Option<Millis> {
    // The server counts a token's life in whole seconds.
    let reaches = |end| expires_at + 2 * SECOND > end;
    if deadlines.first().is_some_and(|(_, end)| reaches(end)) {
        return None;
    }
    let life = expires_at - now;
    let wait = (life - lead).max(life / 2);
    let jitter = JITTER.min(wait / 10) as f64 * chance;
    Some((wait - jitter as Millis).max(RENEWAL_PAUSE))
}

/// Lets activity through once per interval.
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    interval: Millis,
    last: Millis,
}

impl Throttle {
    pub fn new(interval: Millis, now: Millis) -> Self {
        Self { interval: interval.max(SECOND), last: now }
    }

    /// How long to hold back what happens now.
    pub fn wait(&self, now: Millis) -> Millis {
        // A clock that was set back must not hold it for hours.
        (self.last + self.interval - now).clamp(0, self.interval)
    }

    pub fn mark(&mut self, now: Millis) {
        self.last = now;
    }
}

/// Failures in a row, and the growing pauses after them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// One more failure: how long to wait before the next attempt (1 s, 2 s, 4 s … 60 s).
    pub fn fail(&mut self) -> Millis {
        self.failures += 1;
        LONGEST_SLEEP.min(SECOND << (self.failures - 1).min(6))
    }

    /// One failure alone is often just a page being left.
    pub fn persists(&self) -> bool {
        self.failures > 1
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
    fn the_earlier_deadline_counts_and_the_fixed_one_wins_a_tie() {
        let first = |idle, absolute| Deadlines { idle, absolute }.first();
        assert_eq!(first(Some(1), Some(2)), Some((Limit::Idle, 1)));
        assert_eq!(first(Some(2), Some(1)), Some((Limit::Absolute, 1)));
        assert_eq!(first(Some(1), Some(1)), Some((Limit::Absolute, 1)));
        assert_eq!(first(Some(1), None), Some((Limit::Idle, 1)));
        assert_eq!(first(None, Some(1)), Some((Limit::Absolute, 1)));
        assert_eq!(first(None, None), None);
    }

    #[test]
    fn the_outlook_is_quiet_then_closing_then_over() {
        let outlook = |left| idle_in(left).outlook(NOW, MINUTE);
        assert_eq!(outlook(90 * SECOND), Outlook::Quiet { look_again_in: 30 * SECOND });
        assert_eq!(outlook(MINUTE), Outlook::Closing { limit: Limit::Idle, left: MINUTE });
        assert_eq!(outlook(1), Outlook::Closing { limit: Limit::Idle, left: 1 });
        assert_eq!(outlook(0), Outlook::Over);
        assert_eq!(outlook(-MINUTE), Outlook::Over);
    }

    #[test]
    fn a_quiet_keeper_looks_again_within_a_minute() {
        let quiet = Outlook::Quiet { look_again_in: MINUTE };
        assert_eq!(idle_in(90 * MINUTE).outlook(NOW, MINUTE), quiet);
        assert_eq!(Deadlines::default().outlook(NOW, MINUTE), quiet);
    }

    #[test]
    fn without_a_warning_there_is_none() {
        assert_eq!(idle_in(10).outlook(NOW, 0), Outlook::Quiet { look_again_in: 10 });
    }

    #[test]
    fn a_countdown_ends_with_one() {
        assert_eq!([seconds(1_001), seconds(1_000), seconds(1), seconds(0), seconds(-1)], [2, 1, 1, 0, 0]);
        assert_eq!([until_next_second(1_001), until_next_second(1_000), until_next_second(999)], [1, 1_000, 999]);
        assert_eq!([countdown(60), countdown(9)], ["1:00", "0:09"]);
    }

    #[test]
    fn a_countdown_is_spoken_at_its_start_and_at_thirty_and_ten() {
        let spoken: Vec<u32> = (1..=60).rev().filter(|n| is_spoken((*n < 60).then_some(n + 1), *n)).collect();
        assert_eq!(spoken, [60, 30, 10]);
        assert!(is_spoken(Some(45), 12), "a throttled tab may jump over the mark");
    }

    #[test]
    fn a_token_is_renewed_ahead_of_its_end() {
        let renewal = |life, chance| renewal(NOW, NOW + life, idle_in(60 * MINUTE), 2 * MINUTE, chance);
        assert_eq!(renewal(15 * MINUTE, 0.0), Some(13 * MINUTE));
        assert_eq!(renewal(15 * MINUTE, 1.0), Some(13 * MINUTE - JITTER));
        assert_eq!(renewal(3 * MINUTE, 0.0), Some(90 * SECOND), "half its life is later");
        assert_eq!(renewal(SECOND, 0.0), Some(RENEWAL_PAUSE));
        assert_eq!(renewal(-MINUTE, 1.0), Some(RENEWAL_PAUSE));
    }

    #[test]
    fn a_token_that_reaches_the_deadline_is_not_renewed() {
        let renewal = |left| renewal(NOW, NOW + 5 * MINUTE, idle_in(left), 2 * MINUTE, 0.0);
        assert_eq!(renewal(5 * MINUTE + SECOND), None);
        assert_eq!(renewal(6 * MINUTE), Some(3 * MINUTE));
    }

    #[test]
    fn a_throttle_holds_back_until_the_interval_is_over() {
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
    }
}
