//! Bars over time, drawn on the server: no script, no style attribute, sharp at every width and in both colour
//! schemes. The picture sums itself up for a screen reader, and its numbers follow as a table.

use leptos::prelude::*;

use crate::locale::Lang;
use sekisho_core::{Count, UnixMillis, clock::rfc3339};

const HOUR: UnixMillis = 3_600_000;
/// A bar's room in the picture's own units; the bar itself leaves a gap at either side.
const SLOT: usize = 10;
/// Every so many bars one is named below.
const NAMED: usize = 6;

/// What one bar stands for. All times are UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Hour,
    Day,
}

impl Unit {
    fn hours(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 24,
        }
    }

    /// How many bars a plot has; a multiple of [`NAMED`].
    fn bars(self) -> i64 {
        match self {
            Self::Hour => 24,
            Self::Day => 30,
        }
    }

    /// The locale key of all the time that a plot shows.
    fn span(self) -> &'static str {
        match self {
            Self::Hour => "admin-span-hours",
            Self::Day => "admin-span-days",
        }
    }
}

/// What the counts of several hours make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Things that happened: their sum.
    Sum,
    /// How many there were at once: the greatest.
    Peak,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    at: UnixMillis,
    n: i64,
}

impl Bar {
    /// `14:00`, or `11-21`.
    fn short(&self, unit: Unit) -> String {
        match unit {
            Unit::Hour => rfc3339(self.at)[11..16].to_owned(),
            Unit::Day => rfc3339(self.at)[5..10].to_owned(),
        }
    }

    /// `2026-11-21 14:00`, or `2026-11-21`.
    fn full(&self, unit: Unit) -> String {
        match unit {
            Unit::Hour => rfc3339(self.at)[..16].replace('T', " "),
            Unit::Day => rfc3339(self.at)[..10].to_owned(),
        }
    }
}

/// The bars of one kind of thing, the oldest first, up to the Unix hour `now`.
pub fn bars(counts: &[Count], kind: &str, now: i64, unit: Unit, measure: Measure) -> Vec<Bar> {
    let last = now.div_euclid(unit.hours());
    let first = last - unit.bars() + 1;
    let mut bars: Vec<_> = (first..=last).map(|at| Bar { at: at * unit.hours() * HOUR, n: 0 }).collect();
    for count in counts.iter().filter(|count| count.kind == kind) {
        let index = count.hour.div_euclid(unit.hours()) - first;
        if let Some(bar) = usize::try_from(index).ok().and_then(|index| bars.get_mut(index)) {
            bar.n = match measure {
                Measure::Sum => bar.n + count.n,
                Measure::Peak => bar.n.max(count.n),
            };
        }
    }
    bars
}

/// The axis for values up to `most`: a round step, and how many of them it is high.
fn scale(most: i64) -> (i64, i64) {
    const STEPS: i64 = 4;
    let mut round = (0..18).flat_map(|power| [1, 2, 5].map(|n| n * 10_i64.pow(power)));
    let step = round.find(|step| step * STEPS >= most).unwrap_or(most);
    (step, ((most + step - 1) / step).max(1))
}

