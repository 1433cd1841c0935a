//! Read-only checks of every byte of a store, and the dump of one file.
//!
//! ```text
//! CURRENT -> manifest      frames, edits, a state that can be
//!         -> logs          links, frames, groups, records, pieces, payloads by fingerprint
//!         -> segments      headers, footers, sections; rows, details, lookups; blocks, payloads
//!         -> all segments  supersessions, one live row of each, sums of traces
//!         -> merged index  complete, and nothing else
//! ```
//!
//! A finding names the traces whose data it touches: those of the rows of a damaged block, those
//! that need a damaged part, those of a whole segment; of a log the seqs that are missing.
//!
//! Nothing is changed, no lock is taken, and a writer may be at work: what it has moved away from
//! meanwhile is no damage, and what it is writing is at most a torn tail. Findings are handed out
//! as they are made, and none stops the rest.
//!
//! Read in this order: `affects`, `finding`, `manifest`, `logs`, `frames`, `gaps`, `prints`,
//! `segments`, `rows`, `payloads`, `needed`, `traces`, `index`,
//! `ends`, `dump`.

mod affects;
mod dump;
mod ends;
mod finding;
mod frames;
mod gaps;
mod index;
mod logs;
mod manifest;
mod needed;
mod payloads;
mod prints;
mod rows;
mod segments;
#[cfg(test)]
mod tests;
mod traces;

pub use dump::{DumpLine, dump};
pub use finding::{Finding, Severity, Verdict};

use crate::error::{Error, Result};
use crate::frame::FileHeader;
use crate::fs::{Dir, DirMode, File, FileName, Fs, RealFs};
use crate::manifest::{LogState, State};
use crate::progress::{Meter, Progress};
use crate::segment::Segment;
use crate::snapshot::View;
use finding::Findings;
use index::FoundIndex;
use manifest::Manifest;
use segments::Found;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// Checks everything in a store's directory and hands every finding to `each`. Works beside a
/// writer. Cost: every byte is read once or twice, every part decompressed once. Memory: the
/// largest log (about 64 MiB), 16 bytes for each part of one file, one trace's observations.
///
/// # Errors
/// `InvalidInput` where there is no store, `UnsupportedFormat` where a newer version wrote it,
/// `Io`. Damage is no error but a finding.
pub fn verify(path: &Path, each: &mut dyn FnMut(Finding)) -> Result<Verdict> {
    verify_in(&RealFs, path, each, &mut |_| {})
}

/// As [`verify`], and tells `progress` how far it is: at the start, at most each thousandth, and
/// at the end.
///
/// # Errors
/// As [`verify`].
pub fn verify_with_progress(
    path: &Path,
    each: &mut dyn FnMut(Finding),
    progress: &mut dyn FnMut(Progress),
) -> Result<Verdict> {
    verify_in(&RealFs, path, each, progress)
}

/// As [`verify_with_progress`], in any file system.
///
/// # Errors
/// As [`verify`].
pub fn verify_in<F: Fs>(
    fs: &F,
    path: &Path,
    each: &mut dyn FnMut(Finding),
    progress: &mut dyn FnMut(Progress),
) -> Result<Verdict> {
    let no_store = || Error::no_store(path);
    let dir = match fs.open_dir(path, DirMode::Existing) {
        Err(e) if e.is_not_found() => return Err(no_store()),
        other => other?,
    };
    // Before the manifest: whatever has a name by now, the manifest knows.
    let names = dir.list()?;
    let mut all = open_all(&dir)?.ok_or_else(no_store)?;
    let mut findings = Findings::new(each, Meter::new(all.bytes()?, progress));
    std::mem::take(&mut all.manifest.findings).into_iter().for_each(|f| findings.push(f));
    let (Some(store), Some(state)) = (&all.manifest.header, &all.manifest.state) else {
        return Ok(findings.verdict());
    };
    strays(&dir, all.manifest.number, state, &mut findings)?;
    let opened = all.segments.iter().flat_map(|found| &found.opened);
    let segments: Vec<_> = opened.map(Arc::clone).collect();
    let view = View::new(store.key, segments.clone(), Vec::new(), Vec::new());
    for found in &all.segments {
        let dead = view.segment(found.state.id).map(|s| &*s.dead);
        segments::check(&dir, found, dead, store, &mut findings)?;
    }
    sealed_logs(state, &segments, &mut findings);
    for index in &all.indexes {
        index::check(&dir, index, &segments, store, &mut findings)?;
    }
    let complete = segments.len() == all.segments.len();
    traces::check(&view, complete, &mut findings)?;
    let sealed = state.segments.last().map(|s| s.last_seq);
    logs::check(&dir, &all.logs, store, sealed, &mut findings)?;
    ends::check(&dir, &names, &all.manifest, state, &mut findings)?;
    findings.meter.finish();
    Ok(findings.verdict())
}

/// Everything that the manifest names, held open: what is unlinked from now on stays readable.
struct All<D: Dir> {
    manifest: Manifest,
    logs: Vec<(LogState, Option<D::File>)>,
    segments: Vec<Found<D>>,
    indexes: Vec<FoundIndex<D::Map>>,
}

