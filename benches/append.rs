//! Appending: from records in memory to the acknowledgement of the last batch.
//!
//! One thing is varied at a time, from 64 records a batch, `Disk`, one thread, eight batches in
//! flight. Rates are bytes of payload, for observations of 1 KB records a second.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench ends where something fails, and is what tells the time"
)]

mod common;

use common::{Records, agents, append_from, batches, folder, observations_1k, scaled, unrelated};
use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use std::time::{Duration, Instant};
use tracekeep::{Background, Batch, Durability, Options, Store};

/// How records are appended.
#[derive(Clone, Copy)]
struct How {
    batch: usize,
    durability: Durability,
    threads: usize,
    in_flight: usize,
}

const BASE: How = How { batch: 64, durability: Durability::Disk, threads: 1, in_flight: 8 };

impl How {
    fn name(&self) -> String {
        let How { batch, durability, threads, in_flight } = self;
        format!("batch {batch}, {durability:?}, threads {threads}, in flight {in_flight}")
    }
}

fn ways() -> Vec<How> {
    use Durability::{DiskStrict, Os};
    let mut ways = vec![
        BASE,
        How { in_flight: 1, ..BASE },
        How { threads: 8, in_flight: 1, ..BASE },
        How { threads: 8, ..BASE },
        How { durability: Os, ..BASE },
        How { durability: DiskStrict, ..BASE },
        How { durability: Os, in_flight: 1, ..BASE },
        How { durability: DiskStrict, in_flight: 1, ..BASE },
    ];
    for batch in [1, 16, 256] {
        ways.push(How { batch, ..BASE });
        ways.push(How { batch, in_flight: 1, ..BASE });
    }
    ways
}

/// The time that appending these batches to a new store takes.
fn pass(how: How, batches: Vec<Batch>) -> Duration {
    let folder = folder();
    let background = Background::Off;
    let options = Options { durability: how.durability, background, ..Options::default() };
    let store = Store::builder().options(options).open(folder.path()).unwrap();
    let start = Instant::now();
    append_from(&store, batches, how.threads, how.in_flight);
    start.elapsed()
}

fn appends(c: &mut Criterion, name: &str, data: &Records, throughput: Throughput) {
    let mut group = c.benchmark_group(format!("append {name}"));
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(500))
        .throughput(throughput);
    for how in ways() {
        group.bench_function(BenchmarkId::from_parameter(how.name()), |b| {
            b.iter_custom(|rounds| {
                let one = || pass(how, batches(data.records.clone(), how.batch));
                (0..rounds).map(|_| one()).sum()
            });
        });
    }
    group.finish();
}

fn bench(c: &mut Criterion) {
    let data = agents(scaled(1_000));
    appends(c, "agents", &data, Throughput::Bytes(data.bytes));
    let data = unrelated(scaled(200));
    appends(c, "unrelated payloads", &data, Throughput::Bytes(data.bytes));
    let data = observations_1k(scaled(4_096));
    appends(c, "observations of 1 KB", &data, Throughput::Elements(data.records.len() as u64));
}

criterion_group!(benches, bench);
criterion_main!(benches);
