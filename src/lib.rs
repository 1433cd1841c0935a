//! tracekeep: an embedded, append-only storage engine for LLM traces.

pub mod clock;
pub mod error;
pub mod id;
pub mod limits;
pub mod options;

pub(crate) mod merge;
pub mod model;
pub mod tree;
