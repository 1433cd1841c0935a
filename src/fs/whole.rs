//! Reads and maps that tell a file that is short from one that was not read to its end: the one
//! may be damage, the other says nothing of the file.

use super::{Dir, File, FileName};
use crate::error::{Result, short_read};
use std::path::Path;

/// Fills `into` from a file's start, as far as the file goes; returns how many bytes.
///
/// # Errors
/// `Io`, also where the file goes on and the read does not.
pub fn read_head<F: File>(file: &F, path: &Path, into: &mut [u8]) -> Result<usize> {
    // Before the read: what is appended after it is none of its business.
    let len = file.len()?;
    let n = file.read_at(into, 0)?;
    if (n as u64) < len.min(into.len() as u64) {
        return Err(short_read(path, n));
    }
    Ok(n)
}

/// Maps a sealed file, all of it.
///
/// # Errors
/// Those of [`Dir::map`]; `Io` where the map ends before the file does.
pub fn map_whole<D: Dir>(dir: &D, name: FileName) -> Result<D::Map> {
    let map = dir.map(name)?;
    if (map.len() as u64) < dir.open(name)?.len()? {
        return Err(short_read(&dir.path().join(name.to_string()), map.len()));
    }
    Ok(map)
}
