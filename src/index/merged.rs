//! From a hash to the segments and rows that have it, over many segments.
//!
//! ```text
//! 0   u32  items
//! 4   u32  bits of the directory
//! 8   directory: 2^bits + 1 starts, u32 each, zeros to a multiple of 8
//! ..  items, 16 bytes each, ordered:  u64 hash   u32 segment   u32 row
//! ```
//!
//! Buckets have about six items, so a search reads one line of the directory and one or two of
//! the items. The segment is an ordinal; what it stands for is the index file's business.

use super::radix::{Starts, bits_for, directory_bytes, is_sound, range};
use crate::codec::words::u32_at;
use crate::error::Fault;

const HEADER: usize = 8;
const ITEM: usize = 16;
const BUCKET: usize = 8;
const BITS_MAX: u32 = 29;

/// Takes the items of a [`Merged`] index in order.
#[derive(Debug)]
pub struct MergedBuilder {
    bits: u32,
    starts: Starts,
    items: Vec<u8>,
    last: Option<(u64, u32, u32)>,
}

impl MergedBuilder {
    /// An empty index that expects about so many items.
    pub fn new(items_expected: usize) -> MergedBuilder {
        let bits = bits_for(items_expected, BUCKET).min(BITS_MAX);
        MergedBuilder { bits, starts: Starts::new(bits), items: Vec::new(), last: None }
    }

    /// Appends an item; items come in ascending order of (hash, segment, row).
    pub fn push(&mut self, hash: u64, segment: u32, row: u32) {
        let item = Some((hash, segment, row));
        assert!(self.last <= item, "the items of a merged index come in order");
        self.last = item;
        self.starts.push(hash, self.len());
        self.items.extend_from_slice(&hash.to_le_bytes());
        self.items.extend_from_slice(&segment.to_le_bytes());
        self.items.extend_from_slice(&row.to_le_bytes());
    }

    fn len(&self) -> u32 {
        let items = self.items.len() / ITEM;
        assert!(u32::try_from(items).is_ok(), "an index holds at most 2^32 - 1 items");
        items as u32
    }

    /// The index's bytes.
    pub fn build(self) -> Vec<u8> {
        let items = self.len();
        let directory = directory_bytes(self.bits).unwrap_or(0);
        let mut out = Vec::with_capacity(HEADER + directory + self.items.len());
        out.extend_from_slice(&items.to_le_bytes());
        out.extend_from_slice(&self.bits.to_le_bytes());
        self.starts.write(items, &mut out);
        out.extend_from_slice(&self.items);
        out
    }
}

/// Segments and rows by hash, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Merged<'a> {
    count: usize,
    bits: u32,
    directory: &'a [u8],
    items: &'a [u8],
}

impl<'a> Merged<'a> {
    /// The index in `bytes`, its directory checked in O(items / 8).
    ///
    /// # Errors
    /// A fault where the structure is not that of an index of this length.
    pub fn parse(bytes: &'a [u8]) -> Result<Merged<'a>, Fault> {
        let merged = Merged::split(bytes)
            .ok_or_else(|| Fault::new(0, "a merged index is shorter than its directory"))?;
        if Some(merged.items.len()) != merged.count.checked_mul(ITEM) {
            let what = format!("{} bytes for {} items", merged.items.len(), merged.count);
            return Err(Fault::new(0, what));
        }
        if !is_sound(merged.directory, merged.bits, merged.count) {
            return Err(Fault::new(HEADER, "the directory of a merged index is out of order"));
        }
        Ok(merged)
    }

    /// The index in bytes that were parsed before, in O(1). Whatever the bytes, reading is safe.
    pub fn view(bytes: &'a [u8]) -> Merged<'a> {
        Merged::split(bytes).unwrap_or_default()
    }

    fn split(bytes: &'a [u8]) -> Option<Merged<'a>> {
        let (count, bits) = (u32_at(bytes, 0)? as usize, u32_at(bytes, 4)?);
        if bits > BITS_MAX {
            return None;
        }
        let (directory, items) = bytes.get(HEADER..)?.split_at_checked(directory_bytes(bits)?)?;
        Some(Merged { count, bits, directory, items })
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The (segment, row) pairs of exactly this hash, ascending, in O(1).
    #[inline]
    pub fn find(&self, hash: u64) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let bucket = range(self.directory, self.bits, hash)
            .and_then(|(from, to)| self.items.get(from.checked_mul(ITEM)?..to.checked_mul(ITEM)?))
            .unwrap_or_default();
        let found = bucket.as_chunks::<ITEM>().0.iter().map(|item| {
            let item = u128::from_le_bytes(*item);
            (item as u64, (item >> 64) as u32, (item >> 96) as u32)
        });
        found
            .skip_while(move |(h, _, _)| *h < hash)
            .take_while(move |(h, _, _)| *h == hash)
            .map(|(_, segment, row)| (segment, row))
    }

    /// All items in order, to merge indexes with.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32, u32)> + use<'a> {
        self.items.as_chunks::<ITEM>().0.iter().map(|item| {
            let item = u128::from_le_bytes(*item);
            (item as u64, (item >> 64) as u32, (item >> 96) as u32)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn build(items: &[(u64, u32, u32)], expected: usize) -> Vec<u8> {
        let mut builder = MergedBuilder::new(expected);
        items.iter().for_each(|(hash, segment, row)| builder.push(*hash, *segment, *row));
        builder.build()
    }

    proptest! {
        #[test]
        fn exactly_the_given_are_found(
            mut items in vec((any::<u64>(), any::<u32>(), any::<u32>()), 0..2000),
            same: u64, absent: u64, expected in 0usize..5000,
        ) {
            items.extend([(same, 1, 9), (same, 2, 0), (0, 3, 3), (u64::MAX, 4, 4)]);
            items.sort();
            let bytes = build(&items, expected);
            let merged = Merged::parse(&bytes).unwrap();
            prop_assert_eq!(merged.len(), items.len());
            prop_assert!(merged.iter().eq(items.iter().copied()));
            for hash in items.iter().map(|item| item.0).chain([absent]) {
                let wanted = items.iter().filter(|i| i.0 == hash).map(|i| (i.1, i.2));
                prop_assert!(merged.find(hash).eq(wanted));
            }
        }

        #[test]
        fn hostile_bytes_never_panic(items in 0u32..20, bits in 0u32..5, tail in vec(any::<u8>(), 0..300)) {
            let bytes = [&items.to_le_bytes()[..], &bits.to_le_bytes(), &tail].concat();
            for bytes in [&bytes[..], &tail[..]] {
                let _ = Merged::parse(bytes);
                for hash in [0, 1 << 62, u64::MAX] {
                    prop_assert!(Merged::view(bytes).find(hash).count() <= 50);
                }
            }
        }
    }
}
