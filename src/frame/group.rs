//! The body of a frame of records: what one group commit holds.
//!
//! ```text
//!  0            4            8            12           16           20            24
//!  +------------+------------+------------+------------+------------+-------------+
//!  | records    | lists      | parts      | first part | pieces     | skeleton raw|   u32 each
//!  +------------+------------+------------+------------+------------+-------------+
//!  | skeleton stored u32                                                          |
//!  +------------------------------------------------------------------------------+  28
//!  | skeleton section: per record varint length and bytes; per list the same; per |
//!  | part its length as a varint. zstd where stored is less than raw.             |
//!  +------------------------------------------------------------------------------+
//!  | piece table: raw u32, stored u32, crc u32, parts u32 each                    |
//!  +------------------------------------------------------------------------------+
//!  | pieces, one after the other                                                  |
//!  +------------------------------------------------------------------------------+
//! ```
//!
//! Skeletons stand apart from parts, so that replay decompresses no payload. A piece holds whole
//! parts, at most 64 KiB of them, compressed by itself.

use crate::codec::compress::{Compressor, Decompressor, pack, unpack, with_own};
use crate::codec::varint::{put_u64, take_u64};
use crate::error::Fault;
use crate::limits::{FRAME_BYTES_MAX, PART_BYTES_MAX, PIECE_BYTES_MAX};
use std::ops::Range;

const HEAD_BYTES: usize = 28;
const PIECE_ENTRY_BYTES: usize = 16;
/// Memory that is used again for the next group, at most.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// A part's length takes so many bytes at most.
const PART_LEN_BYTES_MAX: usize = 3;
const _: () = assert!(PART_BYTES_MAX < 1 << (7 * PART_LEN_BYTES_MAX));

/// Collects what goes into one frame.
#[derive(Debug, Default)]
pub struct GroupBuilder {
    first_part: u32,
    records: Vec<u8>,
    record_ranges: Vec<Range<u32>>,
    lists: Vec<u8>,
    list_ranges: Vec<Range<u32>>,
    part_lens: Vec<u32>,
    part_bytes: usize,
    pieces: Vec<Piece>,
    /// So many of them, the first ones, are compressed already.
    packed: usize,
    /// Memory for more pieces.
    spare: Vec<Vec<u8>>,
}

/// Whole parts that are compressed together.
#[derive(Debug)]
struct Piece {
    /// As they are, or as [`pack`] stores them.
    bytes: Vec<u8>,
    raw_len: u32,
    parts: u32,
}

impl GroupBuilder {
    /// A group whose first part has this number.
    pub fn new(first_part: u32) -> GroupBuilder {
        GroupBuilder { first_part, ..GroupBuilder::default() }
    }

    /// An empty group in the memory of one that was written, unless that is a lot.
    pub fn reuse(mut self, first_part: u32) -> GroupBuilder {
        if self.memory() > KEPT_BYTES_MAX {
            return GroupBuilder::new(first_part);
        }
        let Self { records, record_ranges, lists, list_ranges, part_lens, .. } = &mut self;
        [records, lists].into_iter().for_each(Vec::clear);
        [record_ranges, list_ranges].into_iter().for_each(Vec::clear);
        part_lens.clear();
        self.pieces.iter_mut().for_each(|piece| piece.bytes.clear());
        self.spare.extend(self.pieces.drain(..).map(|piece| piece.bytes));
        GroupBuilder { first_part, part_bytes: 0, packed: 0, ..self }
    }

    /// Bytes allocated, but for what is kept of each item.
    pub fn memory(&self) -> usize {
        let pieces = self.pieces.iter().map(|piece| &piece.bytes).chain(&self.spare);
        let parts: usize = pieces.map(Vec::capacity).sum();
        self.records.capacity() + self.lists.capacity() + parts
    }

    /// Appends an encoded record.
    pub fn push_record(&mut self, record: &[u8]) {
        self.record_ranges.push(push(&mut self.records, record));
    }

    /// Appends an encoded part list and gives its number in this frame.
    pub fn push_list(&mut self, list: &[u8]) -> u32 {
        self.list_ranges.push(push(&mut self.lists, list));
        self.list_ranges.len() as u32 - 1
    }

