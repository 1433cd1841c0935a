//! Opening a segment that does not open: whatever of it is sound, and what is not.

use super::check::{Checked, IN_BLOCKS, rows_said};
use super::columns::{self, ColumnId, RowKind};
use super::facts::Facts;
use super::reader::{Places, Segment, check_header};
use super::section::{SectionAt, SectionId, parse_footer};
use crate::column::{Blobs, Table};
use crate::error::{Error, Fault, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, FileName, map_whole};
use crate::id::SegmentId;
use crate::limits::ZONE_ROWS;
use std::ops::Range;
use std::sync::Arc;

/// Rows of a column, a section that is no table, or the file's frame around the sections, that
/// cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsound {
    /// Which column; none for header and footer.
    pub column: Option<ColumnId>,
    /// Its rows.
    pub rows: Range<u32>,
    /// Where it stands in the file.
    pub offset: u64,
    /// Why not.
    pub what: String,
}

const ALL_ROWS: Range<u32> = 0..u32::MAX;

/// What can be read of a skeleton file.
#[derive(Debug)]
pub struct Readable<D: Dir> {
    /// The segment without its payload file. Of what is not sound nothing is there: a column is
    /// null in those rows, a lookup finds nothing.
    pub segment: Option<Arc<Segment<D>>>,
    /// What is not sound, in the order of columns and rows.
    pub unsound: Vec<Unsound>,
}

impl<D: Dir> Readable<D> {
    fn nothing(offset: u64, what: String) -> Readable<D> {
        let unsound = vec![Unsound { column: None, rows: ALL_ROWS, offset, what }];
        Readable { segment: None, unsound }
    }

    /// The first rows of a column that cannot be used.
    pub fn first_unsound(&self, column: ColumnId) -> Option<&Unsound> {
        let first = self.unsound.partition_point(|u| u.column < Some(column));
        self.unsound.get(first).filter(|u| u.column == Some(column))
    }

    /// Whether all of a column can be used.
    pub fn is_sound(&self, column: ColumnId) -> bool {
        self.first_unsound(column).is_none()
    }

    /// What hides a column in a row.
    pub fn unsound_at(&self, column: ColumnId, row: u32) -> Option<&Unsound> {
        let place = (Some(column), row);
        let after = self.unsound.partition_point(|u| (u.column, u.rows.start) <= place);
        let found = self.unsound.get(after.checked_sub(1)?)?;
        (found.column == Some(column) && found.rows.contains(&row)).then_some(found)
    }

    /// Where a section stands in the file.
    pub fn offset(&self, section: SectionId) -> u64 {
        self.segment.as_ref().map_or(0, |segment| segment.footer.offset(section))
    }

    /// Opens what is sound of a skeleton file. Details are checked as they are read.
    ///
    /// # Errors
    /// `Io`, `UnsupportedFormat`. Damage is told in the answer, a missing file too.
    pub fn open(dir: &D, id: SegmentId, store: &FileHeader) -> Result<Readable<D>> {
        let path = dir.path().join(FileName::Skeleton(id).to_string());
        let map = match map_whole(dir, FileName::Skeleton(id)) {
            Err(e) if e.is_not_found() => {
                return Ok(Readable::nothing(0, "the file is missing".to_owned()));
            }
            other => other?,
        };
        let mut unsound = Vec::new();
        // The sections have checksums of their own: a bad header does not make them worse.
        if let Err(error) = check_header(&path, &map, FileKind::Skeleton, id, store) {
            unsound.push(of_error(None, error)?);
        }
        let footer = match parse_footer(&map, FILE_HEADER_BYTES) {
            Ok(footer) => footer,
            Err(fault) => return Ok(Readable::nothing(fault.at, fault.what)),
        };
        let at = footer.facts.start as u64;
        let facts = match Facts::decode(&map[footer.facts.clone()]) {
            Ok(facts) if facts.id == id => facts,
            Ok(facts) => {
                return Ok(Readable::nothing(at, format!("the file holds segment {}", facts.id)));
            }
            Err(Fault { what, .. }) => return Ok(Readable::nothing(at, what)),
        };
        let (key, places) = (store.key, Places::of(&footer.sections));
        // What is not sound is taken out below.
        let (checked, mended, payload) = (Checked::sound(&facts), Vec::new(), None);
        let mut segment =
            Segment { facts, key, path, map, footer, places, mended, payload, checked };
        for section in segment.footer.sections.clone() {
            match columns::shape(section.id) {
                Some(shape) => segment.mend(&section, shape, &mut unsound),
                None => {
                    if let Err(error) = segment.check_readable(&section) {
                        unsound.push(of_error(Some(section.id.whole()), error)?);
                        segment.places.forget(section.id);
                    }
                }
            }
        }
        for id in columns::ALL.iter().filter(|id| **id < columns::DICTIONARY) {
            if segment.footer.find(*id).is_none() {
                let what = "the section is missing".to_owned();
                unsound.extend(columns::of_section(*id).map(|column| Unsound {
                    column: Some(column),
                    rows: ALL_ROWS,
                    offset: at,
                    what: what.clone(),
                }));
            }
        }
        unsound.sort_by_key(|u| (u.column, u.rows.start));
        Ok(Readable { segment: Some(Arc::new(segment)), unsound })
    }
}

