//! The one table that the bench prints, for the README, and the line on the machine below it.

use std::{fs, thread, time::Duration};

use crate::{Result, load::Measured};

const COLUMNS: [&str; 6] = ["what", "result", "ratio", "p50", "p99", "mark"];

/// One line of the table; what does not apply stays empty.
pub struct Row([String; COLUMNS.len()]);

impl Row {
    pub fn new(what: impl Into<String>, result: impl Into<String>) -> Self {
        let mut cells = <[String; COLUMNS.len()]>::default();
        (cells[0], cells[1]) = (what.into(), result.into());
        Self(cells)
    }

    /// The rate and the latencies of a load, and what an answer costs its server.
    pub fn load(what: impl Into<String>, measured: &Measured) -> Self {
        let per_answer = match measured.cpu.as_secs_f64() * 1e6 {
            micros if micros < 1000.0 => format!("{micros:.0} µs"),
            micros => format!("{:.1} ms", micros / 1000.0),
        };
        let mut row = Self::new(what, format!("{}/s, {per_answer} CPU each", thousands(measured.rate)));
        (row.0[3], row.0[4]) = (milliseconds(measured.p50), milliseconds(measured.p99));
        row
    }

    pub fn ratio(mut self, ratio: f64, base: &str) -> Self {
        let digits = if ratio < 0.1 { 3 } else { 2 };
        self.0[2] = format!("{ratio:.digits$} of {base}");
        self
    }

    /// Whether one of the project's first marks is reached.
    pub fn mark(mut self, reached: bool, mark: &str) -> Self {
        self.0[5] = format!("{} ({mark})", if reached { "ok" } else { "below" });
        self
    }
}

pub fn print(rows: &[Row]) {
    println!("| {} |\n|---|--:|--:|--:|--:|---|", COLUMNS.join(" | "));
    for Row(cells) in rows {
        println!("| {} |", cells.join(" | "));
    }
}

/// What the numbers were measured on.
pub fn machine(connections: usize) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown CPU", |(_, name)| name.trim());
    let cores = thread::available_parallelism()?;
    Ok(format!("{cores} cores of {model}, client included; {connections} connections over loopback; SQLite on disk."))
}

pub fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.0} ms") }
}

pub fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}

pub fn kilobytes(bytes: f64) -> String {
    format!("{:.1} kB", bytes / 1e3)
}

/// `12,345`; small numbers with one decimal.
fn thousands(number: f64) -> String {
    match number {
        n if n < 1000.0 => format!("{n:.1}"),
        n => format!("{},{:03}", n as u64 / 1000, n as u64 % 1000),
    }
}