    /// Appends a part and gives its number in the log.
    pub fn push_part(&mut self, part: &[u8]) -> u32 {
        assert!(part.len() <= PART_BYTES_MAX, "a part is longer than its limit");
        self.part_lens.push(part.len() as u32);
        self.part_bytes += part.len();
        let piece = self.piece_for(part.len());
        piece.bytes.extend_from_slice(part);
        piece.raw_len += part.len() as u32;
        piece.parts += 1;
        self.next_part() - 1
    }

    /// The last piece, or a new one where it has no room for so many bytes.
    fn piece_for(&mut self, bytes: usize) -> &mut Piece {
        if self.needs_piece(bytes) {
            // Most groups have less than a piece.
            let capacity = if self.pieces.is_empty() { 0 } else { PIECE_BYTES_MAX };
            let bytes = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(capacity));
            self.pieces.push(Piece { bytes, raw_len: 0, parts: 0 });
        }
        let last = self.pieces.len() - 1;
        &mut self.pieces[last]
    }

    /// Whether a part of so many bytes begins a piece.
    pub fn needs_piece(&self, bytes: usize) -> bool {
        let last = self.pieces.last();
        last.is_none_or(|piece| piece.raw_len as usize + bytes > PIECE_BYTES_MAX)
    }

    /// Pieces that are not compressed yet; the last one may not be full.
    pub fn raw_pieces(&self) -> usize {
        self.pieces.len() - self.packed
    }

    /// Compresses the first of the pieces that are not yet, so that [`write`](Self::write) need
    /// not. It must be full.
    pub fn pack_piece(&mut self, compressor: &mut Compressor) {
        let Some(piece) = self.pieces.get_mut(self.packed) else { return };
        let mut stored = self.spare.pop().unwrap_or_default();
        pack(compressor, &piece.bytes, &mut stored);
        piece.bytes.clear();
        self.spare.push(std::mem::replace(&mut piece.bytes, stored));
        self.packed += 1;
    }

    /// The number that the next part gets.
    pub fn next_part(&self) -> u32 {
        self.first_part + self.part_lens.len() as u32
    }

    /// Records so far.
    pub fn records(&self) -> u32 {
        self.record_ranges.len() as u32
    }

    /// Raw bytes of parts so far.
    pub fn part_bytes(&self) -> usize {
        self.part_bytes
    }

    /// Raw bytes of records and lists so far.
    pub fn skeleton_bytes(&self) -> usize {
        self.records.len() + self.lists.len() + self.part_lens.len() * 2
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.record_ranges.is_empty() && self.part_lens.is_empty()
    }

    /// Appends the body's bytes to `out`, and gives what [`GroupView::parse`] finds in them.
    pub fn write(&self, compressor: &mut Compressor, out: &mut Vec<u8>) -> GroupView {
        let body = out.len();
        let mut skeleton = Vec::with_capacity(
            self.records.len() + self.lists.len() + self.part_lens.len() * PART_LEN_BYTES_MAX,
        );
        skeleton.extend_from_slice(&self.records);
        skeleton.extend_from_slice(&self.lists);
        self.part_lens.iter().for_each(|len| put_u64(&mut skeleton, u64::from(*len)));
        out.resize(body + HEAD_BYTES, 0);
        let stored_len = pack(compressor, &skeleton, out);
        let mut entry = out.len();
        out.resize(entry + self.pieces.len() * PIECE_ENTRY_BYTES, 0);
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for (number, piece) in self.pieces.iter().enumerate() {
            let start = out.len();
            if number < self.packed {
                out.extend_from_slice(&piece.bytes);
            } else {
                pack(compressor, &piece.bytes, out);
            }
            let Piece { raw_len, parts: part_count, .. } = *piece;
            let (body_offset, stored_len) = ((start - body) as u32, (out.len() - start) as u32);
            let crc = crc32fast::hash(&out[start..]);
            put_words(&mut out[entry..], [raw_len, stored_len, crc, part_count]);
            entry += PIECE_ENTRY_BYTES;
            pieces.push(PieceAt { body_offset, stored_len, raw_len, crc, part_count });
        }
        let head = [
            self.records(),
            self.list_ranges.len() as u32,
            self.part_lens.len() as u32,
            self.first_part,
            pieces.len() as u32,
            skeleton.len() as u32,
            stored_len as u32,
        ];
        put_words(&mut out[body..], head);
        let after_records = self.records.len() as u32;
        let moved = |r: &Range<u32>| r.start + after_records..r.end + after_records;
        GroupView {
            skeleton: skeleton.into(),
            records: self.record_ranges.as_slice().into(),
            lists: self.list_ranges.iter().map(moved).collect(),
            part_lens: self.part_lens.as_slice().into(),
            pieces: pieces.into(),
            first_part: self.first_part,
        }
    }
}

