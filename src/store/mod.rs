//! The engine: puts the floors together. The only floor with threads and locks.
//!
//! ```text
//!  callers            writer thread            sync thread           keeper thread
//!  append ---------->  compress, write  ----->  fdatasync             seal, index
//!   dedup, encode      frames (group n+1)       (group n), publish    one edit at a time
//!   [ingest lock]                               wake the callers
//! ```
//!
//! A batch is deduplicated and encoded on the caller's thread, under one lock, into the group
//! that the writer gets next, through a queue whose lock nobody holds for long. Who waits for a
//! batch without company does the work of the other threads himself (`desk`). A group becomes
//! visible to snapshots when its durability level is reached, and never if its sync failed.
//!
//! Read in this order: `builder`, `batch`, `commit`, `shared`, `queue`, `ingest`, `desk`,
//! `writer`, `syncer`, `open`, `pace`, `brake`, `keeper`, `stats`, `follower`, `repair`.

mod batch;
mod brake;
mod builder;
mod commit;
mod desk;
mod follower;
mod ingest;
mod keeper;
mod listener;
mod open;
mod pace;
mod queue;
mod repair;
mod shared;
mod stats;
mod syncer;
mod writer;

pub use batch::Batch;
pub use builder::{Create, StoreBuilder};
pub use commit::Commit;
pub use follower::ReadStore;
pub use keeper::SealReport;
pub use listener::{Event, Listener};
pub use repair::{RepairReport, repair};
pub use stats::{StatBytes, Stats};

use crate::backup::{BackupReport, Source, backup};
use crate::error::Result;
use crate::fs::{Fs, RealFs};
use crate::id::Seq;
use crate::recovery::RecoveryReport;
use crate::segment::SealLevel;
use crate::snapshot::Snapshot;
use crate::sync::JoinHandle;
use desk::Desk;
use shared::Shared;
use std::path::Path;
use std::sync::Arc;

/// A store that is open for writing. One per directory; share it among threads by reference.
#[derive(Debug)]
pub struct Store<F: Fs = RealFs> {
    fs: F,
    shared: Arc<Shared<F>>,
    desk: Arc<Desk<F>>,
    threads: Vec<JoinHandle<()>>,
    report: RecoveryReport,
}

impl Store {
    /// Opens the store in this directory for writing, and makes it where there is none.
    ///
    /// # Errors
    /// `Locked` with the holder, `Corruption` where acknowledged data is damaged,
    /// `UnsupportedFormat`, `StorageFull`, `Io`.
    pub fn open(path: impl AsRef<Path>) -> Result<Store> {
        Store::builder().open(path)
    }

    /// Opens the store in this directory for reading, also while another process writes. Takes
    /// no lock and changes nothing.
    ///
    /// # Errors
    /// `InvalidInput` where there is no store, `Corruption`, `UnsupportedFormat`, `Io`.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<ReadStore> {
        Store::builder().open_read_only(path)
    }

    /// Sets options and components before opening.
    pub fn builder() -> StoreBuilder {
        StoreBuilder::new(RealFs)
    }
}

impl<F: Fs> Store<F> {
    /// Appends a batch, all or nothing. Returns when it is in order; [`Commit::wait`] returns when
    /// it is durable. Waits where too much is in flight or sealing has fallen behind. Cost: one
    /// comparison with the last payload of each stream, splitting and hashing of what is new.
    ///
    /// # Errors
    /// `Poisoned` after a failed write or sync, `Closed`.
    pub fn append(&self, batch: Batch) -> Result<Commit> {
        let shared = &self.shared;
        shared.append(batch.into_records(), &mut |_| shared.wake_writer())
    }

    /// Appends a batch and returns when it is durable: as [`append`](Self::append) and
    /// [`Commit::wait`], for who waits for each batch before the next. Where no other batch is on
    /// its way the caller's thread writes and syncs it itself, and no thread is woken for it.
    ///
    /// # Errors
    /// As [`append`](Self::append) and [`Commit::wait`].
    pub fn append_and_wait(&self, batch: Batch) -> Result<Seq> {
        self.desk.append_and_wait(batch.into_records())
    }

    /// A view of everything that is acknowledged by now.
    pub fn snapshot(&self) -> Snapshot<F> {
        self.shared.snapshot()
    }

