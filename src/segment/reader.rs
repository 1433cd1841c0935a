//! Reading a skeleton file in place.

use super::check::Checked;
use super::columns::{self as s, ColumnId, LookupKind, RowKind, TAG_ESCAPE, TAG_SEPARATOR};
use super::details::amounts::Amounts;
use super::details::{self, Base, column_id};
use super::facts::Facts;
use super::payload_reader::PayloadFile;
use super::section::{Footer, SectionAt, SectionId, parse_footer};
use super::summary::Summary;
use crate::column::{Blobs, Ids, Ints, LastBlock, Table, Texts};
use crate::error::{Error, Fault, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, FileName};
use crate::id::{Id, Identity, SegmentId, Seq, StoreKey};
use crate::index::Lookup;
use crate::merge::{Fields, Tokens};
use crate::model::{Decimal, Field, PayloadRef, Source, Timestamp, Value};
use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

/// A row of an older segment that is superseded by one of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supersession {
    /// The older segment.
    pub segment: SegmentId,
    /// What the row is about.
    pub kind: RowKind,
    /// The row there.
    pub row: u32,
    /// The row here, or none where it was erased.
    pub successor: Option<u32>,
}

/// A tombstone that a segment carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TombstoneRow {
    /// What was erased.
    pub kind: RowKind,
    /// Its id.
    pub identity: Identity,
    /// The trace of an erased observation, else the id again.
    pub trace: Identity,
    /// What has a lower seq is gone.
    pub seq: Seq,
}

/// An open segment.
#[derive(Debug)]
pub struct Segment<D: Dir> {
    pub(super) facts: Facts,
    pub(super) key: StoreKey,
    pub(super) path: PathBuf,
    pub(super) map: D::Map,
    pub(super) footer: Footer,
    pub(super) places: Places,
    /// What stands for a section that is damaged, where what is left of it is read.
    pub(super) mended: Vec<(SectionId, Vec<u8>)>,
    pub(super) payload: Option<PayloadFile<D::Map>>,
    pub(super) checked: Checked,
}

impl<D: Dir> Segment<D> {
    /// Opens a segment: both files mapped; headers and footers checked, and which rows of older
    /// segments it supersedes. Whoever reads a row has it checked first. Cost: some pages of each
    /// file, however many rows there are. A missing payload file is allowed only
    /// where `payload_expired`.
    ///
    /// # Errors
    /// `Corruption`, `UnsupportedFormat`, `Io`.
    pub fn open(
        dir: &D,
        id: SegmentId,
        store: &FileHeader,
        payload_expired: bool,
    ) -> Result<Segment<D>> {
        let path = dir.path().join(FileName::Skeleton(id).to_string());
        let map = dir.map(FileName::Skeleton(id))?;
        check_header(&path, &map, FileKind::Skeleton, id, store)?;
        let fault = |f: Fault| f.in_file(&path, 0);
        let footer = parse_footer(&map, FILE_HEADER_BYTES).map_err(fault)?;
        let facts = Facts::decode(&map[footer.facts.clone()]).map_err(fault)?;
        if facts.id != id {
            let what = format!("the file holds segment {}", facts.id);
            return Err(Error::corruption_at(&path, footer.facts.start as u64, what));
        }
        let places = Places::of(&footer.sections);
        let payload = if payload_expired {
            None
        } else {
            let path = dir.path().join(FileName::Payload(id).to_string());
            let map = dir.map(FileName::Payload(id)).map_err(|e| match e.is_not_found() {
                true => Error::missing(&path, "the manifest names this file, and it is missing"),
                false => e,
            })?;
            check_header(&path, &map, FileKind::Payload, id, store)?;
            let file = PayloadFile::open_unchecked(&path, id, map)?;
            if file.footer().crc != facts.payload_file_crc {
                let what = "the payload file belongs to another skeleton file";
                return Err(Error::corruption_at(&path, 0, what));
            }
            Some(file)
        };
        let (key, checked, mended) = (store.key, Checked::nothing(&facts), Vec::new());
        let segment = Segment { facts, key, path, map, footer, places, mended, payload, checked };
        segment.check_early()?;
        Ok(segment)
    }

