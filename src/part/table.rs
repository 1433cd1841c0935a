//! Which parts are known: from the 128-bit hash of a part to its number.
//!
//! Open addressing with linear probing. The hash is keyed, so its own bits are the address and
//! nobody can aim at a slot.

use crate::shards::Shards;

const SLOTS_MIN: usize = 16;

/// Parts by hash; 20 bytes a slot, at most three quarters of the slots in use.
#[derive(Debug, Default)]
pub struct PartTable {
    shards: Shards<Shard>,
    slots: usize,
}

/// The parts of some hashes.
#[derive(Debug, Default)]
struct Shard {
    hashes: Vec<u128>,
    /// Part number plus one; 0 is an empty slot.
    numbers: Vec<u32>,
    used: usize,
}

impl PartTable {
    /// An empty table, with room for no part yet.
    pub fn new() -> PartTable {
        PartTable::default()
    }

    /// Parts known.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.used).sum()
    }

    /// The number of the part with this hash.
    #[inline]
    pub fn find(&self, hash: u128) -> Option<u32> {
        self.shards.of(shard_bits(hash)).find(hash)
    }

    /// Makes a part known. A hash that is known already gets the new number.
    pub fn insert(&mut self, hash: u128, number: u32) {
        assert!(number < u32::MAX, "part numbers end below 2^32 - 1");
        let shard = self.shards.of_mut(shard_bits(hash));
        let before = shard.numbers.len();
        shard.insert(hash, number + 1);
        self.slots += shard.numbers.len() - before;
    }

    /// Forgets every part and keeps the memory.
    pub fn clear(&mut self) {
        for shard in self.shards.iter_mut() {
            shard.numbers.fill(0);
            shard.used = 0;
        }
    }

    /// Bytes allocated.
    pub fn memory(&self) -> usize {
        self.slots * (size_of::<u128>() + size_of::<u32>())
    }
}

/// Those that no slot is found by.
fn shard_bits(hash: u128) -> u64 {
    (hash >> 64) as u64
}

impl Shard {
    fn find(&self, hash: u128) -> Option<u32> {
        if self.numbers.is_empty() {
            return None;
        }
        self.numbers[self.slot(hash)].checked_sub(1)
    }

    fn insert(&mut self, hash: u128, number: u32) {
        if (self.used + 1) * 4 > self.numbers.len() * 3 {
            self.grow();
        }
        let slot = self.slot(hash);
        self.used += usize::from(self.numbers[slot] == 0);
        self.hashes[slot] = hash;
        self.numbers[slot] = number;
    }

    /// The slot of this hash, or the empty one where it belongs.
    #[inline]
    fn slot(&self, hash: u128) -> usize {
        let mask = self.numbers.len() - 1;
        let mut slot = hash as u64 as usize & mask;
        while self.numbers[slot] != 0 && self.hashes[slot] != hash {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let slots = (self.numbers.len() * 2).max(SLOTS_MIN);
        let hashes = std::mem::replace(&mut self.hashes, vec![0; slots]);
        let numbers = std::mem::replace(&mut self.numbers, vec![0; slots]);
        for (hash, number) in hashes.into_iter().zip(numbers).filter(|(_, number)| *number != 0) {
            let slot = self.slot(hash);
            self.hashes[slot] = hash;
            self.numbers[slot] = number;
        }
    }
}