    /// Seals everything that is acknowledged by now and returns when no log is left. `Full` also
    /// joins neighbouring segments as far as one can be rewritten within bounded memory (about
    /// half a million observations), so that the store is as small as it will get.
    ///
    /// # Errors
    /// `Corruption`, `StorageFull`, `Io`, `Poisoned`, `Closed`; what was not sealed stays as it
    /// was.
    pub fn seal(&self, level: SealLevel) -> Result<SealReport> {
        self.shared.seal_all(level)
    }

    /// Joins no segments in the background from now on, until [`resume_compaction`]: for the hours
    /// when the machine has something better to do. Finished logs are sealed as before, so that
    /// memory and the time to open stay bounded; only the number of segments grows meanwhile.
    /// [`seal`](Self::seal) joins when it is asked to. Returns when no join is under way: one that
    /// is gets given up. To slow joins down instead, see
    /// [`Options::join_bytes_per_second_max`](crate::Options::join_bytes_per_second_max). A store
    /// that is opened is not paused.
    ///
    /// [`resume_compaction`]: Self::resume_compaction
    pub fn pause_compaction(&self) {
        self.shared.pause_joins();
    }

    /// Joins segments in the background again, and makes up for what is due.
    pub fn resume_compaction(&self) {
        self.shared.resume_joins();
    }

    /// Counts and sizes. Cost: the trace rows of all segments, and the merge of unsealed records.
    ///
    /// # Errors
    /// `Corruption`, `Io`.
    pub fn stats(&self) -> Result<Stats> {
        stats::stats(&self.shared.dir, &self.snapshot())
    }

    /// Makes `to` a store with everything that is acknowledged by now, while appending and reading
    /// go on; or brings an earlier backup there up to date. What is in `to` stays whole until the
    /// new state is. Nothing of `to` is read but headers and ends: [`verify`](crate::verify())
    /// reads all of it. Cost: a hard link for each file that is new, or its bytes on another file
    /// system; the bytes of the log that is written; about ten syncs. Memory: that log.
    ///
    /// # Errors
    /// `InvalidInput` where `to` is no backup of this store, or was opened for writing since;
    /// `Locked`, `StorageFull`, `Io`, `Corruption`. `to` holds the earlier backup then, or the new
    /// one.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<BackupReport> {
        let shared = &self.shared;
        let snapshot = self.snapshot();
        let (view, seq) = (snapshot.view()?, snapshot.seq());
        let (header, now_ns) = (&shared.header, shared.clock.now_ns());
        let source = Source { dir: &shared.dir, view: &view, seq, header, now_ns };
        backup(&self.fs, &source, to.as_ref())
    }

    /// What opening found and did.
    pub fn recovery(&self) -> &RecoveryReport {
        &self.report
    }

    /// Makes everything durable, promises it, and ends the threads.
    ///
    /// # Errors
    /// The failure that poisoned the store, if one did.
    pub fn close(mut self) -> Result<()> {
        self.shut_down();
        self.shared.check_sound()
    }

    fn shut_down(&mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                self.shared.poison(&crate::error::Error::new(
                    crate::error::ErrorKind::Poisoned,
                    "a thread of the store panicked",
                ));
            }
        }
    }
}

impl<F: Fs> Drop for Store<F> {
    fn drop(&mut self) {
        self.shut_down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id, Seq};
    use crate::model::{Operation, Timestamp, TraceRecord};
    use crate::options::{Background, Options};

    /// As where a log is in the view already, and its first record comes after the seq was read.
    #[test]
    fn a_backup_has_no_record_of_a_log_that_begins_after_it() {
        let temp = tempfile::tempdir().unwrap();
        let options = Options { background: Background::Off, ..Options::default() };
        let store = Store::builder().options(options).open(temp.path().join("store")).unwrap();
        for name in ["a", "b"] {
            store.seal(SealLevel::Quick).unwrap();
            let id = Id::parse(name).unwrap();
            let mut batch = Batch::new();
            batch.push(TraceRecord::new(id, Timestamp(1), Operation::Create).name(name)).unwrap();
            store.append(batch).unwrap().wait().unwrap();
        }
        let (out, view) = (temp.path().join("out"), store.shared.view());
        let (dir, header) = (&store.shared.dir, &store.shared.header);
        for seq in [1, 2].map(Seq) {
            let source = Source { dir, view: &view, seq, header, now_ns: 1 };
            backup(&store.fs, &source, &out).unwrap();
            assert_eq!(Store::open_read_only(&out).unwrap().snapshot().seq(), seq);
        }
    }
}