    /// A section that was checked, and is no table.
    pub(super) fn bytes(&self, id: SectionId) -> &[u8] {
        debug_assert!(
            self.checked.has(id),
            "{} is read before it was checked",
            s::section_name(id)
        );
        self.place(id)
    }

    pub(super) fn place(&self, id: SectionId) -> &[u8] {
        if let Some((_, bytes)) = self.mended.iter().find(|(mended, _)| *mended == id) {
            return bytes;
        }
        let section = self.places.find(&self.footer.sections, id);
        section.and_then(|at| self.map.get(at.bytes())).unwrap_or_default()
    }

    /// A column of integers, of which rows that were checked can be read.
    pub fn ints(&self, id: ColumnId) -> Ints<'_> {
        Table::view(self.place(id.section)).ints(usize::from(id.index))
    }

    /// As [`ints`](Self::ints), of identities.
    pub fn ids(&self, id: ColumnId) -> Ids<'_> {
        Table::view(self.place(id.section)).ids(usize::from(id.index))
    }

    pub(super) fn int(&self, id: ColumnId, row: u32) -> Option<i64> {
        debug_assert!(self.is_checked(id.section, row..row.saturating_add(1)), "{id:?} {row}");
        self.ints(id).get(row as usize)
    }

    pub(super) fn identity(&self, id: ColumnId, row: u32) -> Option<Identity> {
        debug_assert!(self.is_checked(id.section, row..row.saturating_add(1)), "{id:?} {row}");
        self.ids(id).get(row as usize)
    }

    /// Whether who reads these rows of a table has checked them; a row that is not there need not
    /// be.
    pub(super) fn is_checked(&self, table: SectionId, mut rows: Range<u32>) -> bool {
        let there = Table::view(self.place(table)).rows();
        rows.all(|row| row as usize >= there || self.checked.has_row(table, row))
    }

    /// What the segment says of itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Number of rows of a kind.
    pub fn rows(&self, kind: RowKind) -> u32 {
        match kind {
            RowKind::Observation => self.facts.observations,
            RowKind::Trace => self.facts.traces,
            RowKind::Score => self.facts.scores,
        }
    }

    /// Its id.
    pub fn id(&self) -> SegmentId {
        self.facts.id
    }

    /// Where the skeleton file lies.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The skeleton file's bytes and footer, for verify and dump.
    pub fn skeleton(&self) -> (&[u8], &Footer) {
        (&self.map, &self.footer)
    }

    /// The payload file as a file, unless the payloads have expired.
    pub fn payload_file(&self) -> Option<&PayloadFile<D::Map>> {
        self.payload.as_ref()
    }

    /// A text by its code.
    pub fn text(&self, code: u32) -> Option<&str> {
        Texts::view(self.bytes(s::TEXTS)).get(code)
    }

    pub(super) fn coded(&self, column: ColumnId, row: u32) -> Option<&str> {
        let code = self.int(column, row)?;
        self.text(u32::try_from(code).ok()?)
    }

    /// Rows that a lookup names for this hash; each is to be compared by identity.
    pub fn candidates(&self, kind: LookupKind, hash: u64) -> impl Iterator<Item = u32> + '_ {
        Lookup::view(self.bytes(kind.section())).candidates(hash)
    }

    /// Whether a trace row can have this session. Cost: one probe; wrong in few cases, and then
    /// only by saying yes.
    ///
    /// # Errors
    /// As [`probe`](Self::probe).
    pub fn may_hold_session(&self, session: &str) -> Result<bool> {
        let Ok(id) = Id::parse(session) else { return Ok(false) };
        let hash = self.key.lookup_hash(self.key.identity(&id));
        Ok(self.probe(LookupKind::Session, hash)?.next().is_some())
    }

    /// The trace's row, if the segment holds anything of it. Cost: one probe.
    pub fn find_trace(&self, identity: Identity) -> Option<u32> {
        self.candidates(LookupKind::Trace, self.key.lookup_hash(identity))
            .find(|row| self.trace_identity(*row) == Some(identity))
    }

    /// The score's row, if the segment holds it. Cost: one probe.
    pub fn find_score(&self, identity: Identity) -> Option<u32> {
        self.candidates(LookupKind::Score, self.key.lookup_hash(identity))
            .find(|row| self.score_identity(*row) == Some(identity))
    }

    /// Identity of a trace's row.
    pub fn trace_identity(&self, row: u32) -> Option<Identity> {
        self.identity(s::TRACE_IDS, row)
    }

    /// Id of a trace's row.
    pub fn trace_id(&self, row: u32) -> Option<Id> {
        column_id(self.trace_identity(row)?, self.coded(s::TRACE_ID_TEXTS, row))
    }

    /// The observation rows of a trace's row.
    pub fn trace_rows(&self, row: u32) -> Range<u32> {
        let get = |column| self.int(column, row).and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
        let (first, rows) = (get(s::TRACE_FIRST), get(s::TRACE_ROWS));
        let end = first.saturating_add(rows).min(self.facts.observations);
        first.min(end)..end
    }

    /// No trace row starts before the one, or after the other; no page is read for it.
    pub fn trace_starts(&self) -> Option<(Timestamp, Timestamp)> {
        let times = (Timestamp(self.facts.start_ns), Timestamp(self.facts.end_ns));
        (self.facts.traces > 0).then_some(times)
    }

    /// Start of a trace's row.
    pub fn trace_start(&self, row: u32) -> Timestamp {
        Timestamp(self.int(s::TRACE_START, row).unwrap_or(0))
    }

    /// The first trace row that starts at `time` or later. Cost: some rows, each checked.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn first_trace_from(&self, time: Timestamp) -> Result<u32> {
        let (mut low, mut high) = (0, self.facts.traces);
        while low < high {
            let middle = low.midpoint(high);
            self.check_row(RowKind::Trace, middle)?;
            if self.trace_start(middle) < time { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// A trace row's sums.
    pub fn summary(&self, row: u32) -> Summary {
        let count = |column| self.int(column, row).and_then(|v| u64::try_from(v).ok()).unwrap_or(0);
        let start = self.trace_start(row);
        let duration = self.int(s::TRACE_DURATION, row).unwrap_or(0);
        Summary {
            start,
            end: Timestamp(start.0.wrapping_add(duration)),
            observations: count(s::TRACE_OBSERVATIONS),
            open: count(s::TRACE_OPEN),
            errors: count(s::TRACE_ERRORS),
            tokens: Tokens {
                input: count(s::TRACE_TOKENS_IN),
                output: count(s::TRACE_TOKENS_OUT),
                total: count(s::TRACE_TOKENS_TOTAL),
            },
            cost: Decimal(i128::from(self.int(s::TRACE_COST, row).unwrap_or(0))),
            payload_bytes: count(s::TRACE_PAYLOAD_BYTES),
        }
    }

    /// Name, user, session or environment of a trace's row, without its details.
    pub fn trace_text(&self, row: u32, field: Field) -> Option<&str> {
        let column = match field {
            Field::Name => s::TRACE_NAME,
            Field::User => s::TRACE_USER,
            Field::Session => s::TRACE_SESSION,
            Field::Environment => s::TRACE_ENVIRONMENT,
            _ => return None,
        };
        self.coded(column, row)
    }

    /// The tags of a trace's row.
    pub fn trace_tags(&self, row: u32) -> impl Iterator<Item = Cow<'_, str>> {
        tags_of(self.coded(s::TRACE_TAGS, row).unwrap_or_default())
    }

    /// What a payload's number stands for; none where its row is damaged.
    pub fn payload(&self, number: u64) -> Option<PayloadRef> {
        self.sound_payload(number).ok().flatten()
    }

    /// What a payload's number stands for, if anything. Its row is checked.
    ///
    /// # Errors
    /// `Corruption`.
    pub(super) fn sound_payload(&self, number: u64) -> Result<Option<PayloadRef>> {
        let Ok(row) = u32::try_from(number) else { return Ok(None) };
        self.check_payload(row)?;
        let len = self.int(s::PAYLOAD_LEN, row).and_then(|len| u64::try_from(len).ok());
        let print = self.int(s::PAYLOAD_PRINT, row).map(|print| print as u64);
        let source = match self.payload {
            Some(_) => Source::Segment(self.facts.id),
            None => Source::Expired,
        };
        Ok(len.zip(print).map(|(len, print)| PayloadRef { len, print, source, number }))
    }

    /// A fault in a section, told of the file.
    pub(super) fn in_section(&self, section: SectionId, f: Fault) -> Error {
        f.in_file(&self.path, self.footer.offset(section))
    }

    /// All fields of a trace's row. Cost: one block of details, unless it is the last one that was
    /// read.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn trace_fields(&self, row: u32, last: &mut LastBlock) -> Result<Fields> {
        let fault = |f| self.in_section(s::TRACE_DETAILS, f);
        let blobs = Blobs::view(self.bytes(s::TRACE_DETAILS));
        let bytes = blobs.get_near(self.id().0, row as usize, last).map_err(fault)?;
        let summary = self.summary(row);
        let number = u64::from(self.trace_rows(row).start);
        let (start, end) = (summary.start, Some(summary.end));
        let base = Base { start, end, number, amounts: Amounts::default() };
        let mut column = |field| self.trace_column(row, field);
        details::decode(bytes, base, s::TRACE_FIELDS, &mut column, &|n| self.payload(n))
            .map_err(fault)
    }

    /// The value of a trace's field in a column.
    pub(super) fn trace_column(&self, row: u32, field: Field) -> Option<Value<PayloadRef>> {
        match field {
            Field::Session => {
                let text = self.coded(s::TRACE_SESSION, row)?;
                Id::parse(text).ok().map(Value::Id)
            }
            Field::Tags => {
                // Null is no tags said, which is not the same as no tags.
                let joined = self.coded(s::TRACE_TAGS, row)?;
                Some(Value::Tags(tags_of(joined).map(|tag| tag.as_ref().into()).collect()))
            }
            _ => self.trace_text(row, field).map(|t| Value::Text(t.into())),
        }
    }

    /// Identity of a score's row.
    pub fn score_identity(&self, row: u32) -> Option<Identity> {
        self.identity(s::SCORE_IDS, row)
    }

    /// Id of a score's row.
    pub fn score_id(&self, row: u32) -> Option<Id> {
        column_id(self.score_identity(row)?, self.coded(s::SCORE_ID_TEXTS, row))
    }

    /// All fields of a score's row. Cost: one block of details, unless it is the `last` one.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn score_fields(&self, row: u32, last: &mut LastBlock) -> Result<Fields> {
        let fault = |f| self.in_section(s::SCORE_DETAILS, f);
        let blobs = Blobs::view(self.bytes(s::SCORE_DETAILS));
        let bytes = blobs.get_near(self.id().0, row as usize, last).map_err(fault)?;
        let start = Timestamp(self.int(s::SCORE_TIME, row).unwrap_or(0));
        let base = Base { start, end: None, number: 0, amounts: Amounts::default() };
        details::decode(bytes, base, &[], &mut |_| None, &|n| self.payload(n)).map_err(fault)
    }

    /// The rows of older segments that this one supersedes.
    pub fn superseded(&self) -> impl Iterator<Item = Supersession> + '_ {
        let (segments, rows, successors) =
            (self.ints(s::OLD_SEGMENT), self.ints(s::OLD_ROW), self.ints(s::OLD_SUCCESSOR));
        (0..segments.len()).filter_map(move |i| {
            let packed = rows.get(i)?;
            Some(Supersession {
                segment: SegmentId(u64::try_from(segments.get(i)?).ok()?),
                kind: RowKind::from_code((packed & 3) as u8)?,
                row: u32::try_from(packed >> 2).ok()?,
                successor: successors.get(i).and_then(|row| u32::try_from(row).ok()),
            })
        })
    }

    /// The tombstones that this segment carries.
    pub fn tombstones(&self) -> impl Iterator<Item = TombstoneRow> + '_ {
        let (ids, traces) = (self.ids(s::TOMBSTONE_IDS), self.ids(s::TOMBSTONE_TRACES));
        let (kinds, seqs) = (self.ints(s::TOMBSTONE_KIND), self.ints(s::TOMBSTONE_SEQ));
        (0..ids.len()).filter_map(move |i| {
            Some(TombstoneRow {
                kind: RowKind::from_code(u8::try_from(kinds.get(i)?).ok()?)?,
                identity: ids.get(i)?,
                trace: traces.get(i)?,
                seq: Seq(seqs.get(i)? as u64),
            })
        })
    }
}

