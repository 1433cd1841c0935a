//! Drives a store through a workload, one operation after the other, and tells the disk's log
//! what was promised when.
//!
//! Nothing is left to chance: one batch is in flight at a time, or the disk holds operations back
//! until the next ones are in line; the clock stands still; nothing is sealed unless asked. So the
//! log is a function of the [`Script`].
//!
//! Read in this order: `act`, `say`, `driver`, `append`.

mod act;
mod append;
mod driver;
mod say;
#[cfg(test)]
mod tests;

pub use act::{Act, Promise, Script};
pub(crate) use driver::options;
pub use driver::{COPY, Driver, PATH, Run, run};
pub use say::Speaker;
