//! Checking what is read of a segment: not when it is opened, which must not take longer the more
//! a store holds, but when rows are wanted, and of these only their groups.

use super::columns::{self as s, LookupKind, RowKind};
use super::facts::Facts;
use super::groups::Groups;
use super::payload_reader::PayloadFile;
use super::reader::Segment;
use super::section::{SectionId, check_sections};
use crate::column::{Blobs, Table, Texts};
use crate::error::{Error, Fault, Result};
use crate::frame::FileHeader;
use crate::fs::{Dir, Mapped};
use crate::id::{Identity, SegmentId};
use crate::index::Lookup;
use std::ops::Range;
use std::sync::OnceLock;

/// Sections whose blocks carry checksums of their own, checked as they are read.
pub(super) const IN_BLOCKS: &[SectionId] = &[s::TRACE_DETAILS, s::OBS_DETAILS, s::SCORE_DETAILS];

/// Tables whose groups are checked as their rows are wanted.
pub const IN_GROUPS: [SectionId; 4] = [s::TRACES, s::OBSERVATIONS, s::SCORES, s::PAYLOADS];

/// Sections that every row hangs on.
pub(super) const BASE: &[SectionId] = &[s::TEXTS, s::PARENTS, s::TOMBSTONES];

/// Rows that a table of this section has, where the facts say it.
pub(super) fn rows_said(facts: &Facts, section: SectionId) -> Option<u32> {
    match section {
        s::TRACES | s::TRACE_DETAILS => Some(facts.traces),
        s::OBSERVATIONS | s::OBS_DETAILS => Some(facts.observations),
        s::SCORES | s::SCORE_DETAILS => Some(facts.scores),
        s::PAYLOADS => Some(facts.payloads),
        s::SUPERSEDED => Some(facts.superseded),
        _ => None,
    }
}

/// What checking came to, of what was checked.
#[derive(Debug)]
pub(super) struct Checked {
    /// What every row hangs on.
    base: OnceLock<Result<()>>,
    /// The groups of each table of [`IN_GROUPS`].
    groups: [Groups; 4],
    /// What leads to the parts in the payload file.
    payloads: OnceLock<Result<()>>,
    /// A lookup by itself.
    lookups: [OnceLock<Result<()>>; 4],
}

impl Checked {
    /// Of a segment that was opened.
    pub fn nothing(facts: &Facts) -> Checked {
        Checked {
            base: OnceLock::new(),
            groups: IN_GROUPS.map(|id| Groups::unchecked(rows_said(facts, id).unwrap_or(0))),
            payloads: OnceLock::new(),
            lookups: [const { OnceLock::new() }; 4],
        }
    }

    /// Of a segment of which all that is not sound is taken out.
    pub fn sound(facts: &Facts) -> Checked {
        Checked {
            base: OnceLock::from(Ok(())),
            groups: IN_GROUPS.map(|id| Groups::sound(rows_said(facts, id).unwrap_or(0))),
            lookups: std::array::from_fn(|_| OnceLock::from(Ok(()))),
            ..Checked::nothing(facts)
        }
    }

    fn groups(&self, section: SectionId) -> Option<&Groups> {
        let at = IN_GROUPS.iter().position(|id| *id == section)?;
        self.groups.get(at)
    }

    /// Whether who reads a row of this table has checked it.
    pub fn has_row(&self, section: SectionId, row: u32) -> bool {
        self.groups(section).is_none_or(|groups| groups.has(row))
    }

    /// Whether who reads the identity of a row of this table has checked it.
    pub fn has_identity(&self, section: SectionId, row: u32) -> bool {
        self.groups(section).is_none_or(|groups| groups.has_identity(row))
    }

    /// Whether who reads this section has checked it.
    pub fn has(&self, section: SectionId) -> bool {
        let lookup = LookupKind::ALL.iter().find(|kind| kind.section() == section);
        let checked = lookup.map_or(&self.base, |kind| &self.lookups[*kind as usize]);
        matches!(checked.get(), Some(Ok(())))
    }
}

