//! The directory: for each value of the hashes' top bits, where its items start.

use crate::codec::words::{u32_at, u64_at};

/// Top bits for a directory with two to `bucket` items a bucket (`bucket` is a power of two).
pub fn bits_for(items: usize, bucket: usize) -> u32 {
    (items.div_ceil(bucket)).next_power_of_two().trailing_zeros()
}

/// The bucket of a hash.
pub fn bucket(hash: u64, bits: u32) -> usize {
    // In two steps, since a shift by 64 is none.
    (hash >> 1 >> (63 - bits.min(63))) as usize
}

/// Directory starts, built from hashes in ascending order.
#[derive(Debug)]
pub struct Starts {
    bits: u32,
    starts: Vec<u32>,
}

impl Starts {
    /// No items yet.
    pub fn new(bits: u32) -> Starts {
        Starts { bits, starts: vec![0] }
    }

    /// The item at `index` has this hash.
    pub fn push(&mut self, hash: u64, index: u32) {
        let bucket = bucket(hash, self.bits);
        if self.starts.len() <= bucket {
            self.starts.resize(bucket + 1, index);
        }
    }

    /// Writes 2^bits + 1 starts: the last is the number of items.
    pub fn write(mut self, items: u32, out: &mut Vec<u8>) {
        self.starts.resize((1 << self.bits) + 1, items);
        for start in self.starts {
            out.extend_from_slice(&start.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(8), 0);
    }
}

/// Bytes of a directory, padding included.
pub fn directory_bytes(bits: u32) -> Option<usize> {
    1usize.checked_shl(bits)?.checked_add(1)?.checked_mul(4)?.checked_next_multiple_of(8)
}

/// First item and end of the bucket of a hash.
#[inline]
pub fn range(directory: &[u8], bits: u32, hash: u64) -> Option<(usize, usize)> {
    let pair = u64_at(directory, bucket(hash, bits).checked_mul(4)?)?;
    Some(((pair as u32) as usize, (pair >> 32) as usize))
}

/// Whether the starts never decrease and end at `items`.
pub fn is_sound(directory: &[u8], bits: u32, items: usize) -> bool {
    let buckets = 1usize << bits.min(63);
    let mut before = 0;
    for index in 0..=buckets {
        match u32_at(directory, index * 4) {
            Some(start) if start >= before => before = start,
            _ => return false,
        }
    }
    before as usize == items && u32_at(directory, 0) == Some(0)
}
