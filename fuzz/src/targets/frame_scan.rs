//! A file of frames: every frame before the damage is found, and none behind it. Behind the
//! checksums: bodies of frames, and the table of a log over them.

use super::folder::MemoryFile;
use super::{KEY, edit};
use arbitrary::{Result, Unstructured};
use std::cell::RefCell;
use std::path::PathBuf;
use tracekeep::Id;
use tracekeep::id::Seq;
use tracekeep::internals::codec::compress::{Compressor, Decompressor};
use tracekeep::internals::codec::{CODEC_ID, Listed, decode_record, encode_record};
use tracekeep::internals::frame::{
    FILE_HEADER_BYTES, FileHeader, FileKind, FrameKind, FrameWriter, GroupBuilder, GroupView,
    Previous, Scan, scan,
};
use tracekeep::internals::log::{LogReader, LogTable};
use tracekeep::model::{
    Body, Field, FieldValue, Map, MapEntry, Operation, Record, Subject, Target, Timestamp, Value,
};

/// Longer payloads are not read: a list may name one part a million times, and may say so.
const PAYLOAD_BYTES: u64 = 1 << 20;

thread_local! {
    static ZSTD: RefCell<Compressor> = RefCell::new(Compressor::new(1));
}

fn header() -> FileHeader {
    FileHeader {
        kind: FileKind::Log,
        store: 1,
        key: KEY,
        salt: 2,
        number: 3,
        created_ns: 4,
        previous: Previous::default(),
    }
}

/// The first byte says what the others are: a file, lengths of frames and a damage, the body of a
/// frame, what to change in a sound one, or what to build one of.
pub fn frame_scan(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else { return };
    let u = &mut Unstructured::new(rest);
    match which % 5 {
        0 => check_file(rest),
        1 => check_damage(rest),
        2 => check_log(&[rest.to_vec()]),
        3 => {
            let mut bodies = sound();
            edit::each(u, &mut |u| {
                let at = usize::from(u.arbitrary::<u8>()?) % bodies.len();
                edit::bytes(u, &mut bodies[at])
            });
            check_log(&bodies);
        }
        _ => {
            let mut bodies = Vec::new();
            let mut next_part = 0;
            while !u.is_empty()
                && bodies.len() < 4
                && let Ok(group) = group(u, next_part)
            {
                next_part = group.next_part();
                bodies.push(body(&group));
            }
            check_log(&bodies);
        }
    }
}

fn check_file(data: &[u8]) {
    let _may_be_none = FileHeader::parse(data, FileKind::Log);
    let header = header();
    let mut file = header.encode().to_vec();
    file.extend_from_slice(data);
    check_scan(&file, &header);
}

/// Writes frames of up to 255 bytes, as the lengths in `data` say, and changes one byte.
fn check_damage(data: &[u8]) {
    let Some((flip, data)) = data.split_first() else { return };
    let header = header();
    let mut file = header.encode().to_vec();
    let mut writer = FrameWriter::new(header.salt, file.len() as u64);
    let mut frames = Vec::new();
    let mut rest = data;
    while let [len, bytes @ ..] = rest {
        let (payload, left) = bytes.split_at(bytes.len().min(usize::from(*len)));
        let seq = frames.len() as u64 + 1;
        let kind = FrameKind::Records;
        frames.push(writer.frame(kind, CODEC_ID, seq, 0, 1, 0, payload, &mut file));
        rest = left;
    }
    assert_eq!(scan(&file, &header).frames, frames);
    let body = file.len() - FILE_HEADER_BYTES;
    let Some(at) = data.iter().fold(0usize, |sum, b| sum + usize::from(*b)).checked_rem(body)
    else {
        return;
    };
    let at = FILE_HEADER_BYTES + at;
    file[at] ^= *flip;
    let scan = check_scan(&file, &header);
    let damaged = if *flip == 0 { usize::MAX } else { at };
    let whole = frames.iter().take_while(|f| f.end() as usize <= damaged).count();
    assert_eq!(scan.frames, frames[..whole]);
}

