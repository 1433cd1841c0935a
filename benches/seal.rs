//! Sealing a log of 64 MiB, quick and full. Rates are bytes of the log.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench ends where something fails, and is what tells the time"
)]

mod common;

use common::{copy_unclean, folder, is_test, log_of};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use std::time::{Duration, Instant};
use tracekeep::{Background, Options, SealLevel, Store};

fn bench(c: &mut Criterion) {
    let options = Options {
        background: Background::Off,
        live_bytes_max: 2 << 30,
        log_bytes_max: 1 << 30,
        log_raw_bytes_max: 1 << 30,
        ..Options::default()
    };
    let template = folder();
    let store = Store::builder().options(options.clone()).open(template.path()).unwrap();
    let bytes = if is_test() { 1 << 20 } else { 64 << 20 };
    log_of(&store, bytes, 256);
    store.close().unwrap();
    let mut group = c.benchmark_group("seal a log of 64 MiB");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(1))
        .throughput(Throughput::Bytes(bytes));
    for level in [SealLevel::Quick, SealLevel::Full] {
        group.bench_function(format!("{level:?}"), |b| {
            b.iter_custom(|rounds| {
                let one = || {
                    let folder = folder();
                    copy_unclean(template.path(), folder.path());
                    let builder = Store::builder().options(options.clone());
                    let store = builder.open(folder.path()).unwrap();
                    let start = Instant::now();
                    store.seal(level).unwrap();
                    start.elapsed()
                };
                (0..rounds).map(|_| one()).sum()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