/// Appends an item and its length before it; where the item stands.
fn push(items: &mut Vec<u8>, item: &[u8]) -> Range<u32> {
    put_u64(items, item.len() as u64);
    let start = items.len() as u32;
    items.extend_from_slice(item);
    start..items.len() as u32
}

/// Overwrites the start of `at`.
fn put_words<const N: usize>(at: &mut [u8], words: [u32; N]) {
    let (places, _) = at.as_chunks_mut::<4>();
    places.iter_mut().zip(words).for_each(|(place, word)| *place = word.to_le_bytes());
}

/// Where a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceAt {
    /// From the start of the body.
    pub body_offset: u32,
    /// Bytes in the file.
    pub stored_len: u32,
    /// Bytes when decompressed.
    pub raw_len: u32,
    /// Checksum of the stored bytes.
    pub crc: u32,
    /// Parts in it.
    pub part_count: u32,
}

impl PieceAt {
    /// Checks and decompresses the piece into `out`.
    ///
    /// # Errors
    /// A fault where checksum or length do not fit.
    pub fn read(
        &self,
        stored: &[u8],
        decompressor: &mut Decompressor<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let actual = crc32fast::hash(stored);
        if actual != self.crc {
            let what = format!("piece checksum {actual:08x} does not match {:08x}", self.crc);
            return Err(Fault::new(0, what));
        }
        if self.raw_len as usize > PIECE_BYTES_MAX {
            return Err(Fault::new(0, format!("a piece of {} bytes is too long", self.raw_len)));
        }
        unpack(decompressor, stored, self.raw_len as usize, out)
    }
}

/// A group's skeleton, decompressed, and where its pieces stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupView {
    skeleton: Box<[u8]>,
    records: Box<[Range<u32>]>,
    lists: Box<[Range<u32>]>,
    part_lens: Box<[u32]>,
    pieces: Box<[PieceAt]>,
    first_part: u32,
}

impl GroupView {
    /// Reads a body. Decompresses the skeleton section, no pieces.
    ///
    /// # Errors
    /// A fault where the body makes no sense.
    pub fn parse(body: &[u8]) -> Result<GroupView, Fault> {
        let word = |i: usize| -> Result<u32, Fault> {
            let bytes = body.get(i * 4..).and_then(|b| b.first_chunk::<4>());
            let cut = || Fault::new(i * 4, "a group is cut off");
            bytes.map(|b| u32::from_le_bytes(*b)).ok_or_else(cut)
        };
        let (records, lists, parts, first_part) = (word(0)?, word(1)?, word(2)?, word(3)?);
        let (pieces, raw, stored) = (word(4)?, word(5)? as usize, word(6)? as usize);
        let items = u64::from(records) + u64::from(lists) + u64::from(parts);
        // Every item takes at least a byte, so no count can make us allocate more than that.
        if raw > FRAME_BYTES_MAX || items > raw as u64 {
            return Err(Fault::new(20, format!("{items} items in {raw} bytes cannot be")));
        }
        let end = HEAD_BYTES.saturating_add(stored);
        let section = body.get(HEAD_BYTES..end);
        let section = section.ok_or_else(|| Fault::new(24, "the skeleton section is cut off"))?;
        let mut skeleton = Vec::new();
        with_own(|decompressor| unpack(decompressor, section, raw, &mut skeleton))
            .map_err(|f| f.shifted(HEAD_BYTES))?;
        let mut rest = skeleton.as_slice();
        let total = skeleton.len();
        let mut ranges = |count: u32| -> Result<Box<[Range<u32>]>, Fault> {
            (0..count).map(|_| take_range(&mut rest, total)).collect()
        };
        let (records, lists) = (ranges(records)?, ranges(lists)?);
        let mut part_lens = Vec::with_capacity(parts as usize);
        for _ in 0..parts {
            let len = take_u64(&mut rest)?;
            // A list of empty parts would be read for ever without a byte of payload.
            if len < 1 || len > PART_BYTES_MAX as u64 {
                let what = format!("a part of {len} bytes: should be 1 to {PART_BYTES_MAX}");
                return Err(Fault::new(HEAD_BYTES, what));
            }
            part_lens.push(len as u32);
        }
        if !rest.is_empty() {
            return Err(Fault::new(HEAD_BYTES, "the skeleton section is too long"));
        }
        let pieces = take_pieces(body, end, pieces, &part_lens)?;
        let (skeleton, part_lens) = (skeleton.into(), part_lens.into());
        Ok(GroupView { skeleton, records, lists, part_lens, pieces, first_part })
    }