fn check_scan(file: &[u8], header: &FileHeader) -> Scan {
    let scan = scan(file, header);
    let mut end = FILE_HEADER_BYTES as u64;
    for found in &scan.frames {
        assert_eq!(found.offset, end);
        end = found.end();
        assert_eq!(found.payload(file).len(), found.header.len as usize);
    }
    assert_eq!(scan.end, end);
    assert!(end <= file.len() as u64);
    // What is behind a log's last frame is the end of the file, or zeros up to it.
    assert_eq!(scan.stop.is_none(), file[end as usize..].iter().all(|b| *b == 0));
    assert_eq!(
        scan.written(file.len() as u64),
        if scan.stop.is_some() { file.len() as u64 } else { end }
    );
    assert!(scan.beyond.iter().all(|found| found.offset >= end));
    assert!(scan.promise_max <= file.len() as u64);
    scan
}

/// Puts the bodies into frames whose checksums are right, and reads the log as a store does.
fn check_log(bodies: &[Vec<u8>]) {
    let header = header();
    let mut file = header.encode().to_vec();
    let mut writer = FrameWriter::new(header.salt, file.len() as u64);
    let mut seq = 1;
    for body in bodies {
        let records = GroupView::parse(body).map_or(0, |view| view.records().count());
        let (kind, count) = (FrameKind::Records, records as u32);
        writer.frame(kind, CODEC_ID, seq, 0, count, 0, body, &mut file);
        seq += records as u64;
    }
    let scan = check_scan(&file, &header);
    assert_eq!(scan.frames.len(), bodies.len());
    let table = LogTable::new(PathBuf::from("log"), MemoryFile::of(file.clone()), &header);
    for frame in &scan.frames {
        let payload = frame.payload(&file);
        read_pieces(payload);
        if table.add(frame, payload).is_err() {
            break;
        }
    }
    read_table(&table);
}

fn read_pieces(body: &[u8]) {
    let Ok(group) = GroupView::parse(body) else { return };
    let mut decompressor = Decompressor::new();
    let mut raw = Vec::new();
    for piece in group.pieces() {
        let start = piece.body_offset as usize;
        let stored = body.get(start..start + piece.stored_len as usize);
        let stored = stored.unwrap_or_else(|| panic!("a piece ends behind its body: {piece:?}"));
        if piece.read(stored, &mut decompressor, &mut raw).is_ok() {
            assert_eq!(raw.len(), piece.raw_len as usize);
        }
    }
}

/// Asks everything of a table. What it took in decodes.
fn read_table(table: &LogTable<MemoryFile>) {
    let all = Seq(u64::MAX);
    let mut reader = LogReader::new(table, 8);
    let mut found = 0;
    for identity in table.traces(all) {
        let mut records = Vec::new();
        let read = table.each_of_trace(identity, all, &mut |appended| records.push(appended));
        read.expect("records that were taken in");
        assert!(!records.is_empty());
        found += records.len();
        for appended in records {
            read_payloads(&mut reader, appended.record);
        }
    }
    for identity in table.scores(all) {
        let records = table.score(identity, all).expect("records that were taken in");
        found += records.len();
        assert!(table.has_score(identity));
    }
    assert_eq!(found as u64, table.records());
    let range = table.range(Seq(0), all).expect("records that were taken in");
    assert_eq!(range.len(), found);
    let tombstones = table.tombstones().expect("tombstones that were taken in");
    assert!(tombstones.iter().all(|t| t.record.body == Body::Tombstone));
}

fn read_payloads(
    reader: &mut LogReader<'_, MemoryFile>,
    record: Record<tracekeep::model::PayloadRef>,
) {
    let mut payloads = Vec::new();
    let _moved = record.map_payloads(&mut |payload| payloads.push(payload));
    for payload in payloads.into_iter().filter(|p| p.len <= PAYLOAD_BYTES) {
        let mut out = Vec::new();
        if reader.read(payload.number, payload.len, &mut out).is_ok() {
            assert_eq!(out.len() as u64, payload.len);
        }
    }
}

