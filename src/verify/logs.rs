//! Live logs: how they follow one another, every frame, and what is in it.

use super::finding::{Findings, Severity};
use super::manifest::read_whole;
use super::prints::{Assembled, Prints};
use crate::codec::compress::Decompressor;
use crate::codec::{CODEC_ID, Listed, decode_record};
use crate::error::{Fault, Result};
use crate::frame::{
    FILE_HEADER_BYTES, FileHeader, FileKind, FrameKind, FrameRef, GroupView, Previous, Scan, scan,
};
use crate::fs::{Dir, File, FileName};
use crate::id::Seq;
use crate::limits::{FRAME_BYTES_MAX, LOG_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::manifest::LogState;
use crate::model::{FieldValue, Value};
use std::path::{Path, PathBuf};

/// A log ends at its limit, give or take the largest frames; twice that is no log.
const LOG_READ_MAX: u64 = LOG_BYTES_MAX * 2 + FRAME_BYTES_MAX as u64;

struct Log<'a, F> {
    state: LogState,
    path: PathBuf,
    file: &'a F,
    header: Option<FileHeader>,
}

/// Checks all live logs, oldest first. `sealed` is the last seq of the segments.
///
/// # Errors
/// `Io`, `UnsupportedFormat`.
pub fn check<D: Dir>(
    dir: &D,
    logs: &[(LogState, Option<D::File>)],
    store: &FileHeader,
    sealed: Option<Seq>,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let mut live = Vec::with_capacity(logs.len());
    for (state, file) in logs {
        let path = dir.path().join(FileName::Log(state.id).to_string());
        let Some(file) = file else {
            let affects = "every record in it";
            findings.damage((&path, 0), "a live log", "the file is missing", affects);
            continue;
        };
        let header = read_header(&path, file, state, store, findings)?;
        live.push(Log { state: *state, path, file, header });
    }
    let mut seq = Seq(sealed.map_or(0, |s| s.0.saturating_add(1)));
    for (at, log) in live.iter().enumerate() {
        let next = live.get(at + 1);
        let previous = next.and_then(|n| n.header.as_ref()).map(|h| h.previous);
        let previous = previous.filter(|p| p.number == log.state.id.0);
        if let Some(next) = next {
            check_link(log, next, previous, findings);
        }
        seq = check_log(log, previous, next.is_none(), seq, findings)?;
    }
    Ok(())
}

fn read_header<F: File>(
    path: &Path,
    file: &F,
    state: &LogState,
    store: &FileHeader,
    findings: &mut Findings<'_>,
) -> Result<Option<FileHeader>> {
    let mut bytes = [0u8; FILE_HEADER_BYTES];
    let n = file.read_at(&mut bytes, 0)?;
    let affects = "every record in it";
    match FileHeader::parse(&bytes[..n], FileKind::Log) {
        Err(fault) => {
            findings.error(path, fault.in_file(path), "a file header", affects)?;
            Ok(None)
        }
        Ok(header) => {
            let own = header.store == store.store && header.key == store.key;
            if !own || header.number != state.id.0 {
                let found = "a log of another store or another number";
                findings.damage((path, 0), "a log of this store", found, affects);
            }
            Ok(Some(header))
        }
    }
}

/// Whether the next log's header and the manifest agree on what comes before it.
fn check_link<F>(
    log: &Log<'_, F>,
    next: &Log<'_, F>,
    previous: Option<Previous>,
    findings: &mut Findings<'_>,
) {
    let Some(header) = &next.header else { return };
    let stated = header.previous.number;
    if stated != 0 && stated < log.state.id.0 {
        let expected = format!("a log that follows log {}", log.state.id);
        let affects = "records between these logs";
        findings.damage((&next.path, 0), expected, format!("it follows log {stated}"), affects);
    }
    if let (Some(previous), Some(end)) = (previous, log.state.end)
        && previous.end != end
    {
        let found = format!("the next log says byte {}", previous.end);
        let affects = "records at the end of the log";
        findings.damage((&log.path, end), format!("the end at byte {end}"), found, affects);
    }
}

