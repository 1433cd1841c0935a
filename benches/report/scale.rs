//! What things cost as the data grows: one store, measured at each size that it passes.
//!
//! `TRACEKEEP_SCALE=1e7` names the last size in observations, a million where it is not set;
//! `TRACEKEEP_SCALE_DIR` keeps the store in a directory and goes on from what is there.

use crate::common::{Picks, append, batches, is_test};
use crate::memory::sampled;
use crate::table::{Table, figure, median, print_rows, proc_number, timed};
use std::hint::black_box;
use std::path::Path;
use tracekeep::model::{TimeRange, Timestamp};
use tracekeep::{Id, Options, SealLevel, Snapshot, Store, TraceQuery};
use tracekeep_measure::clock::{Took, monotonic, quantile, timed_thread};
use tracekeep_measure::disk;
use tracekeep_workload::Steady;

/// Records are made and appended in chunks of about so many.
const CHUNK_RECORDS: u64 = 16 * Steady::RECORDS_AT_ONCE;
/// Observations for which [`Steady::RECORDS_AT_ONCE`] stand.
const OBSERVATIONS_AT_ONCE: u64 = Steady::AT_ONCE * Steady::OBSERVATIONS;
const SEED: u64 = 11;

/// A size's figures, by their names, in the order of the columns.
type Figures = Vec<(&'static str, f64)>;

pub(crate) fn scale(_: &mut Table) {
    let last = std::env::var("TRACEKEEP_SCALE").map_or(1e6, |n| n.parse::<f64>().unwrap()) as u64;
    let last = if is_test() { 2_000 } else { last };
    let kept = std::env::var_os("TRACEKEEP_SCALE_DIR").map(std::path::PathBuf::from);
    let temporary = crate::common::folder();
    let path = kept.unwrap_or_else(|| temporary.path().to_path_buf());
    let before = status_mib("RssAnon");
    let store = Store::open(&path).unwrap();
    let anonymous = status_mib("RssAnon") - before;
    let stats = store.stats().unwrap();
    println!("opened with {} segments: {} MiB anonymous", stats.segments, figure(anonymous));
    let mut has = stats.observations;
    drop(store);
    let mut rows: Vec<Figures> = Vec::new();
    for size in sizes(last) {
        if size <= has {
            continue;
        }
        let figures = grown(&path, has, size);
        let json: Vec<String> = figures.iter().map(|(k, v)| format!("\"{k}\": {v}")).collect();
        println!("{{{}}}", json.join(", "));
        rows.push(figures);
        has = size;
    }
    println!("\n### scale\n");
    print_rows(&aligned(&rows));
}

/// A tenth of the last size, a hundredth and so on, down to 100,000.
fn sizes(last: u64) -> Vec<u64> {
    let step = OBSERVATIONS_AT_ONCE;
    let all = std::iter::successors(Some(last), |size| Some(size / 10));
    let mut sizes: Vec<u64> = all
        .take_while(|size| *size >= 100_000 || *size == last)
        .map(|size| size.max(step) / step * step)
        .collect();
    sizes.reverse();
    sizes
}

/// A row a figure and a column a size: there are more figures than sizes.
fn aligned(rows: &[Figures]) -> Vec<Vec<String>> {
    let Some(first) = rows.first() else { return Vec::new() };
    let named = first.iter().enumerate().map(|(i, (name, _))| {
        let cells = rows.iter().map(|row| {
            let value = row[i].1;
            if value >= 1000.0 { format!("{value:.0}") } else { figure(value) }
        });
        std::iter::once((*name).to_owned()).chain(cells).collect()
    });
    named.collect()
}

/// Appends to the store from `has` observations to `size`, settles it, and asks it.
fn grown(path: &Path, has: u64, size: u64) -> Figures {
    let mut figures: Figures = vec![("observations", size as f64)];
    let store = Store::open(path).unwrap();
    appended(path, &store, has, size, &mut figures);
    behind(&store, size, &mut figures);
    settled(path, &store, size, &mut figures);
    store.close().unwrap();
    opened_and_read(path, size, &mut figures);
    figures
}

fn appended(path: &Path, store: &Store, has: u64, size: u64, figures: &mut Figures) {
    let stream = Steady::new(SEED);
    let mut numbers = has / OBSERVATIONS_AT_ONCE * Steady::RECORDS_AT_ONCE
        ..size / OBSERVATIONS_AT_ONCE * Steady::RECORDS_AT_ONCE;
    let (first, count) = (numbers.start, numbers.end - numbers.start);
    let written = written_bytes(path);
    let (mut made, mut all) = (Took::default(), Took::default());
    let mut told = 0;
    let memory = sampled(|| {
        let (_, took) = timed(|| {
            while !numbers.is_empty() {
                let next = (numbers.start + CHUNK_RECORDS).min(numbers.end);
                let (records, took) =
                    timed_thread(|| stream.records(numbers.start..next).collect::<Vec<_>>());
                made = Took { wall: made.wall + took.wall, cpu: made.cpu + took.cpu };
                append(store, batches(records, 64), 8);
                numbers.start = next;
                let tenth = (next - first) * 10 / count;
                if tenth > told && !is_test() {
                    told = tenth;
                    eprintln!("{size}: {tenth}0 % appended");
                }
            }
        });
        all = took;
    });
    let thousands = count as f64 / 1e3;
    let rate = |took: std::time::Duration| thousands / took.as_secs_f64().max(1e-9);
    figures.push(("append, thousand records/s", rate(all.wall - made.wall)));
    figures.push(("of these, a core-second", rate(all.cpu.saturating_sub(made.cpu))));
    figures.push(("making a record, us", made.cpu.as_secs_f64() * 1e3 / thousands));
    figures.push(("memory appending, MiB", most(&memory)));
    figures.push((
        "written appending, B/record",
        (written_bytes(path) - written) as f64 / count as f64,
    ));
}

/// The list while logs are not sealed yet.
fn behind(store: &Store, size: u64, figures: &mut Figures) {
    let query = TraceQuery { limit: 50, ..TraceQuery::default() };
    let page = || {
        let snapshot = store.snapshot();
        timed(|| black_box(snapshot.traces(&query).unwrap())).1.wall.as_secs_f64() * 1e3
    };
    figures.push(("list page behind, first, ms", page()));
    let again: Vec<f64> = (0..11).map(|_| page()).collect();
    figures.push(("list page behind, again, ms", median(&again)));
    let stats = store.stats().unwrap();
    assert_eq!(stats.observations, size);
    figures.push(("logs behind", stats.logs as f64));
    figures.push(("segments behind", stats.segments as f64));
}

fn settled(path: &Path, store: &Store, size: u64, figures: &mut Figures) {
    let written = written_bytes(path);
    let mut took = Took::default();
    let memory = sampled(|| {
        took = timed(|| store.seal(SealLevel::Full).unwrap()).1;
    });
    let stats = store.stats().unwrap();
    figures.push(("seal, CPU s", took.cpu.as_secs_f64()));
    figures.push(("memory sealing, MiB", most(&memory)));
    figures.push(("written sealing, MB", (written_bytes(path) - written) as f64 / 1e6));
    figures.push(("settled, B/observation", stats.bytes.total as f64 / size as f64));
    figures.push(("skeletons, B/observation", stats.bytes.skeleton as f64 / size as f64));
    figures.push(("merged index, MB", stats.bytes.index as f64 / 1e6));
    figures.push(("settled, MB", stats.bytes.total as f64 / 1e6));
    figures.push(("segments", stats.segments as f64));
}

fn opened_and_read(path: &Path, size: u64, figures: &mut Figures) {
    let options = Options { block_cache_bytes: 0, ..Options::default() };
    let mut opens = Vec::new();
    let mut cpus = Vec::new();
    for _ in 0..3 {
        let builder = Store::builder().options(options.clone());
        let (store, took) = timed(|| builder.open(path).unwrap());
        store.close().unwrap();
        opens.push(took.wall.as_secs_f64() * 1e3);
        cpus.push(took.cpu.as_secs_f64() * 1e3);
    }
    figures.push(("open, ms", median(&opens)));
    figures.push(("open, CPU ms", median(&cpus)));
    disk::warm(path).unwrap();
    let store = Store::builder().options(options).open(path).unwrap();
    figures.push(("mapped and touched after open, MiB", status_mib("RssFile")));
    let files = std::fs::read_dir(path).unwrap().count();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let maps = maps.lines().filter(|line| line.contains(&*path.to_string_lossy())).count();
    figures.extend([("files", files as f64), ("maps", maps as f64)]);
    reads(&store.snapshot(), size, figures);
    store.close().unwrap();
}

fn reads(snapshot: &Snapshot, size: u64, figures: &mut Figures) {
    let stream = Steady::new(SEED);
    let traces: Vec<u64> = (0..size / Steady::OBSERVATIONS).collect();
    let mut picks = Picks::new();
    let few = |count: usize| if is_test() { 1 } else { count };
    let mut number = 0u128;
    let (median, _) = us(few(20_000), &mut || {
        number += 1;
        black_box(snapshot.trace(&Id::hex32(number)).unwrap().is_none());
    });
    figures.push(("a trace that is not there, us", median));
    let (median, p99) = us(few(5_000), &mut || {
        let tree = snapshot.trace(&stream.trace(*picks.of(&traces))).unwrap().unwrap();
        assert_eq!(tree.len() as u64, Steady::OBSERVATIONS);
    });
    figures.extend([("tree of 100, us", median), ("tree of 100, p99, us", p99)]);
    let (median, p99) = us(few(2_000), &mut || {
        let n = *picks.of(&traces);
        let id = stream.observation(n, n % Steady::OBSERVATIONS);
        black_box(snapshot.input(&stream.trace(n), &id).unwrap().unwrap().len());
    });
    figures.extend([("one payload, us", median), ("one payload, p99, us", p99)]);
    let newest = TraceQuery { limit: 50, ..TraceQuery::default() };
    let (median, _) = us(few(200), &mut || {
        assert!(!snapshot.traces(&newest).unwrap().traces.is_empty());
    });
    figures.push(("list of 50, newest, us", median));
    let (median, _) = us(few(200), &mut || {
        let number = *picks.of(&traces) * Steady::RECORDS_AT_ONCE / Steady::AT_ONCE;
        let end = Timestamp(stream.time(number).0 + 1);
        let range = TimeRange { end, ..TimeRange::ALL };
        let query = TraceQuery { range, ..newest.clone() };
        assert!(!snapshot.traces(&query).unwrap().traces.is_empty());
    });
    figures.push(("list of 50 before a time, us", median));
}

/// Median and p99 of single calls, after as many to warm up.
fn us(count: usize, call: &mut dyn FnMut()) -> (f64, f64) {
    (0..count).for_each(|_| call());
    let mut once = || {
        let start = monotonic();
        call();
        (monotonic() - start).as_secs_f64() * 1e6
    };
    let took: Vec<f64> = (0..count).map(|_| once()).collect();
    (median(&took), quantile(&took, 0.99))
}

fn most(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(0.0, f64::max)
}

fn written_bytes(path: &Path) -> u64 {
    disk::written_bytes(path).unwrap_or(0)
}

fn status_mib(key: &str) -> f64 {
    proc_number("self/status", key).unwrap_or(0) as f64 / 1024.0
}
