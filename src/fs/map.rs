//! Read-only maps of sealed files: the only `unsafe` of the engine.

#![expect(unsafe_code, reason = "mapping a file is unsafe, and happens here only")]

use super::Mapped;
use std::fs::File;
use std::ops::{Deref, Range};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are fetched together at least. A device that is asked for these takes hardly longer
/// than for a page.
const CHUNK_BYTES: usize = 16 << 10;

/// After so many bytes that this process asked for, what it asked for before may be out of memory
/// again. Asking for a chunk that is not takes less than a microsecond.
const FORGOTTEN_AFTER_BYTES: u64 = 64 << 20;

/// Bytes that this process asked for so far.
static ASKED_BYTES: AtomicU64 = AtomicU64::new(0);

/// A read-only map of a whole sealed file; empty files are allowed.
///
/// A sealed file is never changed or cut by the store, only unlinked, which leaves maps as they
/// are. Somebody else who cuts it while it is mapped kills the process (`SIGBUS`); see
/// `docs/durability.md`.
#[derive(Debug)]
pub struct Map {
    /// Nothing of an empty file.
    bytes: Option<memmap2::Mmap>,
    /// A bit for each chunk: whether it was asked for lately.
    asked: Box<[AtomicU64]>,
    /// All bytes that were asked for, of any map, and how many they were when `asked` was empty.
    all: &'static AtomicU64,
    since: AtomicU64,
}

impl Map {
    /// Maps all of an open file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn of(file: &File) -> std::io::Result<Map> {
        Map::counted(file, &ASKED_BYTES)
    }

    fn counted(file: &File, all: &'static AtomicU64) -> std::io::Result<Map> {
        let bytes = match file.metadata()?.len() {
            0 => None,
            // SAFETY: sealed files are immutable by the format's contract; every reader of the
            // bytes is checked and holds for arbitrary content.
            _ => Some(unsafe { memmap2::Mmap::map(file)? }),
        };
        let chunks = bytes.as_ref().map_or(0, |bytes| bytes.len().div_ceil(CHUNK_BYTES));
        let asked = (0..chunks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let since = AtomicU64::new(all.load(Ordering::Relaxed));
        Ok(Map { bytes, asked, all, since })
    }

    /// Forgets what was asked for, where that is long ago.
    fn forget(&self) {
        let (all, since) = (self.all.load(Ordering::Relaxed), self.since.load(Ordering::Relaxed));
        if all.saturating_sub(since) > FORGOTTEN_AFTER_BYTES {
            self.since.store(all, Ordering::Relaxed);
            self.asked.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
    }

    /// Notes that a chunk is asked for: `false` where it was before.
    fn ask(&self, chunk: usize) -> bool {
        let (bit, word) = (1 << (chunk % 64), self.asked.get(chunk / 64));
        word.is_some_and(|word| {
            word.load(Ordering::Relaxed) & bit == 0
                && word.fetch_or(bit, Ordering::Relaxed) & bit == 0
        })
    }

    fn fetch(&self, chunks: Range<usize>) {
        let Some(bytes) = self.bytes.as_ref().filter(|_| !chunks.is_empty()) else { return };
        let start = chunks.start * CHUNK_BYTES;
        let len = (chunks.end * CHUNK_BYTES).min(bytes.len()) - start;
        self.all.fetch_add(len as u64, Ordering::Relaxed);
        // Without it everything is read all the same.
        let _hint = bytes.advise_range(memmap2::Advice::WillNeed, start, len);
    }
}

impl Mapped for Map {
    fn will_read(&self, range: Range<usize>) -> bool {
        self.forget();
        let chunks = range.start / CHUNK_BYTES..range.end.min(self.len()).div_ceil(CHUNK_BYTES);
        let (mut new, mut any) = (chunks.start..chunks.start, false);
        for chunk in chunks {
            if self.ask(chunk) {
                (new.end, any) = (chunk + 1, true);
                continue;
            }
            self.fetch(new);
            new = chunk + 1..chunk + 1;
        }
        self.fetch(new);
        any
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn what_was_told_lately_is_no_news() {
        static ALL: AtomicU64 = AtomicU64::new(0);
        let mut file = tempfile::tempfile().unwrap();
        assert!(!Map::counted(&file, &ALL).unwrap().will_read(0..100));
        file.write_all(&vec![7; 3 * CHUNK_BYTES + 5]).unwrap();
        let map = Map::counted(&file, &ALL).unwrap();
        let last = 3 * CHUNK_BYTES..3 * CHUNK_BYTES + 5;
        assert!(map.will_read(CHUNK_BYTES - 1..CHUNK_BYTES), "the first chunk");
        assert!(!map.will_read(0..CHUNK_BYTES), "the same");
        assert!(map.will_read(0..CHUNK_BYTES + 1), "the second is new");
        assert!(!map.will_read(CHUNK_BYTES..2 * CHUNK_BYTES));
        assert!(map.will_read(last.clone()) && !map.will_read(last.clone()));
        assert!(map.will_read(0..usize::MAX), "the third one is left");
        assert!(!map.will_read(0..usize::MAX));
        assert!(!map.will_read(last.end..usize::MAX) && !map.will_read(5..5));
        assert_eq!(ALL.load(Ordering::Relaxed), map.len() as u64);
        ALL.fetch_add(FORGOTTEN_AFTER_BYTES, Ordering::Relaxed);
        assert!(map.will_read(last.clone()) && map.will_read(0..1), "it was long ago");
        assert!(!map.will_read(last) && map.will_read(CHUNK_BYTES..CHUNK_BYTES + 1));
    }
}