/// Checks one log and gives the seq after its last record.
fn check_log<F: File>(
    log: &Log<'_, F>,
    previous: Option<Previous>,
    last: bool,
    seq: Seq,
    findings: &mut Findings<'_>,
) -> Result<Seq> {
    let Some(header) = &log.header else { return Ok(seq) };
    let path = log.path.as_path();
    let bytes = match read_whole(log.file, path, LOG_READ_MAX) {
        Ok(bytes) => bytes,
        Err(e) => {
            findings.error(path, e, "a log within its limits", "every record in it")?;
            return Ok(seq);
        }
    };
    let mut scan = scan(&bytes, header);
    let end = log.state.end.or(previous.map(|p| p.end));
    // A log that has a successor was synced as a whole, whoever recorded where it ends.
    let end = end.or((!last).then_some(bytes.len() as u64));
    check_extent(path, &bytes, &scan, end, findings);
    if let Some(end) = end {
        scan.frames.retain(|frame| frame.end() <= end);
        let crc = scan.frames.last().map_or(0, |frame| frame.header.crc);
        if let Some(previous) = previous.filter(|p| p.crc != crc && scan.end >= p.end) {
            let expected = format!("a last frame with checksum {:08x}", previous.crc);
            let affects = "records at the end of the log";
            findings.damage((path, end), expected, format!("checksum {crc:08x}"), affects);
        }
    }
    check_seqs(path, &scan, seq, findings);
    let mut content = Content {
        path,
        bytes: &bytes,
        prints: Prints::new(&header.key),
        decompressor: Decompressor::new(),
        scratch: Vec::new(),
    };
    for frame in &scan.frames {
        if !content.frame(frame, findings) {
            break;
        }
    }
    let after = |f: &FrameRef| f.header.seq.0.saturating_add(u64::from(f.header.records));
    Ok(Seq(scan.frames.last().map_or(seq.0, after).max(seq.0)))
}

/// Whether the frames reach to where the log ends, or as far as was promised.
fn check_extent(
    path: &Path,
    bytes: &[u8],
    scan: &Scan,
    end: Option<u64>,
    findings: &mut Findings<'_>,
) {
    let len = bytes.len() as u64;
    let promised = scan.promise_max.max(end.unwrap_or(0));
    let what = match &scan.stop {
        Some(stop) => stop.what.clone(),
        None => format!("the file ends at byte {len}"),
    };
    if scan.end < promised {
        let beyond = scan.beyond.len();
        let affects = match scan.frames.last() {
            Some(last) => format!("frames after seq {}; {beyond} are found again", last.header.seq),
            None => format!("every record in it; {beyond} frames are found again"),
        };
        let expected = format!("frames up to byte {promised}");
        findings.damage((path, scan.end), expected, what, affects);
        return;
    }
    if let Some(end) = end {
        if end < len {
            let found = format!("{} bytes that recovery set aside", len - end);
            let (severity, at) = (Severity::Note, (path, end));
            findings.report(severity, at, "the end of the log", found, "nothing");
        }
        if end > FILE_HEADER_BYTES as u64 && !scan.frames.iter().any(|f| f.end() == end) {
            let expected = "the end of a frame";
            let found = "the middle of one";
            findings.damage((path, end), expected, found, "records at the end of the log");
        }
    } else if let Some(stop) = &scan.stop {
        let affects = "nothing that was promised";
        findings.report(Severity::TornTail, (path, stop.offset), "a frame", what, affects);
    }
}

fn check_seqs(path: &Path, scan: &Scan, seq: Seq, findings: &mut Findings<'_>) {
    let first = scan.frames.iter().find(|f| f.header.records > 0);
    if let Some(frame) = first.filter(|f| f.header.seq < seq) {
        let expected = format!("seq {seq} or more");
        let found = format!("seq {}", frame.header.seq);
        let affects = "the order of records of different files";
        findings.damage((path, frame.offset), expected, found, affects);
    }
}

/// Reads what is in frames, in order.
struct Content<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    prints: Prints,
    decompressor: Decompressor,
    scratch: Vec<u8>,
}

