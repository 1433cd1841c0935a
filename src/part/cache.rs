//! Decompressed parts, and those kept for the next reader, within a budget.

use crate::codec::compress::Dictionary;
use crate::error::Result;
use crate::model::Source;
use crate::sync::Mutex;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// Decompressed parts that lie one after another, a block of a segment or a piece of a log; or
/// part lists, which have numbers as parts do.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    first_part: u32,
    /// End of each part in `bytes`.
    ends: Vec<u32>,
}

impl Block {
    /// The parts from `first_part` on, which end there in `bytes`.
    pub fn new(bytes: Vec<u8>, first_part: u32, ends: Vec<u32>) -> Block {
        Block { bytes, first_part, ends }
    }

    /// Memory it takes, in bytes.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + 64
    }

    /// All its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The numbers of its parts.
    pub fn numbers(&self) -> Range<u32> {
        self.first_part..self.first_part + self.ends.len() as u32
    }

    /// Its parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.numbers().map_while(|number| self.part(number))
    }

    /// One of its parts.
    pub fn part(&self, number: u32) -> Option<&[u8]> {
        let at = number.checked_sub(self.first_part)? as usize;
        let start = if at == 0 { 0 } else { *self.ends.get(at - 1)? };
        self.bytes.get(start as usize..*self.ends.get(at)? as usize)
    }
}

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// Parts of payloads.
    Parts,
    /// Part lists.
    Lists,
}

/// The file that holds a block, and its number among those of one content.
type Key = (Source, Content, u32);

/// Dictionaries that are kept ready, at most: 8 MiB of them, whatever the number of segments.
const DICTIONARIES_MAX: usize = 64;

/// A second-chance cache of decompressed blocks, bounded in bytes, and the dictionaries used last.
#[derive(Debug)]
pub struct BlockCache {
    bytes_max: usize,
    inner: Mutex<Inner>,
    dictionaries: Mutex<VecDeque<(Source, Option<Arc<Dictionary>>)>>,
}

#[derive(Debug, Default)]
struct Inner {
    blocks: HashMap<Key, (Arc<Block>, bool)>,
    order: VecDeque<Key>,
    bytes: usize,
}

impl BlockCache {
    /// A cache of at most this many bytes; 0 keeps nothing.
    pub fn new(bytes_max: usize) -> BlockCache {
        BlockCache { bytes_max, inner: Mutex::default(), dictionaries: Mutex::default() }
    }

    /// The dictionary of a file, or the one that `make` gives, if it has one.
    ///
    /// # Errors
    /// What `make` returns.
    pub fn dictionary(
        &self,
        of: Source,
        make: impl FnOnce() -> Result<Option<Dictionary>>,
    ) -> Result<Option<Arc<Dictionary>>> {
        let mut held = self.dictionaries.lock();
        if let Some(at) = held.iter().position(|(source, _)| *source == of)
            && let Some(found) = held.remove(at)
        {
            held.push_back(found.clone());
            return Ok(found.1);
        }
        drop(held);
        let made = make()?.map(Arc::new);
        let mut held = self.dictionaries.lock();
        if held.len() >= DICTIONARIES_MAX {
            held.pop_front();
        }
        held.push_back((of, made.clone()));
        Ok(made)
    }

    /// The block, if it is held.
    pub fn find(&self, key: Key) -> Option<Arc<Block>> {
        if self.bytes_max == 0 {
            return None;
        }
        let mut inner = self.inner.lock();
        let (block, used) = inner.blocks.get_mut(&key)?;
        *used = true;
        Some(Arc::clone(block))
    }

    /// Keeps a block, giving up those that were not used since the hand last passed.
    pub fn keep(&self, key: Key, block: &Arc<Block>) {
        let bytes = block.memory();
        if bytes > self.bytes_max {
            return;
        }
        let mut inner = self.inner.lock();
        while inner.bytes + bytes > self.bytes_max {
            let Some(oldest) = inner.order.pop_front() else { break };
            match inner.blocks.get_mut(&oldest) {
                Some((_, used)) if *used => {
                    *used = false;
                    inner.order.push_back(oldest);
                }
                Some(_) => {
                    if let Some((gone, _)) = inner.blocks.remove(&oldest) {
                        inner.bytes -= gone.memory();
                    }
                }
                None => {}
            }
        }
        if inner.blocks.insert(key, (Arc::clone(block), false)).is_none() {
            inner.bytes += bytes;
            inner.order.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SegmentId;

    #[test]
    fn the_dictionaries_used_last_are_kept() {
        let cache = BlockCache::new(0);
        let mut made = 0;
        let mut ask = |n: usize| {
            let before = made;
            let make = || {
                made += 1;
                Dictionary::new(b"a dictionary of any bytes")
                    .map(Some)
                    .map_err(|f| f.in_file(std::path::Path::new("dictionary"), 0))
            };
            assert!(
                cache.dictionary(Source::Segment(SegmentId(n as u64)), make).unwrap().is_some()
            );
            made > before
        };
        assert!((0..DICTIONARIES_MAX).all(&mut ask));
        assert!(!(0..DICTIONARIES_MAX).any(&mut ask));
        assert!(!ask(0));
        assert!(ask(DICTIONARIES_MAX));
        assert!(!ask(0));
        assert!(ask(1));
    }
}
