//! One scanner for recovery, verify, dump, followers and fuzzing: which bytes of a file are
//! frames, and why it stops where it stops.

use super::{FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FileKind, FrameHeader};
use crate::codec::CODEC_ID;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Seq;
use crate::limits::{FRAME_ALIGN, NUMBER_MAX};
use crate::planted::{self, Bug};
use std::path::Path;

/// A frame in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRef {
    /// Where it starts.
    pub offset: u64,
    /// Its header.
    pub header: FrameHeader,
}

impl FrameRef {
    /// Where its payload starts.
    pub fn payload_offset(&self) -> u64 {
        self.offset + FRAME_HEADER_BYTES as u64
    }

    /// Where the next frame starts.
    pub fn end(&self) -> u64 {
        self.offset + self.header.frame_bytes()
    }

    /// Its payload in the bytes of the whole file.
    pub fn payload<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        let start = self.payload_offset() as usize;
        file.get(start..start.saturating_add(self.header.len as usize)).unwrap_or_default()
    }

    /// Whether this version can read what is in it.
    ///
    /// # Errors
    /// `UnsupportedFormat` for another codec.
    pub fn check_codec(&self, path: &Path) -> Result<()> {
        if self.header.codec == CODEC_ID {
            return Ok(());
        }
        let (path, at, codec) = (path.display(), self.offset, self.header.codec);
        let what = format!(
            "{path}: at byte {at}: the frame is written with codec {codec}, and this version reads \
             {CODEC_ID}; upgrade tracekeep"
        );
        Err(Error::new(ErrorKind::UnsupportedFormat, what))
    }
}

/// Where and why a scan stops before the end of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The first byte that is no frame.
    pub offset: u64,
    /// Why it is none.
    pub what: String,
}

/// The frames of a file.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Frames in order, each chained to the one before.
    pub frames: Vec<FrameRef>,
    /// The end of the last of these.
    pub end: u64,
    /// Why that is not the end of the file. Zeros after the last frame of a log are none: they are
    /// laid ahead of what is written next.
    pub stop: Option<Stop>,
    /// Valid frames found after the stop. They count for their promises only.
    pub beyond: Vec<FrameRef>,
    /// The highest promise of any of these frames.
    pub promise_max: u64,
}

impl Scan {
    /// Where what was written ends, in a file of this length.
    pub fn written(&self, len: u64) -> u64 {
        if self.stop.is_some() { len } else { self.end }
    }

    /// The frames after the stop whose payload is sound too, none of them inside another: what
    /// can be saved of a damaged file.
    pub fn sound_beyond(&self, file: &[u8]) -> Vec<FrameRef> {
        let mut sound: Vec<FrameRef> = Vec::new();
        for frame in &self.beyond {
            let free = sound.last().is_none_or(|last| last.end() <= frame.offset);
            let rest = file.get(frame.offset as usize..).unwrap_or_default();
            if free && check_payload(rest, &frame.header).is_ok() {
                sound.push(*frame);
            }
        }
        sound
    }
}

/// Scans a whole file, its 128-byte header included. Cost: its bytes, read once.
pub fn scan(file: &[u8], header: &FileHeader) -> Scan {
    let mut scan = scan_from(file, 0, header.salt, FILE_HEADER_BYTES as u64, 0, Seq(0));
    let rest = file.get(scan.end as usize..).unwrap_or_default();
    if header.kind == FileKind::Log && rest.iter().all(|b| *b == 0) {
        // Laid ahead, or never written: the log ends here.
        scan.stop = None;
    } else if scan.stop.is_some() {
        salvage(file, header.salt, &mut scan);
    }
    scan
}

/// Scans the frames from `offset` on, where `bytes` start at `base` of the file. The frame
/// before had the header checksum `previous` and its records seqs below `seq`. Does not look
/// past the first bad byte.
pub fn scan_from(bytes: &[u8], base: u64, salt: u64, offset: u64, previous: u32, seq: Seq) -> Scan {
    let mut scan = Scan { end: offset, ..Scan::default() };
    let (mut previous, mut seq) = (previous, seq);
    loop {
        let at = scan.end.saturating_sub(base) as usize;
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return scan;
        }
        match frame_at(rest, scan.end, salt, previous, seq) {
            Ok(frame) => {
                previous = frame.header.crc;
                seq = Seq(frame.header.seq.0.saturating_add(u64::from(frame.header.records)));
                scan.end = frame.end();
                scan.promise_max = scan.promise_max.max(frame.header.promise);
                scan.frames.push(frame);
            }
            Err(what) => {
                scan.stop = Some(Stop { offset: scan.end, what });
                return scan;
            }
        }
    }
}

fn frame_at(
    rest: &[u8],
    offset: u64,
    salt: u64,
    previous: u32,
    seq: Seq,
) -> Result<FrameRef, String> {
    let Some(header) = FrameHeader::parse(rest, offset, salt) else {
        return Err(match rest.iter().all(|b| *b == 0) {
            true => format!("{} zero bytes to the end of the file", rest.len()),
            false => "no valid frame header".to_owned(),
        });
    };
    if header.previous != previous {
        return Err(format!(
            "the frame follows one with checksum {:08x}, not {previous:08x}",
            header.previous
        ));
    }
    if header.seq < seq {
        return Err(format!("seq {} comes after seq {seq}", header.seq));
    }
    if header.seq.0 >= NUMBER_MAX {
        return Err(format!("seq {} is more than any store comes to", header.seq));
    }
    if header.promise > offset {
        return Err(format!("the frame promises byte {}, which is after it", header.promise));
    }
    check_payload(rest, &header)?;
    Ok(FrameRef { offset, header })
}

fn check_payload(rest: &[u8], header: &FrameHeader) -> Result<(), String> {
    let len = header.len as usize;
    let padded = FRAME_HEADER_BYTES + len.next_multiple_of(FRAME_ALIGN);
    let Some(frame) = rest.get(..padded) else {
        return Err(format!("the frame is cut off: {} of {padded} bytes are there", rest.len()));
    };
    let (payload, padding) = frame[FRAME_HEADER_BYTES..].split_at(len);
    let actual = crc32fast::hash(payload);
    if actual != header.payload_crc && !planted::is(Bug::FrameChecksumSkipped) {
        return Err(format!(
            "payload checksum {actual:08x} does not match {:08x}",
            header.payload_crc
        ));
    }
    if padding.iter().any(|b| *b != 0) {
        return Err("padding is not zero".to_owned());
    }
    Ok(())
}

/// Looks for valid headers at every multiple of 8 after the stop. A header counts for its
/// promise even where its payload is damaged: its own checksum vouches for it. Linear: a header
/// is checked once at each place, and a payload is not read.
fn salvage(file: &[u8], salt: u64, scan: &mut Scan) {
    let mut at = scan.end as usize;
    while let Some(rest) = file.get(at..) {
        if rest.len() < FRAME_HEADER_BYTES {
            return;
        }
        // Most bytes are no header; its kind and its zero bytes tell so before the checksum.
        let likely = matches!(rest[4], 1..=5) && rest[6..8] == [0, 0] && rest[40..44] == [0; 4];
        if likely && let Some(header) = FrameHeader::parse(rest, at as u64, salt) {
            scan.promise_max = scan.promise_max.max(header.promise.min(at as u64));
            scan.beyond.push(FrameRef { offset: at as u64, header });
        }
        at += FRAME_ALIGN;
    }
}
