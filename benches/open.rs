//! Opening: an empty store, and 1,000 segments with a log of 64 MiB after an unclean end.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench ends where something fails, and is what tells the time"
)]

mod common;

use common::{Shape, copy_unclean, folder, hundreds, is_test, log_of, scaled, store_of};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use std::path::Path;
use std::time::{Duration, Instant};
use tracekeep::{Background, Options, Store};

fn open(template: &Path, options: &Options) -> Duration {
    let folder = folder();
    copy_unclean(template, folder.path());
    let start = Instant::now();
    let store = Store::builder().options(options.clone()).open(folder.path()).unwrap();
    let took = start.elapsed();
    drop(store);
    took
}

fn bench(c: &mut Criterion) {
    let options = Options {
        background: Background::Off,
        live_bytes_max: 2 << 30,
        log_bytes_max: 1 << 30,
        marker_ms: 3_600_000,
        ..Options::default()
    };
    let mut group = c.benchmark_group("open");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(2));
    let template = folder();
    drop(store_of(template.path(), Vec::new(), Shape::Unsealed));
    group.bench_function("an empty store", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| open(template.path(), &options)).sum());
    });

    let template = folder();
    let count = scaled(1_000);
    let records = hundreds(count).records;
    drop(store_of(template.path(), records, Shape::Segments(count as usize)));
    group.bench_function("1,000 segments", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| open(template.path(), &options)).sum());
    });
    // The store stays open: no marker promises its last group.
    let store = Store::builder().options(options.clone()).open(template.path()).unwrap();
    log_of(&store, if is_test() { 1 << 20 } else { 64 << 20 }, 64);
    group.bench_function("1,000 segments and a log of 64 MiB, after kill -9", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| open(template.path(), &options)).sum());
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
