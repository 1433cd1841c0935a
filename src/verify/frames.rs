//! What is in the frames of a log: groups, records, pieces of parts, payloads.

use super::affects::{Affects, Traces};
use super::finding::Findings;
use super::gaps::Gaps;
use super::prints::{Assembled, Prints};
use crate::codec::compress::Decompressor;
use crate::codec::{CODEC_ID, Listed, decode_record};
use crate::error::Fault;
use crate::frame::{FrameKind, FrameRef, GroupView};
use crate::id::{Id, StoreKey};
use crate::limits::{LOG_PARTS_MAX, PAYLOAD_BYTES_MAX};
use crate::model::{FieldValue, Record, Target, Value};
use std::path::Path;

/// Reads what is in frames, in order.
#[derive(Debug)]
pub struct Content<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    prints: Prints,
    decompressor: Decompressor<'static>,
    scratch: Vec<u8>,
    gaps: Gaps,
}

impl<'a> Content<'a> {
    /// For a log with these bytes.
    pub fn new(path: &'a Path, bytes: &'a [u8], key: &StoreKey, gaps: Gaps) -> Content<'a> {
        let (decompressor, scratch) = (Decompressor::new(), Vec::new());
        Content { path, bytes, prints: Prints::new(key), decompressor, scratch, gaps }
    }

    /// Where frames are missing, and what is known of it by now.
    pub fn gaps(self) -> Gaps {
        self.gaps
    }

    /// Checks a frame that was found again after damage.
    pub fn frame_beyond(&mut self, frame: &FrameRef, findings: &mut Findings<'_>) -> bool {
        let first = GroupView::parse(frame.payload(self.bytes)).map(|view| view.first_part());
        let before = self.prints.len();
        // No more than a log has: the number is a sound frame's, and may still be a forger's.
        let near = |first: &u32| *first > before && first - before <= LOG_PARTS_MAX * 4;
        if let Some(first) = first.ok().filter(near) {
            self.gaps.parts(frame.offset, before..first);
            self.prints.skip_to(first);
        }
        self.frame(frame, findings)
    }

    /// Checks the next frame; `false` where what follows cannot be understood.
    pub fn frame(&mut self, frame: &FrameRef, findings: &mut Findings<'_>) -> bool {
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

    fn records(&mut self, view: &GroupView, frame: &FrameRef, findings: &mut Findings<'_>) {
        let base = frame.payload_offset();
        let mut lists = Vec::with_capacity(view.lists());
        for number in 0..view.lists() {
            let list = view.list(number).unwrap_or_default();
            lists.push(self.prints.assemble(list, PAYLOAD_BYTES_MAX as u64));
        }
        for (at, bytes) in (0u64..).zip(view.records()) {
            let seq = frame.header.seq.0.saturating_add(at);
            let affects = Affects::from(format!("the record of seq {seq}"));
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
                    Some(Ok(Assembled::Unknown(part))) => {
                        self.gaps.need(*part, trace_of(&record));
                        continue;
                    }
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
                let what = format!("field {} of the record of seq {seq}", field.field.code());
                let affects = Affects::new(what, Traces::one(trace_of(&record).cloned()));
                findings.damage((self.path, base), expected, found, affects);
            }
        }
    }
}

/// The trace that a record is about, as far as it says so.
fn trace_of(record: &Record<Listed>) -> Option<&Id> {
    match &record.target {
        Target::Trace { trace } | Target::Observation { trace, .. } => Some(trace),
        Target::Score { .. } => record.fields().iter().find_map(|field| match &field.value {
            Value::Subject(subject) => subject.trace(),
            _ => None,
        }),
    }
}

fn payload_of(field: &FieldValue<Listed>) -> Option<(&FieldValue<Listed>, &Listed)> {
    match &field.value {
        Value::Payload(payload) => Some((field, payload)),
        Value::Map(map) => Some((field, &map.text)),
        _ => None,
    }
}
