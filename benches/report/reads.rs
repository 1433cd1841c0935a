//! Trees and payloads: warm, block cache off, random traces.

use crate::common::{
    Picks, Records, Shape, arrivals, calls_12, folder, hundreds, inputs_of, is_test, large_trace,
    scaled, sixteen_logs, store_of, trace_ids,
};
use crate::rounds;
use crate::table::{Table, figure, median, timed};
use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;
use tracekeep::model::{Record, Target};
use tracekeep::{Id, Store};
use tracekeep_workload::payload_bytes;

/// A row of microseconds: each round the mean of `count` calls after as many to warm up.
fn row(table: &mut Table, what: &str, count: usize, target: &str, call: &mut dyn FnMut()) {
    let count = if is_test() { 1 } else { count };
    (0..count).for_each(|_| call());
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..rounds() * 2 + 1 {
        let (_, took) = timed(|| (0..count).for_each(|_| call()));
        walls.push(took.wall.as_secs_f64() * 1e6 / count as f64);
        cpus.push(took.cpu.as_secs_f64() * 1e6 / count as f64);
    }
    table.row(what, &walls, "us", &format!("{} us", figure(median(&cpus))), target);
}

fn tree_row(table: &mut Table, what: &str, store: &Store, ids: &[Id], target: &str) {
    let (snapshot, mut picks) = (store.snapshot(), Picks::new());
    let count = if ids.len() == 1 { 3 } else { 2_000 };
    row(table, what, count, target, &mut || {
        black_box(snapshot.trace(picks.of(ids)).unwrap().unwrap().len());
    });
}

pub(crate) fn trees(table: &mut Table) {
    let count = scaled(1_000);
    let data = hundreds(count);
    let ids = trace_ids(&data.records);
    let places = [
        ("tree of 100, unsealed", Shape::Unsealed, ""),
        ("tree of 100, one segment", Shape::Sealed, "10 us"),
        ("tree of 100, 1,000 segments", Shape::Segments(count as usize), "10 us"),
    ];
    for (what, shape, target) in places {
        let folder = folder();
        let store = store_of(folder.path(), data.records.clone(), shape);
        tree_row(table, what, &store, &ids, target);
        if shape != Shape::Unsealed {
            let (snapshot, mut number) = (store.snapshot(), 0u128);
            row(table, "  a trace that is not there", 20_000, "", &mut || {
                number += 1;
                black_box(snapshot.trace(&Id::hex32(number)).unwrap().is_none());
            });
        }
    }
    let data = large_trace(scaled(100_000));
    for (what, shape, target) in [
        ("tree of 100,000, unsealed", Shape::Unsealed, ""),
        ("tree of 100,000, one segment", Shape::Sealed, "10,000 us"),
    ] {
        let folder = folder();
        let store = store_of(folder.path(), data.records.clone(), shape);
        tree_row(table, what, &store, &trace_ids(&data.records), target);
    }
}

fn payload_rows(table: &mut Table, place: &str, store: &Store, data: &Records, goal: [&str; 2]) {
    let (ids, inputs) = (trace_ids(&data.records), inputs_of(&data.records, 12_000..=14_000));
    let (snapshot, mut picks) = (store.snapshot(), Picks::new());
    if !inputs.is_empty() {
        row(table, &format!("one input of 13 KB, {place}"), 500, goal[0], &mut || {
            let (trace, observation) = picks.of(&inputs);
            black_box(snapshot.input(trace, observation).unwrap().unwrap().len());
        });
    }
    let mean = data.bytes / ids.len() as u64;
    // The target says 160 KB: some traces of just that size, and all of them.
    let near = of_size(&data.records, 150_000..170_000);
    for (ids, bytes, goal) in [(near, 160_000, goal[1]), (ids, mean, "")] {
        if ids.is_empty() {
            continue;
        }
        let what = format!("all payloads of a trace ({} KB), {place}", bytes / 1000);
        row(table, &what, 200, goal, &mut || {
            let mut bytes = 0;
            let mut each = |_: &Id, _, text: &[u8]| {
                bytes += text.len();
                Ok(())
            };
            snapshot.payloads(picks.of(&ids), &mut each).unwrap();
            black_box(bytes);
        });
    }
}

/// The traces whose payloads have so many bytes.
fn of_size(records: &[Record], bytes: Range<u64>) -> Vec<Id> {
    let mut sizes = HashMap::<&Id, u64>::new();
    for record in records {
        if let Target::Trace { trace } | Target::Observation { trace, .. } = &record.target {
            *sizes.entry(trace).or_default() += payload_bytes(record);
        }
    }
    let mut ids: Vec<Id> = sizes
        .iter()
        .filter(|(_, size)| bytes.contains(size))
        .map(|(id, _)| (*id).clone())
        .collect();
    ids.sort();
    ids
}

pub(crate) fn payloads(table: &mut Table) {
    let count = scaled(500);
    let data = calls_12(count);
    let places = [
        ("unsealed", Shape::Unsealed, ["", ""]),
        ("one segment", Shape::Sealed, ["100 us", "150 us"]),
        ("500 segments", Shape::Segments(count as usize), ["100 us", "150 us"]),
    ];
    for (place, shape, goal) in places {
        let folder = folder();
        let store = store_of(folder.path(), data.records.clone(), shape);
        payload_rows(table, place, &store, &data, goal);
    }
}

/// The mixture, interleaved, in pieces and late, through sixteen logs.
pub(crate) fn sixteen(table: &mut Table) {
    let data = arrivals(scaled(1_000));
    let ids = trace_ids(&data.records);
    for (place, shape) in
        [("sixteen logs", Shape::Unsealed), ("sealed and compacted", Shape::Segments(16))]
    {
        let folder = folder();
        let store = sixteen_logs(folder.path(), data.records.clone(), shape);
        let stats = store.stats().unwrap();
        let place = format!("{place} ({} logs, {} segments)", stats.logs, stats.segments);
        let mean = stats.observations as f64 / stats.traces as f64;
        let what = format!("tree of a mixture ({} a trace), {place}", figure(mean));
        tree_row(table, &what, &store, &ids, "");
        payload_rows(table, &place, &store, &data, ["", ""]);
    }
}
