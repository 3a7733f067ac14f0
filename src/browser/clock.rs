//! The wall clock and random numbers. Whatever decides takes them as parameters and does not call these.

use js_sys::{Date, Math};

/// Milliseconds: a duration, or a Unix time on the browser's clock, which may be wrong.
pub type Millis = i64;

/// `Date.now()`.
pub fn now() -> Millis {
    Date::now() as Millis
}

/// From 0 (inclusive) to 1 (exclusive); not for secrets.
pub fn random() -> f64 {
    Math::random()
}
