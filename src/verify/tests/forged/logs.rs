//! Of logs: how they follow one another, and what is in their frames.

use super::{told, told_as};
use crate::part::{Item, PrintKey, Separator};
use crate::verify::tests::*;

/// The store, and its two logs to be written again.
struct Logs {
    store: Store,
    third: LogBuilder,
    fourth: LogBuilder,
}

/// A log of as many frames, with a record in each.
fn log(number: u64, seq: u64, previous: Previous, frames: i64) -> LogBuilder {
    let mut log = LogBuilder::new(&store_header(), number, seq, previous);
    (0..frames).for_each(|i| {
        let name = format!("{number} {i}");
        log.frame(vec![observation("four", &name, None, number as i64 * 10 + i)]);
    });
    log
}

/// Where the n-th frame of a log begins.
fn start(log: &LogBuilder, frame: usize) -> u64 {
    crate::frame::scan(&log.bytes, &log.header).frames[frame].offset
}

impl LogBuilder {
    fn header(&mut self, change: impl Fn(&mut FileHeader)) {
        change(&mut self.header);
        self.bytes[..FILE_HEADER_BYTES].copy_from_slice(&self.header.encode());
    }

    fn raw(&mut self, kind: FrameKind, codec: u8, records: u32, raw: usize, body: &[u8]) {
        let (seq, raw) = (self.seq, raw as u32);
        let bytes = &mut self.bytes;
        self.frames.frame(kind, codec, seq, self.promise, records, raw, body, bytes);
        self.seq += u64::from(records);
    }
}

impl Logs {
    fn new() -> Logs {
        let store = store();
        let third = log(3, 14, Previous { number: 2, ..Previous::default() }, 3);
        let fourth = log(4, third.seq, third.end(), 3);
        Logs { store, third, fourth }
    }

    fn link(&mut self) {
        let previous = self.third.end();
        self.fourth.header(|header| header.previous = previous);
    }

    fn told(self) -> Vec<String> {
        for (number, log) in [(3, &self.third), (4, &self.fourth)] {
            let path = self.store.path(FileName::Log(LogId(number)));
            std::fs::write(path, &log.bytes).unwrap();
        }
        self.store.save();
        told(&self.store)
    }
}

type Case<'a> = (&'a str, &'a dyn Fn(&mut Logs));