    /// The encoded records.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.records.iter().map(|r| self.slice(r))
    }

    /// One encoded record.
    pub fn record(&self, number: usize) -> Option<&[u8]> {
        self.records.get(number).map(|r| self.slice(r))
    }

    /// One encoded part list.
    pub fn list(&self, number: usize) -> Option<&[u8]> {
        self.lists.get(number).map(|r| self.slice(r))
    }

    /// Number of lists.
    pub fn lists(&self) -> usize {
        self.lists.len()
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.skeleton.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// Length of each part.
    pub fn part_lens(&self) -> &[u32] {
        &self.part_lens
    }

    /// The number of the first part in the log.
    pub fn first_part(&self) -> u32 {
        self.first_part
    }

    /// The pieces.
    pub fn pieces(&self) -> &[PieceAt] {
        &self.pieces
    }

    /// Memory that it takes, in bytes, without what a table copies out of it.
    pub fn memory(&self) -> usize {
        self.skeleton.len()
            + (self.records.len() + self.lists.len()) * 8
            + self.part_lens.len() * 4
            + self.pieces.len() * size_of::<PieceAt>()
    }
}

fn take_range(rest: &mut &[u8], total: usize) -> Result<Range<u32>, Fault> {
    let len = take_u64(rest)?;
    let cut = || Fault::new(HEAD_BYTES, "the skeleton section ends early");
    let len = usize::try_from(len).ok().filter(|len| *len <= rest.len()).ok_or_else(cut)?;
    let start = total - rest.len();
    *rest = &rest[len..];
    Ok(start as u32..(start + len) as u32)
}

fn take_pieces(body: &[u8], at: usize, count: u32, lens: &[u32]) -> Result<Box<[PieceAt]>, Fault> {
    let table_bytes = (count as usize).saturating_mul(PIECE_ENTRY_BYTES);
    let table = body.get(at..at.saturating_add(table_bytes));
    let table = table.ok_or_else(|| Fault::new(at, "the piece table is cut off"))?;
    let mut pieces = Vec::with_capacity(count as usize);
    let mut offset = at + table_bytes;
    let mut next_part = 0usize;
    for entry in table.chunks_exact(PIECE_ENTRY_BYTES) {
        let word =
            |i: usize| u32::from_le_bytes([entry[i], entry[i + 1], entry[i + 2], entry[i + 3]]);
        let (raw_len, stored_len, crc, part_count) = (word(0), word(4), word(8), word(12));
        let parts = lens.get(next_part..next_part.saturating_add(part_count as usize));
        let held: Option<u64> = parts.map(|p| p.iter().map(|len| u64::from(*len)).sum());
        let end = offset.saturating_add(stored_len as usize);
        if held != Some(u64::from(raw_len))
            || end > body.len()
            || raw_len as usize > PIECE_BYTES_MAX
        {
            return Err(Fault::new(offset, "a piece does not hold the parts it should"));
        }
        let body_offset = u32::try_from(offset).unwrap_or(u32::MAX);
        pieces.push(PieceAt { body_offset, stored_len, raw_len, crc, part_count });
        (offset, next_part) = (end, next_part + part_count as usize);
    }
    if next_part != lens.len() || offset != body.len() {
        return Err(Fault::new(offset, "the pieces do not fill the group"));
    }
    Ok(pieces.into())
}
