//! A skeleton file: refused, or every row is read within its bounds. Damage that no checksum was
//! mended for is found, or the rows are the right ones.

use super::answers::said;
use super::base::{BASE, file};
use super::edit;
use super::folder::{Files, Folder};
use super::image::Sections;
use arbitrary::Unstructured;
use std::sync::{Arc, LazyLock};
use tracekeep::fs::FileName;
use tracekeep::id::SegmentId;
use tracekeep::internals::column::LastBlock;
use tracekeep::internals::segment::{LookupKind, RowKind, Segment};
use tracekeep::internals::snapshot::View;
use tracekeep::model::Field;
use tracekeep::{Error, ErrorKind};

const ID: SegmentId = SegmentId(2);
/// Rows that are looked at, of however many there are said to be.
const ROWS: u32 = 24;

/// What was read, or that there was an error.
type Read = Vec<Option<String>>;

static SOUND: LazyLock<Sections> = LazyLock::new(|| Sections::of(file(FileName::Skeleton(ID))));
static RIGHT: LazyLock<Read> =
    LazyLock::new(|| read(file(FileName::Skeleton(ID)).to_vec()).expect("a sound file"));

/// The first byte says what the others are: a file, or what to change in a sound one, with and
/// without mending its checksums.
pub fn skeleton(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else { return };
    let u = &mut Unstructured::new(rest);
    match which % 4 {
        0 => _ = read(rest.to_vec()),
        1 => {
            let mut file = file(FileName::Skeleton(ID)).to_vec();
            edit::each(u, &mut |u| edit::bytes(u, &mut file));
            if let Some(found) = read(file) {
                let wrong = found.iter().zip(&*RIGHT).find(|(a, b)| a.is_some() && a != b);
                assert_eq!((wrong, found.len()), (None, RIGHT.len()));
            }
        }
        _ => {
            let mut sections = SOUND.clone();
            edit::each(u, &mut |u| sections.edit(u));
            if which & 4 == 0 {
                sections.fit_facts();
            }
            _ = read(sections.build().0);
        }
    }
}

/// Opens the file beside its payload file and reads all that it has; `None` where it is refused.
fn read(bytes: Vec<u8>) -> Option<Read> {
    let payload = file(FileName::Payload(ID)).to_vec();
    let files = Files::from([(FileName::Skeleton(ID), bytes), (FileName::Payload(ID), payload)]);
    let segment = Arc::new(Segment::open(&Folder::of(&files), ID, &BASE.header, false).ok()?);
    let probed = segment.probe(LookupKind::Subject, 7).map(Iterator::count);
    segment.check().ok()?;
    assert!(probed.is_ok(), "a lookup that is sound among all columns is sound alone");
    let mut read = vec![Some(format!("{:?}", segment.facts()))];
    traces(&segment, &mut read);
    observations(&segment, &mut read);
    scores(&segment, &mut read);
    read.extend(segment.superseded().take(100).map(|row| Some(format!("{row:?}"))));
    read.extend(segment.tombstones().take(100).map(|row| Some(format!("{row:?}"))));
    // As opening a store does, which looks at what is superseded.
    let view = View::new(BASE.header.key, vec![segment], Vec::new(), Vec::new());
    assert_eq!(view.segments.len(), 1);
    Some(read)
}

fn traces(segment: &Segment<Folder>, read: &mut Read) {
    for row in 0..segment.rows(RowKind::Trace).min(ROWS) {
        let Some(identity) = segment.trace_identity(row) else { continue };
        let rows = segment.trace_rows(row);
        assert!(rows.start <= rows.end && rows.end <= segment.rows(RowKind::Observation));
        let (id, summary) = (segment.trace_id(row), segment.summary(row));
        let tags: Vec<_> = segment.trace_tags(row).take(100).collect();
        let name = segment.trace_text(row, Field::Name);
        read.push(Some(format!("{id:?} {rows:?} {summary:?} {tags:?} {name:?}")));
        read.push(
            segment.trace_fields(row, &mut LastBlock::default()).ok().map(|fields| said(&fields)),
        );
        let found = segment.find_trace(identity);
        assert!(found.is_none_or(|row| segment.trace_identity(row) == Some(identity)));
        read.push(Some(format!("{found:?} {:?}", segment.may_hold_session("a session"))));
    }
}

fn observations(segment: &Segment<Folder>, read: &mut Read) {
    let count = segment.rows(RowKind::Observation);
    for row in 0..count.min(ROWS) {
        let (id, parent) = (segment.observation_id(row), segment.parent_id(row));
        let payloads = [Field::Input, Field::Output].map(|f| segment.observation_payload(row, f));
        read.push(Some(format!("{id:?} {parent:?} {payloads:?}")));
    }
    let columns = segment.columns(0..count.min(ROWS));
    read.push(Some(format!("{columns:?}")));
    let start = segment.trace_start(0);
    let mut rows = Vec::new();
    let all = segment.each_observation(0..count, start, &mut |row, fields| {
        rows.push(Some(format!("{row} {}", said(&fields))));
        let enough = || Error::new(ErrorKind::LimitExceeded, "enough");
        if row < ROWS { Ok(()) } else { Err(enough()) }
    });
    rows.resize(count.min(ROWS) as usize, None);
    read.extend(rows);
    read.push(all.ok().map(|()| "all".to_owned()));
    assert_eq!(segment.first_trace_from(tracekeep::model::Timestamp(i64::MIN)).ok(), Some(0));
}

fn scores(segment: &Segment<Folder>, read: &mut Read) {
    for row in 0..segment.rows(RowKind::Score).min(ROWS) {
        let id = segment.score_id(row);
        let found = segment.score_identity(row).and_then(|identity| segment.find_score(identity));
        read.push(Some(format!("{id:?} {found:?}")));
        read.push(
            segment.score_fields(row, &mut LastBlock::default()).ok().map(|fields| said(&fields)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracekeep::internals::segment::columns;

    #[test]
    fn billions_of_superseded_rows_in_a_few_bytes_are_refused() {
        let mut sections = SOUND.clone();
        assert!(read(sections.build().0).is_some());
        sections.lie(columns::SUPERSEDED, u32::MAX);
        sections.fit_facts();
        assert!(read(sections.build().0).is_none());
    }
    #[test]
    fn a_section_that_stands_twice_is_refused() {
        let mut sections = SOUND.clone();
        sections.repeat(columns::SUPERSEDED);
        assert!(read(sections.build().0).is_none());
    }
}
