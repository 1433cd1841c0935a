//! The verbs, a file each. A verb takes its arguments and standard output, and answers how it
//! ended.

mod backup;
mod bench;
mod costs;
mod crash_test;
mod demo;
mod dump;
mod export;
mod import;
mod plan;
mod repair;
mod seal;
mod show;
mod stats;
mod trace;
mod traces;
mod verify;

use crate::args::Verb;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::output::{self, Out};
use std::path::Path;
use tracekeep::{ReadStore, Store};

/// Runs a verb.
pub(crate) fn run(verb: Verb, out: &mut Out) -> Result<Exit, Failure> {
    match verb {
        Verb::Demo(args) => demo::run(&args, out),
        Verb::Import(args) => import::run(&args, out),
        Verb::Traces(args) => traces::run(args, out),
        Verb::Trace(args) => trace::run(&args, out),
        Verb::Show(args) => show::run(&args, out),
        Verb::Stats(args) => stats::run(&args, out),
        Verb::Costs(args) => costs::run(&args, out),
        Verb::Export(args) => export::run(&args, out),
        Verb::Seal(args) => seal::run(&args, out),
        Verb::Verify(args) => verify::run(&args, out),
        Verb::Backup(args) => backup::run(&args, out),
        Verb::Repair(args) => repair::run(&args, out),
        Verb::Dump(args) => dump::run(&args, out),
        Verb::Bench(args) => bench::run(&args, out),
        Verb::Plan(args) => plan::run(&args, out),
        Verb::CrashTest(args) => crash_test::run(&args, out),
    }
}

/// The store for reading. Never makes one.
fn open_to_read(dir: &Path) -> Result<ReadStore, Failure> {
    must_be_there(dir)?;
    Store::open_read_only(dir).map_err(|error| not_made(dir, error))
}

/// Refuses early where not even the directory is there.
fn must_be_there(dir: &Path) -> Result<(), Failure> {
    if dir.is_dir() { Ok(()) } else { Err(Failure::no_store(dir)) }
}

/// What the engine says where it finds no store, in the command's words.
fn not_made(dir: &Path, error: tracekeep::error::Error) -> Failure {
    // A file that is missing is damage, and no missing store.
    if error.is_not_found() && error.corruption().is_none() {
        return Failure::no_store(dir);
    }
    Failure::of_store(dir, &error)
}

/// Says on standard error what opening for writing passed over, which is no error.
fn note_recovery(dir: &Path, store: &Store) {
    let torn = store.recovery().torn_bytes;
    if torn > 0 {
        output::note(&format!(
            "tracekeep: torn tail: {}: {} that an earlier run left unfinished were passed over; \
             what was acknowledged is there",
            format::plain(&dir.display().to_string()),
            format::bytes(torn)
        ));
    }
}

/// Seconds since the clock said `start_ns`.
fn seconds_since(start_ns: i64) -> f64 {
    now_ns().saturating_sub(start_ns).max(0) as f64 / 1e9
}

/// The machine's clock, in nanoseconds.
fn now_ns() -> i64 {
    use tracekeep::clock::{Clock, SystemClock};
    SystemClock.now_ns()
}
