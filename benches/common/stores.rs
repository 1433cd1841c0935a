//! Stores in temporary directories.

use super::{append, batches};
use std::path::Path;
use tempfile::TempDir;
use tracekeep::model::Record;
use tracekeep::{Background, Durability, Options, SealLevel, Store};

/// Where the records of a store lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In logs.
    Unsealed,
    /// In one segment.
    Sealed,
    /// In about so many segments, in the order of the records.
    Segments(usize),
}

/// A directory that goes away with the bench. Under `TMPDIR`: name a disk there, not a tmpfs.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A store of these records at `path`, quiet, without a block cache.
pub(crate) fn store_of(path: &Path, records: Vec<Record>, shape: Shape) -> Store {
    let options = Options {
        durability: Durability::Os,
        background: Background::Off,
        block_cache_bytes: 0,
        ..Options::default()
    };
    let store = Store::builder().options(options).open(path).unwrap();
    match shape {
        Shape::Unsealed => append(&store, batches(records, 256), 8),
        Shape::Sealed => {
            append(&store, batches(records, 256), 8);
            store.seal(SealLevel::Full).unwrap();
        }
        Shape::Segments(count) => {
            let each = records.len().div_ceil(count).max(1);
            for some in tracekeep_workload::batches(records, each) {
                append(&store, batches(some, 256), 8);
                store.seal(SealLevel::Quick).unwrap();
            }
        }
    }
    store
}

/// A store whose records came through sixteen logs or a few more, `Unsealed`, or sealed one by
/// one and compacted: every log had to learn the beginnings again.
pub(crate) fn sixteen_logs(path: &Path, records: Vec<Record>, shape: Shape) -> Store {
    // How much they take in one log says where to cut.
    let options = Options {
        durability: Durability::Os,
        background: Background::Off,
        block_cache_bytes: 0,
        ..Options::default()
    };
    let trial = folder();
    let store = Store::builder().options(options.clone()).open(trial.path()).unwrap();
    append(&store, batches(records.clone(), 64), 8);
    let log_bytes = store.stats().unwrap().bytes.log;
    drop(store);
    let background = match shape {
        Shape::Unsealed => Background::Off,
        _ => Background::On,
    };
    let log_bytes_max = log_bytes / 16;
    let options = Options { background, log_bytes_max, seal_logs: 1, ..options };
    let store = Store::builder().options(options).open(path).unwrap();
    append(&store, batches(records, 16), 1);
    if shape != Shape::Unsealed {
        store.seal(SealLevel::Quick).unwrap();
    }
    store
}

/// Appends observations of 1 KB (the most records a byte) until the log has this many bytes.
/// Gives the number of records.
pub(crate) fn log_of(store: &Store, bytes: u64, batch_records: usize) -> u64 {
    let mut records = 0;
    let before = store.stats().unwrap().bytes.log;
    let mut all = tracekeep_workload::small_observations(3);
    while store.stats().unwrap().bytes.log < before + bytes {
        let some: Vec<Record> = all.by_ref().take(4096).collect();
        records += some.len() as u64;
        append(store, batches(some, batch_records), 8);
    }
    records
}
