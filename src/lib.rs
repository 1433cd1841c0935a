//! tracekeep: an embedded, append-only storage engine for LLM traces.

pub mod clock;
pub mod error;
pub mod id;
pub mod limits;
pub mod options;

pub mod model;

#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "for the floors above, which are not there yet"
)]
pub(crate) mod codec;
