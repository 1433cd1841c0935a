//! A small store, built from the floors below, and every bit of its files flipped.

#![expect(clippy::disallowed_methods, reason = "tests do to files what nobody should")]

mod dumped;
mod forged;
mod lost;
mod opened;
mod stopped;
mod unreadable;

use super::*;
use crate::codec::compress::Compressor;
use crate::codec::{CODEC_ID, Listed, encode_record};
use crate::frame::{FILE_HEADER_BYTES, FileKind, FrameKind, FrameWriter, GroupBuilder, Previous};
use crate::fs::RealDir;
use crate::id::{Id, LogId, SegmentId, Seq, StoreKey};
use crate::log::LogTable;
use crate::maintenance::{Go, Rewrite, Rewritten, rewrite};
use crate::manifest::{ManifestWriter, SegmentState};
use crate::model::{
    Body, Decimal, Field, FieldValue, Level, Map, MapEntry, Operation, Record, Subject, Target,
    Timestamp, Value,
};
use crate::part::{Deduper, ListBuilder, PartSink};
use crate::segment::{PayloadReader, SealLevel, Segment};
use crate::snapshot::{IndexPlan, View, write_index};
use std::path::PathBuf;

struct Sink<'a>(&'a mut GroupBuilder);

impl PartSink for Sink<'_> {
    fn part(&mut self, bytes: &[u8]) -> u32 {
        self.0.push_part(bytes)
    }
}

/// Writes the frames of one log.
struct LogBuilder {
    header: FileHeader,
    dedup: Deduper,
    frames: FrameWriter,
    bytes: Vec<u8>,
    seq: u64,
    part: u32,
    promise: u64,
}

impl LogBuilder {
    fn new(store: &FileHeader, number: u64, seq: u64, previous: Previous) -> LogBuilder {
        let salt = 1000 + number;
        let header = FileHeader { kind: FileKind::Log, number, salt, previous, ..store.clone() };
        let bytes = header.encode().to_vec();
        let frames = FrameWriter::new(salt, FILE_HEADER_BYTES as u64);
        let dedup = Deduper::new(&store.key, 1 << 20);
        LogBuilder { header, dedup, frames, bytes, seq, part: 0, promise: 0 }
    }

    fn frame(&mut self, records: Vec<Given>) {
        let mut group = GroupBuilder::new(self.part);
        for given in &records {
            let mut record = given.record.clone();
            for (field, payload) in &given.payloads {
                let mut list = ListBuilder::new();
                let (len, print) =
                    self.dedup.add(&[7], payload.clone(), &mut Sink(&mut group), &mut list);
                let mut encoded = Vec::new();
                list.encode(&mut encoded);
                let listed = Listed { len, print, list: group.push_list(&encoded) };
                let value = match field {
                    Field::Metadata => {
                        let end = payload.len() as u32 - 1;
                        let key = MapEntry { key: "k".into(), value: 5..end, weak: false };
                        Value::Map(Map { text: listed, entries: vec![key] })
                    }
                    _ => Value::Payload(listed),
                };
                let Body::Fields(fields) = &mut record.body else { continue };
                fields.push(FieldValue { field: *field, weak: false, value });
                fields.sort_by_key(|f| f.field);
            }
            let mut bytes = Vec::new();
            encode_record(&record, &mut bytes);
            group.push_record(&bytes);
        }
        self.part = group.next_part();
        let raw = group.part_bytes() as u32;
        let mut body = Vec::new();
        group.write(&mut Compressor::new(1), &mut body);
        let (kind, count) = (FrameKind::Records, records.len() as u32);
        let at = self.frames.offset();
        self.frames.frame(
            kind,
            CODEC_ID,
            self.seq,
            self.promise,
            count,
            raw,
            &body,
            &mut self.bytes,
        );
        self.promise = at;
        self.seq += u64::from(count);
    }

    fn end(&self) -> Previous {
        let (end, crc) = (self.frames.offset(), self.frames.previous());
        Previous { number: self.header.number, end, crc }
    }

