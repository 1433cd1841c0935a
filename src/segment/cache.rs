//! Decompressed blocks kept for the next reader, within a budget.

use super::payload_reader::Block;
use crate::id::SegmentId;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

type Key = (SegmentId, u32);

/// A second-chance cache of decompressed blocks, bounded in bytes.
#[derive(Debug)]
pub struct BlockCache {
    bytes_max: usize,
    inner: Mutex<Inner>,
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
        BlockCache { bytes_max, inner: Mutex::default() }
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
