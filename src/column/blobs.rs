//! Rows of bytes of any length, in compressed blocks.
//!
//! ```text
//! 0   u32  rows
//! 4   u32  blocks
//! 8   u32  bytes of the dictionary
//! 12  u32  crc32 of the dictionary
//! 16  the dictionary: bytes that the blocks may refer to as if they stood before them
//! ..  directory, 24 bytes a block
//!       u64 offset in the data   u32 stored bytes   u32 raw bytes   u32 first row
//!       u32 crc32 of the stored bytes and of these
//! ..  data: the stored blocks, one after the other, zeros to a multiple of 8
//!
//! a raw block:  the length of each row as LEB128, then the rows
//! ```
//!
//! A block holds about 8 KiB; a larger row has one of its own. Blocks are zstd frames, or the
//! raw bytes where that is no longer: then the two lengths are equal. The checksum covers the
//! stored bytes. The dictionary is a zero byte and stretches of rows, which takes nothing to make
//! ready; a column has none where it would take more than it saves.

mod builder;

use builder::DICTIONARY_BYTES_MAX;

pub use builder::BlobsBuilder;

use super::raw::{length, varint};
use crate::codec::compress::{self, with_own_after};
use crate::codec::words::{u32_at, u64_at};
use crate::error::Fault;
use std::ops::Range;

const HEADER: usize = 16;
const BLOCK: usize = 24;
/// Raw bytes after which a block ends.
const BLOCK_BYTES: usize = 8 << 10;
/// Longest row.
pub const ROW_BYTES_MAX: usize = 64 << 20;
/// Longest raw block: a full one and the longest row with its length.
const RAW_BYTES_MAX: usize = ROW_BYTES_MAX + BLOCK_BYTES + 8;

/// The block read last, kept for the next row: rows that are asked for together lie together.
#[derive(Debug, Default)]
pub struct LastBlock {
    /// Which column, as the caller numbers them, and which block of it.
    held: Option<(u64, usize)>,
    first: usize,
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl LastBlock {
    fn row(&self, row: usize) -> Option<&[u8]> {
        let at = row.checked_sub(self.first)?;
        let start = if at == 0 { 0 } else { *self.ends.get(at - 1)? };
        self.bytes.get(start..*self.ends.get(at)?)
    }
}

#[derive(Debug, Clone, Copy)]
struct Block {
    offset: usize,
    stored: usize,
    raw: usize,
    first_row: usize,
    crc: u32,
}

/// Rows of bytes, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Blobs<'a> {
    rows: usize,
    directory: &'a [u8],
    dictionary: &'a [u8],
    data: &'a [u8],
}