    fn write(&self, dir: &RealDir) -> LogState {
        let id = LogId(self.header.number);
        let file = dir.create(FileName::Log(id)).unwrap();
        File::write_at(&file, &self.bytes, 0).unwrap();
        LogState { id, end: None }
    }

    fn table(&self, dir: &RealDir) -> Arc<LogTable<<RealDir as Dir>::File>> {
        let file = dir.open(FileName::Log(LogId(self.header.number))).unwrap();
        let table = LogTable::new(PathBuf::from("log"), file, &self.header);
        for frame in &crate::frame::scan(&self.bytes, &self.header).frames {
            table.add(frame, frame.payload(&self.bytes)).unwrap();
        }
        Arc::new(table)
    }
}

#[derive(Clone)]
struct Given {
    record: Record<Listed>,
    payloads: Vec<(Field, Vec<u8>)>,
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn given(target: Target, time: i64, values: Vec<(Field, Value<Listed>)>) -> Given {
    let value = |(field, value)| FieldValue { field, weak: false, value };
    let mut fields: Vec<FieldValue<Listed>> = values.into_iter().map(value).collect();
    fields.sort_by_key(|f| f.field);
    let (time, operation) = (Timestamp::from_ms(time), Operation::Create);
    let record = Record { target, time, operation, body: Body::Fields(fields) };
    Given { record, payloads: Vec::new() }
}

fn observation(trace: &str, name: &str, parent: Option<&str>, start: i64) -> Given {
    let target = Target::Observation { trace: id(trace), observation: id(name) };
    let mut values = vec![
        (Field::Name, Value::Text(name.into())),
        (Field::Start, Value::Time(Timestamp::from_ms(start))),
        (Field::End, Value::Time(Timestamp::from_ms(start + 5))),
        (Field::Level, Value::Level(Level::Error)),
        (Field::Usage, Value::Usage(vec![("input".into(), 3), ("output".into(), 4)])),
        (Field::Cost, Value::Cost(vec![("total".into(), Decimal(1_500_000))])),
    ];
    values.extend(parent.map(|p| (Field::Parent, Value::Id(id(p)))));
    let mut given = given(target, start, values);
    let text = |n: u64| {
        let mut bytes = format!("{{\"role\":\"user\",\"trace\":\"{trace}\"}},").into_bytes();
        let mut x = n + 1;
        bytes.extend((0..300).map(|_| {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            b'a' + (x >> 59) as u8 % 26
        }));
        bytes
    };
    given.payloads.push((Field::Input, [text(1), text(start as u64)].concat()));
    given.payloads.push((Field::Output, b"short".to_vec()));
    given.payloads.push((Field::Metadata, b"{\"k\":\"a value of some length here\"}".to_vec()));
    given
}

fn trace(name: &str, session: &str) -> Given {
    let values = vec![
        (Field::Name, Value::Text("agent".into())),
        (Field::Session, Value::Id(id(session))),
        (Field::Tags, Value::Tags(vec!["a".into(), "b".into()])),
        (Field::Timestamp, Value::Time(Timestamp::from_ms(3))),
    ];
    given(Target::Trace { trace: id(name) }, 1, values)
}

fn score(name: &str, trace: &str) -> Given {
    let values = vec![
        (Field::Subject, Value::Subject(Subject::Trace(id(trace)))),
        (Field::ScoreNumber, Value::Float(0.5)),
    ];
    let mut given = given(Target::Score { score: id(name) }, 9, values);
    given
        .payloads
        .push((Field::Correction, b"what the model should have said instead of that".to_vec()));
    given
}

fn erased(trace: &str) -> Given {
    let mut given = given(Target::Trace { trace: id(trace) }, 99, Vec::new());
    given.record.body = Body::Tombstone;
    given
}

/// A store with two segments, the newer one superseding rows of the older, an index over both, a
/// finished log and a last one with a torn tail's worth of unpromised bytes.
struct Store {
    temp: tempfile::TempDir,
    dir: RealDir,
    header: FileHeader,
    state: State,
}

fn store_header() -> FileHeader {
    FileHeader {
        kind: FileKind::Manifest,
        store: 77,
        key: StoreKey([9; 32]),
        salt: 5,
        number: 1,
        created_ns: 1,
        previous: Previous::default(),
    }
}

fn seal(store: &mut Store, log: &LogBuilder, segments: &mut Vec<Arc<Segment<RealDir>>>) {
    log.write(&store.dir);
    let view =
        View::new(store.header.key, segments.clone(), vec![log.table(&store.dir)], Vec::new());
    let number = segments.len() as u64 + 1;
    let what = Rewrite {
        logs: 1,
        segments: 0..0,
        level: SealLevel::Full,
        zstd_level: 3,
        id: SegmentId(number),
        now_ns: 5,
    };
    let what = Rewrite { segments: segments.len()..segments.len(), ..what };
    let facts = rewrite(&store.dir, &view, &store.header, &what, &mut |_| Go::On).unwrap();
    let Rewritten::Segment(facts) = facts else { panic!("nothing was written") };
    store.dir.remove(FileName::Log(LogId(log.header.number))).unwrap();
    let opened = Segment::open(&store.dir, facts.id, &store.header, false).unwrap();
    segments.push(Arc::new(opened));
    store.state.segments.push(SegmentState {
        id: facts.id,
        first_seq: facts.first_seq,
        last_seq: facts.last_seq,
        payload_expired: false,
    });
}

fn store() -> Store {
    let temp = tempfile::tempdir().unwrap();
    let dir = RealFs.open_dir(temp.path(), DirMode::Existing).unwrap();
    let mut store = Store { temp, dir, header: store_header(), state: State::new() };
    let mut segments = Vec::new();
    let mut log = LogBuilder::new(&store.header, 1, 1, Previous::default());
    log.frame(vec![
        trace("one", "s"),
        observation("one", "a", None, 10),
        observation("one", "b", Some("a"), 20),
        observation("one", "8b83a58eee36ab26", Some("elsewhere"), 15),
        score("good", "one"),
    ]);
    let mut gone = trace("gone", "s");
    gone.payloads.push((Field::Input, b"an input that is gone with its trace".to_vec()));
    log.frame(vec![observation("two", "c", None, 5), gone, trace("two", "t")]);
    seal(&mut store, &log, &mut segments);
    let mut log = LogBuilder::new(&store.header, 2, log.seq, log.end());
    let late = given(
        Target::Observation { trace: id("one"), observation: id("b") },
        30,
        vec![(Field::Model, Value::Text("model".into()))],
    );
    log.frame(vec![late, observation("one", "d", Some("b"), 40), erased("gone")]);
    log.frame(vec![score("good", "one"), observation("three", "e", Some("e"), 1)]);
    seal(&mut store, &log, &mut segments);
    let view = View::new(store.header.key, segments.clone(), Vec::new(), Vec::new());
    let plan = IndexPlan { segments: (0..segments.len()).collect(), indexes: 0..0 };
    write_index(&store.dir, &view, &store.header, 1, &plan).unwrap();
    let ids = segments.iter().map(|s| s.id()).collect();
    store.state.indexes = vec![(1, ids)];
    let mut log = LogBuilder::new(&store.header, 3, log.seq, log.end());
    log.frame(vec![observation("one", "f", None, 50), observation("four", "g", None, 60)]);
    log.frame(vec![observation("one", "h", Some("f"), 51), score("new", "four")]);
    store.state.logs.push(log.write(&store.dir));
    let mut log = LogBuilder::new(&store.header, 4, log.seq, log.end());
    log.frame(vec![observation("four", "i", None, 61)]);
    log.frame(vec![observation("four", "j", None, 62)]);
    log.frame(vec![observation("four", "k", None, 63)]);
    store.state.logs.push(log.write(&store.dir));
    store.state.next_log = 5;
    store.state.next_segment = 3;
    store.state.next_index = 2;
    store.save();
    store
}

impl Store {
    fn save(&self) {
        let number = crate::manifest::read_current(&self.dir).unwrap().map_or(1, |n| n + 1);
        let before = (number > 1).then(|| number - 1);
        let state = self.state.clone();
        ManifestWriter::start(self.dir.clone(), &self.header, number, state, before).unwrap();
    }

