//! Whether a manifest has lost its end: files tell that were made since.

use super::finding::Findings;
use super::manifest::{self, Manifest};
use crate::error::Result;
use crate::fs::{Dir, FileName};
use crate::manifest::{State, is_newer};

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
    let Some(header) = &read.header else { return Ok(()) };
    for name in names {
        if is_newer(dir, *name, state, header)? && unchanged(dir, read)? {
            let found = format!("{name}, which was made after the last edit");
            let affects = "which logs and segments are live, and with it everything in newer ones";
            findings.damage((&read.path, 0), "all edits of the store", found, affects);
        }
    }
    Ok(())
}

/// A writer that is at work may have named it by now.
fn unchanged<D: Dir>(dir: &D, read: &Manifest) -> Result<bool> {
    let again = manifest::read(dir)?;
    Ok(again.is_some_and(|now| (now.number, &now.state) == (read.number, &read.state)))
}