/// `1,234,567`
pub fn grouped(n: i64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[component]
pub fn Plot(
    lang: Lang,
    /// A locale key.
    title: &'static str,
    /// How the bars are meant: `good` or `bad`.
    tone: &'static str,
    unit: Unit,
    measure: Measure,
    bars: Vec<Bar>,
) -> impl IntoView {
    let most = bars.iter().max_by_key(|bar| bar.n).filter(|bar| bar.n > 0);
    let total = grouped(bars.iter().map(|bar| bar.n).sum());
    let greatest = grouped(most.map_or(0, |bar| bar.n));
    let when = most.map(|bar| bar.short(unit));
    let (figure, told, peak) = match measure {
        Measure::Sum => {
            let peak = when.map(|when| lang.t1("admin-plot-peak", "peak", format!("{greatest} ({when})")));
            (total.clone(), lang.t1("admin-plot-total", "total", total), peak)
        }
        Measure::Peak => (greatest.clone(), greatest, when.map(|when| lang.t1("admin-plot-peak-at", "when", when))),
    };
    let told = std::iter::once(told).chain(peak.clone()).collect::<Vec<_>>().join(", ");
    let summary = format!("{} ({}): {told}", lang.t(title), lang.t(unit.span()));
    let rows = bars.iter().map(|bar| {
        view! { <tr><th scope="row">{bar.full(unit)}</th><td>{grouped(bar.n)}</td></tr> }
    });
    let rows = rows.collect_view();
    view! {
        <figure class="card plot" data-tone=tone>
            <figcaption>
                <h2>{lang.t(title)}</h2>
                <p><strong>{figure}</strong> " " {peak.map(|peak| view! { <span class="hint">{peak}</span> })}</p>
            </figcaption>
            <Chart unit summary=summary.clone() bars />
            <details>
                <summary>{lang.t("admin-plot-numbers")}</summary>
                <table aria-label=summary>
                    <thead>
                        <tr>
                            <th scope="col">{lang.t("admin-plot-time")}</th>
                            <th scope="col">{lang.t("admin-plot-number")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </details>
        </figure>
    }
}

/// The picture. It is stretched to whatever room there is; the words beside it are text of the page, and stay as
/// large as that.
#[component]
fn Chart(unit: Unit, summary: String, bars: Vec<Bar>) -> impl IntoView {
    const HEIGHT: f64 = 100.0;
    /// What a bar is high at least, so that one among thousands is seen.
    const LEAST: f64 = 1.5;
    let (step, steps) = scale(bars.iter().map(|bar| bar.n).max().unwrap_or_default());
    let width = bars.len() * SLOT;
    let heights = (0..=steps).rev().map(|line| view! { <li>{grouped(line * step)}</li> }).collect_view();
    let names = bars.iter().step_by(NAMED).map(|bar| view! { <li>{bar.short(unit)}</li> }).collect_view();
    let lines = (0..steps).map(|line| {
        let y = HEIGHT * line as f64 / steps as f64;
        view! { <line x1="0" x2=width y1=y y2=y vector-effect="non-scaling-stroke" /> }
    });
    let lines = lines.collect_view();
    let drawn = bars.iter().enumerate().map(|(index, bar)| {
        let height = if bar.n == 0 { 0.0 } else { (HEIGHT * bar.n as f64 / (step * steps) as f64).max(LEAST) };
        let (x, y) = (index * SLOT, HEIGHT - height);
        view! {
            <g>
                <title>{format!("{}: {}", bar.short(unit), grouped(bar.n))}</title>
                <rect class="slot" x=x y="0" width=SLOT height="100" />
                <rect x=x + 1 y=y width=SLOT - 2 height=height />
            </g>
        }
    });
    let drawn = drawn.collect_view();
    view! {
        <div class="chart">
            <ol aria-hidden="true">{heights}</ol>
            <svg viewBox=format!("0 0 {width} 100") preserveAspectRatio="none" role="img" aria-label=summary>
                {lines}
                {drawn}
            </svg>
            <ol aria-hidden="true">{names}</ol>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_round_and_has_few_lines() {
        let scales = [(0, (1, 1)), (1, (1, 1)), (4, (1, 4)), (5, (2, 3)), (12, (5, 3)), (231, (100, 3))];
        assert!(scales.into_iter().all(|(most, expected)| scale(most) == expected));
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123_456), "123,456");
    }

    #[test]
    fn hours_are_put_into_their_bars() {
        let count = |hour, kind: &str, n| Count { hour, kind: kind.into(), n };
        let now = 100 * 24 + 5;
        let counts = [
            count(now - 24, "sign_in", 9),
            count(now - 23, "sign_in", 1),
            count(now - 6, "sign_in", 4),
            count(now, "sign_in", 2),
            count(now, "other", 7),
        ];
        let of = |unit, measure| bars(&counts, "sign_in", now, unit, measure).iter().map(|b| b.n).collect::<Vec<_>>();
        let hours = of(Unit::Hour, Measure::Sum);
        assert_eq!((hours.len(), hours[0], hours[17], hours[23]), (24, 1, 4, 2));
        assert_eq!(of(Unit::Day, Measure::Sum)[28..], [14, 2]);
        assert_eq!(of(Unit::Day, Measure::Peak)[28..], [9, 2]);
        let days = bars(&counts, "sign_in", now, Unit::Day, Measure::Sum);
        assert_eq!((days.len(), days[29].full(Unit::Day).as_str()), (30, "1970-04-11"));
        assert_eq!(bars(&counts, "sign_in", now, Unit::Hour, Measure::Sum)[23].short(Unit::Hour), "05:00");
    }
}
