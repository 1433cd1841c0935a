//! The standard measurements: the same records in every release, on whatever machine and disk.
//!
//! Rates are of one thread with 8 batches in flight and nothing in the background; reads are warm,
//! of random traces, without a block cache. Each row has its rounds: median, lowest, highest.

use crate::append::{How, append, batches, open, pass_within};
use crate::clock::{median, timed};
use crate::data::{Records, agents, arrivals, calls_12, hundreds, observations_1k, unrelated};
use crate::{disk, opening, reads, room, sizes};
use std::path::Path;
use tracekeep::error::Error;
use tracekeep::{Background, Durability, Options, Result, SealLevel, Snapshot, TraceQuery};

/// Whether more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Rates.
    Higher,
    /// Times and sizes.
    Lower,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was measured: the key that releases are compared by.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Better,
    /// The middle of the rounds.
    pub median: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

/// How long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A few minutes.
    Full,
    /// Seconds: to see that it works. The rows are the same, the figures say little.
    Quick,
}

/// Rows that a suite has.
pub const ROWS: u64 = 28;

struct Suite<'a> {
    dir: &'a Path,
    effort: Effort,
    each: &'a mut dyn FnMut(Row) -> Result<()>,
}

/// Runs the suite in temporary directories under `dir`, and hands out each row as it is measured.
///
/// # Errors
/// The store's, the operating system's, or what `each` returns.
pub fn run(dir: &Path, effort: Effort, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let mut suite = Suite { dir, effort, each };
    suite.disk()?;
    suite.appends()?;
    suite.synced()?;
    suite.sizes()?;
    suite.reads()?;
    suite.open()
}

