//! A file system that fails on demand: a wrapper around any other one.
//!
//! ```text
//!   engine --> Faulty<F> --> F
//!                 |
//!              Switch     "from the 3rd sync of a file on: EIO"
//!                 |
//!                 +--> how many operations of the kind it saw, how many faults it injected
//! ```
//!
//! A test arms the [`Switch`] with a [`Rule`] and runs the engine. Once an operation of the rule's
//! kind is due, the wrapper answers with the fault instead of, or on top of, what the file system
//! underneath says. The counts tell afterwards whether the rule was met at all, so that a fault
//! that nobody noticed is told from a fault that never happened.
//!
//! Faults are those that the trait of [`tracekeep::fs`] can show: a real file goes on after a
//! short write until the operating system refuses, so a short write here is half of the bytes
//! and an error.
//!
//! Read in this order: `op`, `fault`, `switch`, `wrap`.

mod fault;
mod op;
mod switch;
#[cfg(test)]
mod tests;
mod wrap;

pub use fault::Fault;
pub use op::Op;
pub use switch::{Rule, Span, Switch};
pub use wrap::{Faulty, FaultyDir, FaultyFile, FaultyMap};
