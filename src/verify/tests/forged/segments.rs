//! Of segments: what their two files say.

use super::{told, told_as};
use crate::column::{Blobs, BlobsBuilder, Table, TableBuilder};
use crate::error::Fault;
use crate::frame::FILE_HEADER_BYTES;
use crate::id::Identity;
use crate::index::{Item, Lookup, Merged, write_merged};
use crate::segment::{
    ColumnId, Facts, RowKind, SectionId, SectionWriter, columns as s, parse_footer,
};
use crate::verify::tests::*;

/// The two files of a segment, taken apart.
struct Files {
    skeleton: Sections,
    payloads: Sections,
    facts: Facts,
}

/// Identities, then integers.
type Row = (Vec<Identity>, Vec<Option<i64>>);

struct Sections {
    header: Vec<u8>,
    sections: Vec<(SectionId, Vec<u8>)>,
    crc: u32,
    len: u64,
}

impl Sections {
    fn of(file: &[u8]) -> Sections {
        let footer = parse_footer(file, FILE_HEADER_BYTES).unwrap();
        let sections = footer.sections.iter();
        Sections {
            header: file[..FILE_HEADER_BYTES].to_vec(),
            sections: sections.map(|at| (at.id, footer.section(file, at.id).to_vec())).collect(),
            crc: footer.crc,
            len: file.len() as u64,
        }
    }

    /// Its length, and the checksum of its footer.
    fn write(&self, store: &Store, name: FileName, facts: &[u8]) -> (u64, u32) {
        std::fs::remove_file(store.path(name)).unwrap();
        let file = store.dir.create(name).unwrap();
        let mut out = SectionWriter::new(file, &self.header).unwrap();
        for (id, bytes) in &self.sections {
            out.section(*id, bytes).unwrap();
        }
        let (_, len, crc) = out.finish(facts).unwrap();
        (len, crc)
    }
}

impl Files {
    fn read(store: &Store, id: SegmentId) -> Files {
        let skeleton = std::fs::read(store.path(FileName::Skeleton(id))).unwrap();
        let footer = parse_footer(&skeleton, FILE_HEADER_BYTES).unwrap();
        let facts = Facts::decode(&skeleton[footer.facts]).unwrap();
        let payloads = std::fs::read(store.path(FileName::Payload(id))).unwrap();
        Files { skeleton: Sections::of(&skeleton), payloads: Sections::of(&payloads), facts }
    }

    /// A payload file that says something else is the one that the skeleton file names.
    fn write(mut self, store: &Store, id: SegmentId) {
        let (len, crc) = self.payloads.write(store, FileName::Payload(id), &[]);
        self.facts.payload_file_bytes = self.facts.payload_file_bytes + len - self.payloads.len;
        self.facts.payload_file_crc ^= crc ^ self.payloads.crc;
        self.skeleton.write(store, FileName::Skeleton(id), &self.facts.encode());
    }

    fn bytes(&mut self, id: SectionId) -> &mut Vec<u8> {
        let mut sections = self.skeleton.sections.iter_mut().chain(&mut self.payloads.sections);
        &mut sections.find(|(found, _)| *found == id).unwrap().1
    }

    fn lists(&mut self, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let bytes = self.bytes(s::LISTS);
        let column = Blobs::parse(bytes).unwrap();
        let mut rows: Vec<_> = (0..column.len()).map(|row| column.get(row).unwrap()).collect();
        change(&mut rows);
        let mut builder = BlobsBuilder::new(1);
        rows.iter().for_each(|row| builder.push(row));
        *bytes = builder.build();
    }

    /// The rows of a table.
    fn table(&mut self, id: SectionId, change: impl FnOnce(&mut Vec<Row>)) {
        let bytes = self.bytes(id);
        let table = Table::parse(bytes).unwrap();
        let (ids, ints) = table.shape();
        let of_ids = |row| (0..ids).map(|at| table.ids(at).get(row).unwrap()).collect();
        let of_ints = |row| (ids..ids + ints).map(|at| table.ints(at).get(row)).collect();
        let mut rows = (0..table.rows()).map(|row| (of_ids(row), of_ints(row))).collect();
        change(&mut rows);
        let mut builder = TableBuilder::new(ids, ints);
        rows.iter().for_each(|(ids, ints)| builder.push(ids, ints));
        *bytes = builder.build();
    }