impl<'a> Blobs<'a> {
    /// The column in `bytes`, of which only the dictionary is checked, in O(1) and its length:
    /// each block vouches for itself and its directory entry, for who reads it.
    ///
    /// # Errors
    /// A fault where the dictionary is not as it was written.
    pub fn open(bytes: &'a [u8]) -> Result<Blobs<'a>, Fault> {
        let blobs = Blobs::split(bytes)
            .ok_or_else(|| Fault::new(0, "a bytes column is shorter than its directory"))?;
        let (crc, said) = (crc32fast::hash(blobs.dictionary), u32_at(bytes, 12));
        if said != Some(crc) {
            let what = format!("the dictionary of a bytes column has checksum {crc:08x}");
            return Err(Fault::new(HEADER, what));
        }
        Ok(blobs)
    }

    /// The column in `bytes`; directory and dictionary are checked in O(blocks), nothing is
    /// decompressed.
    ///
    /// # Errors
    /// A fault where the structure is not that of a column of this length.
    pub fn parse(bytes: &'a [u8]) -> Result<Blobs<'a>, Fault> {
        let blobs = Blobs::split(bytes)
            .ok_or_else(|| Fault::new(0, "a bytes column is shorter than its directory"))?;
        let (mut offset, mut rows) = (0usize, 0usize);
        for index in 0..blobs.blocks() {
            let next = blobs.block(index).filter(|block| {
                block.offset == offset
                    && block.stored <= block.raw
                    && block.raw <= RAW_BYTES_MAX
                    && (index == 0) == (block.first_row == 0)
                    && block.first_row >= rows
                    && block.first_row < blobs.rows
            });
            let block = next.ok_or_else(|| {
                let what = format!("block {index} of a bytes column is malformed");
                Fault::new(blobs.entry_at(index), what)
            })?;
            offset += block.stored;
            rows = block.first_row + 1;
        }
        let expected = if blobs.rows > 0 && blobs.blocks() == 0 {
            None
        } else {
            (blobs.data_at() + offset).checked_next_multiple_of(8)
        };
        if expected != Some(bytes.len()) {
            let what = format!("a bytes column of {} bytes does not end its blocks", bytes.len());
            return Err(Fault::new(0, what));
        }
        Blobs::open(bytes)
    }

    /// The column in bytes that were parsed before, in O(1). Whatever the bytes, reading is safe.
    pub fn view(bytes: &'a [u8]) -> Blobs<'a> {
        Blobs::split(bytes).unwrap_or_default()
    }

    fn split(bytes: &'a [u8]) -> Option<Blobs<'a>> {
        let rows = u32_at(bytes, 0)? as usize;
        let directory = (u32_at(bytes, 4)? as usize).checked_mul(BLOCK)?;
        let dictionary = u32_at(bytes, 8)? as usize;
        let (dictionary, rest) = bytes.get(HEADER..)?.split_at_checked(dictionary)?;
        let (directory, data) = rest.split_at_checked(directory)?;
        Some(Blobs { rows, directory, dictionary, data })
    }

    /// At most so many bytes stand before the directory.
    pub const HEAD_BYTES: usize = HEADER + DICTIONARY_BYTES_MAX;

    /// About how many of a column's bytes stand before its blocks. Which it is the column itself
    /// says; this is for who has it fetched first.
    pub fn front_bytes(len: usize) -> usize {
        Blobs::HEAD_BYTES + len / 16
    }

    /// Where the blocks of these rows stand.
    pub fn place(&self, rows: Range<usize>) -> Range<usize> {
        let block = |row| self.block_of(row).and_then(|index| self.block(index));
        let ends = block(rows.start).zip(rows.end.checked_sub(1).and_then(block));
        ends.map_or(0..0, |(first, last)| {
            let at = |offset: usize| self.data_at().saturating_add(offset);
            at(first.offset)..at(last.offset.saturating_add(last.stored))
        })
    }

    /// Where a block's entry of the directory stands.
    fn entry_at(&self, index: usize) -> usize {
        (HEADER + self.dictionary.len()).saturating_add(index.saturating_mul(BLOCK))
    }

    fn data_at(&self) -> usize {
        HEADER + self.directory.len() + self.dictionary.len()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.directory.len() / BLOCK
    }

    fn block(&self, index: usize) -> Option<Block> {
        let slot = self.directory.get(index.checked_mul(BLOCK)?..)?;
        Some(Block {
            offset: length(u64_at(slot, 0)?),
            stored: u32_at(slot, 8)? as usize,
            raw: u32_at(slot, 12)? as usize,
            first_row: u32_at(slot, 16)? as usize,
            crc: u32_at(slot, 20)?,
        })
    }

    /// The block that holds this row, found by bisection.
    pub fn block_of(&self, row: usize) -> Option<usize> {
        if row >= self.rows {
            return None;
        }
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.block(middle)?.first_row <= row { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1)
    }

    /// The rows of a block.
    pub fn block_rows(&self, index: usize) -> Range<usize> {
        let first = |index| self.block(index).map_or(self.rows, |block| block.first_row);
        first(index)..first(index + 1).max(first(index))
    }

    /// The bytes of one row: decompresses its block, unless it is the last one that was read.
    /// `column` tells this column from others that `last` is used with.
    ///
    /// # Errors
    /// A fault where there is no such row or its block is damaged.
    pub fn get_near<'l>(
        &self,
        column: u64,
        row: usize,
        last: &'l mut LastBlock,
    ) -> Result<&'l [u8], Fault> {
        let block = self.block_of(row).ok_or_else(|| {
            Fault::new(0, format!("no row {row} in a bytes column of {}", self.rows))
        })?;
        if last.held != Some((column, block)) {
            last.held = None;
            (last.first, last.ends) = self.read_block(block, &mut last.bytes)?;
            last.held = Some((column, block));
        }
        let missing = || Fault::new(self.entry_at(block), format!("row {row} is not in its block"));
        last.row(row).ok_or_else(missing)
    }

    /// The bytes of one row: decompresses its block.
    ///
    /// # Errors
    /// A fault where there is no such row or its block is damaged.
    pub fn get(&self, row: usize) -> Result<Vec<u8>, Fault> {
        self.get_near(0, row, &mut LastBlock::default()).map(<[u8]>::to_vec)
    }

    /// Replaces `out` with the rows of one block, back to back, and says the first row's number
    /// and where in `out` each row ends. A scan decompresses each block once.
    ///
    /// # Errors
    /// A fault where there is no such block or it is damaged.
    pub fn read_block(
        &self,
        index: usize,
        out: &mut Vec<u8>,
    ) -> Result<(usize, Vec<usize>), Fault> {
        out.clear();
        let slot = self.entry_at(index);
        let block = self
            .block(index)
            .ok_or_else(|| Fault::new(slot, format!("no block {index} in a bytes column")))?;
        let next = self.block(index + 1).map_or(self.rows, |next| next.first_row);
        let at = self.data_at() + block.offset.min(self.data.len());
        let stored = self.data.get(block.offset..).and_then(|rest| rest.get(..block.stored));
        let (Some(stored), Some(rows)) = (stored, next.checked_sub(block.first_row)) else {
            return Err(Fault::new(slot, format!("block {index} lies outside its column")));
        };
        let entry = self.directory.get(index * BLOCK..).and_then(|e| e.get(..BLOCK - 4));
        let crc = block_crc(stored, entry.unwrap_or_default());
        if crc != block.crc {
            let what = format!("checksum {crc:08x} of block {index}, expected {:08x}", block.crc);
            return Err(Fault::new(at, what));
        }
        self.unpack(stored, block.raw, out).map_err(|fault| fault.shifted(at))?;
        let ends = ends(out, rows)
            .ok_or_else(|| Fault::new(at, format!("the row lengths of block {index} are wrong")))?;
        Ok((block.first_row, ends))
    }

    /// Fills `out` with the `raw` bytes that a stored block stands for.
    fn unpack(&self, stored: &[u8], raw: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        if raw > RAW_BYTES_MAX {
            return Err(Fault::new(0, format!("a block of {raw} bytes is over {RAW_BYTES_MAX}")));
        }
        with_own_after(self.dictionary, |own| compress::unpack(own, stored, raw, out))
    }
}

/// Covers a block's directory entry too, so that a rotten one cannot lead to another row.
fn block_crc(stored: &[u8], entry: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(stored);
    crc.update(entry);
    crc.finalize()
}

/// Cuts the lengths from the front of a raw block and says where each of its rows ends.
fn ends(block: &mut Vec<u8>, rows: usize) -> Option<Vec<usize>> {
    // A length takes a byte at least, which bounds the allocation.
    if rows > block.len() {
        return None;
    }
    let (mut at, mut end) = (0usize, 0usize);
    let mut ends = Vec::with_capacity(rows);
    for _ in 0..rows {
        end = end.checked_add(varint(block, &mut at)? as usize)?;
        ends.push(end);
    }
    block.drain(..at);
    (end == block.len()).then_some(ends)
}