impl<D: Dir> Segment<D> {
    /// The blocks of details that cannot be read: their rows, and why.
    pub fn bad_details(&self, kind: RowKind) -> Vec<(Range<u32>, Error)> {
        let section = match kind {
            RowKind::Trace => columns::TRACE_DETAILS,
            RowKind::Observation => columns::OBS_DETAILS,
            RowKind::Score => columns::SCORE_DETAILS,
        };
        let blobs = Blobs::view(self.bytes(section));
        let (mut bad, mut bytes) = (Vec::new(), Vec::new());
        for block in 0..blobs.blocks() {
            if let Err(fault) = blobs.read_block(block, &mut bytes) {
                let rows = blobs.block_rows(block);
                bad.push((rows.start as u32..rows.end as u32, self.in_section(section, fault)));
            }
        }
        bad
    }

    fn check_readable(&self, section: &SectionAt) -> Result<()> {
        if !IN_BLOCKS.contains(&section.id) {
            self.footer.check(&self.map, section).map_err(|f| f.in_file(&self.path, 0))?;
        }
        self.check_section(section.id)
    }

    /// Takes the zones of a table that are not sound out of it.
    fn mend(&mut self, section: &SectionAt, shape: (usize, usize), unsound: &mut Vec<Unsound>) {
        let written = self.place(section.id);
        // Where what stands before the groups is damaged, each says where the next one is.
        let found = self.check_front(section.id).is_err().then(|| {
            let rows = rows_said(&self.facts, section.id).map(|rows| rows as usize);
            Table::find_groups(written, rows, shape)
        });
        let table = Table::view(found.as_deref().unwrap_or(written));
        let mut bad = Vec::new();
        for (column, id) in columns::of_section(section.id).enumerate() {
            for group in 0..table.groups() {
                let Err(fault) = table.check_zone(group, column) else { continue };
                bad.push((group, column));
                let first = (group * ZONE_ROWS) as u32;
                let rows = first..first.saturating_add(table.group_rows(group) as u32);
                let (offset, what) = (section.offset + fault.at, fault.what);
                match unsound.last_mut() {
                    Some(u) if u.column == Some(id) && u.rows.end == first => {
                        u.rows.end = rows.end;
                    }
                    _ => unsound.push(Unsound { column: Some(id), rows, offset, what }),
                }
            }
        }
        let mended = match (found, bad.is_empty()) {
            (None, true) => return,
            (Some(found), true) => found,
            (found, false) => Table::without(found.as_deref().unwrap_or(written), &bad),
        };
        self.mended.push((section.id, mended));
    }
}

fn of_error(column: Option<ColumnId>, error: Error) -> Result<Unsound> {
    let Some(c) = error.corruption() else { return Err(error) };
    Ok(Unsound { column, rows: ALL_ROWS, offset: c.offset, what: c.what.clone() })
}
