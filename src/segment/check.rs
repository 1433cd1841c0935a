//! Checking a segment's columns: not when it is opened, which must not take longer the more a store
//! holds, but when the first row is read.

use super::columns::{self as s, LookupKind};
use super::payload_reader::PayloadFile;
use super::reader::Segment;
use super::section::{SectionAt, SectionId, check_sections};
use crate::column::{Blobs, Ids, Ints, Texts};
use crate::error::{Error, Fault, Result};
use crate::frame::FileHeader;
use crate::fs::Dir;
use crate::id::SegmentId;
use crate::index::Lookup;
use std::sync::OnceLock;

/// Sections whose blocks carry checksums of their own, checked as they are read.
pub(super) const LAZY: &[SectionId] = &[s::TRACE_DETAILS, s::OBS_DETAILS, s::SCORE_DETAILS];

/// Sections that a view reads as it begins, before anything is asked of the segment.
const EARLY: &[SectionId] = &[s::OLD_SEGMENT, s::OLD_ROW, s::OLD_SUCCESSOR];

/// What checking came to, of what was checked.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Every column, the lookups among them.
    pub(super) columns: OnceLock<Result<()>>,
    /// What leads to the parts in the payload file.
    payloads: OnceLock<Result<()>>,
    /// A lookup by itself.
    lookups: [OnceLock<Result<()>>; 4],
}

impl Checked {
    /// Of a segment whose columns are sound.
    pub(super) fn sound() -> Checked {
        Checked { columns: OnceLock::from(Ok(())), ..Checked::default() }
    }
}

fn told(checked: &Result<()>) -> Result<()> {
    checked.as_ref().map_or_else(|e| Err(e.repeat()), |()| Ok(()))
}

impl<D: Dir> Segment<D> {
    /// Checks what is read as a store opens.
    pub(super) fn check_early(&self) -> Result<()> {
        let wanted = |id| EARLY.contains(&id);
        check_sections(&self.map, &self.footer, wanted).map_err(|f| f.in_file(&self.path, 0))?;
        let mut sections = self.footer.sections.iter().filter(|section| wanted(section.id));
        sections.try_for_each(|section| self.check_section(section))
    }