    fn ints(&mut self, id: ColumnId, change: impl FnOnce(&mut Vec<Option<i64>>)) {
        let at = usize::from(id.index) - s::shape(id.section).unwrap().0;
        self.table(id.section, |rows| {
            let mut column = rows.iter().map(|(_, ints)| ints[at]).collect();
            change(&mut column);
            rows.iter_mut().zip(column).for_each(|((_, ints), value)| ints[at] = value);
        });
    }

    fn ids(&mut self, id: ColumnId, change: impl FnOnce(&mut Vec<Identity>)) {
        let at = usize::from(id.index);
        self.table(id.section, |rows| {
            let mut column = rows.iter().map(|(ids, _)| ids[at]).collect();
            change(&mut column);
            rows.iter_mut().zip(column).for_each(|((ids, _), value)| ids[at] = value);
        });
    }

    /// Where in the list this row of a kind is superseded.
    fn old(&mut self, kind: RowKind, row: i64) -> usize {
        let rows = Table::parse(self.bytes(s::SUPERSEDED)).unwrap();
        let column = rows.ints(usize::from(s::OLD_ROW.index));
        let packed = Some(row << 2 | kind as i64);
        (0..column.len()).find(|at| column.get(*at) == packed).unwrap()
    }

    /// One superseded row less.
    fn revive(&mut self, kind: RowKind, row: i64) {
        let at = self.old(kind, row);
        self.table(s::SUPERSEDED, |rows| _ = rows.remove(at));
        self.facts.superseded -= 1;
    }
}

/// What is told when one segment says something else.
fn forged(segment: u64, change: &dyn Fn(&mut Files)) -> Vec<String> {
    let store = store();
    let mut files = Files::read(&store, SegmentId(segment));
    change(&mut files);
    files.write(&store, SegmentId(segment));
    told(&store)
}

type Case<'a> = (u64, &'a str, &'a dyn Fn(&mut Files));