fn body(group: &GroupBuilder) -> Vec<u8> {
    let mut out = Vec::new();
    ZSTD.with_borrow_mut(|compressor| group.write(compressor, &mut out));
    out
}

/// A log of two frames, with a payload of a part and a literal.
fn sound() -> Vec<Vec<u8>> {
    let mut group = GroupBuilder::new(0);
    let part = group.push_part(b"a part of more than thirty-two bytes, as parts are");
    let list = group.push_list(&[1 << 2, 0, 2 << 2 | 2, b'!', b'?']);
    let listed = Listed { len: 52, print: 9, list };
    let target = Target::Observation { trace: Id::hex32(5), observation: Id::hex16(part.into()) };
    let value = Value::Payload(listed);
    group.push_record(&encoded(
        target,
        vec![FieldValue { field: Field::Input, weak: false, value }],
    ));
    let mut second = GroupBuilder::new(group.next_part());
    let score = Target::Score { score: Id::hex16(7) };
    let value = Value::Subject(Subject::Trace(Id::hex32(5)));
    let subject = FieldValue { field: Field::Subject, weak: false, value };
    second.push_record(&encoded(score, vec![subject]));
    vec![body(&group), body(&second)]
}

fn encoded(target: Target, fields: Vec<FieldValue<Listed>>) -> Vec<u8> {
    let (time, operation) = (Timestamp(3), Operation::Create);
    let mut out = Vec::new();
    encode_record(&Record { target, time, operation, body: Body::Fields(fields) }, &mut out);
    out
}

/// A group of records, lists and parts: the lists and some records are any bytes.
fn group(u: &mut Unstructured<'_>, first_part: u32) -> Result<GroupBuilder> {
    let skip = u.arbitrary::<u8>()?;
    let mut group = GroupBuilder::new(first_part + u32::from(skip.is_multiple_of(16)));
    for _ in 0..u.arbitrary::<u8>()? % 12 {
        let len = usize::from(u.arbitrary::<u8>()?);
        match u.arbitrary::<u8>()? % 4 {
            0 => {
                let part = u.bytes(len.min(u.len()))?.repeat(usize::from(skip % 32));
                group.push_part(&part[..part.len().min(16 << 10)]);
            }
            1 => _ = group.push_list(u.bytes(len.min(u.len()))?),
            2 => group.push_record(u.bytes(len.min(u.len()))?),
            _ => {
                let record = record(u)?;
                // A record that nothing can be wrong with, but for the lists that it names.
                assert!(decode_record(&record).is_ok());
                group.push_record(&record);
            }
        }
    }
    Ok(group)
}

fn record(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let trace = Id::hex32(u128::from(u.arbitrary::<u8>()? % 4));
    let listed = |u: &mut Unstructured<'_>| -> Result<Listed> {
        let list = u32::from(u.arbitrary::<u8>()?);
        Ok(Listed { len: u64::from(u.arbitrary::<u16>()?), print: 0, list })
    };
    let target = match u.arbitrary::<u8>()? % 3 {
        0 => Target::Trace { trace },
        1 => Target::Observation { trace, observation: Id::hex16(u.arbitrary::<u8>()?.into()) },
        _ => Target::Score { score: Id::hex16(u.arbitrary::<u8>()?.into()) },
    };
    let text = listed(u)?;
    let end = u32::try_from(text.len).unwrap_or(0);
    let entry = MapEntry { key: "k".into(), value: end / 2..end, weak: false };
    let values = [
        (Field::Input, Value::Payload(listed(u)?)),
        (Field::Metadata, Value::Map(Map { text, entries: vec![entry] })),
    ];
    let fields = values.map(|(field, value)| FieldValue { field, weak: false, value });
    Ok(encoded(target, fields.into()))
}
