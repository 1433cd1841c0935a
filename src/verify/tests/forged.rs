//! Statements that are false behind sound checksums: each is found, and told as what it is. What is
//! told stands in `forged.txt`: a line for each statement, and below it what was expected and what was
//! found.

use super::*;
use crate::column::{Ids, IdsBuilder, Ints, IntsBuilder};
use crate::frame::FILE_HEADER_BYTES;
use crate::id::Identity;
use crate::index::Lookup;
use crate::segment::{Facts, RowKind, SectionId, SectionWriter, columns as s, parse_footer};

/// A skeleton file, taken apart.
struct Skeleton {
    header: Vec<u8>,
    sections: Vec<(SectionId, Vec<u8>)>,
    facts: Facts,
}

impl Skeleton {
    fn of(file: &[u8]) -> Skeleton {
        let footer = parse_footer(file, FILE_HEADER_BYTES).unwrap();
        let sections = footer.sections.iter();
        Skeleton {
            header: file[..FILE_HEADER_BYTES].to_vec(),
            sections: sections.map(|at| (at.id, footer.section(file, at.id).to_vec())).collect(),
            facts: Facts::decode(&file[footer.facts.clone()]).unwrap(),
        }
    }

    fn bytes(&mut self, id: SectionId) -> &mut Vec<u8> {
        &mut self.sections.iter_mut().find(|(found, _)| *found == id).unwrap().1
    }

    fn ints(&mut self, id: SectionId, change: impl FnOnce(&mut Vec<Option<i64>>)) {
        let bytes = self.bytes(id);
        let column = Ints::parse(bytes).unwrap();
        let mut rows: Vec<Option<i64>> = (0..column.len()).map(|row| column.get(row)).collect();
        change(&mut rows);
        let mut builder = IntsBuilder::new();
        rows.into_iter().for_each(|row| builder.push(row));
        *bytes = builder.build();
    }

    fn ids(&mut self, id: SectionId, change: impl FnOnce(&mut Vec<Identity>)) {
        let bytes = self.bytes(id);
        let column = Ids::parse(bytes).unwrap();
        let mut rows: Vec<Identity> = (0..column.len()).filter_map(|row| column.get(row)).collect();
        change(&mut rows);
        let mut builder = IdsBuilder::new();
        rows.into_iter().for_each(|row| builder.push(row));
        *bytes = builder.build();
    }

    /// Where in the list this row of a kind is superseded.
    fn old(&mut self, kind: RowKind, row: i64) -> usize {
        let column = Ints::parse(self.bytes(s::OLD_ROW)).unwrap();
        let packed = Some(row << 2 | kind as i64);
        (0..column.len()).find(|at| column.get(*at) == packed).unwrap()
    }

    /// One superseded row less.
    fn revive(&mut self, kind: RowKind, row: i64) {
        let at = self.old(kind, row);
        for id in [s::OLD_SEGMENT, s::OLD_ROW, s::OLD_SUCCESSOR] {
            self.ints(id, |rows| _ = rows.remove(at));
        }
        self.facts.superseded -= 1;
    }

    fn write(&self, store: &Store, name: FileName) {
        std::fs::remove_file(store.path(name)).unwrap();
        let file = store.dir.create(name).unwrap();
        let mut out = SectionWriter::new(file, &self.header).unwrap();
        for (id, bytes) in &self.sections {
            out.section(*id, bytes).unwrap();
        }
        out.finish(&self.facts.encode()).unwrap();
    }
}

/// What is found when one segment says something else: what was expected, and what is there.
fn forged(segment: u64, change: &dyn Fn(&mut Skeleton)) -> Vec<String> {
    let store = store();
    let name = FileName::Skeleton(SegmentId(segment));
    let mut skeleton = Skeleton::of(&std::fs::read(store.path(name)).unwrap());
    change(&mut skeleton);
    skeleton.write(&store, name);
    let (verdict, findings) = store.verify();
    let damage = findings.into_iter().filter(|f| f.severity == Severity::Damage);
    let told: Vec<String> = damage.map(|f| format!("  {} | {}\n", f.expected, f.found)).collect();
    assert_eq!(verdict == Verdict::Damaged, !told.is_empty());
    told
}

