use super::logs::{LogEnd, ReadLog, end_by_successor, read_header, read_log};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{Dir, FileName};
use crate::id::{SegmentId, Seq};
use crate::manifest::{Loaded, State, is_newer};
use crate::segment::Segment;
use crate::snapshot::{IndexView, View, open_index};
use std::collections::HashSet;
use std::sync::Arc;

/// What the manifest names, opened.
#[derive(Debug)]
pub struct LoadedStore<D: Dir> {
    /// Segments and logs.
    pub view: View<D>,
    /// The logs as they were read, oldest first.
    pub logs: Vec<ReadLog<D::File>>,
    /// The highest seq in any of it.
    pub last_seq: Seq,
    /// What is worth telling.
    pub notes: Vec<String>,
}

/// Opens everything that a manifest names.
///
/// # Errors
/// `Corruption`, also where a file is missing; `UnsupportedFormat`, `Io`.
pub fn load_store<D: Dir>(dir: &D, loaded: &Loaded) -> Result<LoadedStore<D>> {
    let header = &loaded.header;
    let segments = open_segments(dir, loaded, &mut |_| None)?;
    let mut notes = Vec::new();
    let indexes = open_merged(dir, loaded, &segments, &[], &mut notes);
    let mut logs = Vec::new();
    for (i, log) in loaded.state.logs.iter().enumerate() {
        let end = log_end(dir, loaded, i)?;
        let read = read_log(dir, log.id, header, end)
            .map_err(|e| missing(e, dir, FileName::Log(log.id)))?;
        check_chain(dir, &logs, &read)?;
        logs.push(read);
    }
    let sealed = loaded.state.segments.iter().map(|s| s.last_seq).max().unwrap_or_default();
    let logged = logs.iter().filter_map(|l: &ReadLog<D::File>| l.table.seqs()).map(|s| s.1).max();
    let tables = logs.iter().map(|l| Arc::clone(&l.table)).collect();
    let view = View::new(header.key, segments, tables, indexes);
    Ok(LoadedStore { view, logs, last_seq: sealed.max(logged.unwrap_or_default()), notes })
}

/// Refuses a manifest that has lost its end: files were made since.
///
/// # Errors
/// `Corruption` where there are such files; `Io`.
pub fn check_end<D: Dir>(dir: &D, loaded: &Loaded) -> Result<()> {
    for name in dir.list()? {
        if is_newer(dir, name, &loaded.state, &loaded.header)? {
            let path = dir.path().join(FileName::Manifest(loaded.number).to_string());
            let what = format!("the manifest has lost its end: {name} was made after it");
            return Err(Error::corruption_at(&path, loaded.bytes, what));
        }
    }
    Ok(())
}

/// Where the `i`-th live log ends: the manifest says it, or the next log's header does.
///
/// # Errors
/// Those of reading the next log's header.
pub fn log_end<D: Dir>(dir: &D, loaded: &Loaded, i: usize) -> Result<LogEnd> {
    let state: &State = &loaded.state;
    if let Some(end) = state.logs[i].end {
        return Ok(LogEnd::At(end));
    }
    let Some(next) = state.logs.get(i + 1) else { return Ok(LogEnd::Open) };
    let header = read_header(dir, next.id, &loaded.header)
        .map_err(|e| missing(e, dir, FileName::Log(next.id)))?;
    Ok(end_by_successor(&header.previous, state.logs[i].id))
}

fn check_chain<D: Dir>(dir: &D, logs: &[ReadLog<D::File>], next: &ReadLog<D::File>) -> Result<()> {
    let Some(before) = logs.last() else { return Ok(()) };
    let previous = next.header.previous;
    if previous.number != before.header.number {
        return Ok(());
    }
    if previous.end != before.tail.offset || previous.crc != before.tail.previous {
        let path =
            dir.path().join(FileName::Log(crate::id::LogId(before.header.number)).to_string());
        let what = format!(
            "the log ends with checksum {:08x} at {}, and its successor says {:08x} at {}",
            before.tail.previous, before.tail.offset, previous.crc, previous.end
        );
        return Err(Error::corruption_at(&path, before.tail.offset, what));
    }
    Ok(())
}

/// Opens the segments that a manifest names, those that `held` has as they are.
///
/// # Errors
/// As [`load_store`].
pub fn open_segments<D: Dir>(
    dir: &D,
    loaded: &Loaded,
    held: &mut dyn FnMut(SegmentId) -> Option<Arc<Segment<D>>>,
) -> Result<Vec<Arc<Segment<D>>>> {
    let mut segments = Vec::with_capacity(loaded.state.segments.len());
    for state in &loaded.state.segments {
        if let Some(segment) = held(state.id) {
            segments.push(segment);
            continue;
        }
        let segment = Segment::open(dir, state.id, &loaded.header, state.payload_expired)
            .map_err(|e| missing(e, dir, FileName::Skeleton(state.id)))?;
        segments.push(Arc::new(segment));
    }
    Ok(segments)
}

/// Merged indexes are caches: without them, every segment is asked. Those that `held` has are taken
/// as they are.
pub fn open_merged<D: Dir>(
    dir: &D,
    loaded: &Loaded,
    segments: &[Arc<Segment<D>>],
    held: &[Arc<IndexView<D::Map>>],
    notes: &mut Vec<String>,
) -> Vec<Arc<IndexView<D::Map>>> {
    let live: HashSet<SegmentId> = segments.iter().map(|s| s.id()).collect();
    let mut opened = Vec::new();
    for (number, covers) in &loaded.state.indexes {
        if let Some(index) = held.iter().find(|index| index.number == *number) {
            opened.push(Arc::clone(index));
            continue;
        }
        match open_index(dir, *number, &loaded.header) {
            Ok(index) => {
                let named: HashSet<SegmentId> = index.segments.iter().copied().collect();
                if covers.iter().all(|id| named.contains(id) && live.contains(id)) {
                    opened.push(Arc::new(index));
                    continue;
                }
                let name = FileName::Index(*number);
                notes.push(format!("{name} is out of date and will be rebuilt"));
            }
            Err(e) => notes.push(format!("{e}; the merged index will be rebuilt")),
        }
    }
    opened
}

/// A file that the manifest names and that is not there is damage, not an I/O error.
fn missing<D: Dir>(error: Error, dir: &D, name: FileName) -> Error {
    if error.kind() == ErrorKind::Io && error.is_not_found() {
        let path = dir.path().join(name.to_string());
        return Error::missing(&path, "the manifest names this file, and it is missing");
    }
    error
}
