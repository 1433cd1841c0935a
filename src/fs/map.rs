//! Read-only maps of sealed files: the only `unsafe` of the engine.

#![expect(unsafe_code, reason = "mapping a file is unsafe, and happens here only")]

use std::fs::File;
use std::ops::Deref;

/// A read-only map of a whole sealed file; empty files are allowed.
///
/// A sealed file is never changed or cut by the store, only unlinked, which leaves maps as they
/// are. Somebody else who cuts it while it is mapped kills the process (`SIGBUS`); see
/// `docs/durability.md`.
#[derive(Debug)]
pub struct Map(Option<memmap2::Mmap>);

impl Map {
    /// Maps all of an open file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn of(file: &File) -> std::io::Result<Map> {
        if file.metadata()?.len() == 0 {
            return Ok(Map(None));
        }
        // SAFETY: sealed files are immutable by the format's contract; every reader of the bytes
        // is checked and holds for arbitrary content.
        let map = unsafe { memmap2::Mmap::map(file)? };
        Ok(Map(Some(map)))
    }

    /// Asks the system to fetch what is not in memory.
    pub fn will_read(&self) {
        // Without it everything is read all the same.
        let _hint = self.0.as_ref().map(|map| map.advise(memmap2::Advice::WillNeed));
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}
