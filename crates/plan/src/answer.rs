//! The answer: rates and what bounds them, cores, memory, disk, writes, recovery, reads, headroom,
//! and what to change first.

use crate::disk::{DiskAt, Written, disk_at, over_time, segment_writes, written};
use crate::load::Expected;
use crate::measured::{Append, Latency, Machine, Measured, Reads};
use crate::sizes::{Bytes, Forecast, Kind, Sample};
use serde::{Deserialize, Serialize};

/// The batch size and the durability that rates are planned for.
pub const BATCH: usize = 64;
/// See [`BATCH`].
pub const DURABILITY: &str = "disk";
/// What a store takes with default options: live tables, bytes in flight, one rewrite, the cache.
pub const MEMORY_BYTES: f64 = (512u64 << 20) as f64;
/// Of a store's memory, what one rewrite takes.
const REWRITE_SHARE: f64 = 0.25;
/// Headroom below which something is to be changed.
const HEADROOM_MIN: f64 = 2.0;

/// A rate, and what keeps it from being higher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Observations a second.
    pub observations_per_second: f64,
    /// What it is bound by.
    pub bottleneck: String,
    /// All bounds, by name, in observations a second.
    pub bounds: Vec<(String, f64)>,
    /// This rate by the expected one.
    pub headroom: f64,
}

/// What the processor has to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cores {
    /// At the average rate, sealing included.
    pub average: f64,
    /// At the peak.
    pub peak: f64,
    /// That there are.
    pub available: f64,
}

/// Memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// What the store may take.
    pub budget_bytes: f64,
    /// Most that was seen while measuring, the sample included.
    pub measured_bytes: f64,
    /// `live_bytes_max` to set.
    pub live_bytes_max: f64,
    /// `rewrite_bytes_max` to set.
    pub rewrite_bytes_max: f64,
    /// `block_cache_bytes` to set.
    pub block_cache_bytes: f64,
    /// Skeletons of a day: what the page cache should hold for trees of recent traces.
    pub page_cache_bytes: f64,
}

/// The disk now, in the end and over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disk {
    /// What the sample takes now, settled.
    pub sample_bytes: f64,
    /// When the oldest observations go: what the disk must hold.
    pub settled: DiskAt,
    /// All payloads kept, by kind, for one observation.
    pub per_observation: Bytes,
    /// Over time.
    pub over_time: Vec<DiskAt>,
    /// What is free on the disk that was measured.
    pub free_bytes: f64,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Settled bytes of all files by observation, with all payloads kept, at `observations`.
    pub bytes_per_observation: f64,
    /// The same where what is new gets rarer as it did in the sample, and where it stays as new.
    pub bytes_per_observation_range: [f64; 2],
    /// The volume that is planned for.
    pub observations: f64,
    /// What was expected, with what was assumed.
    pub expected: Expected,
    /// The machine that it holds for.
    pub machine: Machine,
    /// The rate that can go on for ever.
    pub sustained: Rate,
    /// The rate that appends can reach while sealing waits.
    pub peak: Rate,
    /// Cores.
    pub cores: Cores,
    /// Memory.
    pub memory: Memory,
    /// Disk.
    pub disk: Disk,
    /// Writes.
    pub written: Written,
    /// Seconds to open after a crash, with the longest logs.
    pub recovery_seconds: f64,
    /// Latencies of reads.
    pub reads_us: Reads,
    /// Latency of a synced write.
    pub sync_us: Latency,
    /// Rates of appending, as measured.
    pub appends: Vec<Append>,
    /// Bytes by observation, settled and with all payloads kept, at so many observations.
    pub growth: Vec<(f64, f64)>,
    /// What was measured of the sample's sizes: what the forecast is made of.
    pub sample: Sample,
    /// What to change first; empty where nothing is short.
    pub advice: Vec<String>,
}

/// Answers, from what was measured and is expected.
pub fn plan(measured: &Measured, expected: &Expected) -> Answer {
    let rewrite = (expected.memory_bytes * REWRITE_SHARE).max(1.0);
    let forecast = Forecast::new(&measured.sizes, rewrite);
    let upkeep = &measured.upkeep;
    let volume = expected.volume();
    let end = expected.retention_seconds.max(expected.payload_retention_seconds);
    let settled = disk_at(&forecast, upkeep, expected, end);
    let written = written(&forecast, upkeep, expected);
    let (sustained, peak) = rates(measured, expected, &forecast, &written);
    let (append_cpu, seal_cpu) = cpu(measured, &forecast);
    let kinds = forecast.bytes(volume);
    let skeleton = |bytes: &Bytes| {
        let kinds = [Kind::SkeletonColumns, Kind::Ids, Kind::Indexes];
        kinds.iter().filter_map(|kind| bytes.get(kind)).sum::<f64>()
    };
    let recovery = measured.recovery;
    let live_bytes_max = expected.memory_bytes / 2.0;
    let mut answer = Answer {
        bytes_per_observation: forecast.bytes_per_observation(volume),
        bytes_per_observation_range: forecast.range(volume),
        observations: volume,
        expected: expected.clone(),
        machine: measured.machine.clone(),
        cores: Cores {
            average: expected.rate() * (append_cpu + seal_cpu),
            peak: expected.peak_observations_per_second * (append_cpu + seal_cpu),
            available: measured.machine.cores,
        },
        memory: Memory {
            budget_bytes: expected.memory_bytes,
            measured_bytes: upkeep.memory_bytes as f64,
            live_bytes_max,
            rewrite_bytes_max: rewrite,
            block_cache_bytes: expected.memory_bytes / 8.0,
            page_cache_bytes: skeleton(&forecast.bytes(expected.rate() * crate::load::DAY)),
        },
        recovery_seconds: recovery.base_seconds
            + recovery.log_byte_seconds * 2.0 * recovery.log_bytes(live_bytes_max),
        disk: Disk {
            sample_bytes: forecast.sample_bytes(),
            per_observation: kinds.into_iter().map(|(k, n)| (k, n / volume)).collect(),
            over_time: over_time(&forecast, upkeep, expected),
            settled,
            free_bytes: measured.machine.disk_free_bytes as f64,
        },
        sustained,
        peak,
        written,
        reads_us: measured.reads,
        sync_us: measured.sync_us,
        appends: measured.appends.clone(),
        growth: growth(&forecast, measured.sizes.points[2].observations, volume),
        sample: measured.sizes.clone(),
        advice: Vec::new(),
    };
    answer.advice = advice(&answer);
    answer
}

