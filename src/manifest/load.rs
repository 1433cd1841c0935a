use super::{Edit, State};
use crate::error::{Error, Result};
use crate::frame::{FileHeader, FileKind, FrameKind, scan};
use crate::fs::{Dir, FileName, read_head, read_whole};
use crate::limits::{MANIFEST_READ_BYTES_MAX, NUMBER_MAX};
use std::path::PathBuf;

/// A manifest that was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its number.
    pub number: u64,
    /// Its header, whose store id and key are the store's.
    pub header: FileHeader,
    /// What it says is live.
    pub state: State,
    /// Its length on disk.
    pub bytes: u64,
    /// Where a torn tail begins, if there is one, and why it is one.
    pub torn: Option<(u64, String)>,
}

/// Reads the current manifest. `None` where there is no `CURRENT`.
///
/// # Errors
/// `Corruption`, `UnsupportedFormat`, `Io`.
pub fn load<D: Dir>(dir: &D) -> Result<Option<Loaded>> {
    let mut current = read_current(dir)?;
    while let Some(number) = current {
        let loaded = read_manifest(dir, number);
        // A writer that switched in between has removed the one we were about to read.
        current = read_current(dir)?;
        if loaded.is_ok() || current == Some(number) {
            return loaded.map(Some);
        }
    }
    Ok(None)
}

/// The number of the manifest that `CURRENT` names.
///
/// # Errors
/// `Corruption` where it holds anything else.
pub fn read_current<D: Dir>(dir: &D) -> Result<Option<u64>> {
    let file = match dir.open(FileName::Current) {
        Err(e) if e.is_not_found() => return Ok(None),
        other => other?,
    };
    let path = dir.path().join(FileName::Current.to_string());
    let mut bytes = [0u8; 64];
    let n = read_head(&file, &path, &mut bytes)?;
    let text = std::str::from_utf8(&bytes[..n]).ok().and_then(|t| t.strip_suffix('\n'));
    match text.and_then(FileName::parse) {
        Some(FileName::Manifest(number)) if number < NUMBER_MAX => Ok(Some(number)),
        _ => Err(Error::corruption_at(&path, 0, "CURRENT names no manifest")),
    }
}

/// Reads a manifest.
///
/// # Errors
/// `Corruption`, `UnsupportedFormat`, `Io`.
pub fn read_manifest<D: Dir>(dir: &D, number: u64) -> Result<Loaded> {
    let path: PathBuf = dir.path().join(FileName::Manifest(number).to_string());
    let file = match dir.open(FileName::Manifest(number)) {
        Err(e) if e.is_not_found() => {
            return Err(Error::corruption_at(
                &path,
                0,
                "CURRENT names this file, and it is missing",
            ));
        }
        other => other?,
    };
    let bytes = read_whole(&file, &path, MANIFEST_READ_BYTES_MAX)?;
    let header = FileHeader::parse(&bytes, FileKind::Manifest).map_err(|f| f.in_file(&path))?;
    if header.number != number {
        return Err(Error::corruption_at(&path, 0, format!("holds manifest {}", header.number)));
    }
    let scan = scan(&bytes, &header);
    if let Some(stop) = &scan.stop
        && stop.offset < scan.promise_max
    {
        return Err(Error::corruption_at(&path, stop.offset, stop.what.clone()));
    }
    let mut state = None;
    for frame in &scan.frames {
        match frame.header.kind {
            FrameKind::Edit => frame.check_codec(&path)?,
            FrameKind::Marker => continue,
            FrameKind::Records | FrameKind::Parts | FrameKind::Pad => {
                return Err(Error::corruption_at(&path, frame.offset, "a frame of a log"));
            }
        }
        let edit =
            Edit::decode(frame.payload(&bytes)).map_err(|f| f.in_file(&path, frame.offset))?;
        let misfit = || Error::corruption_at(&path, frame.offset, "an edit does not fit the state");
        match (&mut state, &edit) {
            (None, Edit::State(_)) => {
                let mut first = State::default();
                first.apply(&edit).ok_or_else(misfit)?;
                state = Some(first);
            }
            (None, _) => return Err(misfit()),
            (Some(state), edit) => state.apply(edit).ok_or_else(misfit)?,
        }
    }
    let state = state
        .ok_or_else(|| Error::corruption_at(&path, scan.end, "the manifest holds no state"))?;
    let torn = scan.stop.map(|stop| (stop.offset, stop.what));
    Ok(Loaded { number, header, state, bytes: bytes.len() as u64, torn })
}
