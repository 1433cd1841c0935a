//! Reads and maps that tell a file that is short from one that was not read to its end: the one
//! may be damage, the other says nothing of the file.

use super::{Dir, File, FileName};
use crate::error::{Error, Result, short_read};
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

/// All of a file, as long as it is now.
///
/// # Errors
/// `Corruption` where it is longer than `max`; `Io`, also where the file goes on and the read does
/// not.
pub fn read_whole<F: File>(file: &F, path: &Path, max: u64) -> Result<Vec<u8>> {
    let len = file.len()?;
    if len > max {
        return Err(Error::corruption_at(path, 0, format!("{len} bytes are too many")));
    }
    let mut bytes = vec![0; len as usize];
    let n = file.read_at(&mut bytes, 0)?;
    if n < bytes.len() {
        return Err(short_read(path, n));
    }
    Ok(bytes)
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