impl Content<'_> {
    /// `false` where what follows cannot be understood.
    fn frame(&mut self, frame: &FrameRef, findings: &mut Findings<'_>) -> bool {
        let (path, base) = (self.path, frame.payload_offset());
        let kind = frame.header.kind;
        if matches!(kind, FrameKind::Marker | FrameKind::Pad) {
            return true;
        }
        if kind == FrameKind::Edit || frame.header.codec != CODEC_ID {
            let found = "another kind of frame or another codec";
            findings.damage((path, frame.offset), "a frame of a log", found, "frames after it");
            return false;
        }
        let body = frame.payload(self.bytes);
        let view = match GroupView::parse(body) {
            Ok(view) => view,
            Err(fault) => {
                findings.fault((path, base), fault, "a group of records", "frames after it");
                return false;
            }
        };
        if view.first_part() != self.prints.len() {
            let expected = format!("part {} first", self.prints.len());
            let found = format!("part {}", view.first_part());
            findings.damage((path, base), expected, found, "payloads of the frames after it");
            return false;
        }
        let records = view.records().count();
        let raw: u64 = view.part_lens().iter().map(|len| u64::from(*len)).sum();
        if records as u64 != u64::from(frame.header.records)
            || raw != u64::from(frame.header.raw)
            || (kind == FrameKind::Parts && records > 0)
        {
            let expected = format!(
                "{} records and {} bytes of parts, as its header says",
                frame.header.records, frame.header.raw
            );
            let found = format!("{records} records and {raw} bytes of parts");
            findings.damage((path, frame.offset), expected, found, "the frame");
        }
        self.pieces(&view, body, base, findings);
        self.records(&view, frame, findings);
        true
    }

    fn pieces(&mut self, view: &GroupView, body: &[u8], base: u64, findings: &mut Findings<'_>) {
        let mut lens = view.part_lens().iter();
        for piece in view.pieces() {
            let start = piece.body_offset as usize;
            let stored = start..start.saturating_add(piece.stored_len as usize);
            let stored = body.get(stored).unwrap_or_default();
            let first = self.prints.len();
            let read = piece.read(stored, &mut self.decompressor, &mut self.scratch);
            if let Err(fault) = read {
                let end = first.saturating_add(piece.part_count);
                let affects = format!("payloads of the log with parts {first} to {end}");
                let at = (self.path, base + u64::from(piece.body_offset));
                findings.fault(at, fault, "a piece of parts", affects);
                lens.by_ref().take(piece.part_count as usize).for_each(|_| {});
                self.prints.skip_to(end);
                continue;
            }
            let mut rest = self.scratch.as_slice();
            for len in lens.by_ref().take(piece.part_count as usize) {
                let (part, left) = rest.split_at_checked(*len as usize).unwrap_or((rest, &[]));
                self.prints.push(part);
                rest = left;
            }
        }
    }

    fn records(&self, view: &GroupView, frame: &FrameRef, findings: &mut Findings<'_>) {
        let base = frame.payload_offset();
        let mut lists = Vec::with_capacity(view.lists());
        for number in 0..view.lists() {
            let list = view.list(number).unwrap_or_default();
            lists.push(self.prints.assemble(list, PAYLOAD_BYTES_MAX as u64));
        }
        for (at, bytes) in (0u64..).zip(view.records()) {
            let seq = frame.header.seq.0.saturating_add(at);
            let affects = format!("the record of seq {seq}");
            let record = match decode_record(bytes) {
                Ok(record) => record,
                Err(fault) => {
                    let fault = Fault::new(0, fault.what);
                    findings.fault((self.path, base), fault, "a record", affects);
                    continue;
                }
            };
            for (field, payload) in record.fields().iter().filter_map(payload_of) {
                let found = match lists.get(payload.list as usize) {
                    None => format!("list {} of {}", payload.list, lists.len()),
                    Some(Err(fault)) => fault.what.clone(),
                    Some(Ok(Assembled::Unknown)) => continue,
                    Some(Ok(Assembled::Payload { len, print })) => {
                        if (*len, *print) == (payload.len, payload.print) {
                            continue;
                        }
                        format!("{len} bytes with fingerprint {print:016x}")
                    }
                };
                let expected = format!(
                    "a payload of {} bytes with fingerprint {:016x}",
                    payload.len, payload.print
                );
                let affects = format!("field {} of the record of seq {seq}", field.field.code());
                findings.damage((self.path, base), expected, found, affects);
            }
        }
    }
}

fn payload_of(field: &FieldValue<Listed>) -> Option<(&FieldValue<Listed>, &Listed)> {
    match &field.value {
        Value::Payload(payload) => Some((field, payload)),
        Value::Map(map) => Some((field, &map.text)),
        _ => None,
    }
}