fn told(checked: &Result<()>) -> Result<()> {
    checked.as_ref().map_or_else(|e| Err(e.repeat()), |()| Ok(()))
}

impl<D: Dir> Segment<D> {
    /// Checks what a view reads as it begins, before anything is asked of the segment: which rows
    /// of older ones it supersedes.
    pub(super) fn check_early(&self) -> Result<()> {
        self.check_whole(s::SUPERSEDED)
    }

    /// A section by its checksum and its structure.
    fn check_whole(&self, id: SectionId) -> Result<()> {
        check_sections(&self.map, &self.footer, |section| section == id)
            .map_err(|f| f.in_file(&self.path, 0))?;
        self.check_section(id)
    }

    /// Checks what every row hangs on, once: texts, parents, tombstones, and of tables and details
    /// what stands before the first group or block.
    fn check_base(&self) -> Result<()> {
        told(self.checked.base.get_or_init(|| {
            self.fetch_base();
            BASE.iter().try_for_each(|id| self.check_whole(*id))?;
            IN_GROUPS.iter().chain(IN_BLOCKS).try_for_each(|id| self.check_front(*id))
        }))
    }

    /// Of a section whose groups or blocks are checked as they are read, the rest.
    pub(super) fn check_front(&self, id: SectionId) -> Result<()> {
        let bytes = self.place(id);
        match s::shape(id) {
            Some(shape) => self.check_table(id, shape, Table::open(bytes)),
            None => self.check_rows_said(id, Blobs::open(bytes).map(|blobs| blobs.len())),
        }
    }

    fn check_table(
        &self,
        id: SectionId,
        shape: (usize, usize),
        table: Result<Table<'_>, Fault>,
    ) -> Result<()> {
        if table.as_ref().is_ok_and(|table| table.shape() != shape) {
            let what = format!("section {} has other columns", s::section_name(id));
            return Err(Error::corruption_at(&self.path, self.footer.offset(id), what));
        }
        self.check_rows_said(id, table.map(|table| table.rows()))
    }

    fn check_rows_said(&self, id: SectionId, rows: Result<usize, Fault>) -> Result<()> {
        let rows = rows.map_err(|f| self.in_section(id, f))?;
        match rows_said(&self.facts, id) {
            Some(expected) if rows != expected as usize => {
                let name = s::section_name(id);
                let what = format!("section {name} has {rows} rows, not {expected}");
                Err(Error::corruption_at(&self.path, self.footer.offset(id), what))
            }
            _ => Ok(()),
        }
    }

    /// Checks these rows of a table, and what every row hangs on, unless they were checked before.
    fn check_rows(&self, id: SectionId, rows: Range<u32>) -> Result<()> {
        self.check_base()?;
        let Some(groups) = self.checked.groups(id) else { return Ok(()) };
        let table = Table::view(self.place(id));
        let checked = groups.check(table, rows, |bytes| _ = self.fetch(id, bytes));
        checked.map_err(|f| self.in_section(id, f))
    }

