//! What records take when they are sealed, by kind of content; and how that grows with them.
//!
//! Traces fall into eight groups by their id. Stores of one, two, four and all groups are sealed,
//! and every group is in as many of each size as any other: the means are points of a curve that
//! owes nothing to the order in which traces came.

use crate::append::{How, append, batches, open};
use crate::clock::{Took, timed};
use crate::novelty::{Novelty, Parts};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::Path;
use tracekeep::model::{Field, Record, Subject, Target, Value};
use tracekeep::{Content, Id, Result, SealLevel, StatBytes, Store};

/// Groups that traces fall into.
pub const GROUPS: u32 = 8;

/// What sealed records take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Traces.
    pub traces: u64,
    /// Observations.
    pub observations: u64,
    /// Scores.
    pub scores: u64,
    /// By file.
    pub bytes: StatBytes,
    /// By kind of content.
    pub content: Content,
}

/// How what records take grows with them.
#[derive(Debug, Clone)]
pub struct Growth {
    /// Stores of one, two, four and all eight groups.
    pub sealed: Vec<(u32, Vec<Sizes>)>,
    /// How much of the parts is new in the last groups.
    pub novelty: Novelty,
}

impl Growth {
    /// The store of everything.
    pub fn whole(&self) -> Sizes {
        self.sealed.last().and_then(|(_, all)| all.last()).copied().unwrap_or_default()
    }
}

/// The group of a record's trace; of a score, that of what it is about.
pub fn group_of(record: &Record) -> u32 {
    let mut whose: Option<&Id> = match &record.target {
        Target::Trace { trace } | Target::Observation { trace, .. } => Some(trace),
        Target::Score { .. } => None,
    };
    for field in record.fields() {
        if let (Field::Subject, Value::Subject(subject)) = (field.field, &field.value) {
            whose = match subject {
                Subject::Trace(id) | Subject::Observation(id, _) => Some(id),
                Subject::Session(id) | Subject::Run(id) => Some(id),
            };
        }
    }
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    whose.map_or(0, |id| (hasher.hash_one(id) >> 32) as u32 % GROUPS)
}

/// A new store in `dir` of these records, fully sealed, and what sealing took.
///
/// # Errors
/// The store's.
pub fn sealed(dir: &Path, records: Vec<Record>) -> Result<(Store, Took)> {
    let store = open(dir, &How::QUIET)?;
    append(&store, batches(records, How::QUIET.batch)?, How::QUIET.in_flight)?;
    let (done, took) = timed(|| store.seal(SealLevel::Full));
    done.map(|_| (store, took))
}

/// What a store takes.
///
/// # Errors
/// The store's.
pub fn sizes(store: &Store) -> Result<Sizes> {
    let (stats, content) = (store.stats()?, store.snapshot().content()?);
    Ok(Sizes {
        traces: stats.traces,
        observations: stats.observations,
        scores: stats.scores,
        bytes: stats.bytes,
        content,
    })
}

/// A subset that was sealed.
#[derive(Debug)]
pub struct Step<'s> {
    /// Of so many groups.
    pub eighths: u32,
    /// Its store, which is removed next.
    pub store: &'s Store,
    /// What sealing took.
    pub seal: Took,
}

/// Seals the subsets of these records in new directories under `dir`, one after the other, shows
/// each to `step`, and removes it. Cost: everything is appended and sealed four times. Memory: a
/// copy of the records, and their parts.
///
/// # Errors
/// The store's, or what `step` returns.
pub fn growth(
    dir: &Path,
    records: &[Record],
    level: i32,
    step: &mut dyn FnMut(Step<'_>) -> Result<()>,
) -> Result<Growth> {
    let groups: Vec<u32> = records.iter().map(group_of).collect();
    let mut parts = Parts::default();
    let mut sealed_all = Vec::new();
    for eighths in [1, 2, 4, GROUPS] {
        let mut same = Vec::new();
        for first in (0..GROUPS).step_by(eighths as usize) {
            let some = records.iter().zip(&groups);
            let some = some.filter(|(_, group)| (first..first + eighths).contains(group));
            let room = crate::room(dir)?;
            let some = some.map(|(record, _)| record.clone()).collect();
            let (store, seal) = sealed(room.path(), some)?;
            same.push(sizes(&store)?);
            if eighths == 1 {
                store.snapshot().each_part(&mut |part| {
                    parts.add(first, part);
                    Ok(())
                })?;
            }
            step(Step { eighths, store: &store, seal })?;
            store.close()?;
        }
        sealed_all.push((eighths, same));
    }
    Ok(Growth { sealed: sealed_all, novelty: parts.novelty(level) })
}