/// Seconds of CPU that an observation takes to append and to seal as often as it is.
fn cpu(measured: &Measured, forecast: &Forecast) -> (f64, f64) {
    let append = planned(measured).map_or(0.0, |append| append.cpu_seconds);
    let writes = segment_writes(forecast, &measured.upkeep);
    (append, measured.upkeep.seal_cpu_seconds * writes)
}

/// From the sample to the volume, and to a full segment at least.
fn growth(forecast: &Forecast, sample: f64, volume: f64) -> Vec<(f64, f64)> {
    const STEPS: i32 = 24;
    let (from, to) = (sample.max(1.0), volume.max(forecast.segment_observations()));
    let at = |step: i32| from * (to / from).max(1.0).powf(f64::from(step) / f64::from(STEPS));
    (0..=STEPS).map(|step| (at(step), forecast.bytes_per_observation(at(step)))).collect()
}

fn planned(measured: &Measured) -> Option<&Append> {
    let at_level = measured.appends.iter().filter(|append| append.durability == DURABILITY);
    at_level.min_by_key(|append| append.batch.abs_diff(BATCH))
}

fn rates(
    measured: &Measured,
    expected: &Expected,
    forecast: &Forecast,
    written: &Written,
) -> (Rate, Rate) {
    let (append_cpu, seal_cpu) = cpu(measured, forecast);
    let seal = measured.upkeep.seal_seconds * written.segment_writes;
    let cores = measured.machine.cores;
    let appending = planned(measured).map_or(0.0, |append| append.observations_per_second);
    let disk = |bytes: f64| measured.disk_bytes_per_second / bytes.max(1e-9);
    let bound = |name: &str, rate: f64| (name.to_owned(), rate);
    let sustained = vec![
        bound("appending (one lock, one log)", appending),
        bound("sealing (one thread)", 1.0 / seal.max(1e-12)),
        bound("cores", cores / (append_cpu + seal_cpu).max(1e-12)),
        bound("the disk's write rate", disk(written.bytes_per_observation)),
    ];
    let peak = vec![
        bound("appending (one lock, one log)", appending),
        bound("cores", cores / append_cpu.max(1e-12)),
        bound("the disk's write rate", disk(measured.upkeep.log_bytes)),
    ];
    (rate(sustained, expected.rate()), rate(peak, expected.peak_observations_per_second))
}

fn rate(bounds: Vec<(String, f64)>, expected: f64) -> Rate {
    let least = bounds.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let (bottleneck, rate) = least.cloned().unwrap_or_default();
    let headroom = rate / expected.max(1e-12);
    Rate { observations_per_second: rate, bottleneck, bounds, headroom }
}

/// What to change, the most pressing first.
fn advice(answer: &Answer) -> Vec<String> {
    let mut found: Vec<(f64, String)> = Vec::new();
    let mut say = |headroom: f64, what: String| {
        if headroom < HEADROOM_MIN {
            found.push((headroom, what));
        }
    };
    let (sustained, peak) = (&answer.sustained, &answer.peak);
    say(sustained.headroom, remedy("the sustained rate", sustained));
    say(peak.headroom, remedy("the peak rate", peak));
    let disk = answer.disk.free_bytes / answer.disk.settled.total.max(1.0);
    let payloads: f64 =
        answer.disk.settled.bytes.iter().filter(|(k, _)| k.is_payload()).map(|(_, n)| n).sum();
    let share = 100.0 * payloads / answer.disk.settled.total.max(1.0);
    say(
        disk,
        format!(
            "disk: {:.1} GB are needed and {:.1} free; {share:.0} % of the need are payloads, which \
             a shorter --payload-retention takes away",
            answer.disk.settled.total / 1e9,
            answer.disk.free_bytes / 1e9
        ),
    );
    say(
        1.0 / answer.written.endurance_share.max(1e-12),
        format!(
            "SSD: {:.0} % of the rated writes are used up; a drive with more writes a day, or a \
             larger one",
            100.0 * answer.written.endurance_share
        ),
    );
    let memory = answer.expected.memory_bytes / MEMORY_BYTES;
    if memory < 1.0 {
        say(
            memory,
            "memory: less than the default budget; set live_bytes_max, rewrite_bytes_max and \
             block_cache_bytes as listed, and expect smaller segments"
                .to_owned(),
        );
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.into_iter().map(|(_, what)| what).collect()
}

fn remedy(what: &str, rate: &Rate) -> String {
    let how = match rate.bottleneck.split_whitespace().next() {
        Some("appending") => "larger batches, more of them in flight, or a store for each project",
        Some("sealing") => "a store for each project: each has a sealing thread of its own",
        Some("cores") => "more cores",
        _ => "a faster disk",
    };
    format!(
        "{what}: {:.1} times the expected one, bound by {}; {how}",
        rate.headroom, rate.bottleneck
    )
}