impl Suite<'_> {
    fn few(&self, full: u64, quick: u64) -> u64 {
        match self.effort {
            Effort::Full => full,
            Effort::Quick => quick,
        }
    }

    fn rounds(&self) -> usize {
        self.few(3, 1) as usize
    }

    fn row(
        &mut self,
        name: &str,
        unit: &'static str,
        better: Better,
        values: &[f64],
    ) -> Result<()> {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let name = name.to_owned();
        (self.each)(Row { name, unit, better, median: median(values), low, high })
    }

    fn disk(&mut self) -> Result<()> {
        let (dir, count) = (self.dir, self.few(200, 5) as usize);
        let io = |error| Error::io("write", dir, error);
        let syncs = disk::synced_writes(dir, 4 << 10, count).map_err(io)?;
        self.row("write and fdatasync of 4 KiB", "us", Better::Lower, &syncs)?;
        let bytes = self.few(256 << 20, 1 << 20) as usize;
        let rates: Vec<f64> = (0..self.rounds())
            .map(|_| disk::write_rate(dir, bytes).map(|rate| rate / 1e6).map_err(io))
            .collect::<Result<_>>()?;
        self.row("write, synced at the end", "MB/s", Better::Higher, &rates)
    }

    fn appends(&mut self) -> Result<()> {
        let data = agents(self.few(12_000, 300));
        for (durability, name) in
            [(Durability::Os, "os"), (Durability::Disk, "disk"), (Durability::DiskStrict, "strict")]
        {
            for batch in [1, 16, 64, 256] {
                let how = How { durability, batch, ..How::BASE };
                self.append(&format!("append agents, {name}, batch {batch}"), &data, how)?;
            }
        }
        let how = How { in_flight: 1, ..How::BASE };
        self.append("append agents, disk, batch 64, one in flight", &data, how)?;
        let data = unrelated(self.few(1_000, 20));
        self.append("append 10 to 200 KB, disk, batch 64", &data, How::BASE)?;
        let data = observations_1k(self.few(60_000, 1_000));
        let rates = self.passes(&data, How { batch: 256, ..How::BASE })?;
        let each = data.bytes as f64 / data.records.len() as f64;
        let thousands: Vec<f64> = rates.iter().map(|rate| rate * 1e3 / each).collect();
        let name = "append 1 KB observations, disk, batch 256";
        self.row(name, "thousand/s", Better::Higher, &thousands)
    }

    fn append(&mut self, name: &str, data: &Records, how: How) -> Result<()> {
        let rates = self.passes(data, how)?;
        self.row(name, "MB/s", Better::Higher, &rates)
    }

    /// MB of payload a second of each round.
    fn passes(&self, data: &Records, how: How) -> Result<Vec<f64>> {
        let seconds = self.few(1_000, 10) as f64 / 1e3;
        (0..self.rounds())
            .map(|_| {
                let room = room(self.dir)?;
                let (done, took, _) = pass_within(room.path(), &how, &data.records, seconds)?;
                let some = &data.records[..done];
                let bytes: u64 = some.iter().map(tracekeep_workload::payload_bytes).sum();
                Ok(bytes as f64 / 1e6 / took.wall.as_secs_f64().max(1e-9))
            })
            .collect()
    }

    fn synced(&mut self) -> Result<()> {
        let room = room(self.dir)?;
        let store = open(room.path(), &How::BASE)?;
        let data = observations_1k(self.few(500, 5));
        let mut us = Vec::new();
        for batch in batches(data.records, 1)? {
            let (done, took) = timed(|| append(&store, vec![batch], 1));
            done?;
            us.push(took.wall.as_secs_f64() * 1e6);
        }
        store.close()?;
        self.row("append of one observation, waited for", "us", Better::Lower, &us)
    }

    /// Sealing and sizes of agents and of the mixture.
    fn sizes(&mut self) -> Result<()> {
        let all = [
            ("agents", agents(self.few(12_000, 300)).records),
            ("mixture", arrivals(self.few(600, 10)).records),
        ];
        for (name, records) in all {
            let room = room(self.dir)?;
            let (store, took) = sizes::sealed(room.path(), records)?;
            let found = sizes::sizes(&store)?;
            store.close()?;
            let observations = found.observations.max(1) as f64;
            let rate = observations / 1e3 / took.cpu.as_secs_f64().max(1e-9);
            self.row(&format!("seal {name}, full"), "thousand/core-s", Better::Higher, &[rate])?;
            let each = found.bytes.total as f64 / observations;
            self.row(&format!("size of {name}, sealed"), "B/observation", Better::Lower, &[each])?;
        }
        Ok(())
    }

    fn reads(&mut self) -> Result<()> {
        let count = self.few(2_000, 10) as usize;
        let room_of_trees = room(self.dir)?;
        let data = hundreds(self.few(500, 5));
        let (store, _) = sizes::sealed(room_of_trees.path(), data.records)?;
        let snapshot = store.snapshot();
        let found = reads::reads(&snapshot, count)?;
        self.row("tree of 100 observations", "us", Better::Lower, &found.tree)?;
        let scans: Vec<f64> = (0..self.rounds()).map(|_| scan(&snapshot)).collect::<Result<_>>()?;
        self.row("scan: cost of everything", "million/s", Better::Higher, &scans)?;
        drop(snapshot);
        store.close()?;
        let room_of_calls = room(self.dir)?;
        let data = calls_12(self.few(300, 5));
        let (store, _) = sizes::sealed(room_of_calls.path(), data.records)?;
        let found = reads::reads(&store.snapshot(), count / 4 + 1)?;
        self.row("one payload, of 12 calls", "us", Better::Lower, &found.payload)?;
        self.row("whole trace of 12 calls", "us", Better::Lower, &found.trace)?;
        store.close()
    }

    fn open(&mut self) -> Result<()> {
        let template = room(self.dir)?;
        let store = open(template.path(), &How::QUIET)?;
        let segments = self.few(100, 3);
        for some in batches(hundreds(segments).records, 101)? {
            append(&store, vec![some], 1)?;
            store.seal(SealLevel::Quick)?;
        }
        let log = observations_1k(self.few(40_000, 100));
        let options =
            Options { background: Background::Off, live_bytes_max: 2 << 30, ..Options::default() };
        let ms = |dir: &Path| -> Result<f64> {
            let took = opening::reopened(dir, template.path(), &options)?;
            Ok(took.wall.as_secs_f64() * 1e3)
        };
        let sealed: Vec<f64> = (0..self.rounds()).map(|_| ms(self.dir)).collect::<Result<_>>()?;
        self.row("open 100 segments", "ms", Better::Lower, &sealed)?;
        append(&store, batches(log.records, 256)?, 8)?;
        let killed: Vec<f64> = (0..self.rounds()).map(|_| ms(self.dir)).collect::<Result<_>>()?;
        store.close()?;
        self.row("open them and 40,000 unsealed, killed", "ms", Better::Lower, &killed)
    }
}

/// Million observations a second of adding up the cost of every observation, by trees.
fn scan(snapshot: &Snapshot) -> Result<f64> {
    let (mut observations, mut cost) = (0, 0.0);
    let (done, took) = timed(|| {
        let mut query = TraceQuery { limit: 1_024, ..TraceQuery::default() };
        loop {
            let page = snapshot.traces(&query)?;
            for state in &page.traces {
                let Some(tree) = snapshot.trace(&state.id)? else { continue };
                observations += tree.len();
                cost += tree.nodes().iter().map(|node| node.cost.to_f64()).sum::<f64>();
            }
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Result::Ok(()),
            }
        }
    });
    done?;
    std::hint::black_box(cost);
    Ok(observations as f64 / 1e6 / took.wall.as_secs_f64().max(1e-9))
}
