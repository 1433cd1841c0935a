//! Every state that a power failure may leave, of a log of operations.
//!
//! ```text
//!  op 0  op 1  op 2 ... op k | the power fails
//!                            |
//!  below the last sync that covers it      fixed
//!  names without a sync of the directory   each there or not, whatever of the others
//!  bytes without a sync of the file        cut at 512: each sector with any of its versions
//!  length without a sync of the file       where the kept bytes end, or as it was seen,
//!                                          with zeros, garbage or old bytes of other files
//! ```
//!
//! A piece that may be there or not is an *atom*. Where an earlier and a later write share a
//! sector, the later version holds the earlier one's bytes too: a page cache has one copy of it.
//! A rename is one atom: file systems with a journal do it whole or not at all. Everything else
//! is independent, so that a disk that reorders is covered, too.
//!
//! Read in this order: `replay`, `choose`, `build`.

mod build;
mod choose;
mod replay;
#[cfg(test)]
mod tests;

pub use build::Unsynced;
pub use choose::{Choice, Strength, Tail, choices};
pub use replay::{Replay, SECTOR};
