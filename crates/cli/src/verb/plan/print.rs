//! A plan as a table.

use crate::exit::Failure;
use crate::format::{bytes, count, duration};
use crate::output::{Align, Out};
use tracekeep_plan::answer::Rate;
use tracekeep_plan::measured::Latency;
use tracekeep_plan::{Answer, Kind};

pub(super) fn print(answer: &Answer, out: &mut Out) -> Result<(), Failure> {
    expectation(answer, out)?;
    out.line("")?;
    disk(answer, out)?;
    out.line("")?;
    figures(answer, out)?;
    out.line("")?;
    appends(answer, out)?;
    out.line("")?;
    if answer.advice.is_empty() {
        return out.line("Nothing is short: every figure has at least twice what is expected.");
    }
    out.line("To change, the most pressing first:")?;
    answer.advice.iter().try_for_each(|what| out.line(&format!("  {what}")))
}

fn large(n: f64) -> String {
    bytes(n.max(0.0) as u64)
}

fn seconds(s: f64) -> String {
    duration((s * 1e9) as i64)
}

fn each_second(rate: f64) -> String {
    format!("{}/s", count(rate.max(0.0) as u64))
}

fn expectation(answer: &Answer, out: &mut Out) -> Result<(), Failure> {
    let (e, m) = (&answer.expected, &answer.machine);
    out.pairs([
        (
            "machine",
            format!("{}, {} cores, {}", m.processor, m.cores, large(m.memory_bytes as f64)),
        ),
        ("system", m.system.clone()),
        (
            "expected",
            format!(
                "{} observations, {} at the peak",
                each_second(e.rate()),
                each_second(e.peak_observations_per_second)
            ),
        ),
        (
            "kept",
            format!(
                "{}, payloads {}: {} observations",
                seconds(e.retention_seconds),
                seconds(e.payload_retention_seconds),
                count(answer.observations as u64)
            ),
        ),
    ])
}

fn disk(answer: &Answer, out: &mut Out) -> Result<(), Failure> {
    let settled = &answer.disk.settled;
    let row = |kind: Kind| {
        let at = |bytes: &tracekeep_plan::sizes::Bytes| bytes.get(&kind).copied().unwrap_or(0.0);
        let (each, all) = (at(&answer.disk.per_observation), at(&settled.bytes));
        let share = format!("{:.1}%", 100.0 * all / settled.total.max(1.0));
        vec![kind.name().to_owned(), format!("{each:.2}"), large(all), share]
    };
    let mut rows: Vec<Vec<String>> = Kind::ALL.into_iter().map(row).collect();
    let each = format!("{:.2}", answer.bytes_per_observation);
    rows.push(vec!["total".to_owned(), each, large(settled.total), String::new()]);
    let header = [
        ("disk", Align::Left),
        ("bytes an observation", Align::Right),
        ("in the end", Align::Right),
        ("", Align::Right),
    ];
    out.table(&header, rows)?;
    let [low, high] = answer.bytes_per_observation_range;
    out.pairs([
        ("an observation", format!("{low:.2} to {high:.2} bytes, by how much stays new")),
        ("the sample takes", large(answer.disk.sample_bytes)),
        ("free on this disk", large(answer.disk.free_bytes)),
    ])
}

fn rate(rate: &Rate) -> String {
    let Rate { observations_per_second, bottleneck, headroom, .. } = rate;
    let observations = each_second(*observations_per_second);
    format!("{observations}, bound by {bottleneck}; {headroom:.1} times the expected rate")
}

fn us(latency: Latency) -> String {
    let us = |us: f64| duration((us * 1e3) as i64);
    format!("p50 {}, p99 {}", us(latency.p50), us(latency.p99))
}

fn figures(answer: &Answer, out: &mut Out) -> Result<(), Failure> {
    let (cores, memory, written) = (&answer.cores, &answer.memory, &answer.written);
    out.pairs([
        ("sustained", rate(&answer.sustained)),
        ("peak", rate(&answer.peak)),
        (
            "cores",
            format!("{:.3}, {:.3} at the peak, of {}", cores.average, cores.peak, cores.available),
        ),
        (
            "memory",
            format!(
                "{}; live_bytes_max {}, rewrite_bytes_max {}, block_cache_bytes {}; page cache for \
                 a day of skeletons {}",
                large(memory.budget_bytes),
                large(memory.live_bytes_max),
                large(memory.rewrite_bytes_max),
                large(memory.block_cache_bytes),
                large(memory.page_cache_bytes)
            ),
        ),
        (
            "written",
            format!(
                "{} a day; an observation is written to a log and {} times to a segment, {:.0} bytes",
                large(written.bytes_per_day),
                written.segment_writes,
                written.bytes_per_observation
            ),
        ),
        (
            "SSD",
            format!(
                "{:.2} % of {} drive writes a day of {}",
                100.0 * written.endurance_share,
                written.drive_writes_per_day,
                large(answer.expected.drive_bytes)
            ),
        ),
        ("recovery", format!("{} after a crash, with full logs", seconds(answer.recovery_seconds))),
        ("a tree", us(answer.reads_us.tree)),
        ("a whole trace", us(answer.reads_us.trace)),
        ("a payload", us(answer.reads_us.payload)),
        ("a synced write", us(answer.sync_us)),
    ])
}

fn appends(answer: &Answer, out: &mut Out) -> Result<(), Failure> {
    let header = [
        ("appending", Align::Left),
        ("batch", Align::Right),
        ("observations", Align::Right),
        ("CPU for each", Align::Right),
    ];
    let rows = answer.appends.iter().map(|append| {
        vec![
            append.durability.clone(),
            append.batch.to_string(),
            each_second(append.observations_per_second),
            seconds(append.cpu_seconds),
        ]
    });
    out.table(&header, rows)
}
