//! The appending side of an import: batches, with several of them in flight.

use super::read::{Item, Read, weight};
use crate::exit::Failure;
use crate::format;
use crate::input::Source;
use crate::progress::Progress;
use crate::queue::Receiver;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use tracekeep::model::Record;
use tracekeep::{Batch, Commit, Store};

/// A batch is appended when it holds this many bytes, though it could take more records. Far
/// below the engine's limit, so that a record refused by a batch is too large by itself.
const BATCH_BYTES: u64 = 8 << 20;
/// Batches in flight.
const COMMITS_MAX: usize = 64;
/// Rejected events that are reported one by one.
const REPORTED_MAX: u64 = 20;

/// What became of the events.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) events: u64,
    pub(super) rejected: u64,
    pub(super) ignored: u64,
}

/// The appending side.
pub(super) struct Append<'a> {
    store: &'a Store,
    sources: &'a [Source],
    source: usize,
    batch_records: usize,
    batch: Batch,
    batch_bytes: u64,
    commits: VecDeque<Commit>,
    pub(super) counts: Counts,
    progress: Progress,
    read: &'a Read,
}

impl<'a> Append<'a> {
    pub(super) fn new(
        store: &'a Store,
        sources: &'a [Source],
        batch_records: usize,
        progress: Progress,
        read: &'a Read,
    ) -> Append<'a> {
        Append {
            store,
            sources,
            source: 0,
            batch_records,
            batch: Batch::new(),
            batch_bytes: 0,
            commits: VecDeque::new(),
            counts: Counts::default(),
            progress,
            read,
        }
    }

    /// Appends all that comes, and waits until it is acknowledged.
    pub(super) fn all(&mut self, items: Receiver<Vec<Item>>) -> Result<(), Failure> {
        while let Some(items) = items.receive() {
            for item in items {
                match item {
                    Item::Record(line, record) => self.push(line, record)?,
                    Item::Rejected(line, why) => self.reject(line, &why),
                    Item::Ignored => self.counts.ignored += 1,
                    Item::Next => self.source += 1,
                }
            }
        }
        self.append()?;
        while let Some(oldest) = self.commits.pop_front() {
            oldest.wait()?;
        }
        let unreported = self.counts.rejected.saturating_sub(REPORTED_MAX);
        if unreported > 0 {
            self.progress.note(&format!("and {} more rejected", format::count(unreported)));
        }
        Ok(())
    }

    fn push(&mut self, line: u64, record: Record) -> Result<(), Failure> {
        let bytes = weight(&record);
        if !self.batch.is_empty() && self.batch_bytes.saturating_add(bytes) > BATCH_BYTES {
            self.append()?;
        }
        if let Err(error) = self.batch.push(record) {
            self.reject(line, &error.to_string());
            return Ok(());
        }
        self.counts.events += 1;
        self.batch_bytes += bytes;
        if self.batch.len() >= self.batch_records {
            self.append()?;
        }
        Ok(())
    }

    fn append(&mut self) -> Result<(), Failure> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.batch_bytes = 0;
        self.commits.push_back(self.store.append(std::mem::take(&mut self.batch))?);
        while self.commits.front().is_some_and(Commit::is_done) || self.commits.len() > COMMITS_MAX
        {
            if let Some(oldest) = self.commits.pop_front() {
                oldest.wait()?;
            }
        }
        self.progress.at(self.read.raw.load(Ordering::Relaxed));
        self.progress.say(|| format!("{} events", format::count(self.counts.events)));
        Ok(())
    }

    fn reject(&mut self, line: u64, why: &str) {
        self.counts.rejected += 1;
        if self.counts.rejected <= REPORTED_MAX {
            let name = self.sources.get(self.source).map(Source::name).unwrap_or_default();
            let text = format!("{name}:{line}: {why}");
            self.progress.note(&format::plain(&text));
        }
    }
}
