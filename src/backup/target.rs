//! The directory that a backup goes to: whether it may, and the switch to the new state.

use super::{BackupReport, Source};
use crate::error::{Error, Result};
use crate::frame::{FileHeader, FileKind, Previous};
use crate::fs::{Dir, File, FileName, process_name};
use crate::id::LogId;
use crate::manifest::{Loaded, ManifestWriter, State, load};
use crate::planted::{self, Bug};
use std::collections::HashSet;

/// A directory with an earlier backup, or an empty store.
#[derive(Debug)]
pub struct Target<D: Dir> {
    pub dir: D,
    /// What the current manifest there says.
    pub loaded: Loaded,
    /// The files that it names.
    named: HashSet<FileName>,
    _lock: D::Lock,
}

impl<D: Dir> Target<D> {
    /// Takes the directory for a backup. Files that no manifest names are removed: they are what
    /// a backup that did not come to its end has left, and may be in parts. Then the manifest there
    /// says that the numbers before those of `next` were used.
    ///
    /// # Errors
    /// `InvalidInput` where something else is there; `Locked`, `Corruption`, `StorageFull`, `Io`.
    pub fn open(dir: D, source: &Source<'_, D>, next: &State) -> Result<Target<D>> {
        let refuse = |what: &str| {
            let path = dir.path().display();
            Err(Error::invalid(format!("{path}: {what}; back up to another directory")))
        };
        // Before the lock: its file stays, and a store that is open for writing holds it.
        if dir.list()?.contains(&FileName::Ballast) {
            return refuse("it is a store that was opened for writing, and no backup any more");
        }
        let lock = dir.lock(&format!("backup by {}", process_name()))?;
        let loaded = match load(&dir)? {
            Some(loaded) => loaded,
            None => start_empty(&dir, source, next)?,
        };
        let (ours, theirs) = (source.header, &loaded.header);
        if (ours.store, ours.key) != (theirs.store, theirs.key) {
            return refuse("it is the backup of another store");
        }
        let ahead = loaded.state.segments.iter().any(|s| s.last_seq > source.seq);
        if ahead {
            return refuse("it holds more than the store");
        }
        remove_others(&dir, &named(&loaded.state, loaded.number))?;
        let loaded = give_numbers(&dir, source, loaded, next)?;
        let named = named(&loaded.state, loaded.number);
        Ok(Target { dir, loaded, named, _lock: lock })
    }

    /// Whether the current manifest names a file.
    pub fn names(&self, name: FileName) -> bool {
        self.named.contains(&name)
    }

    /// Where the copy of a log ends, if there is one.
    pub fn log_end(&self, id: LogId) -> Option<u64> {
        self.loaded.state.logs.iter().find(|log| log.id == id)?.end
    }

    /// Refuses a file that differs from the store's of the same name: nothing of an earlier
    /// backup is removed before the new one is whole.
    pub fn differs(&self, name: FileName) -> Error {
        let path = self.dir.path().join(name.to_string());
        Error::invalid(format!(
            "{}: differs from the store's file of this name: it is damaged, or the directory is no \
             backup of this store any more; back up to another directory",
            path.display()
        ))
    }

    /// Makes `state` the current one, durably, then removes what it does not name.
    ///
    /// # Errors
    /// `StorageFull`, `Io`.
    pub fn switch(
        &mut self,
        mut state: State,
        source: &Source<'_, D>,
        report: &mut BackupReport,
    ) -> Result<()> {
        raise_numbers(&mut state, &self.loaded.state);
        let number = self.loaded.number + 1;
        // SYNC: the manifest must not name files whose names can be lost.
        self.dir.sync()?;
        let header = header(source, number);
        let before = Some(self.loaded.number);
        ManifestWriter::start(self.dir.clone(), &header, number, state.clone(), before)?;
        report.removed = remove_others(&self.dir, &named(&state, number))?;
        for name in [FileName::Manifest(number), FileName::Current] {
            let bytes = self.dir.open(name)?.len()?;
            report.files += 1;
            report.copied += 1;
            report.bytes += bytes;
            report.bytes_copied += bytes;
        }
        Ok(())
    }
}

fn remove_others<D: Dir>(dir: &D, named: &HashSet<FileName>) -> Result<u64> {
    let mut removed = 0;
    for name in dir.list()?.into_iter().filter(|name| !named.contains(name)) {
        match dir.remove(name) {
            Err(e) if !e.is_not_found() => return Err(e),
            _ => removed += 1,
        }
    }
    Ok(removed)
}

fn named(state: &State, manifest: u64) -> HashSet<FileName> {
    let mut named =
        HashSet::from([FileName::Lock, FileName::Current, FileName::Manifest(manifest)]);
    named.extend(state.logs.iter().map(|l| FileName::Log(l.id)));
    for s in &state.segments {
        named.insert(FileName::Skeleton(s.id));
        if !s.payload_expired {
            named.insert(FileName::Payload(s.id));
        }
    }
    named.extend(state.indexes.iter().map(|(number, _)| FileName::Index(*number)));
    named
}

fn header<D: Dir>(source: &Source<'_, D>, number: u64) -> FileHeader {
    FileHeader {
        kind: FileKind::Manifest,
        number,
        created_ns: source.now_ns,
        previous: Previous::default(),
        ..source.header.clone()
    }
}

/// The next numbers are at least those of `least`: a view without logs knows of none.
fn raise_numbers(state: &mut State, least: &State) {
    state.next_log = state.next_log.max(least.next_log);
    state.next_segment = state.next_segment.max(least.next_segment);
    state.next_index = state.next_index.max(least.next_index);
}

/// Without this, what a backup that does not come to its end leaves would look like files that were
/// made after the manifest's last edit.
fn give_numbers<D: Dir>(
    dir: &D,
    source: &Source<'_, D>,
    loaded: Loaded,
    next: &State,
) -> Result<Loaded> {
    let mut state = loaded.state.clone();
    raise_numbers(&mut state, next);
    if state == loaded.state || planted::is(Bug::NumbersKept) {
        return Ok(loaded);
    }
    let (before, number) = (loaded.number, loaded.number + 1);
    ManifestWriter::start(dir.clone(), &header(source, number), number, state, Some(before))?;
    load(dir)?.ok_or_else(|| Error::no_store(dir.path()))
}

/// An empty store, so that a backup which does not come to its end leaves something that opens.
fn start_empty<D: Dir>(dir: &D, source: &Source<'_, D>, next: &State) -> Result<Loaded> {
    // Without CURRENT nothing there is anybody's data but that of a backup that did not begin.
    let data =
        |n: &FileName| matches!(n, FileName::Log(_) | FileName::Skeleton(_) | FileName::Payload(_));
    let names = dir.list()?;
    if names.iter().any(data) {
        let path = dir.path().join(FileName::Current.to_string());
        let what = "CURRENT is missing, and there are files of a store";
        return Err(Error::corruption_at(&path, 0, what));
    }
    for name in names.into_iter().filter(|name| *name != FileName::Lock) {
        dir.remove(name)?;
    }
    ManifestWriter::start(dir.clone(), &header(source, 1), 1, next.clone(), None)?;
    load(dir)?.ok_or_else(|| Error::no_store(dir.path()))
}