    /// Checks a row that is about to be read, unless it was checked before. Cost: once some 40 KB
    /// for 1,024 rows.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn check_row(&self, kind: RowKind, row: u32) -> Result<()> {
        let end = row.saturating_add(1).min(self.rows(kind));
        self.check_rows(kind.section(), row..end)
    }

    /// Whether a row that a lookup named is of this thing: then it is checked as
    /// [`check_row`](Self::check_row) does. Of one that is not, only the identity is.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn is_of(&self, kind: RowKind, row: u32, identity: Identity) -> Result<bool> {
        self.check_base()?;
        let id = kind.section();
        let table = Table::view(self.place(id));
        if (row as usize) < table.rows()
            && let Some(groups) = self.checked.groups(id)
        {
            let checked = groups.check_identity(table, row, |bytes| _ = self.fetch(id, bytes));
            checked.map_err(|f| self.in_section(id, f))?;
        }
        if table.ids(0).get(row as usize) != Some(identity) {
            return Ok(false);
        }
        self.check_row(kind, row)?;
        Ok(true)
    }

    /// Checks every row of a kind, unless they were checked before.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn check_all_rows(&self, kind: RowKind) -> Result<()> {
        self.check_rows(kind.section(), 0..self.rows(kind))?;
        if kind == RowKind::Trace { self.check_starts() } else { Ok(()) }
    }

    /// The observation rows of a trace's row, checked as [`check_row`](Self::check_row) does; the
    /// trace's was checked before.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn observations(&self, trace: u32) -> Result<Range<u32>> {
        let rows = self.trace_rows(trace);
        self.check_rows(s::OBSERVATIONS, rows.clone())?;
        Ok(rows)
    }

    /// As [`check_row`](Self::check_row), of the payload with this number.
    pub(super) fn check_payload(&self, row: u32) -> Result<()> {
        self.check_rows(s::PAYLOADS, row..row.saturating_add(1).min(self.facts.payloads))
    }

    /// Checks every column, and the lookups. Details have checksums of their own, checked as they
    /// are read. Cost: about 35 bytes a row are read, once.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn check(&self) -> Result<()> {
        self.map.will_read(0..self.map.len());
        for kind in [RowKind::Trace, RowKind::Observation, RowKind::Score] {
            self.check_all_rows(kind)?;
        }
        self.check_rows(s::PAYLOADS, 0..self.facts.payloads)?;
        LookupKind::ALL.iter().try_for_each(|kind| self.check_lookup(*kind))?;
        IN_BLOCKS.iter().try_for_each(|id| self.check_section(*id))
    }

    /// The payload file to read payloads from, unless they have expired: checked but for what
    /// is checked as it is read; columns need not be sound. Cost: its dictionary and some bytes a
    /// block are read, once.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn payloads(&self) -> Result<Option<&PayloadFile<D::Map>>> {
        let Some(file) = &self.payload else { return Ok(None) };
        told(self.checked.payloads.get_or_init(|| {
            file.fetch_front(self.facts.parts);
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
        self.payloads()?.map_or(Ok(()), PayloadFile::check_all)
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
        let (from, to) = (self.facts.start_ns, self.facts.end_ns);
        let ends = [Some(0), self.facts.traces.checked_sub(1)];
        for row in ends.into_iter().flatten().filter(|row| *row < self.facts.traces) {
            let start = self.trace_start(row).0;
            if !(from..=to).contains(&start) {
                let what = format!("a trace starts at {start}, not from {from} to {to}");
                let at = self.footer.facts.start as u64;
                return Err(Error::corruption_at(&self.path, at, what));
            }
        }
        Ok(())
    }

    /// Whether a section has the structure and the rows that it should.
    pub(super) fn check_section(&self, id: SectionId) -> Result<()> {
        let bytes = self.place(id);
        if let Some(shape) = s::shape(id) {
            return self.check_table(id, shape, Table::parse(bytes));
        }
        if IN_BLOCKS.contains(&id) {
            return self.check_rows_said(id, Blobs::parse(bytes).map(|blobs| blobs.len()));
        }
        let parsed = match id {
            s::TEXTS => Texts::parse(bytes).map(|_| ()),
            _ => Lookup::parse(bytes).map(|_| ()),
        };
        parsed.map_err(|f| self.in_section(id, f))
    }

    /// A lookup is asked of segments that do not hold what is looked for: it is checked by itself.
    fn check_lookup(&self, kind: LookupKind) -> Result<()> {
        let checked = &self.checked.lookups[kind as usize];
        told(checked.get_or_init(|| {
            self.fetch_lookup(kind);
            self.check_whole(kind.section())
        }))
    }

    /// As [`candidates`](Self::candidates), of a segment of which nothing else need be sound: the
    /// lookup is checked the first time that it is asked.
    ///
    /// # Errors
    /// `Corruption`, each time again.
    pub fn probe(&self, kind: LookupKind, hash: u64) -> Result<impl Iterator<Item = u32> + '_> {
        self.check_lookup(kind)?;
        Ok(Lookup::view(self.place(kind.section())).candidates(hash))
    }
}
