//! Records in memory. All of it is a function of a seed, but for the corpus.

use super::scaled;
use std::io::{BufRead, BufReader};
use std::path::Path;
use tracekeep::model::{Record, Timestamp};
use tracekeep_langfuse::{Mapped, map_line};
use tracekeep_workload::{
    AgentOptions, Arrivals, EPOCH, Shape, agent_trace, big_trace, payload_bytes,
    small_observations, unrelated_payloads,
};

const SEED: u64 = 42;

/// Records and how many bytes they stand for: of payload, or of the JSON they were mapped from.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    pub(crate) records: Vec<Record>,
    pub(crate) bytes: u64,
}

impl Records {
    fn of(records: Vec<Record>) -> Records {
        let bytes = records.iter().map(payload_bytes).sum();
        Records { records, bytes }
    }
}

/// Agents that send the conversation again with each call: 16 traces at once, interleaved, each
/// observation in one piece.
pub(crate) fn agents(count: u64) -> Records {
    fn trace(seed: u64, n: u64, start: Timestamp) -> Vec<Record> {
        agent_trace(seed, n, start, &AgentOptions::default())
    }
    let shape =
        Shape { split_per_mille: 0, duplicate_per_mille: 0, late_per_mille: 0, ..Shape::default() };
    Records::of(Arrivals::of(trace, SEED, shape).take(count as usize).collect())
}

/// The mixture: agents of four kinds, retrieval, chat, batch jobs; interleaved, in pieces, late
/// and twice.
pub(crate) fn arrivals(traces: u64) -> Records {
    Records::of(Arrivals::new(SEED, Shape { traces, ..Shape::default() }).collect())
}

/// Inputs of 10 to 200 KB that have nothing in common.
pub(crate) fn unrelated(count: u64) -> Records {
    Records::of(unrelated_payloads(SEED, 10_000, 200_000).take(count as usize).collect())
}

/// Observations of about 1 KB.
pub(crate) fn observations_1k(count: u64) -> Records {
    Records::of(small_observations(SEED).take(count as usize).collect())
}

/// Traces of 100 observations, one after the other, 101 records each.
pub(crate) fn hundreds(traces: u64) -> Records {
    Records::of((0..traces).flat_map(|n| big_trace(SEED + n, 100)).collect())
}

/// One trace of 100,000 observations (2,000 in a test run).
pub(crate) fn large_trace() -> Records {
    Records::of(big_trace(SEED, scaled(100_000)).collect())
}

/// Agent traces of 12 calls of the model and about 160 KB of payload, the history sent again with
/// each call: inputs of some 13 KB in the middle.
pub(crate) fn calls_12(traces: u64) -> Records {
    let options = AgentOptions { calls: 12..=12, answer_bytes: 300..=1_800, ..Default::default() };
    let trace = |n| agent_trace(SEED, n, EPOCH, &options);
    Records::of((0..traces).flat_map(trace).collect())
}

/// The events of `tool-agents.jsonl` or `tool-agents.jsonl.zst` in the folder that
/// `TRACEKEEP_CORPUS` names, mapped; bytes are those of the lines. At most `bytes_max` of them.
pub(crate) fn corpus(bytes_max: u64) -> Option<Records> {
    let folder = std::env::var_os("TRACEKEEP_CORPUS")?;
    let folder = Path::new(&folder);
    let plain = folder.join("tool-agents.jsonl");
    let lines: Box<dyn BufRead> = if plain.exists() {
        Box::new(BufReader::with_capacity(1 << 20, std::fs::File::open(plain).unwrap()))
    } else {
        let file = std::fs::File::open(folder.join("tool-agents.jsonl.zst")).unwrap();
        let mut decoder = zstd::stream::read::Decoder::new(file).unwrap();
        decoder.window_log_max(31).unwrap();
        Box::new(BufReader::with_capacity(1 << 20, decoder))
    };
    let mut all = Records { records: Vec::new(), bytes: 0 };
    for line in lines.split(b'\n') {
        let line = line.unwrap();
        map_line(&line, &mut |mapped| match mapped {
            Ok(Mapped::Record(record)) => all.records.push(record),
            Ok(Mapped::Ignored) => {}
            Err(rejected) => panic!("a line of the corpus was rejected: {rejected}"),
        });
        all.bytes += line.len() as u64 + 1;
        if all.bytes >= bytes_max {
            break;
        }
    }
    Some(all)
}
