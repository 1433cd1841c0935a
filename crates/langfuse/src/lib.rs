//! Langfuse ingestion events to tracekeep records, and back. Pure: bytes in, values out.
//!
//! ```text
//! {"id","timestamp","type","body","metadata"?}       an event, one line
//! {"batch":[event, ...]}                             or many of them
//!        |  map_line, map_event                              ^
//!        v                                                   |  trace_event,
//! Record { target, time, operation, fields }     TraceOut, ObservationOut, ScoreOut
//! ```
//!
//! What holds on the way in:
//! - `input`, `output` and `metadata` keep the exact text of their JSON value.
//! - What the body says that has no field of its own, or not the shape that the field has, goes
//!   to the attributes, with its exact text, in the order given; so does the envelope's
//!   `metadata`, under [`ENVELOPE_METADATA`]. Of a key that stands twice the last value of
//!   the right shape counts, and the others are attributes.
//!   The id and any unknown key of an envelope are transport and not kept.
//! - `null` is absent.
//! - An event that breaks a rule is [`Rejected`] with a reason and harms no other.
//!
//! **The kind** of an observation is `body.type` where it names one of the ten kinds, and what
//! `agent-create`, `tool-create`, ... say. Weaker, it is what `span-create`, `generation-create`,
//! `event-create` and `generation-update` say: such a guess loses to any kind that was said, and
//! of two guesses the later counts. `span-update` guesses nothing, so that it cannot beat an
//! earlier generation; `observation-create` and `-update` say nothing.
//!
//! **Back**, an event that was exported maps to the record that it was made from: times,
//! payload bytes and attributes included. Guesses become strong, and the operation is lost.
//! See [`export`] for the few bytes that cannot survive a line.
//!
//! Read in this order: `time`, `map`, `body`, `read`, `usage`, `event`, `trace`, `observation`,
//! `score`, `line`, `export`, `fill`.
//!
//! ```
//! use tracekeep_langfuse::{Mapped, map_line, record_event};
//!
//! let line = br#"{"id":"e","timestamp":"2026-01-12T08:00:09.376Z","type":"agent-create",
//!     "body":{"id":"8b83a58eee36ab26","traceId":"t","input":{"a" : 1}}}"#;
//! let mut out = Vec::new();
//! map_line(line, &mut |event| match event {
//!     Ok(Mapped::Record(record)) => record_event(&record, &mut out),
//!     other => panic!("{other:?}"),
//! });
//! assert!(out.ends_with(b"\"input\":{\"a\" : 1}}}\n"));
//! ```

mod body;
mod event;
pub mod export;
mod fill;
mod line;
mod map;
mod observation;
mod read;
mod score;
#[cfg(test)]
mod tests;
mod time;
mod trace;
mod usage;

pub use event::{map_event, map_line};
pub use export::{ObservationOut, ScoreOut, TraceOut, observation_event, score_event, trace_event};
pub use fill::record_event;
pub use time::{parse_time, write_time};

use std::fmt;
use tracekeep::model::Record;

/// The attribute that holds the `metadata` of an event's envelope.
pub const ENVELOPE_METADATA: &str = "envelopeMetadata";

/// What an event is to the store.
#[derive(Debug, Clone, PartialEq)]
pub enum Mapped {
    /// One record. User, session and tags of an observation stand in it.
    Record(Record),
    /// Nothing: an SDK's own log.
    Ignored,
}

/// An event that cannot be taken, or a line that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Which field, and what is wrong with it.
    pub reason: String,
}

impl Rejected {
    fn new(reason: impl Into<String>) -> Rejected {
        Rejected { reason: reason.into() }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Rejected {}
