//! Memory and open files of the processes, over a piece.
//!
//! What a process uses depends on how much of a store it has seen. Writer, reader and
//! the resident process therefore say it themselves, at the same batch of each store.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use tracekeep::{Error, Result};

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
        for (what, value) in used(pid) {
            self.add(format!("{who} {what}"), value);
        }
    }

    /// Takes one of a process that told it itself.
    pub fn memory(&mut self, who: &str, kib: u64) {
        self.add(format!("{who} {KIB}"), kib);
    }

    /// Takes what processes said, and forgets that they did.
    pub fn take_said(&mut self, notes: &Path) {
        for line in std::fs::read_to_string(said_in(notes)).unwrap_or_default().lines() {
            if let Some((what, value)) = line.rsplit_once(' ')
                && let Ok(value) = value.parse()
            {
                self.add(what.to_owned(), value);
            }
        }
        forget(notes);
    }

    fn add(&mut self, what: String, value: u64) {
        self.0.entry(what).or_default().push(value);
    }

    pub fn flat(&self) -> Vec<Flat> {
        let flat = |(what, values): (&String, &Vec<u64>)| {
            let third = values.len().div_ceil(3);
            let slack = if what.ends_with(KIB) { 512 } else { 2 };
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

const KIB: &str = "anonymous KiB";

/// Where processes say what they use.
fn said_in(notes: &Path) -> PathBuf {
    notes.with_file_name("used")
}

/// Says what this process uses.
pub(super) fn say(notes: &Path, who: &str) -> Result<()> {
    let path = said_in(notes);
    let used = used(std::process::id());
    let lines: String = used.iter().map(|(what, n)| format!("{who} {what} {n}\n")).collect();
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|e| Error::io("write", &path, e))
}

/// Forgets what was said.
pub(super) fn forget(notes: &Path) {
    let _gone = std::fs::remove_file(said_in(notes));
}

/// Whether all of these have said it.
pub(super) fn have_said(notes: &Path, who: &[&str]) -> bool {
    let said = std::fs::read_to_string(said_in(notes)).unwrap_or_default();
    who.iter().all(|who| said.lines().any(|line| line.starts_with(who)))
}

/// What a process uses, as far as the system tells.
fn used(pid: u32) -> Vec<(&'static str, u64)> {
    let memory = anonymous_kib(pid).map(|kib| (KIB, kib));
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
    memory.into_iter().chain(files.map(|files| ("open files", files.count() as u64))).collect()
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

    #[test]
    fn what_a_process_says_is_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let notes = dir.path().join("acknowledged-3");
        say(&notes, "writer").unwrap();
        assert!(have_said(&notes, &["writer"]) && !have_said(&notes, &["writer", "reader"]));
        say(&notes, "reader").unwrap();
        assert!(have_said(&notes, &["writer", "reader"]));
        let mut samples = Samples::default();
        samples.take_said(&notes);
        samples.take_said(&notes);
        let whats: Vec<_> = samples.0.iter().map(|(what, n)| (what.as_str(), n.len())).collect();
        let who = ["reader", "writer"].iter();
        let expected: Vec<_> = who
            .flat_map(|who| [KIB, "open files"].map(|what| (format!("{who} {what}"), 1)))
            .collect();
        assert_eq!(whats, expected.iter().map(|(w, n)| (w.as_str(), *n)).collect::<Vec<_>>());
    }
}