/// Every statement, of this segment, is told as `told.txt` says under this heading.
fn all_are_told(heading: &str, cases: &[Case<'_>]) {
    assert!(forged(2, &|_| {}).is_empty(), "taking apart and putting together changes nothing");
    let told = cases.iter().map(|(segment, name, change)| (*name, forged(*segment, change)));
    told_as(heading, told);
}

fn set(column: ColumnId, row: usize, value: Option<i64>) -> impl Fn(&mut Files) {
    move |file| file.ints(column, |rows| rows[row] = value)
}

fn add(column: ColumnId, row: usize, more: i64) -> impl Fn(&mut Files) {
    move |file| file.ints(column, |rows| rows[row] = rows[row].map(|value| value + more))
}

fn old((kind, row): (RowKind, i64), column: ColumnId, value: i64) -> impl Fn(&mut Files) {
    move |file| set(column, file.old(kind, row), Some(value))(file)
}

fn erases(kind: RowKind, trace: &str, name: &str) -> impl Fn(&mut Files) {
    let identity = |name: &str| store_header().key.identity(&id(name));
    let (trace, name) = (identity(trace), identity(name));
    move |file| {
        set(s::TOMBSTONE_KIND, 0, Some(kind as i64))(file);
        file.ids(s::TOMBSTONE_IDS, |ids| ids[0] = name);
        file.ids(s::TOMBSTONE_TRACES, |ids| ids[0] = trace);
    }
}

fn header(change: impl Fn(&mut FileHeader)) -> impl Fn(&mut Files) {
    move |file| {
        let mut header = FileHeader::parse(&file.skeleton.header, FileKind::Skeleton).unwrap();
        change(&mut header);
        file.skeleton.header = header.encode().to_vec();
    }
}

fn finds_nothing(lookup: SectionId) -> impl Fn(&mut Files) {
    move |file| *file.bytes(lookup) = Lookup::build(Vec::new())
}

#[test]
fn of_older_segments() {
    use RowKind::{Observation, Score, Trace};
    all_are_told(
        "of older segments",
        &[
            (
                2,
                "an observation row that is far too high",
                &old((Observation, 3), s::OLD_ROW, 9 << 2),
            ),
            (2, "the row after the last observation", &old((Observation, 3), s::OLD_ROW, 4 << 2)),
            (2, "the row of another observation", &old((Observation, 3), s::OLD_ROW, 0)),
            (2, "a row of no kind", &old((Observation, 3), s::OLD_ROW, 3)),
            (2, "a successor after the last row", &old((Observation, 3), s::OLD_SUCCESSOR, 3)),
            (2, "another observation as successor", &old((Observation, 3), s::OLD_SUCCESSOR, 2)),
            (2, "another trace as successor", &old((Trace, 2), s::OLD_SUCCESSOR, 0)),
            (2, "a successor after the last score", &old((Score, 0), s::OLD_SUCCESSOR, 1)),
            (2, "an observation of its own", &old((Observation, 3), s::OLD_SEGMENT, 2)),
            (2, "a trace of its own that is not there", &old((Trace, 2), s::OLD_SEGMENT, 2)),
            (2, "a segment that is gone, which may be", &old((Observation, 3), s::OLD_SEGMENT, 7)),
            (2, "an observation is live again", &|file| file.revive(Observation, 3)),
            (2, "a trace is live again", &|file| file.revive(Trace, 2)),
            (2, "an erased trace is live again", &|file| file.revive(Trace, 0)),
            (2, "an observation was erased", &erases(Observation, "one", "a")),
            (2, "an observation was erased that came again", &erases(Observation, "one", "b")),
            (2, "an observation was erased at the last seq of segment 1", &|file| {
                erases(Observation, "one", "a")(file);
                set(s::TOMBSTONE_SEQ, 0, Some(8))(file);
            }),
            (2, "an observation of another trace was erased", &erases(Observation, "two", "a")),
            (2, "a score was erased that came again", &erases(Score, "good", "good")),
            (2, "a trace was erased whose observations are there", &erases(Trace, "one", "one")),
            (2, "a trace was erased that nothing supersedes", &erases(Trace, "two", "two")),
            (2, "a score is live again", &|file| file.revive(Score, 0)),
            (2, "it replaces a live segment", &|file| file.facts.segments = vec![SegmentId(1)]),
            (2, "it replaces one that is gone", &|file| file.facts.segments = vec![SegmentId(9)]),
        ],
    );
}

#[test]
fn of_traces() {
    all_are_told(
        "of traces",
        &[
            (2, "one observation more", &add(s::TRACE_OBSERVATIONS, 1, 1)),
            (2, "one open", &add(s::TRACE_OPEN, 1, 1)),
            (2, "one error more", &add(s::TRACE_ERRORS, 1, 1)),
            (2, "input tokens", &add(s::TRACE_TOKENS_IN, 1, 1)),
            (2, "output tokens", &add(s::TRACE_TOKENS_OUT, 1, 1)),
            (2, "tokens in all", &add(s::TRACE_TOKENS_TOTAL, 1, 1)),
            (2, "cost", &add(s::TRACE_COST, 1, 1)),
            (2, "bytes of payloads", &add(s::TRACE_PAYLOAD_BYTES, 1, 1)),
            (2, "duration", &add(s::TRACE_DURATION, 0, 1)),
            (1, "start", &add(s::TRACE_START, 0, 1_000_000_000)),
            (2, "first row", &add(s::TRACE_FIRST, 1, 1)),
            (2, "a row less at the end", &add(s::TRACE_ROWS, 1, -1)),
            (2, "a row more at the end", &add(s::TRACE_ROWS, 1, 1)),
            (2, "a row less between", &add(s::TRACE_ROWS, 0, -1)),
            (2, "each other's id", &|file| file.ids(s::TRACE_IDS, |ids| ids.swap(0, 1))),
            (2, "a session that no lookup knows", &set(s::TRACE_SESSION, 0, Some(0))),
            (2, "a trace that the lookup does not find", &finds_nothing(s::LOOKUP_TRACE)),
            (1, "a session that the lookup does not find", &finds_nothing(s::LOOKUP_SESSION)),
        ],
    );
}

#[test]
fn of_observations_and_scores() {
    all_are_told(
        "of observations and scores",
        &[
            (1, "each other's id", &|file| file.ids(s::OBS_IDS, |ids| ids.swap(0, 1))),
            (1, "an id twice", &|file| file.ids(s::OBS_IDS, |ids| ids[1] = ids[2])),
            (1, "a row twice", &|file| {
                file.ids(s::OBS_IDS, |ids| ids[2] = ids[1]);
                file.ints(s::OBS_START, |starts| starts[2] = starts[1]);
            }),
            (1, "out of order", &add(s::OBS_START, 1, 1_000_000_000)),
            (1, "a parent before the trace", &set(s::OBS_PARENT, 1, Some(1))),
            (1, "a parent after the trace", &set(s::OBS_PARENT, 1, Some(-3))),
            (1, "a parent in the trace's last row, which may be", &set(s::OBS_PARENT, 1, Some(-2))),
            (1, "a parent elsewhere without an id", &set(s::OBS_PARENT, 1, Some(0))),
            (1, "a parent elsewhere of another row", &set(s::PARENT_ROWS, 0, Some(0))),
            (1, "two parents elsewhere of one row", &|file| {
                set(s::OBS_PARENT, 1, Some(0))(file);
                file.table(s::PARENTS, |rows| rows.push(rows[0].clone()));
            }),
            (1, "a parent too many", &|file| {
                file.table(s::PARENTS, |rows| rows.push((rows[0].0.clone(), vec![Some(3), None])))
            }),
            (1, "a parent too few", &|file| file.table(s::PARENTS, Vec::clear)),
            (1, "another parent's id", &|file| file.ids(s::PARENT_IDS, |ids| ids[0].bits ^= 1)),
            (1, "another score's id", &|file| file.ids(s::SCORE_IDS, |ids| ids[0].bits ^= 1)),
            (1, "a score that the lookup does not find", &finds_nothing(s::LOOKUP_SCORE)),
            (1, "one that is not found by its subject", &finds_nothing(s::LOOKUP_SUBJECT)),
            (2, "no kind of what was erased", &set(s::TOMBSTONE_KIND, 0, None)),
            (2, "an unknown kind was erased", &set(s::TOMBSTONE_KIND, 0, Some(7))),
            (2, "no seq of what was erased", &set(s::TOMBSTONE_SEQ, 0, None)),
        ],
    );
}

#[test]
fn a_table_of_too_few_rows_is_refused() {
    for id in [s::TRACES, s::OBSERVATIONS, s::SCORES, s::PAYLOADS, s::SUPERSEDED] {
        let told = forged(2, &|file| file.table(id, |rows| _ = rows.pop())).concat();
        let refused = format!("section {} has ", s::section_name(id));
        // Which rows are dead is read as a store opens.
        let when = if id == s::SUPERSEDED { "opening" } else { "reading" };
        assert!(told.contains(when) && told.contains(&refused), "{id:?}: {told}");
    }
}

#[test]
fn a_table_of_other_columns_is_refused() {
    for (id, _) in s::TABLES.iter().filter(|(id, _)| *id < s::DICTIONARY) {
        let told = forged(2, &|file| *file.bytes(*id) = TableBuilder::new(3, 1).build()).concat();
        let refused = format!("section {} has other columns", s::section_name(*id));
        assert!(told.contains(&refused), "{id:?}: {told}");
    }
}

#[test]
fn a_section_that_is_missing_is_told() {
    for segment in [SegmentId(1), SegmentId(2)] {
        let ids = |of: &Sections| of.sections.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        let files = Files::read(&store(), segment);
        for id in [ids(&files.skeleton), ids(&files.payloads)].concat() {
            let told = forged(segment.0, &|files| {
                for of in [&mut files.skeleton, &mut files.payloads] {
                    of.sections.retain(|(found, _)| *found != id);
                }
            });
            assert!(!told.is_empty(), "{} of {segment}", s::section_name(id));
        }
    }
}

#[test]
fn one_that_expired_reads_as_that() {
    let store = store();
    let mut files = Files::read(&store, SegmentId(1));
    files.lists(|lists| lists[0].clear());
    files.write(&store, SegmentId(1));
    let segment = Segment::open_checked(&store.dir, SegmentId(1), &store.header, false).unwrap();
    let mut reader = PayloadReader::new(segment.payload_file().unwrap(), None);
    let mut bytes = Vec::new();
    assert!(!reader.read(0, 1, &mut bytes).unwrap(), "it has expired");
    assert!(reader.read(0, 0, &mut bytes).unwrap(), "nothing is there in any case");
    assert!(bytes.is_empty());
}

#[test]
fn of_payloads() {
    const BIG: usize = 100_000;
    /// Offset of a block's checksum and size of its entry in a directory of blobs.
    const CRC: usize = 16 + 20;
    const ENTRY: usize = 24;
    all_are_told(
        "of payloads",
        &[
            (1, "another length", &add(s::PAYLOAD_LEN, 0, 1)),
            (1, "another fingerprint", &|file| {
                file.ints(s::PAYLOAD_PRINT, |prints| prints[1] = prints[1].map(|print| print ^ 1))
            }),
            (1, "a list of one that expired, which may be", &|file| {
                file.lists(|lists| lists[0].clear())
            }),
            (1, "a list less", &|file| file.lists(|lists| _ = lists.pop())),
            (1, "a list of a part that is not there", &|file| {
                file.lists(|lists| lists[0] = vec![0xff; 3])
            }),
            (1, "a block of lists that cannot be read", &|file| file.bytes(s::LISTS)[CRC] ^= 1),
            (1, "two blocks of lists that cannot be read", &|file| {
                file.lists(|lists| lists[0] = vec![0; BIG]);
                file.bytes(s::LISTS)[CRC] ^= 1;
                file.bytes(s::LISTS)[CRC + ENTRY] ^= 1;
            }),
            (1, "a block of parts from another part", &|file| {
                file.bytes(s::BLOCK_DIRECTORY)[20] += 1
            }),
            (1, "a block of parts elsewhere", &|file| file.bytes(s::BLOCK_DIRECTORY)[0] += 8),
            (1, "a block of parts that is longer", &|file| file.bytes(s::BLOCK_DIRECTORY)[8] += 1),
            (1, "details and a block of parts that cannot be read", &|file| {
                file.bytes(s::TRACE_DETAILS)[CRC] ^= 1;
                file.bytes(s::OBS_DETAILS)[CRC] ^= 1;
                file.bytes(s::SCORE_DETAILS)[CRC] ^= 1;
                file.bytes(s::BLOCKS)[8] ^= 1;
            }),
            (2, "a block of parts that a correction needs, too", &|file| {
                file.bytes(s::BLOCKS)[8] ^= 1
            }),
            (1, "a part without bytes", &set(s::PART_LEN, 0, Some(0))),
            (1, "more parts than a block has bytes", &|file| {
                file.table(s::PARTS, |rows| {
                    rows.resize((64 << 10) + 1, (Vec::new(), vec![Some(1)]))
                })
            }),
            (1, "a longer part", &add(s::PART_LEN, 0, 1)),
            (1, "one part more", &|file| file.facts.parts += 1),
            (1, "one byte of parts more", &|file| file.facts.part_bytes += 1),
            (1, "a part less", &|file| file.table(s::PARTS, |rows| _ = rows.pop())),
        ],
    );
}

/// Traces, scores, and scores by what they are about.
type Items = [Vec<Item>; 3];

/// What is told when the merged indexes say something else.
fn forged_index(change: &dyn Fn(&mut Vec<u8>, &mut Items)) -> Vec<String> {
    let (store, name) = (store(), FileName::Index(1));
    let mut index = Sections::of(&std::fs::read(store.path(name)).unwrap());
    let [(_, segments), merged @ ..] = &mut index.sections[..] else { panic!("no sections") };
    let of = |(_, bytes): &(SectionId, Vec<u8>)| Merged::parse(bytes).unwrap().iter().collect();
    let mut items: Items = [0, 1, 2].map(|at| of(&merged[at]));
    change(segments, &mut items);
    for (items, (_, bytes)) in items.iter_mut().zip(merged) {
        items.sort_unstable();
        bytes.clear();
        write_merged(&|| items.iter().copied(), &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok::<(), Fault>(())
        })
        .unwrap();
    }
    index.write(&store, name, &[]);
    told(&store)
}

