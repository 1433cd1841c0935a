//! Appending, one synced append, the corpus from append to its sealed size, opening, memory.

use crate::common::{
    Records, Shape, agents, append, batches, corpus as corpus_records, folder, hundreds, is_test,
    log_of, observations_1k, scaled, store_of, unrelated,
};
use crate::rounds;
use crate::table::{Table, Took, figure, median, proc_number, timed};
use std::os::unix::fs::FileExt;
use std::path::Path;
use tracekeep::{Background, Durability, Options, SealLevel, Store};
use tracekeep_measure::append::How;

const BASE: How = How::BASE;

fn pass(how: How, records: Vec<tracekeep::model::Record>) -> Took {
    tracekeep_measure::append::pass(folder().path(), &how, records).unwrap()
}

/// What a row of rates counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Megabytes,
    Records,
}

fn append_row(
    table: &mut Table,
    what: &str,
    data: &mut dyn FnMut() -> Records,
    how: How,
    count: Count,
    target: &str,
) {
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..rounds() {
        let data = data();
        let amount = match count {
            Count::Megabytes => data.bytes as f64 / 1e6,
            Count::Records => data.records.len() as f64 / 1e3,
        };
        let took = pass(how, data.records);
        wall.push(amount / took.wall.as_secs_f64());
        cpu.push(amount / took.cpu.as_secs_f64());
    }
    let unit = match count {
        Count::Megabytes => "MB/s",
        Count::Records => "thousand/s",
    };
    let How { batch, durability, threads, in_flight, .. } = how;
    let what =
        format!("{what}: batch {batch}, {durability:?}, threads {threads}, in flight {in_flight}");
    let cpu = format!("{} {unit} a core-second", figure(median(&cpu)));
    table.row(&what, &wall, unit, &cpu, target);
}

pub(crate) fn agents_rows(table: &mut Table) {
    use Durability::{DiskStrict, Os};
    let data = agents(scaled(12_000));
    let mut agents = || data.clone();
    let gigabyte = "1,000 MB/s a core-second";
    let mut row = |how, target| {
        append_row(table, "agents", &mut agents, how, Count::Megabytes, target);
    };
    row(BASE, gigabyte);
    row(How { in_flight: 1, ..BASE }, "reported");
    row(How { threads: 8, ..BASE }, "");
    row(How { durability: Os, ..BASE }, "");
    row(How { durability: DiskStrict, ..BASE }, "");
    row(How { batch: 16, ..BASE }, "");
    row(How { batch: 256, ..BASE }, "");
    let few = self::agents(scaled(2_000));
    let mut few = || few.clone();
    for in_flight in [8, 1] {
        let how = How { batch: 1, in_flight, ..BASE };
        append_row(table, "agents", &mut few, how, Count::Megabytes, "");
    }
}

pub(crate) fn unrelated_payloads(table: &mut Table) {
    let data = unrelated(scaled(2_000));
    let mut unrelated = || data.clone();
    for (in_flight, target) in [(8, "300 MB/s a core"), (1, "")] {
        let how = How { in_flight, ..BASE };
        append_row(table, "10 to 200 KB", &mut unrelated, how, Count::Megabytes, target);
    }
}

pub(crate) fn small_observations(table: &mut Table) {
    let data = observations_1k(scaled(100_000));
    let mut small = || data.clone();
    for (batch, in_flight, target) in [(256, 8, "400 thousand/s a core"), (64, 8, ""), (64, 1, "")]
    {
        let how = How { batch, in_flight, ..BASE };
        append_row(table, "1 KB", &mut small, how, Count::Records, target);
    }
}

/// One observation of 1 KB a batch, waited for, in turns with a file that is given as many bytes.
pub(crate) fn one_synced(table: &mut Table) {
    let folder = folder();
    let options = Options { background: Background::Off, ..Options::default() };
    let store = Store::builder().options(options).open(folder.path()).unwrap();
    let file = std::fs::File::create(folder.path().join("plain")).unwrap();
    let keep = rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, keep, 0, 1 << 20).unwrap();
    let count = scaled(1_000) as usize;
    let bytes = vec![3u8; frame_bytes_1k()];
    let (mut plain, mut ours) = (Vec::new(), Vec::new());
    for (n, batch) in batches(observations_1k(count as u64).records, 1).into_iter().enumerate() {
        let (_, took) = timed(|| {
            file.write_all_at(&bytes, (n * bytes.len()) as u64).unwrap();
            file.sync_data().unwrap();
        });
        plain.push(took.wall.as_secs_f64() * 1e6);
        let (_, took) = timed(|| append(&store, vec![batch], 1));
        ours.push(took.wall.as_secs_f64() * 1e6);
    }
    let what = format!("write and fdatasync of {} bytes", bytes.len());
    table.row(&what, &plain, "us", "", "");
    let target = format!("{} us: {} + 30", figure(median(&plain) + 30.0), figure(median(&plain)));
    table.row("append of one observation of 1 KB, waited for", &ours, "us", "", &target);
}

