//! tracekeep: an embedded, append-only storage engine for LLM traces.

pub mod clock;
pub mod error;
pub mod id;
pub mod limits;
pub mod options;

pub mod fs;
pub mod model;

pub mod merge;

pub(crate) mod column;
pub(crate) mod index;
pub(crate) mod part;
