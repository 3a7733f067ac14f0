//! The countdown of the warning: whole seconds, and which of them a screen reader speaks.

use crate::browser::clock::Millis;

const SECOND: Millis = 1_000;

/// Rounded up: the last one shown is 1.
pub fn seconds(left: Millis) -> u32 {
    u32::try_from((left + SECOND - 1) / SECOND).unwrap_or(0)
}

/// How long the result of [`seconds`] stays right.
pub fn until_next_second(left: Millis) -> Millis {
    match left % SECOND {
        0 => SECOND,
        part => part,
    }
}

/// Minutes and seconds: `0:59`.
pub fn format(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Whether a countdown that goes from `before` to `now` is spoken: when it starts, and as it passes 30 and 10 seconds.
/// Speaking each second would drown everything else.
pub fn is_spoken(before: Option<u32>, now: u32) -> bool {
    before.is_none_or(|before| [30, 10].iter().any(|mark| before > *mark && now <= *mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_ends_with_one() {
        assert_eq!([seconds(1_001), seconds(1_000), seconds(1), seconds(0), seconds(-1)], [2, 1, 1, 0, 0]);
        assert_eq!([until_next_second(1_001), until_next_second(1_000), until_next_second(999)], [1, 1_000, 999]);
        assert_eq!([format(60), format(9)], ["1:00", "0:09"]);
    }

    #[test]
    fn a_countdown_is_spoken_at_its_start_and_at_thirty_and_ten() {
        let spoken: Vec<u32> = (1..=60).rev().filter(|n| is_spoken((*n < 60).then_some(n + 1), *n)).collect();
        assert_eq!(spoken, [60, 30, 10]);
        assert!(is_spoken(Some(45), 12), "a throttled tab may jump over the mark");
    }
}
