//! What needs more than one process: kill -9, readers beside a writer, a full disk, memory.
//!
//! The children are this same binary, started again with a role in the environment; see `child`.
//! What a child has to tell goes to files outside of the store. In reading order:
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a helper that fails is a test that fails; tests look at files behind the engine"
)]

/// What the children do, and how they are started.
mod child;

/// Every acknowledged batch survives kill -9.
mod kill;

/// One writer, any number of readers.
mod beside;

/// A full disk refuses a batch whole, and is no end.
mod full_disk;

/// The same in every phase, with every amount of space that is left.
mod full_phases;

/// Errors that the kernel gives: failing calls, cut writes, too few file descriptors.
mod faults;

/// The directory under an open store: moved, removed, copied, read-only; a clock that jumps.
mod dirs;

/// Memory is a budget.
mod memory;
