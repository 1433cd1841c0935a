//! The command line.

use crate::engine::{Name, Sync};
use crate::input::Kind;
use crate::output;
use clap::Parser;
use std::path::PathBuf;

/// Stores the same observations in tracekeep and in what a team would use instead, asks the same
/// questions, and prints medians, spread and ratios.
#[derive(Debug, Parser)]
#[command(name = "bench-peers")]
pub(crate) struct Args {
    /// Langfuse ingestion events, one JSON object a line; plain or zstd. Without it, events are
    /// generated.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// What to generate.
    #[arg(long, value_enum, default_value_t = Kind::Agents, conflicts_with = "input")]
    pub(crate) generate: Kind,
    /// How much to generate, in 10^6 bytes of JSON.
    #[arg(long, default_value_t = 64, conflicts_with = "input")]
    pub(crate) megabytes: u64,
    /// Which engines, separated by commas. Those of RocksDB and DuckDB are built when they are
    /// first asked for, which takes a while.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = DEFAULT)]
    pub(crate) engines: Vec<Name>,
    /// When an append is acknowledged.
    #[arg(long, value_enum, default_value_t = Sync::Disk)]
    pub(crate) sync: Sync,
    /// Records a batch.
    #[arg(long, default_value_t = 64)]
    pub(crate) batch: usize,
    /// Batches that may be unacknowledged at once.
    #[arg(long, default_value_t = 8)]
    pub(crate) in_flight: usize,
    /// Rounds; the order of engines turns from one to the next.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// zstd level of the Parquet file, 1 to 22.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) parquet_level: i32,
    /// Where the engines work; a disk, not a tmpfs. The folder for temporary files unless told.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print tables as Markdown.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Also draw the medians.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// All that the ordinary build has.
const DEFAULT: [Name; 7] = [
    Name::Tracekeep,
    Name::Floor,
    Name::Sqlite,
    Name::Redb,
    Name::Fjall,
    Name::Lmdb,
    Name::Parquet,
];

/// None where help was asked for and printed.
pub(crate) fn parse() -> Option<Args> {
    match Args::try_parse() {
        Ok(args) => Some(args),
        Err(error) => {
            output::usage(&error);
            None
        }
    }
}