/// A writer moves on at most so often while files are opened.
const ATTEMPTS: usize = 4;

fn open_all<D: Dir>(dir: &D) -> Result<Option<All<D>>> {
    let mut before: Option<(u64, Option<State>)> = None;
    for attempt in 1.. {
        let Some(manifest) = manifest::read(dir)? else { return Ok(None) };
        let seen = (manifest.number, manifest.state.clone());
        let mut all = All { manifest, logs: Vec::new(), segments: Vec::new(), indexes: Vec::new() };
        let sound = all.open(dir)? && !all.manifest.damaged();
        // What is still missing when the manifest says the same again is missing indeed.
        if sound || before.as_ref() == Some(&seen) || attempt == ATTEMPTS {
            return Ok(Some(all));
        }
        before = Some(seen);
    }
    Ok(None)
}

/// A file that is missing is `None`.
fn present<T>(opened: Result<T>) -> Result<Option<T>> {
    match opened {
        Err(e) if e.is_not_found() => Ok(None),
        other => other.map(Some),
    }
}

impl<D: Dir> All<D> {
    /// All there is to go through: rows by themselves, and then all segments together.
    fn bytes(&self) -> Result<u64> {
        let len = |map: &Option<D::Map>| map.as_ref().map_or(0, |map| map.len() as u64);
        let sealed: u64 =
            self.segments.iter().map(|found| 2 * len(&found.skeleton) + len(&found.payload)).sum();
        let logs = self.logs.iter().flat_map(|(_, file)| file).map(|file| file.len());
        let indexes: u64 = self.indexes.iter().map(|index| len(&index.map)).sum();
        Ok(logs.sum::<Result<u64>>()? + sealed + indexes)
    }

    /// `false` where a file is missing.
    fn open(&mut self, dir: &D) -> Result<bool> {
        let (Some(header), Some(state)) = (&self.manifest.header, &self.manifest.state) else {
            return Ok(true);
        };
        let mut whole = true;
        for log in &state.logs {
            let file = present(dir.open(FileName::Log(log.id)))?;
            whole &= file.is_some();
            self.logs.push((*log, file));
        }
        for segment in &state.segments {
            let (id, expired) = (segment.id, segment.payload_expired);
            let opened = open_segment(dir, segment.id, header, expired)?;
            let skeleton = present(dir.map(FileName::Skeleton(id)))?;
            let payload = if expired { None } else { present(dir.map(FileName::Payload(id)))? };
            whole &= skeleton.is_some() && (expired || payload.is_some());
            self.segments.push(Found { state: *segment, skeleton, payload, opened });
        }
        for (number, segments) in &state.indexes {
            let map = present(dir.map(FileName::Index(*number)))?;
            whole &= map.is_some();
            self.indexes.push(FoundIndex { number: *number, segments: segments.clone(), map });
        }
        Ok(whole)
    }
}

/// Opens a segment; what is wrong with its bytes is kept, an I/O error is not.
fn open_segment<D: Dir>(
    dir: &D,
    id: crate::id::SegmentId,
    header: &FileHeader,
    expired: bool,
) -> Result<Result<Arc<Segment<D>>>> {
    match Segment::open_checked(dir, id, header, expired) {
        Err(e) if e.corruption().is_none() && !e.is_not_found() => Err(e),
        other => Ok(other.map(Arc::new)),
    }
}

/// Files that the manifest does not name: left behind by a crash, or about to be named.
fn strays<D: Dir>(
    dir: &D,
    manifest: u64,
    state: &State,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let mut named = HashSet::from([
        FileName::Lock,
        FileName::Current,
        FileName::Ballast,
        FileName::Manifest(manifest),
    ]);
    named.extend(state.logs.iter().map(|l| FileName::Log(l.id)));
    for segment in &state.segments {
        named.insert(FileName::Skeleton(segment.id));
        if !segment.payload_expired {
            named.insert(FileName::Payload(segment.id));
        }
    }
    named.extend(state.indexes.iter().map(|(number, _)| FileName::Index(*number)));
    let mut strays: Vec<FileName> =
        dir.list()?.into_iter().filter(|name| !named.contains(name)).collect();
    strays.sort_unstable();
    for name in strays {
        let found = match name.is_temp() {
            true => "unfinished work",
            false => "a file that the manifest does not name",
        };
        let (path, severity) = (dir.path().join(name.to_string()), Severity::Note);
        let affects = "nothing; the next writer removes it";
        findings.report(severity, (&path, 0), "files of the store", found, affects);
    }
    Ok(())
}

/// A log that a segment replaces must be gone, or its records would count twice.
fn sealed_logs<D: Dir>(state: &State, segments: &[Arc<Segment<D>>], findings: &mut Findings<'_>) {
    for segment in segments {
        let live = |id: &&crate::id::LogId| state.logs.iter().any(|l| l.id == **id);
        for log in segment.facts().logs.iter().filter(live) {
            let at = (segment.path(), segment.skeleton().1.facts.start as u64);
            let found = format!("log {log} is live");
            let affects = format!("records of log {log}");
            findings.damage(at, "logs that it replaces to be gone", found, affects);
        }
    }
}
