//! Opening a segment that does not open: whatever of it is sound, and what is not.

use super::check::{Checked, LAZY};
use super::columns::{self, RowKind};
use super::facts::Facts;
use super::reader::{Places, Segment, check_header};
use super::section::{SectionAt, SectionId, parse_footer};
use crate::column::Blobs;
use crate::error::{Error, Fault, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, FileName, map_whole};
use crate::id::SegmentId;
use std::ops::Range;
use std::sync::Arc;

/// A section that cannot be used, or the file's frame around the sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsound {
    /// Which; none for header and footer.
    pub section: Option<SectionId>,
    /// Where it stands in the file.
    pub offset: u64,
    /// Why not.
    pub what: String,
}

/// What can be read of a skeleton file.
#[derive(Debug)]
pub struct Readable<D: Dir> {
    /// The segment without its payload file. Of a section that is not sound nothing is there:
    /// its columns are null in every row, its lookups find nothing.
    pub segment: Option<Arc<Segment<D>>>,
    /// What is not sound.
    pub unsound: Vec<Unsound>,
}

impl<D: Dir> Readable<D> {
    fn nothing(offset: u64, what: String) -> Readable<D> {
        Readable { segment: None, unsound: vec![Unsound { section: None, offset, what }] }
    }
    /// Whether a section can be used.
    pub fn is_sound(&self, section: SectionId) -> bool {
        !self.unsound.iter().any(|u| u.section == Some(section))
    }

    /// Where a section stands in the file.
    pub fn offset(&self, section: SectionId) -> u64 {
        let sections = self.segment.as_ref().map(|segment| &segment.footer.sections);
        sections.into_iter().flatten().find(|s| s.id == section).map_or(0, |s| s.offset)
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
        // Each section that is not sound is taken out below.
        let checked = Checked::sound();
        let mut segment = Segment { facts, key, path, map, footer, places, payload: None, checked };
        for section in segment.footer.sections.clone() {
            if let Err(error) = segment.check_readable(&section) {
                unsound.push(of_error(Some(section.id), error)?);
                segment.places.forget(section.id);
            }
        }
        for id in columns::ALL.iter().filter(|id| **id < columns::DICTIONARY) {
            if segment.footer.find(*id).is_none() {
                let what = "the section is missing".to_owned();
                unsound.push(Unsound { section: Some(*id), offset: at, what });
            }
        }
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
                bad.push((rows.start as u32..rows.end as u32, self.in_details(section, fault)));
            }
        }
        bad
    }

    fn check_readable(&self, section: &SectionAt) -> Result<()> {
        if !LAZY.contains(&section.id) {
            self.footer.check(&self.map, section).map_err(|f| f.in_file(&self.path, 0))?;
        }
        self.check_section(section)
    }
}

fn of_error(section: Option<SectionId>, error: Error) -> Result<Unsound> {
    let Some(c) = error.corruption() else { return Err(error) };
    Ok(Unsound { section, offset: c.offset, what: c.what.clone() })
}
