use super::brake::Brake;
use super::ingest::Ingest;
use super::listener::{Event, Listener};
use super::pace::Pace;
use super::queue::Queue;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::FileHeader;
use crate::fs::{Dir, FileName, Fs};
use crate::id::{LogId, Seq};
use crate::manifest::{Edit, ManifestWriter};
use crate::options::Options;
use crate::part::BlockCache;
use crate::planted::{self, Bug};
use crate::snapshot::{Snapshot, StateCache, View, WeakSnapshot};
use crate::sync::{AtomicBool, AtomicU64, Condvar, Mutex, Ordering, RwLock};
use std::collections::HashMap;
use std::sync::Arc;

/// What the threads of one store share.
#[derive(Debug)]
pub(super) struct Shared<F: Fs> {
    pub dir: F::Dir,
    /// Store id and key; kind, number and salt are set for each file.
    pub header: FileHeader,
    pub options: Options,
    pub clock: Arc<dyn Clock>,
    pub listener: Arc<dyn Listener>,
    view: RwLock<Arc<View<F::Dir>>>,
    visible: AtomicU64,
    pub cache: Arc<BlockCache>,
    pub states: Arc<StateCache>,
    pub manifest: Mutex<ManifestWriter<F::Dir>>,
    /// Held while a batch is deduplicated: see [`encode`](Self::encode).
    pub ingest: Mutex<Ingest>,
    /// Held for moments, also by who has `ingest`.
    pub queue: Mutex<Queue>,
    /// The writer waits on this for groups.
    pub work: Condvar,
    /// Appenders wait on this for room.
    pub room: Condvar,
    /// Maintenance holds this: one edit at a time.
    pub upkeep: Mutex<()>,
    /// How many callers wait for it, for whom a join in the background is given up.
    pub upkeep_asked: AtomicU64,
    pub upkeep_wanted: Mutex<bool>,
    pub upkeep_changed: Condvar,
    /// No segments are joined in the background.
    pub joins_paused: AtomicBool,
    /// The last join was given up for logs that had to be sealed.
    pub joins_hurried: AtomicBool,
    /// What joining in the background may spend.
    pub pace: Mutex<Pace>,
    /// Slows appends down while sealing is behind.
    pub brake: Mutex<Brake>,
    /// Who is slowed down waits on this.
    pub released: Condvar,
    /// The log that is written, if one is.
    pub open_log: Mutex<Option<LogId>>,
    snapshots: Mutex<Vec<WeakSnapshot<F::Dir>>>,
    failure: Mutex<Option<Error>>,
    /// Why logs are not sealed in the background, if so.
    pub seal_failure: Mutex<Option<Error>>,
    closing: AtomicBool,
    _lock: <F::Dir as Dir>::Lock,
}

/// What a store is made of when it is opened.
#[derive(Debug)]
pub(super) struct Opened<F: Fs> {
    pub dir: F::Dir,
    pub header: FileHeader,
    pub view: View<F::Dir>,
    pub last_seq: Seq,
    pub manifest: ManifestWriter<F::Dir>,
    pub lock: <F::Dir as Dir>::Lock,
}

impl<F: Fs> Shared<F> {
    pub fn new(
        opened: Opened<F>,
        options: Options,
        clock: Arc<dyn Clock>,
        listener: Arc<dyn Listener>,
    ) -> Shared<F> {
        let ingest = Ingest::new(&opened.header.key, &options, opened.last_seq);
        Shared {
            dir: opened.dir,
            view: RwLock::new(Arc::new(opened.view)),
            visible: AtomicU64::new(opened.last_seq.0),
            cache: Arc::new(BlockCache::new(options.block_cache_bytes)),
            states: Arc::default(),
            manifest: Mutex::new(opened.manifest),
            ingest: Mutex::new(ingest),
            queue: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
            upkeep: Mutex::new(()),
            upkeep_asked: AtomicU64::new(0),
            upkeep_wanted: Mutex::new(true),
            upkeep_changed: Condvar::new(),
            joins_paused: AtomicBool::new(false),
            joins_hurried: AtomicBool::new(false),
            pace: Mutex::new(Pace::new(options.join_bytes_per_second_max)),
            brake: Mutex::new(Brake::new()),
            released: Condvar::new(),
            open_log: Mutex::new(None),
            snapshots: Mutex::new(Vec::new()),
            failure: Mutex::new(None),
            seal_failure: Mutex::new(None),
            closing: AtomicBool::new(false),
            header: opened.header,
            options,
            clock,
            listener,
            _lock: opened.lock,
        }
    }

    /// The current view.
    pub fn view(&self) -> Arc<View<F::Dir>> {
        Arc::clone(&self.view.read())
    }

    /// Changes the view. Snapshots that exist keep the one they have.
    pub fn change_view(&self, change: impl FnOnce(&View<F::Dir>) -> View<F::Dir>) {
        let mut view = self.view.write();
        *view = Arc::new(change(&view));
    }

