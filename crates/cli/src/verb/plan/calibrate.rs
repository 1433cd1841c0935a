//! Runs stores on this machine and this disk, in temporary directories that go away.

use crate::progress::Progress;
use std::path::Path;
use tracekeep::error::Error;
use tracekeep::model::Record;
use tracekeep::{Durability, Options, Result};
use tracekeep_measure::append::{How, pass_within};
use tracekeep_measure::clock::{proc_number, quantile};
use tracekeep_measure::sizes::{GROUPS, Growth, Sizes, growth};
use tracekeep_measure::{disk, machine, opening, reads};
use tracekeep_plan::measured::{Append, Latency, Machine, Measured, Reads, Recovery, Upkeep};
use tracekeep_plan::{Point, Sample};

/// Batch sizes that appending is measured with.
const BATCHES: [usize; 4] = [1, 16, 64, 256];
const LEVELS: [(Durability, &str); 3] =
    [(Durability::Os, "os"), (Durability::Disk, "disk"), (Durability::DiskStrict, "disk_strict")];
/// Steps of the bar: the subsets, each way of appending, and what else there is.
const STEPS: u64 = 32 + 12 + 4;

/// How long and how much.
struct Effort {
    pass_seconds: f64,
    syncs: usize,
    write_bytes: usize,
    reads: usize,
}

const FULL: Effort = Effort { pass_seconds: 1.0, syncs: 200, write_bytes: 256 << 20, reads: 500 };
const QUICK: Effort = Effort { pass_seconds: 0.02, syncs: 5, write_bytes: 1 << 20, reads: 10 };

/// Measures all that a plan is made of. Takes about a minute, and a few times the disk of the
/// sample.
pub(super) fn calibrate(dir: &Path, records: &[Record], quick: bool) -> Result<Measured> {
    let effort = if quick { QUICK } else { FULL };
    let bar = Progress::things("measuring", Some(STEPS));
    let mut step = 0;
    let mut next = |what: &str| {
        step += 1;
        bar.at(step);
        bar.say(|| what.to_owned());
    };
    let level = Options::default().seal_level;
    let (mut found, mut seconds, mut memory) = (None, (0.0, 0.0), 0);
    let growth = growth(dir, records, level, &mut |progress| {
        (0..progress.eighths).for_each(|_| next("sizes"));
        memory = memory.max(proc_number("self/status", "RssAnon").unwrap_or(0) * 1024);
        if progress.eighths == GROUPS {
            seconds = (progress.seal.wall.as_secs_f64(), progress.seal.cpu.as_secs_f64());
            found = Some(reads::reads(&progress.store.snapshot(), effort.reads)?);
        }
        Ok(())
    })?;
    let whole = growth.whole();
    let observations = whole.observations.max(1) as f64;
    let io = |error| Error::io("write", dir, error);
    let syncs = disk::synced_writes(dir, 4 << 10, effort.syncs).map_err(io)?;
    next("disk");
    let disk_rate = disk::write_rate(dir, effort.write_bytes).map_err(io)?;
    next("disk");
    let (mut appends, mut log_bytes) = (Vec::new(), 0.0);
    for (durability, name) in LEVELS {
        for batch in BATCHES {
            let how = How { durability, batch, ..How::BASE };
            let room = tracekeep_measure::room(dir)?;
            let (done, took, log) = pass_within(room.path(), &how, records, effort.pass_seconds)?;
            // Pieces of an observation come as several records.
            let share = observations * done as f64 / records.len().max(1) as f64;
            if durability == Durability::Disk && batch == 64 {
                log_bytes = log as f64 / share;
            }
            appends.push(Append {
                durability: name.to_owned(),
                batch,
                in_flight: how.in_flight,
                observations_per_second: share / took.wall.as_secs_f64().max(1e-9),
                cpu_seconds: took.cpu.as_secs_f64() / share.max(1e-9),
            });
            next("appending");
        }
    }
    let recovery = recovery(dir, records)?;
    next("opening");
    let found = found.unwrap_or_default();
    Ok(Measured {
        machine: machine_of(dir),
        sizes: sample_of(&growth),
        appends,
        upkeep: Upkeep {
            log_bytes,
            seal_seconds: seconds.0 / observations,
            seal_cpu_seconds: seconds.1 / observations,
            memory_bytes: memory,
        },
        sync_us: latency(&syncs),
        disk_bytes_per_second: disk_rate,
        reads: Reads {
            tree: latency(&found.tree),
            trace: latency(&found.trace),
            payload: latency(&found.payload),
        },
        recovery,
    })
}

fn latency(values: &[f64]) -> Latency {
    match values.is_empty() {
        true => Latency::default(),
        false => Latency { p50: quantile(values, 0.5), p99: quantile(values, 0.99) },
    }
}

/// Opening nothing, and opening the sample's log.
fn recovery(dir: &Path, records: &[Record]) -> Result<Recovery> {
    let nothing = opening::recovery(dir, Vec::new())?;
    let all = opening::recovery(dir, records.to_vec())?;
    let seconds = |opened: &opening::Opened| opened.took.wall.as_secs_f64();
    let log = all.log_bytes.max(1) as f64;
    Ok(Recovery {
        base_seconds: seconds(&nothing),
        log_byte_seconds: (seconds(&all) - seconds(&nothing)).max(0.0) / log,
        log_byte_memory: all.live_bytes as f64 / log,
    })
}

fn machine_of(dir: &Path) -> Machine {
    let found = machine::machine(dir);
    Machine {
        processor: found.processor,
        cores: found.cores as f64,
        memory_bytes: found.memory_bytes,
        system: format!("{}, {}", found.system, found.file_system),
        disk_bytes: found.disk_bytes,
        disk_free_bytes: found.disk_free_bytes,
    }
}

fn sample_of(growth: &Growth) -> Sample {
    let point = |eighths: u32| {
        let same = growth.sealed.iter().find(|(n, _)| *n == eighths);
        mean(same.map_or(&[], |(_, all)| all))
    };
    let whole = growth.whole();
    let last = |values: &[f64]| match values {
        [.., before, last] => last - before,
        _ => 0.0,
    };
    Sample {
        points: [point(GROUPS / 4), point(GROUPS / 2), point(GROUPS)],
        new_parts: last(&growth.novelty.parts),
        new_part_bytes: last(&growth.novelty.part_bytes),
        part_exponent: growth.novelty.exponent(),
        compression: growth.novelty.compression,
        traces: whole.traces as f64,
        scores: whole.scores as f64,
        logical: whole.bytes.logical as f64,
        rewrite_bytes: whole.content.rewrite_bytes as f64,
        fixed: whole.bytes.total.saturating_sub(whole.bytes.skeleton + whole.bytes.payload) as f64,
    }
}

/// The mean of stores of as many groups.
fn mean(all: &[Sizes]) -> Point {
    let mean = |of: fn(&Sizes) -> u64| {
        all.iter().map(|sizes| of(sizes) as f64).sum::<f64>() / all.len().max(1) as f64
    };
    Point {
        observations: mean(|s| s.observations),
        blocks: mean(|s| s.content.blocks + s.content.dictionaries),
        part_places: mean(|s| s.content.part_places),
        lists: mean(|s| s.content.lists),
        columns: mean(|s| {
            let c = &s.content;
            c.prints + c.columns + c.details + c.texts + c.superseded + c.framing
        }),
        ids: mean(|s| s.content.ids),
        lookups: mean(|s| s.content.lookups),
        prints: mean(|s| s.content.prints),
        parts: mean(|s| s.content.parts),
        part_bytes: mean(|s| s.content.part_bytes),
    }
}
