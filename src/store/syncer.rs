//! The sync thread: makes written groups durable, publishes them, wakes who waits. One sync
//! covers every group that was written before it began. A group that will have no company is
//! synced by the writer, which has nothing else to do: that spares who waits for it a switch of
//! threads.

use super::commit::Done;
use super::shared::Shared;
use crate::error::Result;
use crate::frame::{FrameRef, GroupView};
use crate::fs::{Dir, File, Fs};
use crate::id::Seq;
use crate::log::{Found, LogTable};
use crate::planted::{self, Bug};
use crate::sync::{AtomicU64, Condvar, Mutex, Ordering};
use std::sync::Arc;

/// A group that was written.
#[derive(Debug)]
pub(super) struct Written<F: File> {
    pub table: Arc<LogTable<F>>,
    pub frame: FrameRef,
    pub view: GroupView,
    pub found: Vec<Found>,
    pub last_seq: Seq,
    /// Where the frame ends in the file.
    pub end: u64,
    pub done: Arc<Done>,
    pub bytes: usize,
}

impl<F: File> Written<F> {
    /// Puts it into its log's table, where snapshots find it once it is published.
    fn show(&mut self) -> Result<()> {
        let (view, found) = (std::mem::take(&mut self.view), std::mem::take(&mut self.found));
        self.table.add_view(&self.frame, view, found)
    }
}

#[derive(Debug)]
struct Queue<F: File> {
    written: Vec<Written<F>>,
    /// A sync is under way.
    busy: bool,
    closing: bool,
}

impl<F: File> Queue<F> {
    /// Every group that was handed over is acknowledged or failed.
    fn is_idle(&self) -> bool {
        !self.busy && self.written.is_empty()
    }
}

/// What the sync thread and the writer share.
#[derive(Debug)]
pub(super) struct Syncer<F: Fs> {
    shared: Arc<Shared<F>>,
    queue: Mutex<Queue<<F::Dir as Dir>::File>>,
    changed: Condvar,
    durable: AtomicU64,
}

impl<F: Fs> Syncer<F> {
    pub fn new(shared: Arc<Shared<F>>) -> Syncer<F> {
        let queue = Queue { written: Vec::new(), busy: false, closing: false };
        let durable = AtomicU64::new(0);
        Syncer { shared, queue: Mutex::new(queue), changed: Condvar::new(), durable }
    }

    /// Offset up to which the log that is written is known durable.
    pub fn durable_end(&self) -> u64 {
        planted::unless(Bug::PromiseStuckAtZero, || self.durable.load(Ordering::Acquire))
    }

    pub fn set_durable(&self, end: u64) {
        self.durable.fetch_max(end, Ordering::Release);
    }

    /// Another log is written from now on.
    pub fn restart(&self, end: u64) {
        self.durable.store(end, Ordering::Release);
    }

    /// Hands a written group over.
    pub fn submit(&self, written: Written<<F::Dir as Dir>::File>) {
        self.queue.lock().written.push(written);
        self.changed.notify_all();
    }

    /// Whether every group that was handed over is acknowledged or failed.
    pub fn is_idle(&self) -> bool {
        self.queue.lock().is_idle()
    }

    /// Waits until every group that was handed over is acknowledged or failed.
    ///
    /// # Errors
    /// The failure that poisoned the store.
    pub fn drain(&self) -> Result<()> {
        let mut queue = self.queue.lock();
        while !queue.is_idle() {
            self.changed.wait(&mut queue);
        }
        self.shared.check_sound()
    }

    pub fn close(&self) {
        self.queue.lock().closing = true;
        self.changed.notify_all();
    }

    /// Syncs until the writer is gone and nothing is left.
    pub fn run(&self) {
        loop {
            let groups = {
                let mut queue = self.queue.lock();
                while queue.written.is_empty() {
                    if queue.closing {
                        return;
                    }
                    self.changed.wait(&mut queue);
                }
                queue.busy = true;
                std::mem::take(&mut queue.written)
            };
            self.sync(groups);
            self.queue.lock().busy = false;
            self.changed.notify_all();
        }
    }

    /// Syncs and acknowledges groups, in the order they were written: the caller knows that none
    /// before them waits for its sync.
    pub fn sync(&self, groups: Vec<Written<<F::Dir as Dir>::File>>) {
        let outcome = match (self.shared.failure(), groups.last()) {
            (Some(failure), _) => Err(failure),
            // SYNC: this is what `Disk` acknowledges.
            (None, Some(last)) => planted::group_sync(|| last.table.file().sync()),
            (None, None) => Ok(()),
        };
        self.acknowledge(groups, outcome);
    }

    /// Publishes groups that reached their level, or fails those whose sync failed: these are
    /// never shown, and nothing is appended after them.
    pub fn acknowledge(
        &self,
        mut groups: Vec<Written<<F::Dir as Dir>::File>>,
        outcome: Result<()>,
    ) {
        let outcome = planted::swallow(Bug::FailedSyncAcknowledged, outcome, ());
        // Whatever the reason, even a full disk: what was written may be found after all, so the
        // callers are told that the store is poisoned, not that the batch was refused.
        let outcome =
            outcome.and_then(|()| groups.iter_mut().try_for_each(Written::show)).map_err(|e| {
                self.shared.poison(&e);
                self.shared.failure().filter(|_| !planted::is(Bug::FullSyncIsRefusal)).unwrap_or(e)
            });
        if outcome.is_ok()
            && let Some(last) = groups.last()
        {
            if self.shared.options.durability != crate::options::Durability::Os {
                self.set_durable(last.end);
            }
            self.shared.publish(last.last_seq);
        }
        let bytes = groups.iter().map(|g| g.bytes).sum();
        self.shared.release(bytes);
        for group in &groups {
            group.done.set(outcome.as_ref().map_or_else(Err, |()| Ok(())));
        }
    }
}
