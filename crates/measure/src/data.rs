//! Records in memory, all of them a function of one seed.

use tracekeep::model::{Record, Timestamp};
use tracekeep_workload::{
    AgentOptions, Arrivals, EPOCH, Shape, agent_trace, big_trace, payload_bytes,
    small_observations, unrelated_payloads,
};

const SEED: u64 = 42;

/// Records and how many bytes they stand for: of payload, or of the JSON they were mapped from.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// The records, in the order in which they are appended.
    pub records: Vec<Record>,
    /// Their bytes.
    pub bytes: u64,
}

impl Records {
    /// Records of so many bytes of payload as they have.
    pub fn of(records: Vec<Record>) -> Records {
        let bytes = records.iter().map(payload_bytes).sum();
        Records { records, bytes }
    }
}

/// Agents that send the conversation again with each call: 16 traces at once, interleaved, each
/// observation in one piece.
pub fn agents(count: u64) -> Records {
    fn trace(seed: u64, n: u64, start: Timestamp) -> Vec<Record> {
        agent_trace(seed, n, start, &AgentOptions::default())
    }
    let shape =
        Shape { split_per_mille: 0, duplicate_per_mille: 0, late_per_mille: 0, ..Shape::default() };
    Records::of(Arrivals::of(trace, SEED, shape).take(count as usize).collect())
}

/// The mixture: agents of four kinds, retrieval, chat, batch jobs; interleaved, in pieces, late
/// and twice.
pub fn arrivals(traces: u64) -> Records {
    Records::of(Arrivals::new(SEED, Shape { traces, ..Shape::default() }).collect())
}

/// Inputs of 10 to 200 KB that have nothing in common.
pub fn unrelated(count: u64) -> Records {
    Records::of(unrelated_payloads(SEED, 10_000, 200_000).take(count as usize).collect())
}

/// Observations of about 1 KB.
pub fn observations_1k(count: u64) -> Records {
    Records::of(small_observations(SEED).take(count as usize).collect())
}

/// Traces of 100 observations, one after the other, 101 records each.
pub fn hundreds(traces: u64) -> Records {
    Records::of((0..traces).flat_map(|n| big_trace(SEED + n, 100)).collect())
}

/// One trace of so many observations.
pub fn large_trace(observations: u64) -> Records {
    Records::of(big_trace(SEED, observations).collect())
}

/// Agent traces of 12 calls of the model and about 160 KB of payload, the history sent again with
/// each call: inputs of some 13 KB in the middle.
pub fn calls_12(traces: u64) -> Records {
    let options = AgentOptions { calls: 12..=12, answer_bytes: 300..=1_800, ..Default::default() };
    let trace = |n| agent_trace(SEED, n, EPOCH, &options);
    Records::of((0..traces).flat_map(trace).collect())
}
