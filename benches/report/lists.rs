//! Lists of traces while records come in: the newest page, with so many traces that are not sealed.

use crate::common::{Picks, append, batches, folder, is_test, scaled};
use crate::table::{Table, timed};
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use tracekeep::model::{ObservationRecord, Operation, Record, TimeRange, Timestamp};
use tracekeep::{Background, Durability, Id, Options, Order, SealLevel, Store, TraceQuery};
use tracekeep_workload::EPOCH;

/// Traces that are under way at a time, each of which says something [`TIMES`] times.
const UNDER_WAY: u64 = 1_000;
const TIMES: u64 = 3;
const SEALED: u64 = 10_000;
const LOGS: u64 = 8;
/// From one trace's start to the next one's.
const STEP_NS: u64 = 1_000_000;

/// What trace `n` says the `at`-th time: its root first, and each next thing when as many traces
/// have begun as are under way.
fn record(n: u64, at: u64) -> Record {
    let time = Timestamp(EPOCH.0 + ((n + at * UNDER_WAY) * STEP_NS) as i64);
    let (trace, id) = (Id::hex32(u128::from(n) << 64 | 1), Id::hex16(n << 8 | at));
    let record = ObservationRecord::new(trace, id, time, Operation::Create).start(time);
    record.name("said").input(format!("{{\"n\":{n},\"at\":{at}}}")).into()
}

/// Everything that these traces say, in the order of time, but for what comes after the last start.
fn records(traces: Range<u64>) -> impl Iterator<Item = Record> {
    let said = move |now: u64| {
        let all = (0..TIMES).filter_map(move |at| Some((now.checked_sub(at * UNDER_WAY)?, at)));
        all.filter(move |(n, _)| *n >= traces.start).map(|(n, at)| record(n, at))
    };
    (0..traces.end).flat_map(said)
}

fn store(path: &Path, unsealed: u64) -> Store {
    let options = |log_bytes_max| Options {
        durability: Durability::Os,
        background: Background::Off,
        log_bytes_max,
        ..Options::default()
    };
    let open = |log_bytes_max| Store::builder().options(options(log_bytes_max)).open(path).unwrap();
    let sealed = scaled(SEALED);
    let before = open(Options::default().log_bytes_max);
    append(&before, batches(records(0..sealed).collect(), 64), 8);
    let log_bytes = before.stats().unwrap().bytes.log;
    before.seal(SealLevel::Full).unwrap();
    before.close().unwrap();
    let store = open((log_bytes * unsealed / sealed / LOGS).max(64 << 10));
    append(&store, batches(records(sealed..sealed + unsealed).collect(), 64), 8);
    store
}

pub(crate) fn lists(table: &mut Table) {
    for unsealed in [1_000, 10_000, 100_000].map(scaled) {
        let folder = folder();
        let store = store(folder.path(), unsealed);
        let newest = TraceQuery::default();
        let oldest = TraceQuery { order: Order::OldestFirst, ..TraceQuery::default() };
        let logs = store.stats().unwrap().logs;
        let page = |query: &TraceQuery| {
            let snapshot = store.snapshot();
            timed(|| black_box(snapshot.traces(query).unwrap())).1.wall.as_secs_f64() * 1e6
        };
        let mut row = |what: &str, took: &[f64]| {
            table.row(
                &format!("{what}, {unsealed} unsealed traces, {logs} logs"),
                took,
                "us",
                "",
                "",
            );
        };
        let count = if is_test() { 1 } else { 21 };
        row("the first list of 50", &[page(&newest)]);
        row("again", &(0..count).map(|_| page(&newest)).collect::<Vec<_>>());
        let end = scaled(SEALED) + unsealed;
        let under_way: Vec<u64> = (end.saturating_sub(UNDER_WAY)..end).collect();
        let mut picks = Picks::new();
        let mut took = Vec::new();
        for at in 0..count as u64 {
            let some = (0..64).map(|_| record(*picks.of(&under_way), TIMES + at)).collect();
            append(&store, batches(some, 64), 1);
            took.push(page(&newest));
        }
        row("after each batch of 64", &took);
        let middle = record(scaled(SEALED) / 2, 0).time;
        let before = TimeRange { end: middle, ..TimeRange::ALL };
        let sealed = TraceQuery { range: before, ..TraceQuery::default() };
        row("50 before a time, sealed", &(0..count).map(|_| page(&sealed)).collect::<Vec<_>>());
        row("the first list of the oldest 50", &[page(&oldest)]);
        row("the same again", &(0..count).map(|_| page(&oldest)).collect::<Vec<_>>());
    }
}