#[test]
fn of_indexes() {
    type Case<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>, &mut Items));
    let cases: &[Case<'_>] = &[
        ("nothing else", &|_, _| {}),
        ("a trace less", &|_, [traces, ..]| _ = traces.pop()),
        ("a trace more", &|_, [traces, ..]| traces.push((7, 0, 0))),
        ("another row", &|_, [traces, ..]| traces[0].2 += 1),
        ("a score less", &|_, [_, scores, _]| _ = scores.pop()),
        ("a score more", &|_, [_, scores, _]| scores.push((7, 0, 0))),
        ("another row of a score", &|_, [_, scores, _]| scores[0].2 += 1),
        ("a subject less", &|_, [.., subjects]| _ = subjects.pop()),
        ("a subject more", &|_, [.., subjects]| subjects.push((7, 0, 0))),
        ("another score about it", &|_, [.., subjects]| subjects[0].2 += 1),
        ("a segment less", &|segments, _| segments.truncate(8)),
        ("half a segment more", &|segments, _| segments.extend([0; 4])),
        ("another segment, whose items may be anything", &|segments, items| {
            segments.extend(9u64.to_le_bytes());
            items.iter_mut().for_each(|items| items.push((7, 2, 0)));
        }),
        ("another segment and an item less", &|segments, [traces, ..]| {
            segments.extend(9u64.to_le_bytes());
            traces.pop();
        }),
        ("another segment instead", &|segments, _| segments[8] = 9),
    ];
    told_as("of indexes", cases.iter().map(|(name, change)| (*name, forged_index(*change))));
}

