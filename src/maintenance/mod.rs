//! Upkeep: policy decides (pure), executors do. Threads and the manifest belong to `store`.
//!
//! Read in this order: `policy`, `rewrite`, `transfer`, `whole`, `dictionary`.

mod dictionary;
mod policy;
mod rewrite;
mod transfer;
mod whole;

pub use policy::{FinishedLog, Plan, Pressure, log_weight, plan, sealed_together, unsettled};
pub use rewrite::{Go, Rewrite, Rewritten, rewrite};
