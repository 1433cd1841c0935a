//! `tracekeep`: the command line over the engine. One file a verb.
//!
//! ```text
//! args      what may be said                exit      how a command ends
//! verb/*    one verb each                   output    the only place that prints
//! input     lines of plain, gz, zst files   progress  bars, on a terminal's standard error
//! queue     bounded by bytes                format    numbers, times and foreign text for people
//! fields    merged fields, by name          json      the shapes that --json prints
//! draw      the tree                          scratch   temporary directories
//! ```

mod args;
mod draw;
mod exit;
mod fields;
mod format;
mod input;
mod json;
mod output;
mod progress;
mod queue;
mod scratch;
mod verb;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A crash test starts this program again as a writer or a reader.
    if let Some(outcome) = tracekeep_crash::soak::child() {
        return match outcome.map_err(exit::Failure::from) {
            Ok(()) => exit::Exit::Done.into(),
            Err(failure) => {
                output::complain(&failure);
                failure.exit().into()
            }
        };
    }
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return output::usage(&error).into(),
    };
    let mut out = output::Out::new();
    let result = verb::run(args.verb, &mut out).and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    scratch::wait_if_interrupted();
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // What was printed before the failure belongs to the answer; a second failure of
            // the same pipe adds nothing.
            let _ = out.flush();
            output::complain(&failure);
            failure.exit().into()
        }
    }
}
