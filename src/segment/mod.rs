//! A segment: the immutable result of sealing or compaction, in two files.
//!
//! The skeleton file holds one row per observation, per trace and per score that the segment has
//! anything new of: fixed-width columns read straight from the map, the rest of each row in
//! compressed details, lookups, and which rows of older segments these replace. The payload file
//! holds each different part once, in compressed blocks, and each payload's list of parts. To
//! drop the prompts and keep the costs, unlink the payload file.
//!
//! ```text
//! seg-<id>.tks   header | traces | observations | parents elsewhere | scores | payloads | texts
//!                | details | lookups | superseded rows | tombstones | footer
//! seg-<id>.tkp   header | dictionary | blocks of parts | block directory | parts | part lists
//!                | footer
//! ```
//!
//! Traces are ordered by their start; the observations of a trace are contiguous, ordered by
//! start, then id. A trace's row covers its observations of *this* segment (`first row`, `rows`)
//! and sums over all its live observations in all segments (the summary).
//!
//! Read in this order: `facts`, `summary`, `section`, `columns`, `details`, `payload_writer`,
//! `writer`, `reader`, `groups`, `check`, `observations`, `skeletons`, `payload_reader`, `recent`,
//! `fetch`, `content`, `damaged`, `readable`.

mod check;
pub mod columns;
mod content;
mod damaged;
mod details;
mod facts;
mod fetch;
#[cfg(test)]
mod golden;
mod groups;
mod observations;
mod payload_reader;
mod payload_writer;
mod readable;
mod reader;
mod recent;
mod section;
mod skeletons;
mod summary;
mod writer;

pub use check::IN_GROUPS;
pub use columns::{ColumnId, LookupKind, RowKind};
pub use content::Content;
pub use damaged::Readable;
pub use facts::{Facts, SealLevel};
pub use observations::ObservationColumns;
pub use payload_reader::{PayloadFile, PayloadReader};
pub use payload_writer::PayloadWriter;
pub use readable::ReadableRow;
pub use reader::{Segment, Supersession};
pub use section::{Footer, SectionId, SectionWriter, parse_footer};
pub use skeletons::SkeletonRow;
pub use summary::{Contribution, Summary, effective_start, payload_bytes};
pub use writer::{ObservationRow, ParentAt, SegmentWriter, TraceRow, WriteOptions, payloads_of};
