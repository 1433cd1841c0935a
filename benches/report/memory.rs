//! Memory of an endless stream: what a process holds while a mixture is appended and sealed behind.

use crate::common::{append, batches, folder, is_test};
use crate::table::{Table, figure, proc_number};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracekeep::model::Record;
use tracekeep::{SealLevel, Store};
use tracekeep_workload::{Arrivals, Shape};

/// Records are made and appended in chunks of this many bytes of payload.
const CHUNK: u64 = 16 << 20;

/// Anonymous memory of this process, sampled each 10 ms, in MiB. `TRACEKEEP_STREAM_GB` says how
/// many gigabytes of payloads are appended, 3 where it is not set. The generator is measured
/// alone first: it holds late records back, and they are in every other figure.
pub(crate) fn memory(table: &mut Table) {
    let gigabytes = std::env::var("TRACEKEEP_STREAM_GB").map_or(3, |n| n.parse().unwrap());
    let wanted: u64 = if is_test() { 20_000_000 } else { gigabytes * 1_000_000_000 };
    let mut stream = Arrivals::new(1, Shape::default());
    let alone = sampled(|| (0..64).for_each(|_| drop(some_of(&mut stream, CHUNK))));
    table.row("generator alone, 1,074 MB", &alone, "MiB", "", "");
    drop(stream);

    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let mut stream = Arrivals::new(1, Shape::default());
    for eighth in 1..=8 {
        let mut segments = store.stats().unwrap().segments;
        let samples = sampled(|| {
            let mut bytes = 0;
            while bytes < wanted / 8 {
                let (records, some) = some_of(&mut stream, CHUNK);
                append(&store, batches(records, 64), 8);
                bytes += some;
            }
            segments = store.stats().unwrap().segments;
        });
        let what = format!("after {} MB, {segments} segments", wanted / 8_000_000 * eighth);
        let files = proc_number("self/status", "RssFile").unwrap_or(0) / 1024;
        table.row(&what, &samples, "MiB", &format!("{files} MiB mapped"), "a stated budget");
    }
    let samples = sampled(|| {
        store.seal(SealLevel::Full).unwrap();
    });
    let what = format!(
        "seal full, {} MB of files",
        figure(store.stats().unwrap().bytes.total as f64 / 1e6)
    );
    table.row(&what, &samples, "MiB", "", "a stated budget");
}

/// Records of at least so many bytes of payloads, and how many.
fn some_of(stream: &mut Arrivals, bytes: u64) -> (Vec<Record>, u64) {
    let (mut records, mut sum) = (Vec::new(), 0);
    while sum < bytes {
        let Some(record) = stream.next() else { break };
        sum += tracekeep_workload::payload_bytes(&record);
        records.push(record);
    }
    (records, sum)
}

/// Anonymous memory of this process while it works, in MiB, each 10 ms.
pub(crate) fn sampled(work: impl FnOnce()) -> Vec<f64> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut samples = Vec::new();
            while !done.load(Ordering::Relaxed) {
                samples
                    .extend(proc_number("self/status", "RssAnon").map(|kib| kib as f64 / 1024.0));
                std::thread::sleep(Duration::from_millis(10));
            }
            samples
        });
        work();
        done.store(true, Ordering::Relaxed);
        sampler.join().unwrap()
    })
}
