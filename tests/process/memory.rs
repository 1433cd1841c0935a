//! Memory is a budget.

use crate::child::start;
use std::path::Path;
use tracekeep::{Batch, Options, Store};
use tracekeep_workload::{Arrivals, Shape};

/// Highest resident memory of this process so far, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

const LIVE: usize = 16 << 20;

/// A child: appends so many megabytes of logical payloads under a small budget, without waiting
/// for its commits, and says how much memory it took.
pub(crate) fn stream(path: &Path, megabytes: u64, say: &mut dyn FnMut(String)) {
    let options = Options {
        live_bytes_max: LIVE,
        block_cache_bytes: 4 << 20,
        seal_level: 1,
        ..Options::default()
    };
    let store = Store::builder().options(options).open(path).unwrap();
    let mut bytes = 0;
    let (mut batch, mut records) = (Batch::new(), 0u64);
    for record in Arrivals::new(1, Shape { in_flight: 8, ..Shape::default() }) {
        bytes += tracekeep_workload::payload_bytes(&record);
        records += 1;
        batch.push(record).unwrap();
        if batch.len() >= 64 {
            store.append(std::mem::take(&mut batch)).unwrap();
        }
        if bytes > megabytes << 20 {
            break;
        }
    }
    store.append(batch).unwrap().wait().unwrap();
    let stats = store.stats().unwrap();
    let traces = stats.traces;
    say(format!("peak {} traces {traces} records {records}", peak().unwrap_or(0)));
    say(format!("segments {} logs {}", stats.segments, stats.logs));
    store.close().unwrap();
}

fn peak_of(megabytes: u64) -> u64 {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let lines = start(&format!("stream {megabytes}"), &path, "notes").finish();
    eprintln!("{megabytes} MiB: {lines:?}");
    lines[0].split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_endless_stream_stays_within_its_budget() {
    if peak().is_none() {
        eprintln!("SKIPPED: this system has no /proc/self/status");
        return;
    }
    // 200 MiB are not sealed yet, 400 are.
    let (short, long) = (peak_of(400), peak_of(1000));
    // Beside the live budget: 64 MiB in flight, one segment's writer, zstd, and mapped pages.
    let bound = (LIVE as u64) + (200 << 20);
    assert!(long < bound, "{long} bytes at most {bound}");
    assert!(long < short + (80 << 20), "memory grows with the stream: {short}, {long}");
}
