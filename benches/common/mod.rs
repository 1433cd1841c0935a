//! What the benches share: records in memory, stores in temporary directories, appending with
//! some batches in flight.
//!
//! Read in this order: this, `data`, `stores`.

#![allow(dead_code, unused_imports, reason = "each bench uses a part of it")]

mod data;
mod stores;

pub(crate) use data::{
    Records, agents, arrivals, calls_12, corpus, hundreds, large_trace, observations_1k, unrelated,
};
pub(crate) use stores::{Shape, copy_unclean, folder, log_of, sixteen_logs, store_of};

use std::collections::VecDeque;
use tracekeep::model::{Record, Target};
use tracekeep::{Batch, Commit, Id, Store};

/// Groups records into batches of at most this many.
pub(crate) fn batches(records: Vec<Record>, batch_records: usize) -> Vec<Batch> {
    tracekeep_workload::batches(records, batch_records).map(batch).collect()
}

fn batch(records: Vec<Record>) -> Batch {
    let mut batch = Batch::new();
    records.into_iter().for_each(|record| batch.push(record).unwrap());
    batch
}

/// Appends batches with so many in flight, and returns when all are acknowledged.
pub(crate) fn append(store: &Store, batches: Vec<Batch>, in_flight: usize) {
    let mut commits: VecDeque<Commit> = VecDeque::with_capacity(in_flight);
    for batch in batches {
        if commits.len() == in_flight
            && let Some(oldest) = commits.pop_front()
        {
            oldest.wait().unwrap();
        }
        commits.push_back(store.append(batch).unwrap());
    }
    for commit in commits {
        commit.wait().unwrap();
    }
}

/// As [`append`], from several threads: batch `n` from thread `n` modulo `threads`.
pub(crate) fn append_from(store: &Store, batches: Vec<Batch>, threads: usize, in_flight: usize) {
    let mut shares: Vec<Vec<Batch>> = (0..threads).map(|_| Vec::new()).collect();
    for (n, batch) in batches.into_iter().enumerate() {
        shares[n % threads].push(batch);
    }
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| append(store, share, in_flight));
        }
    });
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