    pub fn snapshot(&self) -> Snapshot<F> {
        // Under the view's lock: a log whose records are visible by now is in this view.
        let view = self.view.read();
        let mut seq = Seq(self.visible.load(Ordering::Acquire));
        planted::set(Bug::SnapshotSeesLater, &mut seq, Seq(u64::MAX));
        let snapshot = Snapshot::new(
            Arc::clone(&view),
            seq,
            Arc::clone(&self.cache),
            Arc::clone(&self.states),
        );
        drop(view);
        let mut snapshots = self.snapshots.lock();
        if snapshots.len() >= 64 && snapshots.len().is_power_of_two() {
            snapshots.retain(WeakSnapshot::is_live);
        }
        snapshots.push(snapshot.downgrade());
        snapshot
    }

    /// Makes everything up to `seq` visible to new snapshots.
    pub fn publish(&self, seq: Seq) {
        self.visible.fetch_max(seq.0, Ordering::Release);
    }

    /// Gives up the oldest snapshots while those pin more memory than there is.
    pub fn expire_snapshots(&self) {
        let live = self.view();
        let mut snapshots = self.snapshots.lock();
        snapshots.retain(WeakSnapshot::is_live);
        let mut pinned: Vec<_> = snapshots.iter().map(|s| s.pinned(&live)).collect();
        let budget = self.options.live_bytes_max.saturating_sub(live.memory());
        // Snapshots of one time share their tables: each counts once.
        while pinned.iter().flatten().copied().collect::<HashMap<_, _>>().values().sum::<usize>()
            > budget
        {
            let Some(at) = pinned.iter().position(|tables| !tables.is_empty()) else { return };
            pinned.remove(at);
            snapshots.remove(at).expire();
        }
    }

    /// Commits an edit, with the ballast's space where the disk is full. An edit that may or may
    /// not be on the disk ends appending: nothing that it names or releases may change any more.
    pub fn commit_edit(&self, edit: &Edit) -> Result<()> {
        let mut manifest = self.manifest.lock();
        let full = |e: &Error| e.kind() == ErrorKind::StorageFull;
        let outcome = match manifest.commit(edit) {
            Err(e) if full(&e) && !manifest.is_poisoned() => {
                match self.dir.remove(FileName::Ballast) {
                    Ok(()) => manifest.commit(edit),
                    Err(_) => Err(e),
                }
            }
            other => other,
        };
        let unknown = manifest.is_poisoned();
        drop(manifest);
        if let Err(e) = &outcome
            && unknown
        {
            self.poison(e);
        }
        outcome
    }

    /// From now on nothing is appended.
    pub fn poison(&self, error: &Error) {
        let first = {
            let mut failure = self.failure.lock();
            let first = failure.is_none();
            if first {
                *failure = Some(Error::new(
                    ErrorKind::Poisoned,
                    format!(
                        "an earlier write or sync failed ({error}); reads go on; close the store \
                         and open it again to append"
                    ),
                ));
            }
            first
        };
        self.wake_appenders();
        if first {
            self.listener.event(&Event::Poisoned(error.to_string()));
        }
    }

    /// Poisons the store where `run` panics, so that nobody waits for it for ever.
    pub fn guarded(&self, run: impl FnOnce()) {
        struct Guard<'a, F: Fs>(&'a Shared<F>);
        impl<F: Fs> Drop for Guard<'_, F> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    let what = "a thread of the store panicked";
                    self.0.poison(&Error::new(ErrorKind::Poisoned, what));
                }
            }
        }
        let _guard = Guard(self);
        run();
    }

    /// Why nothing can be appended, if so.
    pub fn failure(&self) -> Option<Error> {
        self.failure.lock().as_ref().map(Error::repeat)
    }

    /// Whether anything can be appended, sealed or indexed.
    ///
    /// # Errors
    /// The failure that poisoned the store.
    pub fn check_sound(&self) -> Result<()> {
        self.failure().map_or(Ok(()), Err)
    }

    /// Lets appenders look again at what they wait for. Under their locks, so that none is between
    /// looking and waiting.
    pub fn wake_appenders(&self) {
        {
            let _queue = self.queue.lock();
            self.room.notify_all();
        }
        let _brake = self.brake.lock();
        self.released.notify_all();
    }

    /// Wakes the keeper.
    pub fn want_upkeep(&self) {
        *self.upkeep_wanted.lock() = true;
        self.upkeep_changed.notify_all();
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Tells the threads to finish what is there and end.
    pub fn close(&self) {
        {
            // Under the lock, so that the writer is not between looking and waiting. Who appends
            // looks again once it has the encoder: no append slips in behind the writer's last look.
            let _queue = self.queue.lock();
            self.closing.store(true, Ordering::Release);
        }
        self.work.notify_all();
        self.wake_appenders();
        let _wanted = self.upkeep_wanted.lock();
        self.upkeep_changed.notify_all();
    }
}
