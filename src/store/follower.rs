//! Reading a store that another process writes.

use super::builder::StoreBuilder;
use super::stats::{Stats, stats};
use crate::backup::{BackupReport, Source, backup};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::frame::FileHeader;
use crate::fs::{Dir, DirMode, Fs, RealFs};
use crate::id::{LogId, Seq};
use crate::log::LogTable;
use crate::manifest::{Loaded, load};
use crate::part::BlockCache;
use crate::planted::{self, Bug};
use crate::recovery::{Tail, extend_log, log_end, open_merged, open_segments, read_log};
use crate::snapshot::{Snapshot, StateCache, View};
use crate::sync::Mutex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store that is open for reading, without a lock, also while another process writes.
///
/// It shows what was there at the last [`refresh`](ReadStore::refresh): every valid frame, which
/// may be a group ahead of its acknowledgement. Bad bytes at the end of the newest log are "not
/// yet".
#[derive(Debug)]
pub struct ReadStore<F: Fs = RealFs> {
    fs: F,
    clock: Arc<dyn Clock>,
    dir: F::Dir,
    path: PathBuf,
    cache: Arc<BlockCache>,
    states: Arc<StateCache>,
    followed: Mutex<Followed<F::Dir>>,
}

#[derive(Debug)]
struct Followed<D: Dir> {
    header: FileHeader,
    view: Arc<View<D>>,
    seq: Seq,
    logs: HashMap<LogId, FollowedLog<D>>,
}

#[derive(Debug)]
struct FollowedLog<D: Dir> {
    table: Arc<LogTable<D::File>>,
    header: FileHeader,
    tail: Tail,
}

/// So often a file may vanish between the manifest and its opening before we give up.
const TRIES: usize = 100;

impl<F: Fs> ReadStore<F> {
    pub(super) fn open(builder: StoreBuilder<F>, path: &Path) -> Result<ReadStore<F>> {
        let dir = match builder.fs.open_dir(path, DirMode::Existing) {
            Err(e) if e.is_not_found() => return Err(Error::no_store(path)),
            other => other?,
        };
        let loaded = load(&dir)?.ok_or_else(|| Error::no_store(path))?;
        let view = Arc::new(View::new(loaded.header.key, Vec::new(), Vec::new(), Vec::new()));
        let header = loaded.header;
        let followed = Followed { header, view, seq: Seq(0), logs: HashMap::new() };
        let store = ReadStore {
            fs: builder.fs,
            clock: builder.clock,
            dir,
            path: path.to_path_buf(),
            cache: Arc::new(BlockCache::new(builder.options.block_cache_bytes)),
            states: Arc::default(),
            followed: Mutex::new(followed),
        };
        store.refresh()?;
        Ok(store)
    }

    /// Looks for what was appended and sealed since. Snapshots that exist stay as they are. Cost:
    /// the manifest, the headers of new segments, and the new bytes of logs.
    ///
    /// # Errors
    /// `Corruption`, `UnsupportedFormat`, `Io`; the old view stays then.
    pub fn refresh(&self) -> Result<()> {
        let mut followed = self.followed.lock();
        let mut last = None;
        for _ in 0..TRIES {
            match self.try_refresh(&mut followed) {
                // The writer has moved on: what it has replaced is gone.
                Err(e) if e.is_not_found() => last = Some(e),
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| Error::no_store(&self.path)))
    }

    fn try_refresh(&self, followed: &mut Followed<F::Dir>) -> Result<()> {
        let loaded: Loaded = load(&self.dir)?.ok_or_else(|| Error::no_store(&self.path))?;
        let held = Arc::clone(&followed.view);
        let segments = open_segments(&self.dir, &loaded, &mut |id| {
            held.segment(id).map(|s| Arc::clone(&s.segment))
        })?;
        let mut notes = Vec::new();
        let indexes = open_merged(&self.dir, &loaded, &segments, &held.indexes, &mut notes);
        let mut seq = loaded.state.segments.iter().map(|s| s.last_seq).max().unwrap_or_default();
        let mut logs = HashMap::new();
        let mut tables = Vec::new();
        for (i, state) in loaded.state.logs.iter().enumerate() {
            let end = log_end(&self.dir, &loaded, i)?;
            let log = match followed.logs.remove(&state.id) {
                Some(mut log) => {
                    extend_log(&log.table, &log.header, &mut log.tail, end)?;
                    log
                }
                None => {
                    let read = read_log(&self.dir, state.id, &loaded.header, end)?;
                    FollowedLog { table: read.table, header: read.header, tail: read.tail }
                }
            };
            if let Some((_, last)) = log.table.seqs() {
                seq = seq.max(last);
            }
            tables.push(Arc::clone(&log.table));
            logs.insert(state.id, log);
        }
        planted::when(Bug::FollowerSkipsLog, || tables.truncate(1));
        followed.view = Arc::new(View::new(loaded.header.key, segments, tables, indexes));
        followed.seq = followed.seq.max(seq);
        followed.logs = logs;
        Ok(())
    }

    /// A view of what the last refresh found.
    pub fn snapshot(&self) -> Snapshot<F> {
        let followed = self.followed.lock();
        let view = Arc::clone(&followed.view);
        Snapshot::new(view, followed.seq, Arc::clone(&self.cache), Arc::clone(&self.states))
    }

    /// As [`Store::backup`](super::Store::backup), of what the last refresh found: also while
    /// another process writes.
    ///
    /// # Errors
    /// As [`Store::backup`](super::Store::backup).
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<BackupReport> {
        let (view, seq, header) = {
            let followed = self.followed.lock();
            (Arc::clone(&followed.view), followed.seq, followed.header.clone())
        };
        let (dir, now_ns) = (&self.dir, self.clock.now_ns());
        backup(&self.fs, &Source { dir, view: &view, seq, header: &header, now_ns }, to.as_ref())
    }

    /// Counts and sizes, of what the last refresh found.
    ///
    /// # Errors
    /// `Corruption`, `Io`.
    pub fn stats(&self) -> Result<Stats> {
        stats(&self.dir, &self.snapshot())
    }
}
