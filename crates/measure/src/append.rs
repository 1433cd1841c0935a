//! Appending records that are in memory.

use crate::clock::{Took, timed};
use std::collections::VecDeque;
use std::path::Path;
use tracekeep::model::Record;
use tracekeep::{Background, Batch, Commit, Durability, Options, Result, Store};

/// How records are appended.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Records in a batch.
    pub batch: usize,
    /// When a batch is acknowledged.
    pub durability: Durability,
    /// Threads that append.
    pub threads: usize,
    /// Batches that each thread has in flight.
    pub in_flight: usize,
    /// Whether the store seals behind.
    pub background: Background,
}

impl How {
    /// 64 records a batch at `Disk`, one thread, 8 batches in flight, nothing in the background.
    pub const BASE: How = How {
        batch: 64,
        durability: Durability::Disk,
        threads: 1,
        in_flight: 8,
        background: Background::Off,
    };

    /// To fill a store that is not measured.
    pub const QUIET: How = How { batch: 256, durability: Durability::Os, ..How::BASE };
}

/// A new store in `dir`, without a block cache.
///
/// # Errors
/// The store's.
pub fn open(dir: &Path, how: &How) -> Result<Store> {
    let options = Options {
        durability: how.durability,
        background: how.background,
        live_bytes_max: if how.background == Background::Off { 2 << 30 } else { 256 << 20 },
        block_cache_bytes: 0,
        ..Options::default()
    };
    Store::builder().options(options).open(dir)
}

/// Groups records into batches of at most this many.
///
/// # Errors
/// `LimitExceeded` of a record that no batch takes.
pub fn batches(records: Vec<Record>, batch_records: usize) -> Result<Vec<Batch>> {
    tracekeep_workload::batches(records, batch_records)
        .map(|some| {
            let mut batch = Batch::new();
            some.into_iter().try_for_each(|record| batch.push(record))?;
            Ok(batch)
        })
        .collect()
}

/// Appends batches with so many in flight, and returns when all are acknowledged.
///
/// # Errors
/// The store's.
pub fn append(store: &Store, batches: Vec<Batch>, in_flight: usize) -> Result<()> {
    if in_flight == 1 {
        return batches.into_iter().try_for_each(|batch| store.append_and_wait(batch).map(|_| ()));
    }
    let mut commits: VecDeque<Commit> = VecDeque::with_capacity(in_flight);
    for batch in batches {
        if commits.len() == in_flight
            && let Some(oldest) = commits.pop_front()
        {
            oldest.wait()?;
        }
        commits.push_back(store.append(batch)?);
    }
    commits.into_iter().try_for_each(|commit| commit.wait().map(|_| ()))
}

/// As [`append`], from several threads: batch `n` from thread `n` modulo `threads`.
///
/// # Errors
/// The store's.
pub fn append_from(
    store: &Store,
    batches: Vec<Batch>,
    threads: usize,
    in_flight: usize,
) -> Result<()> {
    if threads <= 1 {
        return append(store, batches, in_flight);
    }
    let mut shares: Vec<Vec<Batch>> = (0..threads).map(|_| Vec::new()).collect();
    for (n, batch) in batches.into_iter().enumerate() {
        shares[n % threads].push(batch);
    }
    std::thread::scope(|scope| {
        let all: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(|| append(store, share, in_flight)))
            .collect();
        all.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })
}

/// What appending these records to a new store in `dir` took.
///
/// # Errors
/// The store's.
pub fn pass(dir: &Path, how: &How, records: Vec<Record>) -> Result<Took> {
    let store = open(dir, how)?;
    let batches = batches(records, how.batch)?;
    let (done, took) = timed(|| append_from(&store, batches, how.threads, how.in_flight));
    done.map(|()| took)
}

/// As [`pass`], from one thread and for so many seconds at most: how many of the records were
/// appended, what that took, and the log's bytes.
///
/// # Errors
/// The store's.
pub fn pass_within(
    dir: &Path,
    how: &How,
    records: &[Record],
    seconds: f64,
) -> Result<(usize, Took, u64)> {
    let store = open(dir, how)?;
    let mut sum = Took::default();
    let mut done = 0;
    let mut rest = records;
    while !rest.is_empty() && sum.wall.as_secs_f64() < seconds {
        let (some, more) = rest.split_at(rest.len().min(how.batch * how.in_flight * 4));
        let batches = batches(some.to_vec(), how.batch)?;
        let (appended, took) = timed(|| append(&store, batches, how.in_flight));
        appended?;
        sum = Took { wall: sum.wall + took.wall, cpu: sum.cpu + took.cpu };
        done += some.len();
        rest = more;
    }
    let log = store.stats()?.bytes.log;
    store.close()?;
    Ok((done, sum, log))
}