fn all_are_told(heading: &str, cases: &[Case<'_>]) {
    assert!(Logs::new().told().is_empty(), "two other logs are sound, too");
    let told = cases.iter().map(|(name, change)| {
        let mut logs = Logs::new();
        change(&mut logs);
        (*name, logs.told())
    });
    told_as(heading, told);
}

#[test]
fn of_two_logs() {
    all_are_told(
        "of two logs",
        &[
            ("another store", &|logs| logs.third.header(|header| header.store += 1)),
            ("another key", &|logs| logs.third.header(|header| header.key.0[0] ^= 1)),
            ("another number", &|logs| logs.third.header(|header| header.number = 5)),
            ("no log", &|logs| logs.third.bytes[0] ^= 1),
            ("seqs that are sealed", &|logs| {
                logs.third = log(3, 13, Previous::default(), 3);
                logs.link();
            }),
            ("seqs of the log before", &|logs| {
                logs.fourth = log(4, logs.third.seq - 1, logs.third.end(), 3);
            }),
            ("a marker whose seq is sealed, which may be", &|logs| {
                logs.third = log(3, 14, Previous::default(), 0);
                logs.third.seq = 3;
                logs.third.raw(FrameKind::Marker, CODEC_ID, 0, 0, &[]);
                logs.third.seq = 14;
                logs.third.frame(vec![observation("four", "x", None, 1)]);
                logs.link();
            }),
            ("it follows an older log", &|logs| logs.fourth.header(|h| h.previous.number = 2)),
            ("it follows none", &|logs| logs.fourth.header(|h| h.previous.number = 0)),
            ("it follows itself", &|logs| logs.fourth.header(|h| h.previous.number = 4)),
            ("one that ended sooner", &|logs| {
                let end = start(&logs.third, 2);
                logs.fourth.header(|header| header.previous.end = end);
            }),
            ("one that ended later", &|logs| logs.fourth.header(|h| h.previous.end += 8)),
            ("one that ended otherwise", &|logs| logs.fourth.header(|h| h.previous.crc ^= 1)),
            ("the manifest says that it ended sooner", &|logs| {
                logs.store.state.logs[0].end = Some(start(&logs.third, 2));
            }),
            ("the manifest says so, too", &|logs| {
                logs.store.state.logs[0].end = Some(logs.third.frames.offset());
            }),
            ("a log ended after its second frame", &|logs| {
                logs.store.state.logs[1].end = Some(start(&logs.fourth, 2));
            }),
            ("a log ended after its header", &|logs| {
                logs.store.state.logs[1].end = Some(FILE_HEADER_BYTES as u64);
            }),
            ("a log ended within a frame", &|logs| {
                logs.store.state.logs[1].end = Some(start(&logs.fourth, 2) + 8);
            }),
            ("a log ended later", &|logs| {
                logs.store.state.logs[1].end = Some(logs.fourth.frames.offset() + 8);
            }),
            ("a log ended before an idle marker", &|logs| {
                logs.store.state.logs[1].end = Some(logs.fourth.frames.offset());
                logs.fourth.raw(FrameKind::Marker, CODEC_ID, 0, 0, &[]);
            }),
            ("a log ended before bytes of no frame", &|logs| {
                logs.store.state.logs[1].end = Some(logs.fourth.frames.offset());
                logs.fourth.bytes.extend([7; 64]);
            }),
            ("bytes of no frame at the end of the last log", &|logs| {
                logs.fourth.bytes.extend([7; 64]);
            }),
            ("bytes of no frame before another log", &|logs| logs.third.bytes.extend([7; 64])),
            ("a log is missing", &|logs| {
                let first = logs.third.seq;
                logs.fourth = log(5, first, Previous::default(), 1);
                logs.store.state.logs[0].id = LogId(2);
                logs.store.state.logs[1].id = LogId(3);
            }),
            ("more than a log may have", &|logs| {
                let file = std::fs::File::create(logs.store.path(FileName::Log(LogId(5)))).unwrap();
                file.set_len(crate::limits::LOG_READ_BYTES_MAX + 1).unwrap();
                std::os::unix::fs::FileExt::write_at(&file, &logs.fourth.bytes, 0).unwrap();
                let log = LogState { id: LogId(5), end: None };
                logs.store.state.logs.push(log);
                logs.store.state.next_log = 6;
            }),
        ],
    );
}

/// Parts of the last log.
const PARTS: u32 = 4;
const PART: &[u8] = b"a part that is long enough to be one";

/// A group with one part from number `first` on, and a record with a payload of it.
fn group(first: u32, record: impl Fn(Listed) -> Given) -> Vec<u8> {
    let mut group = GroupBuilder::new(first);
    let part = group.push_part(PART);
    let mut parts = ListBuilder::new();
    parts.push_part(Separator::None, part);
    assert!(matches!(parts.items().next(), Some(Item::Run { .. })));
    let mut encoded = Vec::new();
    parts.encode(&mut encoded);
    let list = group.push_list(&encoded);
    let key = PrintKey::new(&store_header().key);
    let print = key.finish(key.print(PART));
    let record = record(Listed { len: PART.len() as u64, print, list }).record;
    let mut bytes = Vec::new();
    encode_record(&record, &mut bytes);
    group.push_record(&bytes);
    let mut body = Vec::new();
    group.write(&mut Compressor::new(1), &mut body);
    body
}

fn output(listed: Listed) -> Given {
    let target = Target::Observation { trace: id("four"), observation: id("forged") };
    given(target, 70, vec![(Field::Output, Value::Payload(listed))])
}

fn metadata(text: Listed) -> Given {
    let target = Target::Trace { trace: id("four") };
    given(target, 70, vec![(Field::Metadata, Value::Map(Map { text, entries: Vec::new() }))])
}

fn correction(listed: Listed) -> Given {
    let about = Value::Subject(Subject::Trace(id("four")));
    let values = vec![(Field::Subject, about), (Field::Correction, Value::Payload(listed))];
    given(Target::Score { score: id("forged") }, 70, values)
}

/// One more frame in the last log.
fn more(kind: FrameKind, codec: u8, records: u32, raw: usize, body: Vec<u8>) -> impl Fn(&mut Logs) {
    move |logs| {
        assert_eq!(logs.fourth.part, PARTS, "one that all have, and one of each record");
        logs.fourth.raw(kind, codec, records, raw, &body);
    }
}

/// A frame of a group with nothing wrong but this.
fn listed(forge: impl Fn(&mut Listed)) -> impl Fn(&mut Logs) {
    said(move |mut listed| {
        forge(&mut listed);
        output(listed)
    })
}

/// A frame of a group with this record.
fn said(record: impl Fn(Listed) -> Given) -> impl Fn(&mut Logs) {
    more(FrameKind::Records, CODEC_ID, 1, PART.len(), group(PARTS, record))
}

#[test]
fn of_frames() {
    use FrameKind::{Edit, Marker, Pad, Parts, Records};
    let sound = || group(PARTS, output);
    let mut undecodable = GroupBuilder::new(PARTS);
    undecodable.push_record(&[0xff; 9]);
    let mut body = Vec::new();
    undecodable.write(&mut Compressor::new(1), &mut body);
    let mut parts = GroupBuilder::new(PARTS);
    parts.push_part(PART);
    let mut alone = Vec::new();
    parts.write(&mut Compressor::new(1), &mut alone);
    let longer = |listed: Listed| Listed { len: listed.len + 1, ..listed };
    let mut damaged = sound();
    *damaged.last_mut().unwrap() ^= 1;
    all_are_told(
        "of frames",
        &[
            ("nothing wrong", &listed(|_| {})),
            ("a marker", &more(Marker, CODEC_ID, 0, 0, Vec::new())),
            ("a pad", &more(Pad, CODEC_ID, 0, 0, vec![0; 16])),
            ("an edit", &more(Edit, CODEC_ID, 0, 0, Vec::new())),
            ("another codec", &more(Records, 9, 1, PART.len(), sound())),
            ("no group", &more(Records, CODEC_ID, 1, PART.len(), vec![1; 40])),
            (
                "parts from an earlier number",
                &more(Records, CODEC_ID, 1, PART.len(), group(PARTS - 1, output)),
            ),
            (
                "parts from a later number",
                &more(Records, CODEC_ID, 1, PART.len(), group(PARTS + 1, output)),
            ),
            ("two records in the header", &more(Records, CODEC_ID, 2, PART.len(), sound())),
            ("fewer bytes of parts in the header", &more(Records, CODEC_ID, 1, 1, sound())),
            ("records in a frame of parts", &more(Parts, CODEC_ID, 1, PART.len(), sound())),
            ("a record that is none", &more(Records, CODEC_ID, 1, 0, body)),
            ("a piece that is damaged", &more(Records, CODEC_ID, 1, PART.len(), damaged)),
            ("another length", &listed(|listed| listed.len += 1)),
            ("another fingerprint", &listed(|listed| listed.print ^= 1)),
            ("a list that is not there", &listed(|listed| listed.list = 1)),
            ("a map's text of another length", &said(|text| metadata(longer(text)))),
            ("a correction of another length", &said(|payload| correction(longer(payload)))),
            ("parts alone", &more(Parts, CODEC_ID, 0, PART.len(), alone)),
        ],
    );
}
