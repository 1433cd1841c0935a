//! tracekeep beside what a team would use instead: the same observations, the same questions, in
//! one run.
//!
//! ```text
//!   runner            for each round, for each engine (the order turns from round to round):
//!     |  job.json       append   events in memory -> engine -> settled files
//!     +---------> child read     open, then every question, warm and cold
//!     |  measures     once       stream   events come through a pipe: the most memory it takes
//!     v
//!   medians, spread, ratios to tracekeep, whether every engine gave the same answers
//! ```
//!
//! Every engine and round runs in a process of its own: this program, started again, or the one
//! that has RocksDB or DuckDB. Nothing here is part of the engine, and the rules of merging are
//! those that the engine exports, so that all answers can be compared.
//!
//! Read in this order: `args`, `input`, `job`, `run`, `programs`, `child`, `process`, `machine`,
//! `stats`, `report`, `plot`; then `engine` and `row`.

#![allow(
    clippy::disallowed_methods,
    reason = "no part of the engine: it measures time and works on the file system itself"
)]

mod args;
mod child;
pub mod engine;
mod input;
mod job;
mod machine;
mod output;
mod plot;
mod process;
mod programs;
mod progress;
mod report;
mod row;
mod run;
mod stats;

use engine::names::Open;
use std::process::ExitCode;

/// For every engine that is written in Rust; an ingestion service would choose one like it. With
/// glibc's, appending records that all lie in memory measures what it costs to free them one by
/// one: docs/decisions/0021-the-allocator-of-benchmarks.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What went wrong, in words.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;
/// The result of everything here.
pub type Result<T> = std::result::Result<T, Fault>;

/// An error of this crate's own.
pub(crate) fn fault(message: impl Into<String>) -> Fault {
    Fault::from(message.into())
}

/// The runner, and the child of the engines in the ordinary build.
pub fn main() -> ExitCode {
    conclude(match child::job_path() {
        Some(path) => child::run(&path, engine::light),
        None => args::parse().map_or(Ok(()), |args| run::run(&args)),
    })
}

/// A program that is a child only, for engines that the ordinary build does not have.
pub fn child_main(open: Open) -> ExitCode {
    conclude(match child::job_path() {
        Some(path) => child::run(&path, open),
        None => Err(fault("this program is started by bench-peers; run that instead")),
    })
}

fn conclude(outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(&format!("bench-peers: {error}"));
            ExitCode::FAILURE
        }
    }
}