    /// Checks the columns, the first time that it is asked: checksum and structure of each. Details
    /// have checksums of their own, checked as they are read. Cost: about 35 bytes a row are read,
    /// once.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn check(&self) -> Result<()> {
        told(self.checked.columns.get_or_init(|| self.check_columns()))
    }

    fn check_columns(&self) -> Result<()> {
        let fault = |f: Fault| f.in_file(&self.path, 0);
        D::will_read(&self.map);
        check_sections(&self.map, &self.footer, |id| !LAZY.contains(&id)).map_err(fault)?;
        self.footer.sections.iter().try_for_each(|section| self.check_section(section))?;
        self.check_starts()
    }

    /// The payload file to read payloads from, unless they have expired: checked, as
    /// [`check`](Self::check) checks the columns, which need not be sound. Cost: about four bytes a
    /// part are read, once.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn payloads(&self) -> Result<Option<&PayloadFile<D::Map>>> {
        let Some(file) = &self.payload else { return Ok(None) };
        told(self.checked.payloads.get_or_init(|| {
            file.check()?;
            if file.payloads() == self.facts.payloads as usize {
                return Ok(());
            }
            let what = format!("{} part lists, not {}", file.payloads(), self.facts.payloads);
            Err(Error::corruption_at(file.path(), 0, what))
        }))?;
        Ok(Some(file))
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// As [`check`](Self::check) and [`payloads`](Self::payloads).
    pub fn check_all(&self) -> Result<()> {
        self.check()?;
        self.payloads().map(|_| ())
    }

    /// Opens a segment and checks all of it.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`check_all`](Self::check_all).
    pub fn open_checked(
        dir: &D,
        id: SegmentId,
        store: &FileHeader,
        payload_expired: bool,
    ) -> Result<Segment<D>> {
        let segment = Segment::open(dir, id, store, payload_expired)?;
        segment.check_all()?;
        Ok(segment)
    }

    /// Lists trust the facts to say when traces start.
    fn check_starts(&self) -> Result<()> {
        let starts = Ints::view(self.place(s::TRACE_START));
        let outside = |row: usize| {
            let start = starts.get(row)?;
            (!(self.facts.start_ns..=self.facts.end_ns).contains(&start)).then_some(start)
        };
        match outside(0).or_else(|| outside(starts.len().checked_sub(1)?)) {
            None => Ok(()),
            Some(start) => {
                let (from, to) = (self.facts.start_ns, self.facts.end_ns);
                let what = format!("a trace starts at {start}, not from {from} to {to}");
                Err(Error::corruption_at(&self.path, self.footer.facts.start as u64, what))
            }
        }
    }

    /// Whether a section has the structure and the rows that it should.
    pub(super) fn check_section(&self, section: &SectionAt) -> Result<()> {
        let bytes = self.footer.section(&self.map, section.id);
        let fault = |f: Fault| f.in_file(&self.path, section.offset);
        let rows = match section.id {
            s::TRACE_IDS
            | s::OBS_IDS
            | s::SCORE_IDS
            | s::PARENT_IDS
            | s::TOMBSTONE_IDS
            | s::TOMBSTONE_TRACES => Ids::parse(bytes).map_err(fault)?.len(),
            s::TRACE_DETAILS | s::OBS_DETAILS | s::SCORE_DETAILS => {
                Blobs::parse(bytes).map_err(fault)?.len()
            }
            s::TEXTS => return Texts::parse(bytes).map(|_| ()).map_err(fault),
            s::LOOKUP_TRACE | s::LOOKUP_SCORE | s::LOOKUP_SUBJECT | s::LOOKUP_SESSION => {
                return Lookup::parse(bytes).map(|_| ()).map_err(fault);
            }
            s::PAYLOAD_PRINT => bytes.len() / 8,
            _ => Ints::parse(bytes).map_err(fault)?.len(),
        };
        let expected = match section.id.0 {
            1..=20 => self.facts.traces as usize,
            32..=48 => self.facts.observations as usize,
            64..=67 => self.facts.scores as usize,
            112..=113 => self.facts.payloads as usize,
            96..=98 => self.facts.superseded as usize,
            _ => rows,
        };
        if rows == expected {
            return match section.id {
                s::OLD_SEGMENT | s::OLD_ROW | s::OLD_SUCCESSOR => self.check_superseded(),
                _ => Ok(()),
            };
        }
        let name = s::column_name(section.id);
        let what = format!("section {name} has {rows} rows, not {expected}");
        Err(Error::corruption_at(&self.path, section.offset, what))
    }

    /// Rows of every other kind take bytes of their own. A column of equal numbers takes none, but
    /// no row is superseded twice, so that one of the columns takes a bit for each.
    fn check_superseded(&self) -> Result<()> {
        let columns = [s::OLD_SEGMENT, s::OLD_ROW, s::OLD_SUCCESSOR];
        let bytes: usize = columns.iter().map(|id| self.place(*id).len()).sum();
        if self.facts.superseded as usize > bytes.saturating_mul(8) {
            let what = format!("{} superseded rows in {bytes} bytes", self.facts.superseded);
            return Err(Error::corruption_at(&self.path, 0, what));
        }
        Ok(())
    }

    /// As [`candidates`](Self::candidates), of a segment of which nothing else need be sound: the
    /// lookup is checked the first time that it is asked.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn probe(&self, kind: LookupKind, hash: u64) -> Result<impl Iterator<Item = u32> + '_> {
        told(self.checked.lookups[kind as usize].get_or_init(|| {
            let lookup = self.footer.sections.iter().find(|s| s.id == kind.section());
            lookup.map_or(Ok(()), |section| {
                self.footer.check(&self.map, section).map_err(|f| f.in_file(&self.path, 0))?;
                self.check_section(section)
            })
        }))?;
        Ok(Lookup::view(self.place(kind.section())).candidates(hash))
    }
}
