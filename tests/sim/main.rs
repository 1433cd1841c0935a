//! The engine over disks that fail: what was acknowledged is found again, and nothing else.
//!
//! One test binary, so that it links once. In reading order:
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a helper that fails is a test that fails; tests look at files behind the engine"
)]

/// Every operation of the file system fails in every way in every phase.
mod faults;
