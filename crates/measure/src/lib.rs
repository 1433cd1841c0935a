//! Measuring a store on this machine: how fast it appends, seals, reads and opens, and what
//! records take when they are sealed. For the benches, and for the verbs `bench` and `plan`.
//!
//! In reading order: `clock`, `data`, `append`, `sizes`, `novelty`, `disk`, `reads`, `opening`,
//! `machine`, `suite`.

pub mod append;
pub mod clock;
pub mod data;
pub mod disk;
pub mod machine;
pub mod novelty;
pub mod opening;
pub mod reads;
pub mod sizes;
pub mod suite;

use std::path::Path;
use tempfile::TempDir;
use tracekeep::Result;
use tracekeep::error::Error;

/// A new directory under `dir` that goes away with its handle.
///
/// # Errors
/// `Io`.
pub fn room(dir: &Path) -> Result<TempDir> {
    let made = tempfile::Builder::new().prefix("tracekeep-").tempdir_in(dir);
    made.map_err(|error| Error::io("create a directory", dir, error))
}
