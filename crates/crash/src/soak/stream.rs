//! What is appended, known from a seed and a number, and the check that it is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tracekeep::fs::Fs;
use tracekeep::model::{ObservationRecord, Operation, Timestamp};
use tracekeep::{Batch, Durability, Error, ErrorKind, Id, Options, Result, Snapshot};
use tracekeep_workload::Rng;

/// Records of a batch.
const RECORDS: u64 = 4;
/// Batches that a trace spans.
const BATCHES_OF_A_TRACE: u64 = 40;

/// Where processes say what they use: each store is sealed as a whole right before it.
pub(super) const MEASURED: u64 = 1_200;

/// Small logs, sealed and joined all the time, within a small budget: memory is soon what it will be.
pub(super) fn options(durability: Durability) -> Options {
    Options {
        durability,
        log_bytes_max: 256 << 10,
        seal_logs: 2,
        seal_level: 3,
        rewrite_bytes_max: 8 << 20,
        live_bytes_max: 24 << 20,
        block_cache_bytes: 2 << 20,
        ..Options::default()
    }
}

/// The stream of one store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub seed: u64,
    pub store: u64,
}

/// Batches that the notes of a writer say were acknowledged. A line that was cut off says nothing.
pub(super) fn acknowledged(notes: &Path) -> BTreeSet<u64> {
    let text = std::fs::read_to_string(notes).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).collect()
}

impl Stream {
    fn trace(self, batch: u64) -> Result<Id> {
        Id::parse(&format!("trace {} {}", self.store, batch / BATCHES_OF_A_TRACE))
    }

    /// A conversation that grows within its trace, with something new at the end; at times a lot.
    fn payload(self, n: u64) -> Vec<u8> {
        let mut rng = Rng::stream(self.seed ^ self.store << 32, n);
        let turns = (n / RECORDS) % BATCHES_OF_A_TRACE;
        let mut text = String::from("[");
        for turn in 0..turns {
            text += &format!("{{\"turn\":{turn},\"text\":\"{}\"}},", "said before ".repeat(6));
        }
        let new = if rng.chance(10) { 40_000 } else { rng.below(400) };
        for _ in 0..new / 8 {
            text += &format!("{:08x}", rng.next_u64() as u32);
        }
        text.into_bytes()
    }

    /// Batch `number`.
    pub fn batch(self, number: u64) -> Result<Batch> {
        let mut batch = Batch::new();
        for n in number * RECORDS..(number + 1) * RECORDS {
            let time = Timestamp(n as i64);
            let id = Id::parse(&n.to_string())?;
            let record = ObservationRecord::new(self.trace(number)?, id, time, Operation::Create);
            batch.push(record.name("step").start(time).input(self.payload(n)))?;
        }
        Ok(batch)
    }

    /// Whether this store is on a disk that fills up. A batch that it refused is appended again
    /// behind later ones; a kill in between leaves a gap.
    pub fn is_small(self) -> bool {
        self.store % 5 == 4
    }

    /// The number of the batch that comes next. Each is whole and as it was sent, none of those
    /// that were acknowledged is missing, and none between two others.
    pub fn check<F: Fs>(
        self,
        snapshot: &Snapshot<F>,
        acknowledged: &BTreeSet<u64>,
    ) -> std::result::Result<u64, String> {
        let mut found: BTreeMap<u64, u64> = BTreeMap::new();
        let known = acknowledged.last().copied().unwrap_or(0);
        for batch in (0..).step_by(BATCHES_OF_A_TRACE as usize) {
            let before = found.len();
            self.trace_of(snapshot, batch, &mut found).map_err(|e| e.to_string())?;
            if batch > known && found.len() == before {
                break;
            }
        }
        for (batch, records) in &found {
            if *records != RECORDS {
                return Err(format!("batch {batch} has {records} of {RECORDS} records"));
            }
        }
        if let Some(lost) = acknowledged.iter().find(|batch| !found.contains_key(batch)) {
            return Err(format!("batch {lost} was acknowledged, and is lost"));
        }
        let (count, next) = (found.len() as u64, found.keys().last().map_or(0, |last| last + 1));
        if count != next && !self.is_small() {
            return Err(format!("{count} batches before number {next}: one is missing"));
        }
        Ok(next)
    }

    fn trace_of<F: Fs>(
        self,
        snapshot: &Snapshot<F>,
        batch: u64,
        found: &mut BTreeMap<u64, u64>,
    ) -> Result<()> {
        let mut wrong = None;
        let trace = self.trace(batch)?;
        snapshot.payloads(&trace, &mut |id, _, bytes| {
            match id.to_string().parse::<u64>() {
                Ok(n) if bytes == self.payload(n) => *found.entry(n / RECORDS).or_default() += 1,
                _ => wrong = Some(format!("observation {id} is not as it was sent")),
            }
            Ok(())
        })?;
        let nodes = snapshot.trace(&trace)?.map_or(0, |tree| tree.len()) as u64;
        let range = batch..batch + BATCHES_OF_A_TRACE;
        let records: u64 = found.range(range).map(|(_, records)| records).sum();
        if nodes != records {
            wrong = Some(format!("{trace}: {nodes} nodes and {records} payloads"));
        }
        match wrong {
            None => Ok(()),
            Some(what) => Err(damaged(what)),
        }
    }
}

/// What is not as it was sent.
pub(super) fn damaged(what: String) -> Error {
    Error::new(ErrorKind::Corruption, what)
}
