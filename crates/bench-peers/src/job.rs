//! What the runner tells a child, and what it hears back: one JSON file, one JSON line.

use crate::engine::answers::Answers;
use crate::engine::{Name, Setup};
use crate::input::{Input, Survey};
use serde::{Deserialize, Serialize};

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Events in memory to settled files.
    Append,
    /// Opening and every question, over the files of `Append`.
    Read,
    /// Events in memory to acknowledged ones; then the process is killed.
    Crash,
    /// Opening what `Crash` left, and a few questions once it has settled.
    Recover,
    /// Events through a pipe, settled, opened again and asked: the most memory that it takes.
    Stream,
}

/// One child's work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) engine: Name,
    pub(crate) phase: Phase,
    pub(crate) setup: Setup,
    pub(crate) input: Input,
    pub(crate) batch: usize,
    pub(crate) in_flight: usize,
    pub(crate) survey: Survey,
}

/// What one child measured; of the other phases nothing. Times of single calls are in
/// microseconds, one for each call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measures {
    pub(crate) append_s: Option<f64>,
    pub(crate) append_cpu_s: Option<f64>,
    pub(crate) settle_s: Option<f64>,
    pub(crate) settle_cpu_s: Option<f64>,
    pub(crate) written_bytes: Option<u64>,
    pub(crate) settled_bytes: Option<u64>,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) open_us: Vec<f64>,
    pub(crate) recover_s: Option<f64>,
    pub(crate) trace_us: Vec<f64>,
    pub(crate) trace_cold_us: Vec<f64>,
    pub(crate) tree_us: Vec<f64>,
    pub(crate) payload_us: Vec<f64>,
    pub(crate) scan_us: Vec<f64>,
    pub(crate) answers: Option<Answers>,
}
