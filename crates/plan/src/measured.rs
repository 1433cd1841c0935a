//! What was measured on the machine, as plain figures.

use crate::disk::LOG_BYTES_MAX;
use crate::sizes::Sample;
use serde::{Deserialize, Serialize};

/// All that a plan knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The machine and the disk.
    pub machine: Machine,
    /// What the sample takes when it is sealed.
    pub sizes: Sample,
    /// Rates of appending by durability and batch size.
    pub appends: Vec<Append>,
    /// Appending and sealing together.
    pub upkeep: Upkeep,
    /// Microseconds of a synced write of 4 KiB.
    pub sync_us: Latency,
    /// Bytes a second that the disk takes, synced at the end.
    pub disk_bytes_per_second: f64,
    /// Latencies of reads from a sealed store, warm.
    pub reads: Reads,
    /// Opening after an unclean end.
    pub recovery: Recovery,
}

/// What the figures hold for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: f64,
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// The operating system.
    pub system: String,
    /// The disk's capacity, in bytes.
    pub disk_bytes: u64,
    /// Of that, what is free.
    pub disk_free_bytes: u64,
}

/// One way of appending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Append {
    /// `os`, `disk` or `disk_strict`.
    pub durability: String,
    /// Records in a batch.
    pub batch: usize,
    /// Batches in flight.
    pub in_flight: usize,
    /// Observations a second.
    pub observations_per_second: f64,
    /// Seconds of CPU by observation.
    pub cpu_seconds: f64,
}

/// What an observation costs in its life, beside being appended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Upkeep {
    /// Bytes of log by observation.
    pub log_bytes: f64,
    /// Seconds by the clock that sealing takes by observation, with one thread.
    pub seal_seconds: f64,
    /// Seconds of CPU.
    pub seal_cpu_seconds: f64,
    /// Most anonymous memory of the process that was seen, in bytes.
    pub memory_bytes: u64,
}

/// A latency in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: f64,
    /// One of a hundred is slower.
    pub p99: f64,
}

/// Latencies of reads, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Reads {
    /// A trace's tree, without payloads.
    pub tree: Latency,
    /// A trace with all of its payloads.
    pub trace: Latency,
    /// One observation's input or output.
    pub payload: Latency,
}

/// Opening after an unclean end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Seconds to open with an empty log.
    pub base_seconds: f64,
    /// Seconds for each byte of logs.
    pub log_byte_seconds: f64,
    /// Bytes of memory for each byte of logs.
    pub log_byte_memory: f64,
}

impl Recovery {
    /// How long a log gets, in bytes: to its bound, or until its table takes an eighth of the
    /// memory for live traces.
    pub fn log_bytes(&self, live_bytes_max: f64) -> f64 {
        LOG_BYTES_MAX.min(live_bytes_max / 8.0 / self.log_byte_memory.max(1e-9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_ends_at_its_bound_or_where_its_table_is_large() {
        let recovery = |log_byte_memory| Recovery { log_byte_memory, ..Recovery::default() };
        let live = 256.0 * 1048576.0;
        assert_eq!(recovery(0.0).log_bytes(live), LOG_BYTES_MAX);
        assert_eq!(recovery(0.25).log_bytes(live), LOG_BYTES_MAX);
        assert_eq!(recovery(4.0).log_bytes(live), 8.0 * 1048576.0);
    }
}
