//! Copying a store while it is written: hard links where they can be had.
//!
//! ```text
//!   DIR                                OUT
//!   seg-3.tks seg-3.tkp  --- link -->  the same files
//!   log-7.tkl            --- link -->  the same file: it is finished, nobody appends to it
//!   log-8.tkl  [....|..] --- copy -->  log-8.tkl  [....|     up to the backup's seq
//!                                      MANIFEST-n            names just these, and where log 8 ends
//! ```
//!
//! Everything is in place and synced before OUT's new manifest becomes the current one, and what
//! the old manifest named is removed after that: a crash leaves OUT as it was, or as it is to be.
//! A first backup begins with an empty store in OUT, for the same reason. Before any file is
//! brought, OUT's manifest gives its number away: a file of a higher number is the sign of a
//! manifest that has lost its end.
//!
//! A file that OUT's manifest names and that is the same as in DIR stays. Files of a store never
//! change, and a log only grows: its copy is replaced, under the same name, by a longer one with
//! the same beginning, which the old manifest reads as far as it did before.
//!
//! Read in this order: `target`, `files`.

mod files;
mod target;

use crate::error::{Error, Result};
use crate::frame::FileHeader;
use crate::fs::{Dir, DirMode, FileName, Fs};
use crate::id::{SegmentId, Seq};
use crate::manifest::{LogState, SegmentState, State};
use crate::snapshot::View;
use files::Copier;
use std::path::Path;
use target::Target;

/// What a backup did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// The last record that is in it.
    pub seq: Seq,
    /// Files that it consists of.
    pub files: u64,
    /// Of these, hard links that were made now.
    pub linked: u64,
    /// Of these, copied or written now.
    pub copied: u64,
    /// Of these, there from an earlier backup.
    pub kept: u64,
    /// Files of an earlier backup that are no longer live and were removed.
    pub removed: u64,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Of these, bytes that were copied or written now.
    pub bytes_copied: u64,
}

/// What is to be backed up: a view at one seq.
#[derive(Debug)]
pub struct Source<'a, D: Dir> {
    /// The store's directory.
    pub dir: &'a D,
    /// Segments and logs. Its files are held open: what is unlinked meanwhile is copied.
    pub view: &'a View<D>,
    /// Up to here.
    pub seq: Seq,
    /// The store's id and key.
    pub header: &'a FileHeader,
    /// The time now, in nanoseconds since the epoch.
    pub now_ns: i64,
}

/// Makes `to` a store with everything that is in the view up to its seq. Cost: a link for each
/// file that is new, or its bytes on another file system; the bytes of the newest log; a few
/// syncs. Memory: the newest log.
///
/// # Errors
/// `InvalidInput` where `to` holds something else than an earlier backup of this store, or was
/// opened for writing since; `Locked`, `StorageFull`, `Io`, `Corruption`. `to` holds the earlier
/// backup then, or the new one, whole.
pub fn backup<F: Fs>(fs: &F, source: &Source<'_, F::Dir>, to: &Path) -> Result<BackupReport> {
    if to == source.dir.path() {
        let what = format!("{}: a store cannot be its own backup", to.display());
        return Err(Error::invalid(what));
    }
    let out = fs.open_dir(to, DirMode::Create)?;
    let mut state = numbers(source.view);
    let mut target = Target::open(out, source, &state)?;
    let mut copier = Copier::new(source, &target);
    for s in &source.view.segments {
        let facts = s.segment.facts();
        copier.sealed(FileName::Skeleton(facts.id), s.segment.skeleton().0)?;
        if let Some(file) = s.segment.payload_file() {
            copier.sealed(FileName::Payload(facts.id), file.bytes())?;
        }
        state.segments.push(SegmentState {
            id: facts.id,
            first_seq: facts.first_seq,
            last_seq: facts.last_seq,
            payload_expired: s.segment.payload_file().is_none(),
        });
    }
    for (at, log) in source.view.logs.iter().enumerate() {
        let next = source.view.logs.get(at + 1);
        let end = copier.log(log, next.map(|next| &**next))?;
        state.logs.push(LogState { id: log.id(), end: Some(end) });
    }
    for index in &source.view.indexes {
        copier.sealed(FileName::Index(index.number), &index.map)?;
        let live = |id: &&SegmentId| source.view.segment(**id).is_some();
        let covered = index.segments.iter().filter(live).copied().collect();
        state.indexes.push((index.number, covered));
    }
    let mut report = copier.finish();
    target.switch(state, source, &mut report)?;
    report.seq = source.seq;
    Ok(report)
}

/// A state without files, whose next numbers come after those of the view's.
fn numbers<D: Dir>(view: &View<D>) -> State {
    let mut state = State::new();
    for s in &view.segments {
        state.next_segment = state.next_segment.max(s.segment.id().0 + 1);
    }
    for log in &view.logs {
        state.next_log = state.next_log.max(log.id().0 + 1);
    }
    for index in &view.indexes {
        state.next_index = state.next_index.max(index.number + 1);
    }
    state
}
