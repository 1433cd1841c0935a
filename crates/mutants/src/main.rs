//! How many changes of the engine the tests notice.
//!
//! ```text
//!  cargo mutants --list        the changes: an operator, a value, an arm, a guard       list
//!  a copy of the sources       holds them all, each behind its number                   plant, tree
//!  one build                   of the tests; what does not compile is taken out         compile
//!  each test alone             which mutants it reaches, how long it takes              reach
//!  each mutant                 the tests that reach it, until one fails             trial
//! ```
//!
//! `cargo mutants` itself builds anew for each mutant: half a minute or more for each of two
//! thousand. Read in this order: `list`, `plant`, `tree`, `compile`, `reach`, `trial`, `report`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool for people who work on the engine, beside it"
)]

mod compile;
mod list;
mod plant;
mod reach;
mod report;
mod tree;
mod trial;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Mutation testing in one build. Needs `cargo install cargo-mutants`, which lists the mutants.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Which sources, as `cargo mutants --file` takes them.
    #[arg(default_values = [
        "src/recovery/*.rs", "src/frame/*.rs", "src/log/*.rs", "src/manifest/*.rs",
        "src/segment/*.rs", "src/verify/*.rs",
    ])]
    files: Vec<String>,
    /// Only every n-th mutant from the k-th on: `0/4` to `3/4`.
    #[arg(long, default_value = "0/1", value_parser = shard)]
    shard: (usize, usize),
    /// Where the copy, its build and the results lie; a second run goes on from there.
    #[arg(long, default_value = "target/mutants")]
    dir: PathBuf,
    /// Where cargo builds.
    #[arg(long, default_value = "target/mutants/target")]
    target_dir: PathBuf,
    /// Tests at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Tests that take longer than so many seconds are left out.
    #[arg(long, default_value_t = 60)]
    test_seconds: u64,
    /// The results as JSON, a mutant a line.
    #[arg(long)]
    json: bool,
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    parts.filter(|(k, n)| k < n).ok_or_else(|| format!("{text}: write it like 0/4"))
}

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            report::note(&format!("mutants: {e}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.dir)?;
    let dir = args.dir.canonicalize()?;
    let mutants = list::list(&args.files, args.shard)?;
    let planted: Vec<&str> =
        mutants.iter().map(|m| m.file.as_str()).chain([compile::LIB]).collect();
    let tree = tree::copy(&dir, &planted)?;
    let build = compile::build(&dir, &tree, args, &mutants)?;
    let tests = reach::measure(&tree, args, &build)?;
    let results = trial::run(&dir, &tree, args, &mutants, &build, &tests)?;
    report::print(args, &mutants, &build, &results);
    Ok(())
}
