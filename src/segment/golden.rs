//! The worked example of `docs/format.md`: one section and a footer, compared with the page.

use super::columns::SCORES;
use super::{Facts, SealLevel, SectionWriter, parse_footer};
use crate::column::TableBuilder;
use crate::frame::golden::{Fields, check};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind, Previous};
use crate::fs::{Dir, DirMode, FileName, Fs, RealFs};
use crate::id::{LogId, SegmentId, Seq, StoreKey};

const FIELDS: Fields<'_> = &[
    (4, "table: rows"),
    (2, "columns of identities"),
    (2, "columns of integers"),
    (4, "checksum of these eight bytes and the 24 from 16 on"),
    (4, "zero"),
    (8, "bytes of the column in all groups"),
    (8, "where the group starts"),
    (8, "where it ends"),
    (8, "zone: smallest value, 1000"),
    (8, "largest value, 3000"),
    (8, "divisor, 2000"),
    (2, "first word"),
    (1, "width in bits"),
    (1, "there are nulls, and code 0 is one"),
    (4, "checksum of place, zone and codes"),
    (8, "codes 1, 2 and 0, lowest bits first: 0b00_10_01"),
    (16, "zeros, so that a wide load stays inside"),
    (1, "facts: segment 1"),
    (2, "seqs 1 to 3"),
    (2, "logs: one, 1"),
    (1, "segments: none"),
    (3, "three traces, no observations, no scores"),
    (3, "no payloads, parts, superseded rows"),
    (6, "first start and last end: zigzag, a u16 follows"),
    (1, "raw bytes of parts"),
    (2, "payload file: length, checksum"),
    (1, "level: full"),
    (1, "created"),
    (2, "directory: section 3"),
    (2, "zero"),
    (4, "checksum of the section"),
    (8, "offset"),
    (8, "length"),
    (4, "tail: length of the facts"),
    (4, "sections"),
    (4, "checksum of facts, directory and the eight bytes before"),
    (4, "zero"),
    (8, "TKEEPEND"),
];

#[test]
fn the_footer_is_as_the_format_page_draws_it() {
    let root = tempfile::tempdir().unwrap();
    let dir = RealFs.open_dir(root.path(), DirMode::Existing).unwrap();
    let header = FileHeader {
        kind: FileKind::Skeleton,
        store: 1,
        key: StoreKey([0; 32]),
        salt: 0,
        number: 1,
        created_ns: 0,
        previous: Previous::default(),
    };
    let facts = Facts {
        id: SegmentId(1),
        first_seq: Seq(1),
        last_seq: Seq(3),
        logs: vec![LogId(1)],
        segments: Vec::new(),
        traces: 3,
        observations: 0,
        scores: 0,
        payloads: 0,
        parts: 0,
        superseded: 0,
        start_ns: 1000,
        end_ns: 3000,
        part_bytes: 0,
        payload_file_bytes: 0,
        payload_file_crc: 0,
        level: SealLevel::Full,
        created_ns: 0,
    };
    let mut times = TableBuilder::new(0, 1);
    [Some(1000), Some(3000), None].into_iter().for_each(|time| times.push(&[], &[time]));
    let name = FileName::Skeleton(SegmentId(1));
    let mut out = SectionWriter::new(dir.create(name).unwrap(), &header.encode()).unwrap();
    out.section(SCORES, &times.build()).unwrap();
    out.finish(&facts.encode()).unwrap();
    let file = std::fs::read(root.path().join(name.to_string())).unwrap();
    let footer = parse_footer(&file, FILE_HEADER_BYTES).unwrap();
    assert_eq!(Facts::decode(&file[footer.facts]).unwrap(), facts);
    check("footer", &file, FILE_HEADER_BYTES, FIELDS);
}
