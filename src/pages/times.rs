//! Points in time as people say them, in the reader's language and, where that is known, by their clock.

use leptos::prelude::*;
use time::{Date, OffsetDateTime, UtcOffset, Weekday};

use super::script::use_script;
use crate::locale::Lang;
use sekisho_core::{UnixMillis, clock::rfc3339};

const MINUTE: UnixMillis = 60_000;
const HOUR: UnixMillis = 60 * MINUTE;
const DAY: UnixMillis = 24 * HOUR;

/// When and for whom a page is drawn; a context of all its components.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    pub lang: Lang,
    /// The server's time.
    pub now: UnixMillis,
    /// `None`: not known; times are UTC and say so.
    pub utc_offset: Option<UtcOffset>,
}

impl Reader {
    /// Of the page that is being drawn.
    pub fn of_page() -> Self {
        use_context().unwrap_or(Self { lang: Lang::En, now: 0, utc_offset: None })
    }

    fn local(&self, at: UnixMillis) -> OffsetDateTime {
        let utc = OffsetDateTime::from_unix_timestamp(at.div_euclid(1_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        utc.to_offset(self.utc_offset.unwrap_or(UtcOffset::UTC))
    }

    /// The day by the reader's clock.
    pub fn date(&self, at: UnixMillis) -> Date {
        self.local(at).date()
    }

    fn date_text(&self, date: Date) -> String {
        let (year, month, day) = date.to_calendar_date();
        match self.lang {
            Lang::En => format!("{day} {} {year}", &month.to_string()[..3]),
            Lang::Ja => format!("{year}年{}月{day}日", u8::from(month)),
        }
    }

    /// `20:15`, with its zone where that may not be the reader's.
    fn clock_text(&self, at: UnixMillis) -> String {
        let local = self.local(at);
        let zone = if self.utc_offset.is_none() { " UTC" } else { "" };
        format!("{:02}:{:02}{zone}", local.hour(), local.minute())
    }

    /// `22 Nov 2026, 11:26`.
    pub fn exact(&self, at: UnixMillis) -> String {
        let separator = if self.lang == Lang::Ja { " " } else { ", " };
        format!("{}{separator}{}", self.date_text(self.date(at)), self.clock_text(at))
    }

    /// `Today`, `Yesterday`, or the date with its weekday.
    pub fn day(&self, date: Date) -> String {
        let lang = self.lang;
        match (self.date(self.now) - date).whole_days() {
            0 => lang.t("day-today"),
            1 => lang.t("day-yesterday"),
            _ => {
                let weekday = match date.weekday() {
                    Weekday::Monday => lang.t("day-monday"),
                    Weekday::Tuesday => lang.t("day-tuesday"),
                    Weekday::Wednesday => lang.t("day-wednesday"),
                    Weekday::Thursday => lang.t("day-thursday"),
                    Weekday::Friday => lang.t("day-friday"),
                    Weekday::Saturday => lang.t("day-saturday"),
                    Weekday::Sunday => lang.t("day-sunday"),
                };
                match lang {
                    Lang::En => format!("{weekday}, {}", self.date_text(date)),
                    Lang::Ja => format!("{}（{weekday}）", self.date_text(date)),
                }
            }
        }
    }

    /// `2 minutes ago`; after a month the date. A little in the future is now: clocks of nodes differ.
    pub fn ago(&self, at: UnixMillis) -> String {
        let (lang, passed) = (self.lang, self.now - at);
        match passed {
            ..MINUTE => lang.t("ago-now"),
            MINUTE..HOUR => lang.t1("ago-minutes", "count", passed / MINUTE),
            HOUR..DAY => lang.t1("ago-hours", "count", passed / HOUR),
            _ if passed < 30 * DAY => lang.t1("ago-days", "count", passed / DAY),
            _ => self.date_text(self.date(at)),
        }
    }

    /// How long until then: `52 min`.
    pub fn left(&self, at: UnixMillis) -> String {
        let (lang, left) = (self.lang, (at - self.now).max(0));
        let (minutes, hours, days) = ((left + MINUTE - 1) / MINUTE, (left + HOUR / 2) / HOUR, (left + DAY / 2) / DAY);
        match (minutes, hours) {
            (..60, _) => lang.t1("left-minutes", "count", minutes),
            (_, ..24) => lang.t1("left-hours", "count", hours),
            _ => lang.t1("left-days", "count", days),
        }
    }

    /// `tomorrow 20:15`, or the date and the time.
    pub fn moment(&self, at: UnixMillis) -> String {
        let clock = self.clock_text(at);
        match (self.date(at) - self.date(self.now)).whole_days() {
            0 => self.lang.t1("moment-today", "time", clock),
            1 => self.lang.t1("moment-tomorrow", "time", clock),
            _ => self.exact(at),
        }
    }
}

/// A point in time, relative to now; the exact one on hover and focus.
#[component]
pub fn Ago(
    /// Unix milliseconds.
    at: UnixMillis,
) -> impl IntoView {
    use_script();
    let reader = Reader::of_page();
    view! {
        <time class="ago" datetime=rfc3339(at) title=reader.exact(at) tabindex="0" data-ago="">
            {reader.ago(at)}
        </time>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = 1_795_314_000_000; // 2026-11-22 02:20 UTC

    fn reader(lang: Lang, hours: Option<i8>) -> Reader {
        let utc_offset = hours.map(|hours| UtcOffset::from_hms(hours, 0, 0).expect("an offset"));
        Reader { lang, now: NOW, utc_offset }
    }

    #[test]
    fn times_are_relative_in_both_languages() {
        let (en, ja) = (reader(Lang::En, None), reader(Lang::Ja, None));
        for (passed, english, japanese) in [
            (-5, "just now", "たった今"),
            (59_999, "just now", "たった今"),
            (MINUTE, "1 minute ago", "1分前"),
            (2 * HOUR + 5, "2 hours ago", "2時間前"),
            (3 * DAY, "3 days ago", "3日前"),
            (40 * DAY, "13 Oct 2026", "2026年10月13日"),
        ] {
            assert_eq!((en.ago(NOW - passed).as_str(), ja.ago(NOW - passed).as_str()), (english, japanese));
        }
    }

    #[test]
    fn days_and_moments_are_those_of_the_readers_clock() {
        let (utc, tokyo) = (reader(Lang::En, None), reader(Lang::Ja, Some(9)));
        let at = NOW + 18 * HOUR;
        assert_eq!((utc.moment(at).as_str(), tokyo.moment(at).as_str()), ("today 20:20 UTC", "明日05:20"));
        assert_eq!(utc.exact(NOW), "22 Nov 2026, 02:20 UTC");
        assert_eq!(tokyo.exact(NOW), "2026年11月22日 11:20");
        assert_eq!(utc.day(utc.date(NOW - 10 * HOUR)), "Yesterday");
        assert_eq!(tokyo.day(tokyo.date(NOW - 10 * HOUR)), "今日");
        assert_eq!(tokyo.day(tokyo.date(NOW - 3 * DAY)), "2026年11月19日（木）");
        assert_eq!(utc.left(NOW + 52 * MINUTE - 1), "52 min");
    }
}
