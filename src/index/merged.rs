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

use super::radix::{bits_for, bucket, directory_bytes, is_sound, range};
use crate::codec::words::u32_at;
use crate::error::Fault;

const HEADER: usize = 8;
const ITEM: usize = 16;
const BUCKET: usize = 8;
const BITS_MAX: u32 = 29;

/// An item: hash, segment, row.
pub type Item = (u64, u32, u32);

/// Bytes are handed out in pieces of about so many.
const PIECE_BYTES: usize = 64 << 10;

/// Hands out the bytes of an index, piece by piece. `items` begins the same items anew each time
/// it is called, in ascending order, at most 2^32 - 1 of them; it is called three times, so that
/// no more than a piece is in memory.
///
/// # Errors
/// What `out` returns.
pub fn write_merged<I: Iterator<Item = Item>, E>(
    items: &dyn Fn() -> I,
    out: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let count = items().count();
    assert!(u32::try_from(count).is_ok(), "an index holds at most 2^32 - 1 items");
    let bits = bits_for(count, BUCKET).min(BITS_MAX);
    let mut piece = Vec::with_capacity(PIECE_BYTES + ITEM);
    piece.extend_from_slice(&(count as u32).to_le_bytes());
    piece.extend_from_slice(&bits.to_le_bytes());
    let mut put = |bytes: &[u8], last: bool| {
        piece.extend_from_slice(bytes);
        if piece.len() >= PIECE_BYTES || last {
            out(&piece)?;
            piece.clear();
        }
        Ok(())
    };
    // The start of each bucket up to a hash's is where the hash stands, where none came before.
    let mut starts = 0;
    for (at, (hash, ..)) in (0u32..).zip(items()) {
        while starts <= bucket(hash, bits) {
            put(&at.to_le_bytes(), false)?;
            starts += 1;
        }
    }
    while starts <= 1 << bits {
        put(&(count as u32).to_le_bytes(), false)?;
        starts += 1;
    }
    if starts % 2 == 1 {
        put(&[0; 4], false)?;
    }
    let mut before = None;
    for item in items() {
        assert!(before <= Some(item), "the items of a merged index come in order");
        before = Some(item);
        let (hash, segment, row) = item;
        let packed = u128::from(hash) | u128::from(segment) << 64 | u128::from(row) << 96;
        put(&packed.to_le_bytes(), false)?;
    }
    put(&[], true)
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
    pub fn iter(&self) -> impl Iterator<Item = Item> + use<'a> {
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

    fn build(items: &[Item]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let written = write_merged(&|| items.iter().copied(), &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok::<(), ()>(())
        });
        written.unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn exactly_the_given_are_found(
            mut items in vec((any::<u64>(), any::<u32>(), any::<u32>()), 0..9000),
            same: u64, absent: u64,
        ) {
            items.extend([(same, 1, 9), (same, 2, 0), (0, 3, 3), (u64::MAX, 4, 4)]);
            items.sort();
            let bytes = build(&items);
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
