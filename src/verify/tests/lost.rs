//! What is lost of a row whose details and one column more cannot be read.

use super::*;
use crate::column::LastBlock;
use crate::model::Field::*;
use crate::segment::{Readable, ReadableRow, SectionId, columns as s, parse_footer};

/// Segment 1 with a byte of each of these sections turned.
fn damaged(sections: &[SectionId]) -> (Store, Readable<RealDir>) {
    let store = store();
    let path = store.path(FileName::Skeleton(SegmentId(1)));
    let mut bytes = std::fs::read(&path).unwrap();
    let footer = parse_footer(&bytes, FILE_HEADER_BYTES).unwrap();
    for at in footer.sections.iter().filter(|at| sections.contains(&at.id)) {
        assert!(at.len > 0, "section {:?} is empty", at.id);
        bytes[(at.offset + at.len - 1) as usize] ^= 1;
        if [s::TRACE_DETAILS, s::OBS_DETAILS].contains(&at.id) {
            // The checksum of the first block.
            bytes[at.offset as usize + 8 + 20] ^= 1;
        }
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let readable = Readable::open(&store.dir, SegmentId(1), &store.header).unwrap();
    (store, readable)
}

fn lost(row: &ReadableRow, to: SectionId) -> Vec<Field> {
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
        (s::OBS_IDS, &[Parent]),
        (s::OBS_ID_TEXTS, &[Parent]),
        (s::TEXTS, &[Name, Model, Parent]),
        (s::TRACE_START, &[Start, End, CompletionStart]),
        (s::OBS_START, &[Start, End, CompletionStart]),
        (s::OBS_DURATION, &[End]),
        (s::OBS_COMPLETION, &[CompletionStart]),
        (s::OBS_INPUT, &[Input, Output]),
        (s::OBS_OUTPUT, &[Output]),
        (s::OBS_COST, &[]),
    ] {
        let (_store, readable) = damaged(&[section, s::OBS_DETAILS]);
        let row = readable.observation(2, readable.trace_start(1), &mut LastBlock::default());
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
        (s::TEXTS, &[Name, User, Session, Environment, Tags]),
        (s::TRACE_COST, &[]),
    ] {
        let (_store, readable) = damaged(&[section, s::TRACE_DETAILS]);
        let row = readable.trace(0, Some(0), &mut LastBlock::default());
        assert_eq!(lost(&row, section), sorted(expected), "section {section:?}");
    }
}