/// Bytes that a log grows by with one observation of 1 KB: at `Os`, where it has no zeros laid
/// ahead.
fn frame_bytes_1k() -> usize {
    let folder = folder();
    let (durability, background) = (Durability::Os, Background::Off);
    let options = Options { durability, background, ..Options::default() };
    let store = Store::builder().options(options).open(folder.path()).unwrap();
    append(&store, batches(observations_1k(1).records, 1), 1);
    let before = store.stats().unwrap().bytes.log;
    append(&store, batches(observations_1k(64).records, 1), 1);
    ((store.stats().unwrap().bytes.log - before) / 64) as usize
}

/// The real traces: append, size when sealed, bytes written in all.
pub(crate) fn corpus(table: &mut Table) {
    let bytes_max = if is_test() { 4 << 20 } else { u64::MAX };
    let Some(first) = corpus_records(bytes_max) else {
        println!("\nTRACEKEEP_CORPUS is not set: no rows of real traces");
        return;
    };
    let mega = first.bytes as f64 / 1e6;
    let mut kept = Some(first);
    let mut data = || kept.take().unwrap_or_else(|| corpus_records(bytes_max).unwrap());
    let target = "1,000 MB/s a core-second";
    append_row(table, "tool-agents", &mut data, BASE, Count::Megabytes, target);
    let one = How { in_flight: 1, ..BASE };
    append_row(table, "tool-agents", &mut data, one, Count::Megabytes, "reported");

    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let batches = batches(data().records, 64);
    let written = proc_number("self/io", "wchar").unwrap_or(0);
    let (_, took) = timed(|| append(&store, batches, 8));
    let rate = mega / took.wall.as_secs_f64();
    let cpu = format!("{} MB/s a core-second", figure(mega / took.cpu.as_secs_f64()));
    table.row("tool-agents, default options, sealing behind", &[rate], "MB/s", &cpu, "");
    let (report, took) = timed(|| store.seal(SealLevel::Full).unwrap());
    let cpu = format!("{} s", figure(took.cpu.as_secs_f64()));
    table.row("tool-agents, seal full", &[took.wall.as_secs_f64()], "s", &cpu, "");
    let total = store.stats().unwrap().bytes.total as f64 / 1e6;
    table.row("tool-agents, all files, sealed", &[total], "MB", "", "9.2 MB, first step 15");
    let written = proc_number("self/io", "wchar").unwrap_or(0).saturating_sub(written) as f64;
    let share = written / 1e6 / mega;
    let what =
        format!("bytes written in a life, of {} MB ({} segments)", figure(mega), report.segments);
    table.row(&what, &[share], "of the JSON", "", "at most 0.1");
}

/// Opening, after the process was killed: see `benches/open.rs`.
pub(crate) fn open(table: &mut Table) {
    let options = Options {
        background: Background::Off,
        live_bytes_max: 2 << 30,
        log_bytes_max: 1 << 30,
        marker_ms: 3_600_000,
        ..Options::default()
    };
    let template = folder();
    let count = scaled(1_000);
    drop(store_of(template.path(), hundreds(count).records, Shape::Segments(count as usize)));
    let row = |table: &mut Table, what: &str, target: &str| {
        let all: Vec<Took> = (0..rounds()).map(|_| reopened(template.path(), &options)).collect();
        let walls: Vec<f64> = all.iter().map(|t| t.wall.as_secs_f64() * 1e3).collect();
        let cpus: Vec<f64> = all.iter().map(|t| t.cpu.as_secs_f64() * 1e3).collect();
        table.row(what, &walls, "ms", &format!("{} ms", figure(median(&cpus))), target);
    };
    row(table, "open 1,000 segments", "");
    let store = Store::builder().options(options.clone()).open(template.path()).unwrap();
    let bytes = if is_test() { 1 << 20 } else { 64 << 20 };
    let records = log_of(&store, bytes, 64);
    let what = format!("open 1,000 segments and a log of 64 MiB ({records} records), killed");
    row(table, &what, "500 ms");

    for level in [SealLevel::Quick, SealLevel::Full] {
        let folder = folder();
        let store = Store::builder().options(options.clone()).open(folder.path()).unwrap();
        log_of(&store, bytes, 64);
        let (_, took) = timed(|| store.seal(level).unwrap());
        let cpu = format!("{} s", figure(took.cpu.as_secs_f64()));
        let what = format!("seal a log of 64 MiB, {level:?}");
        table.row(&what, &[took.wall.as_secs_f64()], "s", &cpu, "");
    }
}

fn reopened(template: &Path, options: &Options) -> Took {
    tracekeep_measure::opening::reopened(folder().path(), template, options).unwrap()
}
