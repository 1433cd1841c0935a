//! Memory is a budget.

use crate::child::start;
use std::path::Path;
use tracekeep::model::{ObservationRecord, Operation, Timestamp};
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

/// A child: opens a store whose last records nothing promises, and says what it took.
pub(crate) fn open(path: &Path, say: &mut dyn FnMut(String)) {
    let store = Store::open(path).unwrap();
    let copied = store.recovery().copied_records;
    say(format!("peak {} copied {copied}", peak().unwrap_or(0)));
}

/// What it takes to open a store after a kill -9, whose last batch has so many records, all with
/// the same four megabytes.
fn peak_of_recovery(records: u64) -> u64 {
    let root = tempfile::tempdir().unwrap();
    let (path, killed) = (root.path().join("store"), root.path().join("killed"));
    let options = Options { marker_ms: 1 << 40, ..Options::default() };
    let store = Store::builder().options(options).open(&path).unwrap();
    let mut x = 1u64;
    let text: Vec<u8> = std::iter::repeat_with(|| {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 56) as u8
    })
    .take(4 << 20)
    .collect();
    let mut batch = Batch::new();
    for n in 0..records {
        let id = tracekeep::Id::hex16(n);
        let (time, operation) = (Timestamp::from_ms(1), Operation::Create);
        let record = ObservationRecord::new(tracekeep::Id::hex32(1), id, time, operation);
        batch.push(record.input(text.clone())).unwrap();
    }
    store.append(batch).unwrap().wait().unwrap();
    std::fs::create_dir(&killed).unwrap();
    for entry in std::fs::read_dir(&path).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, killed.join(from.file_name().unwrap())).unwrap();
    }
    store.close().unwrap();
    let lines = start("open", &killed, "notes").finish();
    assert!(lines[0].ends_with(&format!("copied {records}")), "{lines:?}");
    lines[0].split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn recovery_holds_one_record_at_a_time() {
    if peak().is_none() {
        eprintln!("SKIPPED: this system has no /proc/self/status");
        return;
    }
    let (one, many) = (peak_of_recovery(1), peak_of_recovery(15));
    assert!(many < one + (24 << 20), "one record takes {one} bytes, fifteen {many}");
}