type Case<'a> = (u64, &'a str, &'a dyn Fn(&mut Skeleton));

/// Every statement, of this segment, is told as `forged.txt` says under this heading.
fn all_are_told(heading: &str, cases: &[Case<'_>]) {
    assert!(forged(2, &|_| {}).is_empty(), "taking apart and putting together changes nothing");
    let mut told = String::new();
    for (segment, name, change) in cases {
        told += &format!("{name}\n{}", forged(*segment, change).concat());
    }
    let expected = include_str!("forged.txt").split("# ");
    let expected = expected.filter_map(|part| part.strip_prefix(heading)).next();
    assert_eq!(expected.unwrap_or_default().trim(), told.trim(), "{told}");
}

fn set(column: SectionId, row: usize, value: Option<i64>) -> impl Fn(&mut Skeleton) {
    move |file| file.ints(column, |rows| rows[row] = value)
}

fn add(column: SectionId, row: usize, more: i64) -> impl Fn(&mut Skeleton) {
    move |file| file.ints(column, |rows| rows[row] = rows[row].map(|value| value + more))
}

fn old((kind, row): (RowKind, i64), column: SectionId, value: i64) -> impl Fn(&mut Skeleton) {
    move |file| set(column, file.old(kind, row), Some(value))(file)
}

fn erases(kind: RowKind, trace: &str, name: &str) -> impl Fn(&mut Skeleton) {
    let identity = |name: &str| store_header().key.identity(&id(name));
    let (trace, name) = (identity(trace), identity(name));
    move |file| {
        set(s::TOMBSTONE_KIND, 0, Some(kind as i64))(file);
        file.ids(s::TOMBSTONE_IDS, |ids| ids[0] = name);
        file.ids(s::TOMBSTONE_TRACES, |ids| ids[0] = trace);
    }
}

fn header(change: impl Fn(&mut FileHeader)) -> impl Fn(&mut Skeleton) {
    move |file| {
        let mut header = FileHeader::parse(&file.header, FileKind::Skeleton).unwrap();
        change(&mut header);
        file.header = header.encode().to_vec();
    }
}

fn finds_nothing(lookup: SectionId) -> impl Fn(&mut Skeleton) {
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
                file.ints(s::PARENT_ROWS, |rows| rows.push(rows[0]));
                file.ids(s::PARENT_IDS, |ids| ids.push(ids[0]));
            }),
            (1, "another parent's id", &|file| file.ids(s::PARENT_IDS, |ids| ids[0].bits ^= 1)),
            (1, "another score's id", &|file| file.ids(s::SCORE_IDS, |ids| ids[0].bits ^= 1)),
            (1, "a score that the lookup does not find", &finds_nothing(s::LOOKUP_SCORE)),
            (1, "one that is not found by its subject", &finds_nothing(s::LOOKUP_SUBJECT)),
            (2, "no id of what was erased", &|file| file.ids(s::TOMBSTONE_IDS, Vec::clear)),
            (2, "no trace of what was erased", &|file| file.ids(s::TOMBSTONE_TRACES, Vec::clear)),
            (2, "no kind of what was erased", &|file| file.ints(s::TOMBSTONE_KIND, Vec::clear)),
            (2, "an unknown kind was erased", &set(s::TOMBSTONE_KIND, 0, Some(7))),
            (2, "no seq of what was erased", &|file| file.ints(s::TOMBSTONE_SEQ, Vec::clear)),
        ],
    );
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
            (2, "no environments", &|file| {
                file.sections.retain(|(id, _)| *id != s::TRACE_ENVIRONMENT)
            }),
            (2, "a section of another file", &|file| file.sections.push((s::LISTS, Vec::new()))),
            (2, "an unknown section", &|file| file.sections.push((SectionId(120), Vec::new()))),
            (2, "a section twice", &|file| file.sections.push((s::TEXTS, Vec::new()))),
        ],
    );
}
