//! What is lost of a row whose details and one column more cannot be read.

use super::{FILE_HEADER_BYTES, FileName, RealDir, SegmentId, Store, store};
use crate::column::{LastBlock, Table};
use crate::fs::Dir;
use crate::model::Field::{self, *};
use crate::segment::{ColumnId, Readable, ReadableRow, SectionWriter, columns as s, parse_footer};

/// Segment 1 with a byte of each of these columns and sections turned.
fn damaged(columns: &[ColumnId]) -> (Store, Readable<RealDir>) {
    let store = store();
    let path = store.path(FileName::Skeleton(SegmentId(1)));
    let mut bytes = std::fs::read(&path).unwrap();
    let footer = parse_footer(&bytes, FILE_HEADER_BYTES).unwrap();
    for column in columns {
        let at = footer.find(column.section).unwrap();
        let (start, end) = (at.offset as usize, (at.offset + at.len) as usize);
        if [s::TRACE_DETAILS, s::OBS_DETAILS].contains(&column.section) {
            // The checksum of the first block.
            bytes[start + 16 + 20] ^= 1;
        } else if s::shape(column.section).is_some() {
            let group = Table::view(&bytes[start..end]).group(0);
            bytes[start + group.start + usize::from(column.index) * 32 + 8] ^= 1;
        } else {
            bytes[end - 1] ^= 1;
        }
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let readable = Readable::open(&store.dir, SegmentId(1), &store.header).unwrap();
    (store, readable)
}

fn lost(row: &ReadableRow, to: ColumnId) -> Vec<Field> {
    assert!(row.no_details.is_some(), "{row:?}");
    let mut fields: Vec<Field> =
        row.lost.iter().filter(|(_, by)| *by == to).map(|(field, _)| *field).collect();
    fields.sort_unstable();
    fields
}

fn sorted(fields: &[Field]) -> Vec<Field> {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    fields
}

#[test]
fn an_observation_loses_what_its_columns_hold() {
    for (section, expected) in [
        (s::OBS_KIND, &[Kind][..]),
        (s::OBS_LEVEL, &[Level]),
        (s::OBS_NAME, &[Name]),
        (s::OBS_MODEL, &[Model]),
        (s::OBS_PARENT, &[Parent]),
        (s::PARENT_ROWS, &[Parent]),
        (s::PARENT_IDS, &[Parent]),
        (s::PARENT_ID_TEXTS, &[Parent]),
        (s::OBS_IDS, &[]),
        (s::OBS_ID_TEXTS, &[]),
        (s::TEXTS.whole(), &[Name, Model, Parent]),
        (s::TRACE_START, &[Start, End, CompletionStart]),
        (s::OBS_START, &[Start, End, CompletionStart]),
        (s::OBS_DURATION, &[End]),
        (s::OBS_COMPLETION, &[CompletionStart]),
        (s::OBS_INPUT, &[Input, Output]),
        (s::OBS_OUTPUT, &[Output]),
        (s::OBS_COST, &[]),
    ] {
        let (_store, readable) = damaged(&[section, s::OBS_DETAILS.whole()]);
        let row = readable.observation(2, 1, readable.trace_start(1), &mut LastBlock::default());
        assert_eq!(lost(&row, section), sorted(expected), "section {section:?}");
    }
}

#[test]
fn a_trace_loses_what_its_columns_hold() {
    for (section, expected) in [
        (s::TRACE_NAME, &[Name][..]),
        (s::TRACE_USER, &[User]),
        (s::TRACE_SESSION, &[Session]),
        (s::TRACE_ENVIRONMENT, &[Environment]),
        (s::TRACE_TAGS, &[Tags]),
        (s::TEXTS.whole(), &[Name, User, Session, Environment, Tags]),
        (s::TRACE_COST, &[]),
    ] {
        let (_store, readable) = damaged(&[section, s::TRACE_DETAILS.whole()]);
        let row = readable.trace(0, Some(0), &mut LastBlock::default());
        assert_eq!(lost(&row, section), sorted(expected), "section {section:?}");
    }
}

#[test]
fn an_id_is_lost_with_its_text_only_where_it_has_one() {
    for (section, of_text, of_hex) in [
        (s::OBS_IDS, Err(s::OBS_IDS), Err(s::OBS_IDS)),
        (s::OBS_ID_TEXTS, Err(s::OBS_ID_TEXTS), Ok("8b83a58eee36ab26")),
        (s::TEXTS.whole(), Err(s::TEXTS.whole()), Ok("8b83a58eee36ab26")),
        (s::OBS_KIND, Ok("a"), Ok("8b83a58eee36ab26")),
    ] {
        let (_store, readable) = damaged(&[section]);
        let read = |row| readable.observation_id(row).map(|id| id.to_string());
        assert_eq!(read(1), of_text.map(str::to_owned), "section {section:?}");
        assert_eq!(read(2), of_hex.map(str::to_owned), "section {section:?}");
    }
}

#[test]
fn what_counts_from_a_lost_column_is_lost_with_it() {
    let by = |row: ReadableRow| {
        assert!(row.no_details.is_none(), "{row:?}");
        let mut lost = row.lost;
        lost.sort_unstable();
        lost
    };
    let last = &mut LastBlock::default();
    let (_store, readable) = damaged(&[s::OBS_INPUT]);
    let row = readable.observation(2, 1, readable.trace_start(1), last);
    let expected = [Input, Output, Metadata].map(|field| (field, s::OBS_INPUT));
    assert_eq!(by(row), expected);
    let (_store, readable) = damaged(&[s::TRACE_START]);
    let row = readable.trace(0, Some(0), &mut LastBlock::default());
    assert_eq!(row.no_times, Some(s::TRACE_START));
    assert_eq!(by(row), [(Timestamp, s::TRACE_START)]);
    let (_store, readable) = damaged(&[s::TRACE_DURATION]);
    let row = readable.trace(0, Some(0), &mut LastBlock::default());
    assert_eq!(row.no_times, Some(s::TRACE_DURATION));
    assert_eq!(by(row), []);
}

#[test]
fn a_section_that_is_missing_is_told_and_no_other() {
    let (store, sound) = damaged(&[]);
    assert!(sound.unsound.is_empty() && sound.is_sound(s::TEXTS.whole()), "{:?}", sound.unsound);
    let path = store.path(FileName::Skeleton(SegmentId(1)));
    let bytes = std::fs::read(&path).unwrap();
    let footer = parse_footer(&bytes, FILE_HEADER_BYTES).unwrap();
    std::fs::remove_file(&path).unwrap();
    let file = store.dir.create(FileName::Skeleton(SegmentId(1))).unwrap();
    let mut out = SectionWriter::new(file, &bytes[..FILE_HEADER_BYTES]).unwrap();
    for at in footer.sections.iter().filter(|at| at.id != s::SCORES) {
        out.section(at.id, footer.section(&bytes, at.id)).unwrap();
    }
    out.finish(&bytes[footer.facts]).unwrap();
    let readable = Readable::open(&store.dir, SegmentId(1), &store.header).unwrap();
    let unsound: Vec<_> = readable.unsound.iter().map(|u| u.column).collect();
    assert_eq!(unsound, [s::SCORE_IDS, s::SCORE_ID_TEXTS, s::SCORE_TIME].map(Some));
    assert!(!readable.is_sound(s::SCORE_TIME) && readable.is_sound(s::OBS_KIND));
    // A file under another's name is nobody's.
    let other = store.path(FileName::Skeleton(SegmentId(2)));
    std::fs::copy(store.path(FileName::Skeleton(SegmentId(1))), other).unwrap();
    let readable = Readable::open(&store.dir, SegmentId(2), &store.header).unwrap();
    assert!(readable.segment.is_none(), "it holds segment 1");
}
