//! How long a batch waits until it is acknowledged, with sealing behind and without; and whether
//! sealing keeps up with appending as fast as it goes.

use crate::common::{append, batches, folder, is_test, scaled};
use crate::table::{Table, figure, print_rows, timed};
use std::path::Path;
use tracekeep::model::Record;
use tracekeep::{Background, Batch, Options, Store};
use tracekeep_measure::clock::quantile;
use tracekeep_workload::{Arrivals, Shape, Steady};

/// One batch at a time, of 64 records, waited for.
pub(crate) fn tails(_: &mut Table) {
    let heads = ["one batch of 64 at a time", "p50 us", "p99", "p99.9", "max", "p99.9 by p50"];
    let mut rows = vec![heads.map(str::to_owned)];
    let gigabytes = std::env::var("TRACEKEEP_STREAM_GB").map_or(2.0, |n| n.parse().unwrap());
    let observations = scaled(1_600_000);
    for background in [Background::Off, Background::On] {
        let records = Steady::new(5).records(0..observations);
        rows.push(row("observations of 200 B", background, records));
        let bytes = scaled((gigabytes * 1e9) as u64);
        let mut sum = 0;
        let some = Arrivals::new(1, Shape::default()).take_while(|record| {
            sum += tracekeep_workload::payload_bytes(record);
            sum < bytes
        });
        rows.push(row("mixture", background, some));
    }
    println!("\n### tails\n");
    print_rows(&rows);
    keeps_up(scaled(4_000_000));
}

fn row(
    what: &str,
    background: Background,
    mut records: impl Iterator<Item = Record>,
) -> [String; 6] {
    let folder = folder();
    let live_bytes_max = if background == Background::Off { 4 << 30 } else { 256 << 20 };
    let options = Options { background, live_bytes_max, ..Options::default() };
    let store = Store::builder().options(options).open(folder.path()).unwrap();
    let mut us = Vec::new();
    loop {
        let some: Vec<Record> = records.by_ref().take(4096).collect();
        if some.is_empty() {
            break;
        }
        for batch in batches(some, 64) {
            us.push(acknowledged(&store, batch));
        }
    }
    let at = |share| quantile(&us, share);
    let sealing = if background == Background::Off { "nothing behind" } else { "sealing behind" };
    let (p50, p999) = (at(0.5), at(0.999));
    let cells = [p50, at(0.99), p999, at(1.0), p999 / p50].map(figure);
    let [a, b, c, d, e] = cells;
    [format!("{what}, {sealing}, {} batches", us.len()), a, b, c, d, e]
}

fn acknowledged(store: &Store, batch: Batch) -> f64 {
    let (done, took) = timed(|| store.append_and_wait(batch));
    done.unwrap();
    took.wall.as_secs_f64() * 1e6
}

/// Appends as fast as it goes, with default options: what is not sealed yet, over time.
fn keeps_up(records: u64) {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let heads = ["thousand records", "thousand/s", "unsealed logs", "MB of them", "segments"];
    let mut rows = vec![heads.map(str::to_owned)];
    let stream = Steady::new(6);
    let step = (records / 20).max(1);
    for at in 0..20 {
        let numbers: Vec<u64> = (at * step..(at + 1) * step).collect();
        let mut spent = 0.0;
        for some in numbers.chunks(16 << 10) {
            let made: Vec<Record> = stream.records(some[0]..some[0] + some.len() as u64).collect();
            let all = batches(made, 64);
            spent += timed(|| append(&store, all, 8)).1.wall.as_secs_f64();
        }
        let (logs, bytes) = files(folder.path(), "log-");
        let (segments, _) = files(folder.path(), "seg-");
        let cells = [
            ((at + 1) * step) as f64 / 1e3,
            step as f64 / 1e3 / spent,
            logs as f64,
            bytes as f64 / 1e6,
            segments as f64 / 2.0,
        ];
        rows.push(cells.map(figure));
        if !is_test() {
            eprintln!("{} % appended", (at + 1) * 5);
        }
    }
    println!("\n### sealing behind, as fast as it goes\n");
    print_rows(&rows);
}

/// How many files of such a name, and their bytes.
fn files(path: &Path, prefix: &str) -> (u64, u64) {
    let entries = std::fs::read_dir(path).unwrap().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    named.fold((0, 0), |(n, sum), entry| (n + 1, sum + entry.metadata().map_or(0, |m| m.len())))
}
