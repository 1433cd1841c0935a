//! Whether a manifest has lost its end: files tell that were made since.

use super::finding::Findings;
use super::manifest::{self, Manifest, read_whole};
use crate::error::Result;
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind, scan};
use crate::fs::{Dir, File, FileName};
use crate::id::LogId;
use crate::limits::LOG_READ_BYTES_MAX;
use crate::manifest::State;

/// Checks the files that were there before the manifest was read against the numbers that it has
/// given away.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn check<D: Dir>(
    dir: &D,
    names: &[FileName],
    read: &Manifest,
    state: &State,
    findings: &mut Findings<'_>,
) -> Result<()> {
    for name in names {
        let newer = match name {
            FileName::Log(id) if id.0 == state.next_log => {
                holds_frames(dir, *id, read)? && unchanged(dir, read)?
            }
            FileName::Log(id) if id.0 > state.next_log => is_own(dir, *name, read)?,
            FileName::Skeleton(id) | FileName::Payload(id) if id.0 > state.next_segment => {
                is_own(dir, *name, read)?
            }
            _ => false,
        };
        if newer {
            let found = format!("{name}, which was made after the last edit");
            let affects = "which logs and segments are live, and with it everything in newer ones";
            findings.damage((&read.path, 0), "all edits of the store", found, affects);
        }
    }
    Ok(())
}

/// Whether a header says that the file is this store's, and the one that its name says. An old
/// file's blocks, which the file system may hand out anew, are of another number.
fn is_named(bytes: &[u8], name: FileName, manifest: &Manifest) -> bool {
    let (kind, number) = match name {
        FileName::Log(id) => (FileKind::Log, id.0),
        FileName::Skeleton(id) => (FileKind::Skeleton, id.0),
        FileName::Payload(id) => (FileKind::Payload, id.0),
        _ => return false,
    };
    let store = manifest.header.as_ref().map(|header| header.store);
    FileHeader::parse(bytes, kind).is_ok_and(|h| (Some(h.store), h.number) == (store, number))
}

/// Whether a file has a sound header of its own.
fn is_own<D: Dir>(dir: &D, name: FileName, manifest: &Manifest) -> Result<bool> {
    let file = match dir.open(name) {
        Err(e) if e.is_not_found() || e.corruption().is_some() => return Ok(false),
        other => other?,
    };
    let mut bytes = [0; FILE_HEADER_BYTES];
    let n = file.read_at(&mut bytes, 0)?;
    Ok(is_named(&bytes[..n], name, manifest))
}

/// Whether a log that is not named was written to. The frames of a copy that recovery leaves
/// behind promise nothing.
fn holds_frames<D: Dir>(dir: &D, id: LogId, manifest: &Manifest) -> Result<bool> {
    let name = FileName::Log(id);
    let path = dir.path().join(name.to_string());
    let file = match dir.open(name) {
        Err(e) if e.is_not_found() || e.corruption().is_some() => return Ok(false),
        other => other?,
    };
    let bytes = match read_whole(&file, &path, LOG_READ_BYTES_MAX) {
        Err(e) if e.corruption().is_some() => return Ok(false),
        other => other?,
    };
    let Ok(header) = FileHeader::parse(&bytes, FileKind::Log) else { return Ok(false) };
    let frames = scan(&bytes, &header).frames;
    let promised = frames.first().is_some_and(|frame| frame.header.promise > 0);
    Ok(promised && is_named(&bytes, name, manifest))
}

/// A writer that is at work may have named it by now.
fn unchanged<D: Dir>(dir: &D, read: &Manifest) -> Result<bool> {
    let again = manifest::read(dir)?;
    Ok(again.is_some_and(|now| (now.number, &now.state) == (read.number, &read.state)))
}
