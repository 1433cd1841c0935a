//! Reading, warm and without a block cache: trees, lookups, payloads; from memory, from one
//! segment, from 1,000, and after ingestion through sixteen logs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench ends where something fails, and is what tells the time"
)]

mod common;

use common::{
    Picks, Records, Shape, arrivals, calls_12, folder, hundreds, inputs_of, large_trace, scaled,
    sixteen_logs, store_of, trace_ids,
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use tracekeep::{Id, Snapshot, Store};

/// Trees, lookups and misses of random traces.
fn trees(c: &mut Criterion, place: &str, store: &Store, ids: &[Id]) {
    let snapshot = store.snapshot();
    let mut group = c.benchmark_group(format!("trace, {place}"));
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let mut picks = Picks::new();
    group.bench_function("tree", |b| {
        b.iter(|| black_box(snapshot.trace(picks.of(ids)).unwrap().unwrap().len()));
    });
    group.bench_function("attributes and sums", |b| {
        b.iter(|| black_box(snapshot.trace_state(picks.of(ids)).unwrap().is_some()));
    });
    let unknown: Vec<Id> = (0..1000).map(Id::hex32).collect();
    group.bench_function("a trace that is not there", |b| {
        b.iter(|| black_box(snapshot.trace(picks.of(&unknown)).unwrap().is_none()));
    });
    group.finish();
}

/// One input of 12 to 14 KB, and all payloads of a trace, at random.
fn payloads(c: &mut Criterion, place: &str, store: &Store, data: &Records) {
    let snapshot = store.snapshot();
    let (ids, inputs) = (trace_ids(&data.records), inputs_of(&data.records, 12_000..=14_000));
    let mut group = c.benchmark_group(format!("payload, {place}"));
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let mut picks = Picks::new();
    if !inputs.is_empty() {
        group.bench_function("one input of 13 KB", |b| {
            b.iter(|| {
                let (trace, observation) = picks.of(&inputs);
                black_box(snapshot.input(trace, observation).unwrap().unwrap().len())
            });
        });
    }
    group.bench_function("all of a trace", |b| {
        b.iter(|| black_box(whole(&snapshot, picks.of(&ids))));
    });
    group.finish();
}

fn whole(snapshot: &Snapshot, trace: &Id) -> u64 {
    let mut bytes = 0;
    let mut each = |_: &Id, _, text: &[u8]| {
        bytes += text.len() as u64;
        Ok(())
    };
    snapshot.payloads(trace, &mut each).unwrap();
    bytes
}

fn bench(c: &mut Criterion) {
    let count = scaled(1_000);
    let data = hundreds(count);
    let ids = trace_ids(&data.records);
    let places = [
        ("100 observations, unsealed", Shape::Unsealed),
        ("100 observations, one segment", Shape::Sealed),
        ("100 observations, 1,000 segments", Shape::Segments(count as usize)),
    ];
    for (place, shape) in places {
        let folder = folder();
        trees(c, place, &store_of(folder.path(), data.records.clone(), shape), &ids);
    }
    let data = large_trace(scaled(100_000));
    let folder_of_one = folder();
    let store = store_of(folder_of_one.path(), data.records.clone(), Shape::Sealed);
    trees(c, "100,000 observations, one segment", &store, &trace_ids(&data.records));

    let data = calls_12(scaled(500));
    let places = [
        ("160 KB a trace, unsealed", Shape::Unsealed),
        ("160 KB a trace, one segment", Shape::Sealed),
        ("160 KB a trace, 500 segments", Shape::Segments(count as usize / 2)),
    ];
    for (place, shape) in places {
        let folder = folder();
        payloads(c, place, &store_of(folder.path(), data.records.clone(), shape), &data);
    }

    let data = arrivals(scaled(1_000));
    let ids = trace_ids(&data.records);
    let places = [
        ("mixture through sixteen logs, unsealed", Shape::Unsealed),
        ("mixture through sixteen logs, sealed one by one", Shape::Segments(16)),
    ];
    for (place, shape) in places {
        let folder = folder();
        let store = sixteen_logs(folder.path(), data.records.clone(), shape);
        trees(c, place, &store, &ids);
        payloads(c, place, &store, &data);
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
