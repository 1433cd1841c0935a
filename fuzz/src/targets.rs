//! What each fuzz target does with its bytes. `tests/it/fuzz_corpus.rs` includes this file and
//! runs the committed corpus through it, so that a find stays found without a fuzzer.
//!
//! ```text
//! frame_scan   a file of frames, damaged: every frame before the damage, none behind it
//! codec        records, part lists, columns and indexes: a fault or a value, never a panic
//! langfuse     lines of ingestion JSON: what maps comes back from its own export
//! split        cutting, and deduplicating with and without the last payload of the stream
//! ```

#![allow(clippy::panic, reason = "a panic is how a target says that it found something")]

use tracekeep::id::StoreKey;
use tracekeep::internals::codec::{self, compress::Compressor, compress::Decompressor};
use tracekeep::internals::{column, frame, index, part};

const KEY: StoreKey = StoreKey([7; 32]);
/// Bytes that a target keeps in memory for what an input claims.
const STREAM_BYTES: usize = 1 << 20;

/// Scans the bytes as the rest of a log, reads them as the body of a frame, and scans a log that
/// was made of them after one of its bytes was changed.
pub fn frame_scan(data: &[u8]) {
    let header = frame::FileHeader {
        kind: frame::FileKind::Log,
        store: 1,
        key: KEY,
        salt: 2,
        number: 3,
        created_ns: 4,
        previous: frame::Previous::default(),
    };
    let _may_be_none = frame::FileHeader::parse(data, frame::FileKind::Log);
    let mut file = header.encode().to_vec();
    file.extend_from_slice(data);
    check_scan(&file, &header);
    read_body(data);
    if let [place @ .., flip] = data
        && *flip != 0
    {
        check_damage(place, *flip, &header);
    }
}

/// Writes frames of up to 255 bytes, as the lengths in `data` say, and damages one byte.
fn check_damage(data: &[u8], flip: u8, header: &frame::FileHeader) {
    let mut file = header.encode().to_vec();
    let mut writer = frame::FrameWriter::new(header.salt, file.len() as u64);
    let mut frames = Vec::new();
    let mut rest = data;
    while let [len, bytes @ ..] = rest {
        let (payload, left) = bytes.split_at(bytes.len().min(usize::from(*len)));
        let seq = frames.len() as u64 + 1;
        let kind = frame::FrameKind::Records;
        frames.push(writer.frame(kind, codec::CODEC_ID, seq, 0, 1, 0, payload, &mut file));
        rest = left;
    }
    assert_eq!(frame::scan(&file, header).frames, frames);
    let body = file.len() - frame::FILE_HEADER_BYTES;
    let Some(at) = data.iter().fold(0usize, |sum, b| sum + usize::from(*b)).checked_rem(body)
    else {
        return;
    };
    let at = frame::FILE_HEADER_BYTES + at;
    file[at] ^= flip;
    let scan = check_scan(&file, header);
    let whole = frames.iter().take_while(|f| f.end() as usize <= at).count();
    assert_eq!(scan.frames, frames[..whole]);
}

fn check_scan(file: &[u8], header: &frame::FileHeader) -> frame::Scan {
    let scan = frame::scan(file, header);
    let mut end = frame::FILE_HEADER_BYTES as u64;
    for found in &scan.frames {
        assert_eq!(found.offset, end);
        end = found.end();
        assert_eq!(found.payload(file).len(), found.header.len as usize);
        read_body(found.payload(file));
    }
    assert_eq!(scan.end, end);
    assert!(end <= file.len() as u64);
    assert_eq!(scan.stop.is_none(), end == file.len() as u64);
    assert!(scan.beyond.iter().all(|found| found.offset >= end));
    scan
}

