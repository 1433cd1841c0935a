//! Traces from a seed: what benches, tests, the simulation and the demo append.
//!
//! Everything here is a function of its arguments: the same seed gives the same records on every
//! machine, and a test pins them. It reads no clock and no file. It is not a model of any one
//! product: sizes and shapes follow what tracing SDKs send, the words are made up.
//!
//! | what | how |
//! |---|---|
//! | whole traces, by number | [`agent_trace`], [`rag_trace`], [`chat_session`], [`batch_job`], [`mixed_trace`] |
//! | records as they arrive: interleaved, in pieces, late, twice | [`Arrivals`], [`split`], [`batches`] |
//! | trees that are hard to hold | [`big_trace`], [`deep_trace`], [`wide_trace`], [`orphan_trace`], [`cyclic_trace`], [`odd_id_trace`] |
//! | single observations, endless | [`unrelated_payloads`], [`unrelated_texts`], [`small_observations`] |
//! | a store that grows, each record by its number | [`Steady`] |
//! | the means | [`Rng`], [`text`], [`payload_bytes`], [`digest`] |
//!
//! ```
//! use tracekeep_workload::{Arrivals, Shape, payload_bytes};
//!
//! let records: Vec<_> = Arrivals::new(42, Shape::default()).take(100).collect();
//! assert_eq!(records, Arrivals::new(42, Shape::default()).take(100).collect::<Vec<_>>());
//! assert!(records.iter().map(payload_bytes).sum::<u64>() > 10_000);
//! ```
//!
//! Every payload is JSON text. Read in this order: `rng`, `text`, `maker`, `agent`, `rag`,
//! `chat`, `batch`, `arrivals`, `shapes`, `steady`.

mod agent;
mod arrivals;
mod batch;
mod chat;
mod maker;
mod rag;
mod rng;
mod shapes;
mod steady;
pub mod text;

#[cfg(test)]
mod tests;

pub use agent::{AgentOptions, History, agent_trace};
pub use arrivals::{Arrivals, Shape, Source, batches, mixed_trace, split};
pub use batch::batch_job;
pub use chat::chat_session;
pub use rag::rag_trace;
pub use rng::{Rng, mix};
pub use shapes::{
    Parents, big_trace, cyclic_trace, deep_trace, odd_id_trace, orphan_trace, small_observations,
    unrelated_payloads, unrelated_texts, wide_trace,
};
pub use steady::Steady;

use std::fmt::{self, Write};
use tracekeep::model::{Payload, Record, Timestamp, Value};

/// When the first traces begin: 2026-01-12T08:00:00Z.
pub const EPOCH: Timestamp = Timestamp::from_ms(1_768_204_800_000);

/// Bytes of a record's payloads: input, output, correction, metadata and attributes. Benches
/// state their rates in these.
pub fn payload_bytes(record: &Record) -> u64 {
    let bytes = |value: &Value| match value {
        Value::Payload(bytes) => bytes.bytes_len(),
        Value::Map(map) => map.text.bytes_len(),
        _ => 0,
    };
    record.fields().iter().map(|f| bytes(&f.value)).sum()
}

/// A hash (FNV-1a, 64 bits) of everything that these records say, in their order: two runs
/// appended the same if their digests agree.
pub fn digest<'a>(records: impl IntoIterator<Item = &'a Record>) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for record in records {
        hash.debug(&(&record.target, record.time, record.operation, record.fields().len()));
        for field in record.fields() {
            hash.debug(&(field.field, field.weak));
            match &field.value {
                Value::Payload(bytes) => hash.bytes(bytes),
                Value::Map(map) => {
                    hash.bytes(&map.text);
                    hash.debug(&map.entries);
                }
                other => hash.debug(other),
            }
        }
    }
    hash.0
}

struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().copied().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn debug(&mut self, value: &dyn fmt::Debug) {
        let _ = write!(self, "{value:?}");
        self.bytes(&[]);
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
