//! `import DIR FILE...`: Langfuse ingestion events, a line each.
//!
//! ```text
//!  one thread                                    the other
//!  read > decompress > lines > map_line  ->  queue (32 MiB)  ->  batches > append > commits
//! ```
//!
//! Several batches are in flight: the oldest is waited for when there are too many. A line that
//! cannot be taken is reported, counted and left out; the rest goes on.

use super::{note_recovery, now_ns, seconds_since};
use crate::args::Import;
use crate::exit::{Exit, Failure};
use crate::format;
use crate::input::Source;
use crate::output::Out;
use crate::progress::Progress;
use crate::queue;
use append::{Append, Counts};
use read::{Read, read_all};
use serde::Serialize;
use tracekeep::options::Options;
use tracekeep::{Stats, Store};

mod append;
mod read;

/// Mapped records that may wait to be appended, in bytes.
const QUEUE_BYTES_MAX: u64 = 32 << 20;
#[derive(Debug, Serialize)]
struct ImportJson {
    events: u64,
    rejected: u64,
    ignored: u64,
    traces: u64,
    observations: u64,
    scores: u64,
    bytes_in: u64,
    bytes_on_disk: u64,
    seconds: f64,
}

pub(super) fn run(args: &Import, out: &mut Out) -> Result<Exit, Failure> {
    let start = now_ns();
    let sources: Vec<Source> = args.files.iter().cloned().map(Source::of).collect();
    let total = total_bytes(&sources)?;
    let options = Options { durability: args.durability.into(), ..Options::default() };
    let store = Store::builder().options(options).open(&args.dir);
    let store = store.map_err(|error| Failure::of_store(&args.dir, &error))?;
    note_recovery(&args.dir, &store);
    let (sender, receiver) = queue::queue(QUEUE_BYTES_MAX);
    let read = Read::default();
    let appended = std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("read".to_owned())
            .spawn_scoped(scope, || read_all(&sources, &read, sender))
            .map_err(|e| Failure::refused(format!("cannot start a thread: {e}"), None))?;
        let progress = Progress::bytes("importing", total);
        let mut append = Append::new(&store, &sources, args.batch, progress, &read);
        append.all(receiver)?;
        // Every error of the reader came as an item.
        let _ = reader.join();
        Ok::<_, Failure>(append.counts)
    })?;
    let stats = store.stats()?;
    store.close()?;
    let seconds = seconds_since(start);
    conclude(&appended, &stats, read.text.into_inner(), seconds, args.json, out)
}

/// The bytes of all sources; refuses what is not there before a store is made.
fn total_bytes(sources: &[Source]) -> Result<Option<u64>, Failure> {
    let mut total = Some(0u64);
    for source in sources {
        let bytes = source
            .bytes()
            .map_err(|e| Failure::usage(format!("{}: cannot be read: {e}", source.name())))?;
        total = total.zip(bytes).map(|(total, bytes)| total.saturating_add(bytes));
    }
    Ok(total)
}

fn conclude(
    counts: &Counts,
    stats: &Stats,
    bytes_in: u64,
    seconds: f64,
    json: bool,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let Counts { events, rejected, ignored } = *counts;
    if json {
        out.json(&ImportJson {
            events,
            rejected,
            ignored,
            traces: stats.traces,
            observations: stats.observations,
            scores: stats.scores,
            bytes_in,
            bytes_on_disk: stats.bytes.total,
            seconds,
        })?;
    } else {
        let each_second = (events as f64 / seconds.max(1e-9)) as u64;
        out.pairs([
            ("events", format::count(events)),
            ("rejected", format::count(rejected)),
            ("ignored", format::count(ignored)),
            ("traces in the store", format::count(stats.traces)),
            ("observations in the store", format::count(stats.observations)),
            ("scores in the store", format::count(stats.scores)),
            ("read", format::bytes(bytes_in)),
            ("on disk", format::bytes(stats.bytes.total)),
            ("seconds", format!("{seconds:.2}")),
            (
                "rate",
                format!(
                    "{}, {}/s events",
                    format::rate(bytes_in, seconds),
                    format::count(each_second)
                ),
            ),
        ])?;
    }
    Ok(if rejected > 0 { Exit::Findings } else { Exit::Done })
}
