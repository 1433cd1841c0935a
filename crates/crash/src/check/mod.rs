//! Recovers one image with the real engine and holds it to the invariants.
//!
//! | | invariant | checked |
//! |---|---|---|
//! | I1 | what was acknowledged is there, byte for byte | always |
//! | I2 | what is there is a prefix of the order of appending | always |
//! | I3 | nothing is there that was not appended | always |
//! | I4 | a batch is there whole or not at all | always |
//! | I5 | recovering again finds the same | of a share: after a kill and after a close |
//! | I6 | what is appended after recovery survives the next crash | of a share |
//! | I7 | `verify` finds no damage, before and after | of a share |
//! | I8 | lookups answer as a full scan does, and so does a reader beside | of a share |
//! | I9 | no file is left that the manifest does not name | always by kind, of a share by `verify` |
//! | I12 | no seq of an acknowledged record is used again | with I6 |
//! | I14 | a snapshot stays as it was | in the workloads |
//!
//! I10 (no panic, no allocation past the budget, no read past the end) is for the fuzz targets; a
//! panic here ends the run all the same. I11 (an erased id is in no byte of any file) waits for
//! erasing; I13 (injected errors surface) is the fault matrix.

mod again;
mod recover;

pub use again::Share;
pub use recover::{Expect, Recovered, check};
