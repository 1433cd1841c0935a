//! Rows of figures, and clocks for them.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// One section of the report.
#[derive(Debug)]
pub(crate) struct Table {
    title: &'static str,
    rows: Vec<[String; 5]>,
}

impl Table {
    pub(crate) fn new(title: &'static str) -> Table {
        let head = ["what", "median", "lowest .. highest", "CPU", "target"].map(str::to_owned);
        Table { title, rows: vec![head] }
    }

    /// A row of one figure a round, written with this unit.
    pub(crate) fn row(&mut self, what: &str, values: &[f64], unit: &str, cpu: &str, target: &str) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return };
        let spread = format!("{} .. {}", figure(*low), figure(*high));
        let median = format!("{} {unit}", figure(median(values)));
        self.rows.push([what.to_owned(), median, spread, cpu.to_owned(), target.to_owned()]);
    }

    /// Prints the section as a table of Markdown.
    pub(crate) fn print(&self) {
        let width = |i: usize| self.rows.iter().map(|row| row[i].len()).max().unwrap_or(0);
        println!("\n### {}\n", self.title);
        for (n, row) in self.rows.iter().enumerate() {
            let cells = row.iter().enumerate().map(|(i, cell)| format!("{cell:<w$}", w = width(i)));
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            if n == 0 {
                let rules = (0..row.len()).map(|i| "-".repeat(width(i)));
                println!("| {} |", rules.collect::<Vec<_>>().join(" | "));
            }
        }
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Three digits that count.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// What a piece of work took: by the clock, and of all threads' CPU, system calls included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (start, cpu) = (Instant::now(), cpu_now());
    let done = work();
    let took = Took { wall: start.elapsed(), cpu: cpu_now().saturating_sub(cpu) };
    (done, took)
}

fn cpu_now() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), nanos)
}

/// A line of a file under `/proc/self`, as a number.
pub(crate) fn proc_number(file: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
