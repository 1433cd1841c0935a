//! tracekeep: an embedded, append-only storage engine for LLM traces.

pub mod clock;
pub mod error;
pub mod id;
pub mod limits;
pub mod options;

pub mod model;

#[allow(dead_code, unused_imports, unreachable_pub, reason = "used by the floors above")]
pub(crate) mod column;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used by the floors above")]
pub(crate) mod index;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used by the floors above")]
pub(crate) mod part;
