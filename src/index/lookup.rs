//! From a hash to the few rows that may have it, in one segment's table.
//!
//! ```text
//! 0   u32  items
//! 4   u32  bits of the directory
//! 8   directory: 2^bits + 1 starts, u32 each, zeros to a multiple of 8
//! ..  rows, u32 each, ordered by (hash, row), zeros to a multiple of 8
//! ```
//!
//! The hashes themselves are not kept: a bucket has about four rows, and comparing their
//! identities settles it. Five bytes an item.

use super::radix::{Starts, bits_for, directory_bytes, is_sound, range};
use crate::codec::words::u32_at;
use crate::error::Fault;

const HEADER: usize = 8;
const BUCKET: usize = 4;
const BITS_MAX: u32 = 30;

/// Rows by hash, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lookup<'a> {
    items: usize,
    bits: u32,
    directory: &'a [u8],
    rows: &'a [u8],
}

impl<'a> Lookup<'a> {
    /// The bytes of a lookup of these (hash, row) pairs, in any order.
    pub fn build(mut pairs: Vec<(u64, u32)>) -> Vec<u8> {
        assert!(u32::try_from(pairs.len()).is_ok(), "a lookup holds at most 2^32 - 1 rows");
        pairs.sort_unstable();
        let items = pairs.len() as u32;
        let bits = bits_for(pairs.len(), BUCKET);
        let mut starts = Starts::new(bits);
        for (index, (hash, _)) in (0u32..).zip(&pairs) {
            starts.push(*hash, index);
        }
        let mut out = Vec::with_capacity(HEADER + pairs.len() * 6 + 16);
        out.extend_from_slice(&items.to_le_bytes());
        out.extend_from_slice(&bits.to_le_bytes());
        starts.write(items, &mut out);
        for (_, row) in &pairs {
            out.extend_from_slice(&row.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    /// The lookup in `bytes`, its directory checked in O(items / 4).
    ///
    /// # Errors
    /// A fault where the structure is not that of a lookup of this length.
    pub fn parse(bytes: &'a [u8]) -> Result<Lookup<'a>, Fault> {
        let lookup = Lookup::split(bytes)
            .ok_or_else(|| Fault::new(0, "a lookup is shorter than its directory"))?;
        if lookup.rows.len() != (lookup.items * 4).next_multiple_of(8) {
            let what = format!("{} bytes of rows for {} items", lookup.rows.len(), lookup.items);
            return Err(Fault::new(0, what));
        }
        if !is_sound(lookup.directory, lookup.bits, lookup.items) {
            return Err(Fault::new(HEADER, "the directory of a lookup is out of order"));
        }
        Ok(lookup)
    }

    /// The lookup in bytes that were parsed before, in O(1). Whatever the bytes, reading is safe.
    pub fn view(bytes: &'a [u8]) -> Lookup<'a> {
        Lookup::split(bytes).unwrap_or_default()
    }

    fn split(bytes: &'a [u8]) -> Option<Lookup<'a>> {
        let (items, bits) = (u32_at(bytes, 0)? as usize, u32_at(bytes, 4)?);
        if bits > BITS_MAX {
            return None;
        }
        let (directory, rows) = bytes.get(HEADER..)?.split_at_checked(directory_bytes(bits)?)?;
        Some(Lookup { items, bits, directory, rows })
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.items
    }

    /// Every row that was given with this hash, among a few others, in O(1) and one or two
    /// cache lines. Rows of one hash come in ascending order.
    #[inline]
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> + use<'a> {
        let bucket = range(self.directory, self.bits, hash)
            .and_then(|(from, to)| self.rows.get(from.checked_mul(4)?..to.checked_mul(4)?))
            .unwrap_or_default();
        bucket.as_chunks::<4>().0.iter().map(|row| u32::from_le_bytes(*row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_is_found(mut pairs in vec((any::<u64>(), any::<u32>()), 0..3000), same: u64) {
            pairs.extend([(same, 1), (same, 2), (0, 3), (u64::MAX, 4)]);
            let bytes = Lookup::build(pairs.clone());
            prop_assert_eq!(bytes.len() % 8, 0);
            let lookup = Lookup::parse(&bytes).unwrap();
            prop_assert_eq!(lookup.len(), pairs.len());
            for (hash, row) in &pairs {
                prop_assert!(lookup.candidates(*hash).any(|r| r == *row));
            }
            let widest = pairs.iter().map(|(hash, _)| lookup.candidates(*hash).count()).max();
            prop_assert!(widest.unwrap() < 40);
        }

        #[test]
        fn hostile_bytes_never_panic(items in 0u32..40, bits in 0u32..5, tail in vec(any::<u8>(), 0..200)) {
            let bytes = [&items.to_le_bytes()[..], &bits.to_le_bytes(), &tail].concat();
            for bytes in [&bytes[..], &tail[..]] {
                let _ = Lookup::parse(bytes);
                for hash in [0, 1 << 62, u64::MAX] {
                    prop_assert!(Lookup::view(bytes).candidates(hash).count() <= 50);
                }
            }
        }
    }

    #[test]
    fn an_empty_lookup_finds_nothing() {
        let bytes = Lookup::build(Vec::new());
        assert_eq!(Lookup::parse(&bytes).unwrap().candidates(7).count(), 0);
    }
}
