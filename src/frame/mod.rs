//! The checksummed envelope of one group commit in a log, or of one edit in a manifest.
//!
//! ```text
//!  0      4   5   6      8          16         24       28        32      36      40       44      48
//!  +------+---+---+------+----------+----------+--------+---------+-------+-------+--------+-------+
//!  | len  | k | c | zero | seq      | promise  | prev   | payload | recs  | raw   | zero   | crc   |
//!  | u32  |u8 |u8 | u16  | u64      | u64      | u32    | crc u32 | u32   | u32   | u32    | u32   |
//!  +------+---+---+------+----------+----------+--------+---------+-------+-------+--------+-------+
//!  | payload: len bytes, then zeros up to a multiple of 8                                         |
//!  +----------------------------------------------------------------------------------------------+
//! ```
//!
//! `k` is the kind, `c` the codec of what is inside, `seq` that of the first record (the next one
//! where there is none). `promise` is the offset up to which the file was known durable when the
//! frame was written. `prev` is the header checksum of the frame before, 0 for the first: frames
//! form a chain. The header's checksum covers the file's salt, the frame's own offset and the 44
//! bytes before it, so that a length is believable before it is followed, and a frame that was
//! moved, or that another file left behind, is none.
//!
//! Corners: a file may end anywhere; zeros after the last frame are no frame; a payload may be
//! empty (a marker); what follows a bad frame is found again at multiples of 8.
//!
//! Read in this order: `file`, this, `scan`, `group`.

mod file;
#[cfg(test)]
pub mod golden;
mod group;
mod scan;
#[cfg(test)]
mod tests;

pub use file::{FILE_HEADER_BYTES, FileHeader, FileKind, Previous};
pub use group::{GroupBuilder, GroupView, PieceAt};
pub use scan::{FrameRef, Scan, Stop, scan, scan_from};

use crate::id::Seq;
use crate::limits::{FRAME_ALIGN, FRAME_BYTES_MAX};

/// Bytes of a frame's header.
pub const FRAME_HEADER_BYTES: usize = 48;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Records and the parts that are new in them.
    Records = 1,
    /// Parts only, ahead of the records that need them.
    Parts = 2,
    /// Nothing: it carries a promise.
    Marker = 3,
    /// One edit of a manifest.
    Edit = 4,
    /// Zeros, so that the next frame starts in a sector of its own.
    Pad = 5,
}

impl FrameKind {
    fn from_code(code: u8) -> Option<FrameKind> {
        use FrameKind::*;
        [Records, Parts, Marker, Edit, Pad].get(usize::from(code).checked_sub(1)?).copied()
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of the payload, without padding.
    pub len: u32,
    /// What it holds.
    pub kind: FrameKind,
    /// Codec of the payload.
    pub codec: u8,
    /// Seq of the first record, or the next one where there is none.
    pub seq: Seq,
    /// Offset up to which the file was known durable when this was written.
    pub promise: u64,
    /// Header checksum of the frame before.
    pub previous: u32,
    /// Checksum of the payload.
    pub payload_crc: u32,
    /// Records in the payload.
    pub records: u32,
    /// Raw part bytes in the payload.
    pub raw: u32,
    /// Checksum of this header.
    pub crc: u32,
}

fn header_crc(bytes: &[u8], offset: u64, salt: u64) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&salt.to_le_bytes());
    crc.update(&offset.to_le_bytes());
    crc.update(bytes);
    crc.finalize()
}

/// Bytes that a frame with such a payload takes.
pub fn frame_bytes(len: usize) -> usize {
    FRAME_HEADER_BYTES + len.next_multiple_of(FRAME_ALIGN)
}

impl FrameHeader {
    fn encode(&self, offset: u64, salt: u64) -> [u8; FRAME_HEADER_BYTES] {
        let mut b = [0u8; FRAME_HEADER_BYTES];
        b[0..4].copy_from_slice(&self.len.to_le_bytes());
        b[4] = self.kind as u8;
        b[5] = self.codec;
        b[8..16].copy_from_slice(&self.seq.0.to_le_bytes());
        b[16..24].copy_from_slice(&self.promise.to_le_bytes());
        b[24..28].copy_from_slice(&self.previous.to_le_bytes());
        b[28..32].copy_from_slice(&self.payload_crc.to_le_bytes());
        b[32..36].copy_from_slice(&self.records.to_le_bytes());
        b[36..40].copy_from_slice(&self.raw.to_le_bytes());
        let crc = header_crc(&b[..44], offset, salt);
        b[44..48].copy_from_slice(&crc.to_le_bytes());
        b
    }

    /// Reads the header at the start of `bytes`, which stand at `offset` of a file with this
    /// salt. `None` where there is no valid one.
    pub fn parse(bytes: &[u8], offset: u64, salt: u64) -> Option<FrameHeader> {
        let b: &[u8; FRAME_HEADER_BYTES] = bytes.first_chunk()?;
        let kind = FrameKind::from_code(b[4])?;
        let u32_at = |at: usize| u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let header = FrameHeader {
            len: u32_at(0),
            kind,
            codec: b[5],
            seq: Seq(u64_at(8)),
            promise: u64_at(16),
            previous: u32_at(24),
            payload_crc: u32_at(28),
            records: u32_at(32),
            raw: u32_at(36),
            crc: u32_at(44),
        };
        let sound = b[6..8] == [0, 0]
            && b[40..44] == [0; 4]
            && frame_bytes(header.len as usize) <= FRAME_BYTES_MAX
            && header.crc == header_crc(&b[..44], offset, salt);
        sound.then_some(header)
    }

    /// Bytes of the whole frame.
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(self.len as usize) as u64
    }
}

/// Appends frames one after the other: knows where the next one stands and what it follows.
#[derive(Debug, Clone)]
pub struct FrameWriter {
    salt: u64,
    offset: u64,
    previous: u32,
}

impl FrameWriter {
    /// For a file with this salt whose first frame stands at `offset`.
    pub fn new(salt: u64, offset: u64) -> FrameWriter {
        FrameWriter { salt, offset, previous: 0 }
    }

    /// Where the next frame will stand.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Header checksum of the last frame.
    pub fn previous(&self) -> u32 {
        self.previous
    }

    /// Appends a frame's bytes to `out` and gives its header.
    #[expect(clippy::too_many_arguments, reason = "they are the header's fields")]
    pub fn frame(
        &mut self,
        kind: FrameKind,
        codec: u8,
        seq: u64,
        promise: u64,
        records: u32,
        raw: u32,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> FrameRef {
        assert!(frame_bytes(payload.len()) <= FRAME_BYTES_MAX, "a frame is longer than its limit");
        let mut header = FrameHeader {
            len: payload.len() as u32,
            kind,
            codec,
            seq: Seq(seq),
            promise,
            previous: self.previous,
            payload_crc: crc32fast::hash(payload),
            records,
            raw,
            crc: 0,
        };
        let bytes = header.encode(self.offset, self.salt);
        header.crc = u32::from_le_bytes([bytes[44], bytes[45], bytes[46], bytes[47]]);
        let offset = self.offset;
        self.previous = header.crc;
        self.offset += header.frame_bytes();
        out.extend_from_slice(&bytes);
        out.extend_from_slice(payload);
        out.resize(out.len() + payload.len().next_multiple_of(FRAME_ALIGN) - payload.len(), 0);
        FrameRef { offset, header }
    }
}
