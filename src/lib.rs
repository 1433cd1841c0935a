//! tracekeep: an embedded, append-only storage engine for LLM traces.

pub mod clock;
pub mod error;
pub mod id;
pub mod limits;
pub mod options;

pub mod fs;
pub mod model;

pub(crate) mod codec;
pub mod merge;

pub(crate) mod column;
pub(crate) mod frame;
pub(crate) mod index;
pub(crate) mod part;

pub(crate) mod log;
pub(crate) mod manifest;
pub(crate) mod segment;

pub(crate) mod snapshot;
pub mod tree;

pub(crate) mod maintenance;
pub mod verify;
