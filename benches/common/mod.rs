//! What the benches share, beside what `tracekeep_measure` measures with: stores in temporary
//! directories, and the real traces.
//!
//! Read in this order: this, `data`, `stores`.

#![allow(dead_code, unused_imports, reason = "each bench uses a part of it")]

mod data;
mod stores;

pub(crate) use data::corpus;
pub(crate) use stores::{Shape, folder, log_of, sixteen_logs, store_of};
pub(crate) use tracekeep_measure::data::{
    Records, agents, arrivals, calls_12, hundreds, large_trace, observations_1k, unrelated,
};

use std::path::Path;
use tracekeep::model::{Record, Target};
use tracekeep::{Batch, Id, Store};

/// An ingestion service would choose one like it. With glibc's, appending records that all lie in
/// memory measures what it costs to free them one by one: docs/decisions/0021-the-allocator-of-benchmarks.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Groups records into batches of at most this many.
pub(crate) fn batches(records: Vec<Record>, batch_records: usize) -> Vec<Batch> {
    tracekeep_measure::append::batches(records, batch_records).unwrap()
}

/// Appends batches with so many in flight, and returns when all are acknowledged.
pub(crate) fn append(store: &Store, batches: Vec<Batch>, in_flight: usize) {
    tracekeep_measure::append::append(store, batches, in_flight).unwrap();
}

/// See there.
pub(crate) fn copy_unclean(from: &Path, to: &Path) {
    tracekeep_measure::opening::copy_unclean(from, to).unwrap();
}

/// As [`append`], from several threads: batch `n` from thread `n` modulo `threads`.
pub(crate) fn append_from(store: &Store, batches: Vec<Batch>, threads: usize, in_flight: usize) {
    tracekeep_measure::append::append_from(store, batches, threads, in_flight).unwrap();
}

/// The traces that these records are about, each once, in order.
pub(crate) fn trace_ids(records: &[Record]) -> Vec<Id> {
    let mut seen = std::collections::HashSet::new();
    let mut ids = Vec::new();
    for record in records {
        if let Target::Trace { trace } | Target::Observation { trace, .. } = &record.target
            && seen.insert(trace.clone())
        {
            ids.push(trace.clone());
        }
    }
    ids
}

/// Trace and id of observations whose input has a length in this range.
pub(crate) fn inputs_of(
    records: &[Record],
    bytes: std::ops::RangeInclusive<usize>,
) -> Vec<(Id, Id)> {
    use tracekeep::model::{Field, Value};
    let fits = |record: &&Record| {
        record.fields().iter().any(|f| {
            f.field == Field::Input
                && matches!(&f.value, Value::Payload(p) if bytes.contains(&p.len()))
        })
    };
    let pair = |record: &Record| match &record.target {
        Target::Observation { trace, observation } => Some((trace.clone(), observation.clone())),
        _ => None,
    };
    records.iter().filter(fits).filter_map(pair).collect()
}

/// Numbers in an order without pattern, the same each time.
#[derive(Debug)]
pub(crate) struct Picks(tracekeep_workload::Rng);

impl Picks {
    pub(crate) fn new() -> Picks {
        Picks(tracekeep_workload::Rng::new(7))
    }

    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.0.below(all.len() as u64) as usize]
    }
}

/// Whether each bench is only to run once, as `cargo bench -- --test` asks for.
pub(crate) fn is_test() -> bool {
    std::env::args().any(|arg| arg == "--test")
}

/// Fewer of something where benches only run once.
pub(crate) fn scaled(count: u64) -> u64 {
    if is_test() { count.div_ceil(50) } else { count }
}
