//! Repair: what can be read of a damaged store is appended to a new one.

use super::{Batch, Commit, Store, StoreBuilder};
use crate::error::{Error, Result};
use crate::frame::FileHeader;
use crate::fs::{Dir, DirMode, FileName, Fs, process_name};
use crate::id::Seq;
use crate::model::Record;
use crate::repair::{Damaged, Loss, Lost, Out};
use crate::segment::SealLevel;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// What a new store takes over from another one.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Id and key: equal stamps are decided as they were.
    pub header: FileHeader,
    /// Seqs go on after this.
    pub last_seq: Seq,
}

/// What a repair came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Records that were appended to the new store.
    pub records: u64,
    /// Things that were lost; each was handed out.
    pub losses: u64,
    /// Bytes of these, as far as they are known.
    pub lost_bytes: u64,
    /// The last seq of the new store.
    pub seq: Seq,
    /// What is worth telling, and is no loss.
    pub notes: Vec<String>,
}

/// Reads everything that can be read of the store in `from`, which is not changed, makes a new
/// store of it in `to`, and hands each thing that is lost to `each`.
///
/// # Errors
/// `InvalidInput` where there is no store, or where `to` is not empty; `Locked` while a process has
/// the store open for writing; `Corruption` where no file tells the store's key;
/// `UnsupportedFormat`, `StorageFull`, `Io`. What is in `to` then is not whole: remove it.
pub fn repair(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    each: &mut dyn FnMut(Loss),
) -> Result<RepairReport> {
    Store::builder().repair(from, to, each)
}

/// Batches in flight.
const COMMITS_MAX: usize = 8;
/// A batch is appended when it holds so many records or payload bytes.
const BATCH_RECORDS: usize = 512;
const BATCH_BYTES: u64 = 4 << 20;

impl<F: Fs> StoreBuilder<F> {
    /// As [`repair()`], with these options and components.
    ///
    /// # Errors
    /// As [`repair()`].
    pub fn repair(
        mut self,
        from: impl AsRef<Path>,
        to: impl AsRef<Path>,
        each: &mut dyn FnMut(Loss),
    ) -> Result<RepairReport> {
        let (from, to) = (from.as_ref(), to.as_ref());
        let dir = match self.fs.open_dir(from, DirMode::Existing) {
            Err(e) if e.is_not_found() => return Err(Error::no_store(from)),
            other => other?,
        };
        // Before the lock, whose file would be made where there is no store.
        Damaged::open(dir.clone())?;
        let _lock = match dir.lock(&format!("repair by {}", process_name())) {
            // A medium that cannot be written has no writer either.
            Err(e) if is_read_only(&e) => None,
            other => Some(other?),
        };
        let damaged = Damaged::open(dir)?;
        must_be_empty(&self.fs, to)?;
        let origin = Origin { header: damaged.header().clone(), last_seq: damaged.last_seq()? };
        self.origin = Some(origin);
        let store = self.open(to)?;
        let mut appender = Appender::new(&store, from);
        let notes = [damaged.notes(), &store.recovery().notes].concat();
        let mut report = RepairReport { notes, ..Default::default() };
        let mut refused = Vec::new();
        {
            let mut count = |loss: Loss| {
                report.losses += 1;
                report.lost_bytes += loss.bytes;
                each(loss);
            };
            let mut record = |record| appender.push(record, &mut refused);
            damaged.read(Out { record: &mut record, loss: &mut count })?;
            appender.flush()?;
            refused.into_iter().for_each(&mut count);
        }
        (report.records, report.seq) = appender.finish()?;
        store.seal(SealLevel::Quick)?;
        store.close()?;
        Ok(report)
    }
}

fn is_read_only(error: &Error) -> bool {
    use std::io::ErrorKind as Os;
    let kind = error.os_error().map(std::io::Error::kind);
    matches!(kind, Some(Os::PermissionDenied | Os::ReadOnlyFilesystem))
}

fn must_be_empty<F: Fs>(fs: &F, to: &Path) -> Result<()> {
    let dir = match fs.open_dir(to, DirMode::Existing) {
        Err(e) if e.is_not_found() => return Ok(()),
        other => other?,
    };
    match dir.list()?.iter().find(|name| **name != FileName::Lock) {
        None => Ok(()),
        Some(name) => Err(Error::invalid(format!(
            "{}: holds {name}; a repaired store goes to a new directory",
            to.display()
        ))),
    }
}

/// Appends records in batches, some of them in flight.
struct Appender<'s, F: Fs> {
    store: &'s Store<F>,
    from: PathBuf,
    batch: Batch,
    commits: VecDeque<Commit>,
    records: u64,
    seq: Seq,
}

impl<'s, F: Fs> Appender<'s, F> {
    fn new(store: &'s Store<F>, from: &Path) -> Appender<'s, F> {
        let seq = store.snapshot().seq();
        let (batch, commits) = (Batch::new(), VecDeque::new());
        Appender { store, from: from.to_path_buf(), batch, commits, records: 0, seq }
    }

    fn push(&mut self, record: Record, refused: &mut Vec<Loss>) -> Result<()> {
        if !self.batch.fits(&record) {
            self.flush()?;
        }
        let target = record.target.clone();
        if let Err(e) = self.batch.push(record) {
            let loss = Loss::at(&self.from, 0, &e.to_string(), Lost::Records);
            refused.push(Loss { target: Some(target), ..loss });
            return Ok(());
        }
        if self.batch.len() >= BATCH_RECORDS || self.batch.payload_bytes() >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        self.records += batch.len() as u64;
        self.commits.push_back(self.store.append(batch)?);
        if self.commits.len() > COMMITS_MAX
            && let Some(commit) = self.commits.pop_front()
        {
            self.seq = commit.wait()?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(u64, Seq)> {
        while let Some(commit) = self.commits.pop_front() {
            self.seq = commit.wait()?;
        }
        Ok((self.records, self.seq))
    }
}