#[test]
fn of_itself() {
    all_are_told(
        "of itself",
        &[
            (2, "an earlier start", &|file| file.facts.start_ns -= 1),
            (2, "a later end", &|file| file.facts.end_ns += 1),
            (2, "another first seq", &|file| file.facts.first_seq.0 += 1),
            (2, "another last seq", &|file| file.facts.last_seq.0 += 1),
            (2, "a longer payload file", &|file| file.facts.payload_file_bytes += 1),
            (2, "one payload more", &|file| file.facts.payloads += 1),
            (2, "another payload file", &|file| file.facts.payload_file_crc ^= 1),
            (2, "one superseded row more", &|file| file.facts.superseded += 1),
            (2, "another store", &header(|header| header.store += 1)),
            (2, "another key", &header(|header| header.key.0[0] ^= 1)),
            (2, "another number", &header(|header| header.number = 1)),
            (2, "another id", &|file| file.facts.id = SegmentId(1)),
            (2, "no scores", &|file| file.skeleton.sections.retain(|(id, _)| *id != s::SCORES)),
            (2, "a section of another file", &|file| {
                file.skeleton.sections.push((s::LISTS, Vec::new()))
            }),
            (2, "an unknown section", &|file| {
                file.skeleton.sections.push((SectionId(120), Vec::new()))
            }),
            (2, "a section twice", &|file| file.skeleton.sections.push((s::TEXTS, Vec::new()))),
        ],
    );
}