/// Where in the directory the section of each number stands, or [`ABSENT`].
#[derive(Debug)]
pub(super) struct Places([u16; 128]);

const ABSENT: u16 = u16::MAX;

impl Places {
    pub fn of(sections: &[SectionAt]) -> Places {
        let mut places = [ABSENT; 128];
        for (ordinal, section) in (0..ABSENT).zip(sections) {
            if let Some(place) = places.get_mut(usize::from(section.id.0)) {
                *place = ordinal;
            }
        }
        Places(places)
    }

    /// From now on there is no such section.
    pub fn forget(&mut self, id: SectionId) {
        if let Some(place) = self.0.get_mut(usize::from(id.0)) {
            *place = ABSENT;
        }
    }

    fn find<'a>(&self, sections: &'a [SectionAt], id: SectionId) -> Option<&'a SectionAt> {
        let ordinal = *self.0.get(usize::from(id.0))?;
        sections.get(usize::from(ordinal))
    }
}

pub(super) fn check_header(
    path: &std::path::Path,
    bytes: &[u8],
    kind: FileKind,
    id: SegmentId,
    store: &FileHeader,
) -> Result<()> {
    let header = FileHeader::parse(bytes, kind).map_err(|f| f.in_file(path))?;
    if header.store != store.store || header.number != id.0 {
        let what = "the file belongs to another store or has another number";
        return Err(Error::corruption_at(path, 0, what));
    }
    Ok(())
}

/// The tags of a joined list.
fn tags_of(joined: &str) -> impl Iterator<Item = Cow<'_, str>> {
    joined.split_terminator(TAG_SEPARATOR).map(plain_tag)
}

/// A tag as it was given, from a joined list.
fn plain_tag(tag: &str) -> Cow<'_, str> {
    if !tag.contains(TAG_ESCAPE) {
        return Cow::Borrowed(tag);
    }
    let mut plain = String::with_capacity(tag.len());
    let mut escaped = false;
    for c in tag.chars() {
        match (escaped, c) {
            (false, TAG_ESCAPE) => escaped = true,
            (true, 's') => {
                plain.push(TAG_SEPARATOR);
                escaped = false;
            }
            (_, c) => {
                plain.push(c);
                escaped = false;
            }
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::writer::join_tags;

    #[test]
    fn tags_come_back_whatever_is_in_them() {
        let tags: Vec<Box<str>> =
            ["", "a", "a\u{1f}b", "\u{1e}", "\u{1e}s\u{1f}", "s"].map(Box::from).to_vec();
        let joined = join_tags(&tags);
        let back: Vec<Box<str>> = tags_of(&joined).map(Box::from).collect();
        assert_eq!(back, tags);
    }
}