fn read_body(body: &[u8]) {
    let Ok(group) = frame::GroupView::parse(body) else { return };
    for record in group.records() {
        let _may_be_none = codec::decode_record(record);
    }
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

/// Everything that parses a slice: what decodes encodes to bytes that decode to the same.
pub fn codec(data: &[u8]) {
    if let Ok(record) = codec::decode_record(data) {
        let (mut once, mut twice) = (Vec::new(), Vec::new());
        codec::encode_record(&record, &mut once);
        let again = codec::decode_record(&once);
        let again =
            again.unwrap_or_else(|fault| panic!("what was encoded does not decode: {fault}"));
        codec::encode_record(&again, &mut twice);
        assert_eq!(once, twice);
    }
    let parts = 1000;
    for item in part::items(data, parts) {
        if let Ok(part::Item::Run { first, count, .. }) = item {
            assert!(count > 0 && first + count <= parts);
        }
    }
    read_columns(data);
    read_indexes(data);
    let mut packed = Vec::new();
    let stored = codec::compress::pack(&mut Compressor::new(1), data, &mut packed);
    assert_eq!(stored, packed.len());
    let mut back = Vec::new();
    let read = codec::compress::unpack(&mut Decompressor::new(), &packed, data.len(), &mut back);
    assert!(read.is_ok() && back == data);
}

fn read_columns(data: &[u8]) {
    const ROWS: usize = 2000;
    if let Ok(ints) = column::Ints::parse(data) {
        assert!((0..ROWS).all(|row| ints.get(row).is_none() || row < ints.len()));
        let mut out = Vec::new();
        ints.read(0..ints.len().min(ROWS), &mut out);
        assert_eq!(out.len(), ints.len().min(ROWS));
    }
    if let Ok(ids) = column::Ids::parse(data) {
        assert!((0..ROWS).all(|row| ids.get(row).is_none() || row < ids.len()));
    }
    if let Ok(texts) = column::Texts::parse(data) {
        assert!((0..ROWS).all(|code| texts.get(code as u32).is_none() || code < texts.len()));
    }
    if let Ok(blobs) = column::Blobs::parse(data) {
        assert!((0..20).all(|row| blobs.get(row).is_err() || row < blobs.len()));
    }
}

fn read_indexes(data: &[u8]) {
    let hash = data.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    if let Ok(lookup) = index::Lookup::parse(data) {
        assert!(lookup.candidates(hash).count() <= lookup.len());
    }
    if let Ok(merged) = index::Merged::parse(data) {
        assert!(
            merged
                .find(hash)
                .all(|found| merged.iter().any(|(h, s, r)| (h, (s, r)) == (hash, found)))
        );
    }
}

/// Maps lines, and maps what is exported once more: it is about the same thing at the same time.
pub fn langfuse(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        tracekeep_langfuse::map_line(line, &mut |event| {
            let Ok(tracekeep_langfuse::Mapped::Record(record)) = event else { return };
            let mut out = Vec::new();
            tracekeep_langfuse::record_event(&record, &mut out);
            assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
            match tracekeep_langfuse::map_event(&out) {
                Ok(tracekeep_langfuse::Mapped::Record(back)) => {
                    assert_eq!((&back.target, back.time), (&record.target, record.time));
                }
                other => panic!("{}: {other:?}", String::from_utf8_lossy(&out)),
            }
        });
    }
}

/// Parts joined are the payload; cutting resumed after a shared prefix gives the whole's parts.
pub fn split(data: &[u8]) {
    check_cuts(data);
    let (mut with, mut without) = (Log::new(), Log::new());
    let (head, tail) = data.split_at(data.len() / 2);
    let keep = data.first().map_or(0, |b| usize::from(*b) * head.len() / 255);
    let branched = [&head[..keep], tail].concat();
    for payload in [head, data, &branched, data] {
        let found = with.add(&[1], payload);
        assert_eq!(found, without.add(&[], payload));
    }
    assert_eq!(with.parts, without.parts);
}

fn check_cuts(data: &[u8]) {
    let (mut at, mut state) = (0, part::SplitState::default());
    while at < data.len() {
        let cut = part::next_part(state, &data[at..]);
        assert!(cut.len > 0 && cut.len <= data.len() - at);
        // What it did not look at does not change it.
        if let Some(seen) = cut.seen {
            let mut other = data[at..data.len().min(at + seen)].to_vec();
            other.extend_from_slice(b"\"}]{[ other");
            assert_eq!(part::next_part(state, &other), cut);
        }
        (at, state) = (at + cut.len, cut.state);
    }
    assert_eq!(at, data.len());
}

/// The parts of a log, and what knows them.
struct Log {
    deduper: part::Deduper,
    parts: Vec<Vec<u8>>,
}

struct Parts<'a>(&'a mut Vec<Vec<u8>>);

impl part::PartSink for Parts<'_> {
    fn part(&mut self, bytes: &[u8]) -> u32 {
        self.0.push(bytes.to_vec());
        self.0.len() as u32 - 1
    }
}

impl Log {
    fn new() -> Log {
        Log { deduper: part::Deduper::new(&KEY, STREAM_BYTES), parts: Vec::new() }
    }

    /// Adds a payload, joins what it became, and gives its list, length and print.
    fn add(&mut self, streams: &[u64], payload: &[u8]) -> (Vec<u8>, u64, u64) {
        let mut builder = part::ListBuilder::new();
        let sink = &mut Parts(&mut self.parts);
        let (len, print) = self.deduper.add(streams, payload.to_vec(), sink, &mut builder);
        let mut list = Vec::new();
        builder.encode(&mut list);
        let mut joined = Vec::new();
        for item in part::items(&list, self.parts.len() as u32) {
            match item {
                Ok(part::Item::Literal(bytes)) => joined.extend_from_slice(bytes),
                Ok(part::Item::Run { first, count, separator }) => {
                    for bytes in &self.parts[first as usize..(first + count) as usize] {
                        joined.extend_from_slice(separator.bytes());
                        joined.extend_from_slice(bytes);
                    }
                }
                Err(fault) => panic!("a list that was just made: {fault}"),
            }
        }
        assert!(joined == payload, "{} bytes joined, {} given", joined.len(), payload.len());
        (list, len, print)
    }
}
