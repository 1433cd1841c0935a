//! Memory and open files of the processes, over a piece.

use std::collections::BTreeMap;
use std::fmt;

/// What a process used early in a piece, and late: medians of the first and the last third.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flat {
    /// Which process, and what of it.
    pub what: String,
    /// Early.
    pub first: u64,
    /// Late.
    pub last: u64,
    /// How many samples there are.
    pub samples: usize,
    /// What is no growth: an allocator's step, a file that happened to be open.
    slack: u64,
}

impl Flat {
    /// Whether it has grown by at most a twentieth. Too few samples say nothing.
    pub fn holds(&self) -> bool {
        self.samples < 12 || self.last <= self.first + self.first / 20 + self.slack
    }
}

impl fmt::Display for Flat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flat { what, first, last, samples, .. } = self;
        write!(f, "{what}: {first} at first, {last} at last, {samples} samples")
    }
}

/// Samples by process and quantity.
#[derive(Debug, Default)]
pub(super) struct Samples(BTreeMap<String, Vec<u64>>);

impl Samples {
    /// Takes one of this process. Where the system does not tell, there is none.
    pub fn take(&mut self, who: &str, pid: u32) {
        if let Some(kib) = anonymous_kib(pid) {
            self.memory(who, kib);
        }
        if let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) {
            self.0.entry(format!("{who} open files")).or_default().push(files.count() as u64);
        }
    }

    /// Takes one of a process that told it itself.
    pub fn memory(&mut self, who: &str, kib: u64) {
        self.0.entry(format!("{who} anonymous KiB")).or_default().push(kib);
    }

    pub fn flat(&self) -> Vec<Flat> {
        let flat = |(what, values): (&String, &Vec<u64>)| {
            let third = values.len().div_ceil(3);
            let slack = if what.ends_with("KiB") { 512 } else { 2 };
            Flat {
                what: what.clone(),
                first: median(&values[..third]),
                last: median(&values[values.len() - third..]),
                samples: values.len(),
                slack,
            }
        };
        self.0.iter().map(flat).collect()
    }
}

/// Anonymous memory of a process.
pub(super) fn anonymous_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_from_noise() {
        let flat = |values: Vec<u64>| {
            let samples = Samples(BTreeMap::from([("parent anonymous KiB".to_owned(), values)]));
            samples.flat().remove(0)
        };
        assert!(flat((0..30).map(|n| 100_000 + n % 7).collect()).holds());
        assert!(!flat((0..30).map(|n| 100_000 + n * 500).collect()).holds());
        let mut own = Samples::default();
        own.take("parent", std::process::id());
        assert!(own.flat().iter().all(|flat| flat.first > 0 && flat.holds()));
    }
}
