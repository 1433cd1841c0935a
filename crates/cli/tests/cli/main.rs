//! The command as its users run it: the binary, real directories, exit status and bytes.
//!
//! One test binary, so that it links once. In reading order:
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a helper that fails is a test that fails; what is skipped says so"
)]

/// Runs the binary and looks at what came of it.
mod run;

/// The events that the other modules import.
mod events;

/// 0, 1, 2, 3, and what is said on standard error.
mod exit;

/// Errors of the kernel, and a disk that cannot be written.
mod faults;

/// Bad lines, compression, standard input, batches, counts.
mod import;

/// Order, identity, shuffled and repeated input.
mod export;

/// `traces` and `trace`: lists, filters, cursors, trees.
mod look;

/// `show`: everything, and exact bytes.
mod show;

/// `stats`, `seal`, `verify`, `dump`, `demo`.
mod upkeep;

/// `plan` and `bench`.
mod plan;

/// `crash-test`.
mod crash_test;
