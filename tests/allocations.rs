//! How many allocations a thread makes for each record that it appends, and for a page of a list. No
//! rate that is measured on a shared machine shows one more as surely as counting does.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use allocation_counter::measure;
use std::path::Path;
use tracekeep::model::{ObservationRecord, Operation, Timestamp};
use tracekeep::{Background, Batch, Durability, Id, Options, Store, TraceQuery};

const BATCH: u64 = 64;

/// Observations of about 1 KB, each of a trace of its own; or, where `calls`, of one trace, with
/// the conversation so far as input.
fn batch(number: u64, calls: bool) -> Batch {
    let mut batch = Batch::new();
    for i in number * BATCH..(number + 1) * BATCH {
        let trace = if calls { 7 } else { u128::from(i) };
        let messages = if calls { i % 200 + 1 } else { 1 };
        let input: Vec<String> = (0..messages)
            .map(|m| {
                let seed = if calls { m } else { i };
                let words: Vec<String> =
                    (0..100).map(|w| format!("{:x}", seed * 7919 + w * w)).collect();
                format!("{{\"role\":\"user\",\"content\":\"{}\"}}", words.join(" "))
            })
            .collect();
        let record = ObservationRecord::new(
            Id::hex32(trace),
            Id::hex16(i),
            Timestamp::from_ms(1_768_204_800_000),
            Operation::Create,
        );
        batch.push(record.name("call").model("m").input(format!("[{}]", input.join(",")))).unwrap();
    }
    batch
}

fn store(dir: &Path) -> Store {
    let options =
        Options { background: Background::Off, durability: Durability::Os, ..Options::default() };
    Store::builder().options(options).open(dir).unwrap()
}

/// Allocations a record, once everything has been warmed up.
fn appended(calls: bool) -> f64 {
    let temp = tempfile::tempdir().unwrap();
    let store = store(temp.path());
    let mut batches = (0..60).map(|n| batch(n, calls)).collect::<Vec<_>>().into_iter();
    for batch in batches.by_ref().take(30) {
        store.append(batch).unwrap().wait().unwrap();
    }
    let (mut count, mut records) = (0, 0);
    for batch in batches {
        let mut commit = None;
        count += measure(|| commit = Some(store.append(batch).unwrap())).count_total;
        records += BATCH;
        commit.unwrap().wait().unwrap();
    }
    count as f64 / records as f64
}

#[test]
fn a_record_takes_few_allocations_to_append() {
    let (small, calls) = (appended(false), appended(true));
    assert!(small < 4.0 && calls < 4.0, "{small} and {calls} allocations a record");
}

/// Allocations for the first page of a list over so many unsealed traces.
fn listed(batches: u64) -> u64 {
    let temp = tempfile::tempdir().unwrap();
    let store = store(temp.path());
    for number in 0..batches {
        let mut batch = Batch::new();
        for i in number * BATCH..(number + 1) * BATCH {
            let time = Timestamp::from_ms(1_768_204_800_000 + i as i64);
            let (trace, observation) = (Id::hex32(u128::from(i)), Id::hex16(i));
            let record = ObservationRecord::new(trace, observation, time, Operation::Create);
            batch.push(record.name("call").start(time)).unwrap();
        }
        store.append(batch).unwrap().wait().unwrap();
    }
    let snapshot = store.snapshot();
    let query = TraceQuery { limit: 20, ..TraceQuery::default() };
    measure(|| assert_eq!(snapshot.traces(&query).unwrap().traces.len(), 20)).count_total
}

#[test]
fn a_page_merges_the_traces_that_are_on_it() {
    let (few, many) = (listed(4), listed(40));
    assert!(many < few + 40, "{few} allocations over 256 traces, {many} over 2,560");
}
