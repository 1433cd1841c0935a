//! `stats DIR`: what is in the store, and what it takes.

use super::open_to_read;
use crate::args::StoreOnly;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::output::{Align, Out};
use serde::Serialize;
use tracekeep::{StatBytes, Stats};

#[derive(Debug, Serialize)]
struct StatsJson {
    traces: u64,
    observations: u64,
    open_observations: u64,
    scores: u64,
    logs: u64,
    segments: u64,
    bytes: BytesJson,
}

#[derive(Debug, Serialize)]
struct BytesJson {
    logical: u64,
    log: u64,
    skeleton: u64,
    payload: u64,
    index: u64,
    manifest: u64,
    total: u64,
}

impl From<&Stats> for StatsJson {
    fn from(stats: &Stats) -> StatsJson {
        let b = &stats.bytes;
        StatsJson {
            traces: stats.traces,
            observations: stats.observations,
            open_observations: stats.open_observations,
            scores: stats.scores,
            logs: stats.logs,
            segments: stats.segments,
            bytes: BytesJson {
                logical: b.logical,
                log: b.log,
                skeleton: b.skeleton,
                payload: b.payload,
                index: b.index,
                manifest: b.manifest,
                total: b.total,
            },
        }
    }
}

pub(super) fn run(args: &StoreOnly, out: &mut Out) -> Result<Exit, Failure> {
    let stats = open_to_read(&args.dir)?.stats()?;
    if args.json {
        out.json(&StatsJson::from(&stats))?;
        return Ok(Exit::Done);
    }
    out.pairs([
        ("traces", format::count(stats.traces)),
        (
            "observations",
            format!(
                "{}, {} of them open",
                format::count(stats.observations),
                format::count(stats.open_observations)
            ),
        ),
        ("scores", format::count(stats.scores)),
        ("from", stats.start.map_or_else(|| "-".to_owned(), format::time)),
        ("to", stats.end.map_or_else(|| "-".to_owned(), format::time)),
        ("logs", format::count(stats.logs)),
        ("segments", format::count(stats.segments)),
    ])?;
    out.line("")?;
    sizes(&stats, out)
}

/// The table of bytes by kind of content.
fn sizes(stats: &Stats, out: &mut Out) -> Result<Exit, Failure> {
    let StatBytes { logical, log, skeleton, payload, index, manifest, total } = stats.bytes;
    let share = |n: u64| match total {
        0 => String::new(),
        total => format!("{:.1}%", n as f64 * 100.0 / total as f64),
    };
    let row =
        |what: &str, n: u64| vec![what.to_owned(), format::bytes(n), format::count(n), share(n)];
    let header =
        [("on disk", Align::Left), ("", Align::Right), ("bytes", Align::Right), ("", Align::Right)];
    out.table(
        &header,
        [
            row("logs", log),
            row("skeletons", skeleton),
            row("payloads", payload),
            row("index", index),
            row("manifest", manifest),
            row("total", total),
        ],
    )?;
    out.line("")?;
    let each = stats.observations.max(1);
    out.pairs([
        ("logical", format!("{} ({} bytes)", format::bytes(logical), format::count(logical))),
        ("logical / on disk", format::ratio(logical, total)),
        (
            "an observation",
            format!(
                "{} logical, {} on disk",
                format::bytes(logical / each),
                format::bytes(total / each)
            ),
        ),
    ])?;
    Ok(Exit::Done)
}
