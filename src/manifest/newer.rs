//! Whether a manifest has lost its end: files tell that were made since.
//!
//! A manifest that has lost its end says what was live before. A log or a segment is made under the
//! next number, and one more only after the manifest names that; records are written to a log that
//! it names, but for the copy that recovery makes of the last log's end, whose records come with no
//! promise.

use super::State;
use crate::error::Result;
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind, FrameRef, scan};
use crate::fs::{Dir, FileName, read_head, read_whole};
use crate::limits::LOG_READ_BYTES_MAX;

/// Whether a file of a store was made after the last edit of a manifest that comes to this state.
/// Reads a header, or a log.
///
/// # Errors
/// `Io`.
pub fn is_newer<D: Dir>(
    dir: &D,
    name: FileName,
    state: &State,
    store: &FileHeader,
) -> Result<bool> {
    let (kind, number, next) = match name {
        FileName::Log(id) => (FileKind::Log, id.0, state.next_log),
        FileName::Skeleton(id) => (FileKind::Skeleton, id.0, state.next_segment),
        FileName::Payload(id) => (FileKind::Payload, id.0, state.next_segment),
        _ => return Ok(false),
    };
    // The next number is for the log whose frames tell, or for a segment that was not named yet.
    let by_frames = kind == FileKind::Log && number == next;
    if number <= next && !by_frames {
        return Ok(false);
    }
    let file = match dir.open(name) {
        Err(e) if e.is_not_found() || e.corruption().is_some() => return Ok(false),
        other => other?,
    };
    let path = dir.path().join(name.to_string());
    let mut head = [0; FILE_HEADER_BYTES];
    let n = read_head(&file, &path, &mut head)?;
    // An old file's blocks, which the file system may hand out anew, are of another number.
    let own = |header: &FileHeader| (header.store, header.number) == (store.store, number);
    let Some(header) = FileHeader::parse(&head[..n], kind).ok().filter(own) else {
        return Ok(false);
    };
    if !by_frames {
        return Ok(true);
    }
    let bytes = match read_whole(&file, &path, LOG_READ_BYTES_MAX) {
        Err(e) if e.corruption().is_some() => return Ok(false),
        other => other?,
    };
    let scan = scan(&bytes, &header);
    let appended = |frame: &FrameRef| frame.header.records > 0 && frame.header.promise > 0;
    // The first may be damaged.
    Ok(scan.frames.iter().any(appended) || scan.sound_beyond(&bytes).iter().any(appended))
}
