//! Crashes a workload at every operation, into every state the disk may be in, and recovers each.
//!
//! ```text
//!  script -> log -> for each operation -> states -> image -> recover, check
//!                                                              |
//!                        crashes during that recovery <- its log
//! ```
//!
//! Images are told apart by the hash of their names and bytes, over all workloads of a run: each
//! is recovered once for what it must hold, and counted once.
//!
//! Read in this order: `trial`, `place`, `tally`, `seen`, `explorer`, `scripts`, `simulate`.

mod explorer;
mod place;
mod scripts;
mod seen;
mod simulate;
mod tally;
#[cfg(test)]
mod tests;
mod trial;

pub use explorer::{Explorer, Found, Reach, replay};
pub use place::{Crash, Place};
pub use scripts::{run_random, run_sequences, sequences, thinnest};
pub use seen::Seen;
pub use simulate::Simulation;
pub use tally::{PhaseTally, Tally};
pub use trial::{Moment, Trial, moments};
