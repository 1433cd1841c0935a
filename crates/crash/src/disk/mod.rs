//! A disk in memory that remembers in which order it was written and synced.
//!
//! ```text
//!  SimFs   what the engine sees: names and bytes as the operating system would show them
//!    |
//!  log     every operation that may leave a trace, with marks of who drives the store
//!    |
//!  states  (the next module) what may be left of it when the power fails
//! ```
//!
//! A file's bytes are durable after its sync, a name after the sync of its directory; nothing
//! else is. Space never runs out and nothing fails: faults are injected by a wrapper. Rules
//! that no answer would show are noted where they are broken: a file is mapped before it is
//! synced, or written in place over what is not zero.
//!
//! Read in this order: `op`, `image`, `state`, `gate`, `door`.

mod door;
mod gate;
mod image;
mod op;
mod state;

pub use door::{SimDir, SimFile, SimFs, SimLock, SimMap};
pub use gate::Attempt;
pub use image::{Content, Image, ImageDir};
pub use op::{DirNo, Ino, Mark, Op, OpKind, Phase};

#[cfg(test)]
mod tests;