    fn path(&self, name: FileName) -> PathBuf {
        self.temp.path().join(name.to_string())
    }

    fn verify(&self) -> (Verdict, Vec<Finding>) {
        let mut findings = Vec::new();
        let verdict = verify(self.temp.path(), &mut |f| findings.push(f)).unwrap();
        (verdict, findings)
    }

    /// Flips bits of a file, every `step`-th, and gives each one's verdict.
    fn flip(&self, name: FileName, step: usize, each: &mut dyn FnMut(usize, Verdict)) {
        let path = self.path(name);
        let bytes = std::fs::read(&path).unwrap();
        for bit in (0..bytes.len() * 8).step_by(step) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // A new file, so that no map of the old one changes.
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, &flipped).unwrap();
            let result = verify(self.temp.path(), &mut |_| {});
            each(bit, result.unwrap_or_else(|e| panic!("{name} bit {bit}: {e}")));
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn a_sound_store_is_clean() {
    let store = store();
    let (verdict, findings) = store.verify();
    assert_eq!((verdict, findings), (Verdict::Clean, Vec::new()));
}

#[test]
fn every_flipped_bit_of_a_sealed_file_is_damage() {
    let store = store();
    let id = SegmentId(2);
    for name in [FileName::Skeleton(id), FileName::Payload(id), FileName::Index(1)] {
        store.flip(name, 41, &mut |bit, verdict| {
            assert_eq!(verdict, Verdict::Damaged, "{name} bit {bit}");
        });
    }
    store.flip(FileName::Current, 1, &mut |bit, verdict| {
        assert_eq!(verdict, Verdict::Damaged, "CURRENT bit {bit}");
    });
    assert_eq!(store.verify().0, Verdict::Clean);
}

#[test]
fn every_flipped_bit_of_a_log_is_damage_or_in_a_torn_tail() {
    let store = store();
    store.flip(FileName::Log(LogId(3)), 11, &mut |bit, verdict| {
        assert_eq!(verdict, Verdict::Damaged, "finished log, bit {bit}");
    });
    let name = FileName::Log(LogId(4));
    let bytes = std::fs::read(store.path(name)).unwrap();
    let header = FileHeader::parse(&bytes, FileKind::Log).unwrap();
    // The last frame promises the first one.
    let second = crate::frame::scan(&bytes, &header).frames[1].offset as usize;
    store.flip(name, 11, &mut |bit, verdict| {
        let promised = bit / 8 < second;
        let expected = if promised { Verdict::Damaged } else { Verdict::TornTail };
        assert_eq!(verdict, expected, "last log, bit {bit}");
    });
    let name = FileName::Manifest(1);
    let bytes = std::fs::read(store.path(name)).unwrap();
    let marker = bytes.len() - crate::frame::FRAME_HEADER_BYTES;
    store.flip(name, 5, &mut |bit, verdict| {
        let expected = if bit / 8 < marker { Verdict::Damaged } else { Verdict::TornTail };
        assert_eq!(verdict, expected, "manifest, bit {bit}");
    });
}

#[test]
fn a_missing_file_is_damage_and_a_stray_one_a_note() {
    let store = store();
    for name in [
        FileName::Log(LogId(3)),
        FileName::Log(LogId(4)),
        FileName::Skeleton(SegmentId(1)),
        FileName::Payload(SegmentId(2)),
        FileName::Index(1),
        FileName::Current,
    ] {
        let (path, aside) = (store.path(name), store.temp.path().join("aside"));
        std::fs::rename(&path, &aside).unwrap();
        let (verdict, findings) = store.verify();
        assert_eq!(verdict, Verdict::Damaged, "{name}");
        assert!(findings.iter().any(|f| f.file == path), "{name}");
        std::fs::rename(&aside, &path).unwrap();
    }
    let stray = FileName::SkeletonTemp(SegmentId(9));
    std::fs::write(store.path(stray), b"half").unwrap();
    let (verdict, findings) = store.verify();
    assert_eq!((verdict, findings.len()), (Verdict::Clean, 1));
    assert_eq!(findings[0].severity, Severity::Note);
}

#[test]
fn what_is_no_store_is_told() {
    let temp = tempfile::tempdir().unwrap();
    for path in [temp.path(), &temp.path().join("nowhere")] {
        let error = verify(path, &mut |_| {}).unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("there is no store here"), "{error}");
    }
}

#[test]
fn every_file_can_be_dumped_and_faults_are_lines() {
    let store = store();
    let dumped = |name: FileName| {
        let mut lines = Vec::new();
        dump(&store.path(name), &mut |line| {
            lines.push(line);
            Ok(())
        })
        .unwrap();
        lines
    };
    let count = |lines: &[DumpLine], kind: &str| lines.iter().filter(|l| l.kind == kind).count();
    let log = FileName::Log(LogId(3));
    let lines = dumped(log);
    assert_eq!((count(&lines, "frame"), count(&lines, "record")), (2, 4));
    let lines = dumped(FileName::Manifest(1));
    assert_eq!((count(&lines, "frame"), count(&lines, "edit")), (2, 1));
    let lines = dumped(FileName::Skeleton(SegmentId(1)));
    assert_eq!((count(&lines, "facts"), count(&lines, "fault")), (1, 0));
    let lines = dumped(FileName::Payload(SegmentId(1)));
    assert_eq!((count(&lines, "section"), count(&lines, "block")), (5, 1));
    assert_eq!(count(&dumped(FileName::Index(1)), "section"), 4);
    assert_eq!(count(&dumped(FileName::Current), "text"), 1);
    let mut bytes = std::fs::read(store.path(log)).unwrap();
    bytes[300] ^= 1;
    std::fs::write(store.path(log), &bytes).unwrap();
    assert_eq!(count(&dumped(log), "fault"), 1);
}

#[test]
fn a_payload_is_read_behind_another_and_only_with_its_length() {
    let store = store();
    let segment = Segment::open_checked(&store.dir, SegmentId(1), &store.header, false).unwrap();
    let file = segment.payload_file().unwrap();
    let lens: Vec<u64> = (0..2).map(|number| segment.payload(number).unwrap().len).collect();
    let mut reader = PayloadReader::new(file, None);
    let mut both = Vec::new();
    for (number, len) in (0..).zip(&lens) {
        let mut alone = Vec::new();
        assert!(reader.read(number, *len, &mut alone).unwrap());
        assert_eq!(alone.len() as u64, *len);
        assert!(reader.read(number, *len, &mut both).unwrap());
        assert!(both.ends_with(&alone));
        for wrong in [len - 1, len + 1] {
            let error = reader.read(number, wrong, &mut alone).unwrap_err();
            assert!(error.corruption().is_some(), "{error}");
        }
    }
    assert_eq!(both.len() as u64, lens[0] + lens[1]);
}

#[test]
fn a_manifest_that_tells_something_else_is_damage() {
    let mut changed = store();
    changed.state.segments[0].last_seq = Seq(3);
    changed.save();
    let (verdict, findings) = changed.verify();
    assert_eq!(verdict, Verdict::Damaged);
    assert!(findings.iter().any(|f| f.expected.ends_with("to 3")), "{findings:?}");
    let mut without = store();
    // Without the newer segment what it superseded is live again, and log 3 starts too late.
    without.state.segments.pop();
    without.save();
    assert_eq!(without.verify().0, Verdict::Damaged);
}
