//! What may be said on the command line. The comments here are the help.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use tracekeep::id::Id;
use tracekeep::limits::BATCH_RECORDS_MAX;
use tracekeep::model::{Field, TimeRange, Timestamp};
use tracekeep::options::Durability;
use tracekeep::{Cursor, SealLevel};

/// An embedded, append-only store for LLM traces.
///
/// Exit status: 0 done; 1 findings, rejected input, or something that is not there;
/// 2 wrong use; 3 the store refused.
#[derive(Debug, Parser)]
#[command(name = "tracekeep", version, verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Append a generated agent workload, read it back, draw a tree, show sizes and rates
    Demo(Demo),
    /// Append Langfuse ingestion events, one JSON object (or {"batch":[...]}) a line
    Import(Import),
    /// List traces, newest first
    Traces(Traces),
    /// Draw the tree of a trace
    Trace(Trace),
    /// Show everything about a trace or an observation
    Show(Show),
    /// Count what is in the store and what it takes on disk
    Stats(StoreOnly),
    /// Sum up cost, tokens and errors of all observations, by model
    Costs(Costs),
    /// Write the merged state as Langfuse ingestion events, one a line
    Export(Export),
    /// Seal all logs and make the store small
    Seal(Seal),
    /// Check every byte and list findings; damage gives exit status 1
    Verify(StoreOnly),
    /// Copy the store while it is written, at one moment, and verify the copy
    Backup(Backup),
    /// Save everything that can be read of a damaged store to a new one, and list what cannot
    Repair(Repair),
    /// Show the frames of a log or the sections of a segment
    Dump(Dump),
    /// Run the standard measurements on this machine, and compare with an earlier run
    Bench(Bench),
    /// Say what a store of events like these will need on this machine, from measurements
    Plan(Plan),
    /// Crash stores on a simulated disk and kill writers on this one; a broken promise gives 1
    CrashTest(CrashTest),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// Keep the store in this new directory [default: a temporary one, removed at the end]
    pub(crate) dir: Option<PathBuf>,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Import {
    /// Directory of the store; made where there is none
    pub(crate) dir: PathBuf,
    /// Files, plain, gzip or zstd; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// When a batch counts as written
    #[arg(long, value_enum, default_value_t = DurabilityArg::Disk)]
    pub(crate) durability: DurabilityArg,
    /// Records appended together, at most
    #[arg(long, value_name = "RECORDS", default_value_t = 64, value_parser = batch_records)]
    pub(crate) batch: usize,
    /// Print one JSON value; events counts what was stored, without rejected and ignored
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DurabilityArg {
    /// When the operating system has the bytes
    Os,
    /// When they are synced to the disk
    Disk,
    /// When the mark that says so is synced, too
    Strict,
}

impl From<DurabilityArg> for Durability {
    fn from(arg: DurabilityArg) -> Durability {
        match arg {
            DurabilityArg::Os => Durability::Os,
            DurabilityArg::Disk => Durability::Disk,
            DurabilityArg::Strict => Durability::DiskStrict,
        }
    }
}

/// When what is asked for starts.
#[derive(Debug, ClapArgs)]
pub(crate) struct Starts {
    /// Only what starts at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only what starts before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
}

impl Starts {
    pub(crate) fn range(&self) -> TimeRange {
        let all = TimeRange::ALL;
        TimeRange { start: self.from.unwrap_or(all.start), end: self.to.unwrap_or(all.end) }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Traces {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) starts: Starts,
    /// Only traces of this name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only traces of this user
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Only traces of this session
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only traces with this tag
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Only traces of this environment
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// How many, at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// Where an earlier list ended
    #[arg(long)]
    pub(crate) cursor: Option<Cursor>,
    /// List the oldest first
    #[arg(long)]
    pub(crate) oldest_first: bool,
    /// Print one JSON object a line, last {"cursor": ...} where there are more
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `costs` sums by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// The model
    Model,
    /// The name of the observation
    Name,
    /// Its kind
    Kind,
    /// The day that it started on, in UTC
    Day,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Costs {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    /// What to sum by
    #[arg(long, value_enum, default_value_t = By::Model)]
    pub(crate) by: By,
    #[command(flatten)]
    pub(crate) starts: Starts,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Trace {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    /// Id of the trace
    #[arg(value_parser = id)]
    pub(crate) id: Id,
    /// Print input, output and metadata below each observation
    #[arg(long)]
    pub(crate) payloads: bool,
    /// Print what is new in each generation's input
    #[arg(long)]
    pub(crate) new_messages: bool,
    /// Draw this many observations, at most (--json prints all)
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Show {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    /// Id of the trace
    #[arg(value_parser = id)]
    pub(crate) id: Id,
    /// Id of an observation of the trace
    #[arg(value_parser = id)]
    pub(crate) observation: Option<Id>,
    /// Write exactly the bytes of this field, nothing else
    #[arg(long, value_enum, conflicts_with = "json")]
    pub(crate) field: Option<FieldArg>,
    /// Print one JSON value, payloads as strings of their exact text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FieldArg {
    Input,
    Output,
    Metadata,
    Attributes,
}

impl From<FieldArg> for Field {
    fn from(arg: FieldArg) -> Field {
        match arg {
            FieldArg::Input => Field::Input,
            FieldArg::Output => Field::Output,
            FieldArg::Metadata => Field::Metadata,
            FieldArg::Attributes => Field::Attributes,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreOnly {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    /// Print JSON: one value, of `verify` one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Export {
    /// Directory of the store
    pub(crate) dir: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Seal {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    /// How small the store gets
    #[arg(long, value_enum, default_value_t = LevelArg::Full)]
    pub(crate) level: LevelArg,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LevelArg {
    /// No log is left
    Quick,
    /// And the store is as small as it will get
    Full,
}

impl From<LevelArg> for SealLevel {
    fn from(arg: LevelArg) -> SealLevel {
        match arg {
            LevelArg::Quick => SealLevel::Quick,
            LevelArg::Full => SealLevel::Full,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Backup {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    /// Directory for the copy: new, empty, or an earlier backup, which is brought up to date
    pub(crate) out: PathBuf,
    /// Do not read all of the copy
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Repair {
    /// Directory of the damaged store; it is not changed
    pub(crate) dir: PathBuf,
    /// A new directory for the repaired store
    pub(crate) out: PathBuf,
    /// Print one JSON object a line: what is lost, one by one, then the sum
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Dump {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    /// A file of the store
    pub(crate) file: PathBuf,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// The standard measurements: the same records in every release.
#[derive(Debug, ClapArgs)]
pub(crate) struct Bench {
    /// A new or empty directory on the disk to be measured; nothing stays in it
    pub(crate) dir: PathBuf,
    /// Put an earlier run beside, as --json printed it
    #[arg(long, value_name = "OLD.json")]
    pub(crate) compare: Option<PathBuf>,
    /// Measure each thing once and small: to see that it works
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a store will need: rates, cores, memory, disk, writes, recovery, latencies.
///
/// The sample is appended, sealed and read in temporary directories, and how it grows goes on.
#[derive(Debug, ClapArgs)]
pub(crate) struct Plan {
    /// Langfuse events, one a line, plain, gzip or zstd; or a store's directory
    pub(crate) sample: PathBuf,
    /// Directory on the disk that the store will use [default: the temporary directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) disk: Option<PathBuf>,
    /// Write a page with the curves to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Observations a second, on average
    #[arg(long, value_name = "RATE", default_value_t = 1.0, value_parser = positive)]
    pub(crate) observations_per_second: f64,
    /// Observations a second at the busiest time [default: three times the average]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    pub(crate) peak: Option<f64>,
    /// How long observations are kept, as 12h, 30d
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = span)]
    pub(crate) retention: Duration,
    /// How long their payloads are kept [default: as long]
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) payload_retention: Option<Duration>,
    /// Memory that the store may take, as 512MiB, 2GB
    #[arg(long, value_name = "BYTES", default_value = "512MiB", value_parser = size)]
    pub(crate) memory: u64,
    /// Plan for so many observations in all, reached when the first ones go
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) observations: Option<u64>,
    /// Drive writes a day that the SSD is rated for: 0.3 is common, 1 and 3 are sold for writing
    #[arg(long, value_name = "DWPD", default_value_t = 0.3, value_parser = positive)]
    pub(crate) drive_writes_per_day: f64,
    /// The SSD's capacity [default: that of the disk]
    #[arg(long, value_name = "BYTES", value_parser = size)]
    pub(crate) drive: Option<u64>,
    /// Measure rates briefly: sizes hold, rates and latencies say little
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

/// The halves of a crash test.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Half {
    /// Power failures on a simulated disk, at every operation
    Simulated,
    /// Writers that are killed on this disk
    Killed,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CrashTest {
    /// Directory that keeps how far the test has come
    pub(crate) dir: PathBuf,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) seconds: u64,
    /// Which workloads: a run is a function of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with = "resume")]
    pub(crate) seed: u64,
    /// Go on where an earlier run stopped
    #[arg(long)]
    pub(crate) resume: bool,
    /// One half of it only [default: half of the time each]
    #[arg(long, value_enum)]
    pub(crate) only: Option<Half>,
    /// Bring back one crash, as an earlier run printed it
    #[arg(long, value_name = "PLACE", conflicts_with = "resume")]
    pub(crate) reproduce: Option<String>,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

fn id(text: &str) -> Result<Id, String> {
    Id::parse(text).map_err(|e| e.to_string())
}

fn time(text: &str) -> Result<Timestamp, String> {
    tracekeep_langfuse::parse_time(text)
        .ok_or_else(|| "a time like 2026-01-12T08:00:00Z is expected".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n: &f64| n.is_finite() && *n > 0.0);
    number.ok_or_else(|| "a number above 0 is expected".to_owned())
}

fn span(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).map_err(|e| e.to_string())?;
    if span.is_zero() { Err("more than nothing is expected".to_owned()) } else { Ok(span) }
}

/// Bytes with a unit: 64 MiB, 2GB, 1000.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "a size like 512MiB, 2GB or 64000 is expected".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit: f64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    let bytes = number * unit;
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

fn batch_records(text: &str) -> Result<usize, String> {
    let within = |n: &usize| (1..=BATCH_RECORDS_MAX).contains(n);
    text.parse()
        .ok()
        .filter(within)
        .ok_or_else(|| format!("a number from 1 to {BATCH_RECORDS_MAX} is expected"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        Args::command().debug_assert();
    }
}
