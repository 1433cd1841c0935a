//! Reading a skeleton file in place.

use super::columns::{self as s, LookupKind, RowKind, TAG_SEPARATOR};
use super::details::{self, Base, column_id};
use super::facts::Facts;
use super::payload_reader::PayloadFile;
use super::section::{Footer, SectionId, parse_footer};
use super::summary::Summary;
use crate::column::{Blobs, Ids, Ints, LastBlock, Texts};
use crate::error::{Error, Fault, Result};
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use crate::fs::{Dir, FileName};
use crate::id::{Id, Identity, SegmentId, Seq, StoreKey};
use crate::index::Lookup;
use crate::merge::{Fields, Tokens};
use crate::model::{Decimal, Field, Level, ObservationKind, PayloadRef, Source, Timestamp, Value};
use std::ops::Range;
use std::path::PathBuf;

/// No row.
pub const NO_ROW: u32 = u32::MAX;
/// What a null reads as in the columns of [`ObservationColumns`].
const NULL: i64 = i64::MIN;

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
    facts: Facts,
    key: StoreKey,
    path: PathBuf,
    map: D::Map,
    footer: Footer,
    places: Box<[Range<usize>]>,
    payload: Option<PayloadFile<D::Map>>,
}

const PLACES: usize = 128;

impl<D: Dir> Segment<D> {
    /// Opens a segment: both files mapped, headers, footers and the structure of every column
    /// checked, no checksums of sections (that is what verify does). A missing payload file is
    /// allowed only where `payload_expired`.
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
        let mut places = vec![0..0; PLACES].into_boxed_slice();
        for section in &footer.sections {
            if let Some(place) = places.get_mut(usize::from(section.id.0)) {
                *place = section.offset as usize..(section.offset + section.len) as usize;
            }
        }
        let payload = if payload_expired {
            None
        } else {
            let path = dir.path().join(FileName::Payload(id).to_string());
            let map = dir.map(FileName::Payload(id))?;
            check_header(&path, &map, FileKind::Payload, id, store)?;
            let file = PayloadFile::open(&path, id, map)?;
            if file.footer().crc != facts.payload_file_crc {
                let what = "the payload file belongs to another skeleton file";
                return Err(Error::corruption_at(&path, 0, what));
            }
            Some(file)
        };
        let segment = Segment { facts, key: store.key, path, map, footer, places, payload };
        segment.check_structure()?;
        Ok(segment)
    }

    fn check_structure(&self) -> Result<()> {
        let (traces, observations, scores) = (
            self.facts.traces as usize,
            self.facts.observations as usize,
            self.facts.scores as usize,
        );
        for section in &self.footer.sections {
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
                s::TEXTS => {
                    Texts::parse(bytes).map_err(fault)?;
                    continue;
                }
                s::LOOKUP_TRACE | s::LOOKUP_SCORE | s::LOOKUP_SUBJECT | s::LOOKUP_SESSION => {
                    Lookup::parse(bytes).map_err(fault)?;
                    continue;
                }
                s::PAYLOAD_PRINT => bytes.len() / 8,
                _ => Ints::parse(bytes).map_err(fault)?.len(),
            };
            let expected = match section.id.0 {
                1..=20 => traces,
                32..=48 => observations,
                64..=67 => scores,
                112..=113 => self.facts.payloads as usize,
                96..=98 => self.facts.superseded as usize,
                _ => rows,
            };
            if rows != expected {
                let what = format!(
                    "section {} has {rows} rows, not {expected}",
                    s::column_name(section.id)
                );
                return Err(Error::corruption_at(&self.path, section.offset, what));
            }
        }
        Ok(())
    }

    fn bytes(&self, id: SectionId) -> &[u8] {
        let place = self.places.get(usize::from(id.0)).cloned().unwrap_or_default();
        self.map.get(place).unwrap_or_default()
    }

    fn ints(&self, id: SectionId) -> Ints<'_> {
        Ints::view(self.bytes(id))
    }

    fn int(&self, id: SectionId, row: u32) -> Option<i64> {
        self.ints(id).get(row as usize)
    }

    /// What the segment says of itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
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

    /// The payload file, unless the payloads have expired.
    pub fn payload_file(&self) -> Option<&PayloadFile<D::Map>> {
        self.payload.as_ref()
    }

    /// A text by its code.
    pub fn text(&self, code: u32) -> Option<&str> {
        Texts::view(self.bytes(s::TEXTS)).get(code)
    }

    fn coded(&self, column: SectionId, row: u32) -> Option<&str> {
        let code = self.int(column, row)?;
        self.text(u32::try_from(code).ok()?)
    }

    /// Rows that a lookup names for this hash; each is to be compared by identity.
    pub fn candidates(&self, kind: LookupKind, hash: u64) -> impl Iterator<Item = u32> + '_ {
        Lookup::view(self.bytes(kind.section())).candidates(hash)
    }

    /// The trace's row, if the segment holds anything of it. Cost: one probe.
    pub fn find_trace(&self, identity: Identity) -> Option<u32> {
        let ids = Ids::view(self.bytes(s::TRACE_IDS));
        self.candidates(LookupKind::Trace, self.key.lookup_hash(identity))
            .find(|row| ids.get(*row as usize) == Some(identity))
    }

    /// The score's row, if the segment holds it. Cost: one probe.
    pub fn find_score(&self, identity: Identity) -> Option<u32> {
        let ids = Ids::view(self.bytes(s::SCORE_IDS));
        self.candidates(LookupKind::Score, self.key.lookup_hash(identity))
            .find(|row| ids.get(*row as usize) == Some(identity))
    }

    /// Identity of a trace's row.
    pub fn trace_identity(&self, row: u32) -> Option<Identity> {
        Ids::view(self.bytes(s::TRACE_IDS)).get(row as usize)
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

    /// Start of a trace's row.
    pub fn trace_start(&self, row: u32) -> Timestamp {
        Timestamp(self.int(s::TRACE_START, row).unwrap_or(0))
    }

    /// The first trace row that starts at `time` or later.
    pub fn first_trace_from(&self, time: Timestamp) -> u32 {
        let (mut low, mut high) = (0, self.facts.traces);
        while low < high {
            let middle = low.midpoint(high);
            if self.trace_start(middle) < time { low = middle + 1 } else { high = middle }
        }
        low
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
    pub fn trace_tags(&self, row: u32) -> impl Iterator<Item = &str> {
        self.coded(s::TRACE_TAGS, row).unwrap_or_default().split_terminator(TAG_SEPARATOR)
    }

    /// What a payload's number stands for.
    pub fn payload(&self, number: u64) -> Option<PayloadRef> {
        let row = usize::try_from(number).ok()?;
        let len = u64::try_from(self.ints(s::PAYLOAD_LEN).get(row)?).ok()?;
        let at = row.checked_mul(8)?;
        let print = self.bytes(s::PAYLOAD_PRINT).get(at..at.checked_add(8)?)?.first_chunk::<8>()?;
        let source = match self.payload {
            Some(_) => Source::Segment(self.facts.id),
            None => Source::Expired,
        };
        Some(PayloadRef { len, print: u64::from_le_bytes(*print), source, number })
    }

    fn in_details(&self, column: SectionId, f: Fault) -> Error {
        let offset = self.bytes(column).as_ptr() as usize - self.map.as_ptr() as usize;
        f.in_file(&self.path, offset as u64)
    }

    /// All fields of a trace's row. Cost: one block of details.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn trace_fields(&self, row: u32) -> Result<Fields> {
        let fault = |f| self.in_details(s::TRACE_DETAILS, f);
        let bytes = Blobs::view(self.bytes(s::TRACE_DETAILS)).get(row as usize).map_err(fault)?;
        let summary = self.summary(row);
        let number = u64::from(self.trace_rows(row).start);
        let base = Base { start: summary.start, end: Some(summary.end), number };
        let mut column = |field: Field| match field {
            Field::Session => {
                let text = self.coded(s::TRACE_SESSION, row)?;
                Id::parse(text).ok().map(Value::Id)
            }
            Field::Tags => Some(Value::Tags(self.trace_tags(row).map(Box::from).collect())),
            _ => self.trace_text(row, field).map(|t| Value::Text(t.into())),
        };
        details::decode(&bytes, base, s::TRACE_FIELDS, &mut column, &|n| self.payload(n))
            .map_err(fault)
    }

    /// Identity of a score's row.
    pub fn score_identity(&self, row: u32) -> Option<Identity> {
        Ids::view(self.bytes(s::SCORE_IDS)).get(row as usize)
    }

    /// Id of a score's row.
    pub fn score_id(&self, row: u32) -> Option<Id> {
        column_id(self.score_identity(row)?, self.coded(s::SCORE_ID_TEXTS, row))
    }

    /// All fields of a score's row. Cost: one block of details.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn score_fields(&self, row: u32) -> Result<Fields> {
        let fault = |f| self.in_details(s::SCORE_DETAILS, f);
        let bytes = Blobs::view(self.bytes(s::SCORE_DETAILS)).get(row as usize).map_err(fault)?;
        let start = Timestamp(self.int(s::SCORE_TIME, row).unwrap_or(0));
        let base = Base { start, end: None, number: 0 };
        details::decode(&bytes, base, &[], &mut |_| None, &|n| self.payload(n)).map_err(fault)
    }

    /// Identity of an observation's row.
    pub fn observation_identity(&self, row: u32) -> Option<Identity> {
        Ids::view(self.bytes(s::OBS_IDS)).get(row as usize)
    }

    /// Identities of these observation rows.
    pub fn observation_identities(&self, rows: Range<u32>) -> Vec<Identity> {
        let mut ids = Vec::new();
        Ids::view(self.bytes(s::OBS_IDS)).read(rows.start as usize..rows.end as usize, &mut ids);
        ids
    }

    /// Id of an observation's row.
    pub fn observation_id(&self, row: u32) -> Option<Id> {
        column_id(self.observation_identity(row)?, self.coded(s::OBS_ID_TEXTS, row))
    }

    /// The row of this observation among `rows`. Cost: a scan of their ids.
    pub fn find_observation(&self, rows: Range<u32>, identity: Identity) -> Option<u32> {
        let ids = Ids::view(self.bytes(s::OBS_IDS));
        let row = ids.find(rows.start as usize..rows.end as usize, identity)?;
        u32::try_from(row).ok()
    }

    /// Where in the parents that stand elsewhere this row's is.
    fn elsewhere(&self, row: u32) -> Option<usize> {
        let rows = self.ints(s::PARENT_ROWS);
        let (mut low, mut high) = (0, rows.len());
        while low < high {
            let middle = low.midpoint(high);
            if rows.get(middle) < Some(i64::from(row)) { low = middle + 1 } else { high = middle }
        }
        (rows.get(low) == Some(i64::from(row))).then_some(low)
    }

    /// The identity of the parent of an observation's row, where it stands elsewhere.
    pub fn parent_identity(&self, row: u32) -> Option<Identity> {
        Ids::view(self.bytes(s::PARENT_IDS)).get(self.elsewhere(row)?)
    }

    /// The parent of an observation's row, if it has one.
    pub fn parent_id(&self, row: u32) -> Option<Id> {
        match self.int(s::OBS_PARENT, row)? {
            0 => {
                let at = self.elsewhere(row)?;
                let identity = Ids::view(self.bytes(s::PARENT_IDS)).get(at)?;
                column_id(identity, self.coded(s::PARENT_ID_TEXTS, u32::try_from(at).ok()?))
            }
            back => {
                let parent = i64::from(row).checked_sub(back)?;
                self.observation_id(u32::try_from(parent).ok()?)
            }
        }
    }

    /// Payload numbers of input and output of an observation's row.
    pub fn payload_numbers(&self, row: u32) -> (Option<u64>, Option<u64>) {
        let input = self.int(s::OBS_INPUT, row);
        let base = input.unwrap_or(i64::from(row));
        let output = self.int(s::OBS_OUTPUT, row).map(|delta| base.wrapping_add(delta));
        (input.and_then(|n| u64::try_from(n).ok()), output.and_then(|n| u64::try_from(n).ok()))
    }

    /// Input or output of an observation's row, without its details.
    pub fn observation_payload(&self, row: u32, field: Field) -> Option<PayloadRef> {
        let (input, output) = self.payload_numbers(row);
        match field {
            Field::Input => self.payload(input?),
            Field::Output => self.payload(output?),
            _ => None,
        }
    }

    /// The raw details of many rows, each block decompressed once: calls `each` with the row.
    ///
    /// # Errors
    /// `Corruption`, or what `each` returns.
    pub fn each_observation(
        &self,
        rows: Range<u32>,
        trace_start: Timestamp,
        each: &mut dyn FnMut(u32, Fields) -> Result<()>,
    ) -> Result<()> {
        let fault = |f| self.in_details(s::OBS_DETAILS, f);
        let blobs = Blobs::view(self.bytes(s::OBS_DETAILS));
        let mut row = rows.start;
        let mut bytes = Vec::new();
        while row < rows.end {
            bytes.clear();
            let missing = || fault(Fault::new(0, format!("row {row} has no details")));
            let block = blobs.block_of(row as usize).ok_or_else(missing)?;
            let (first, ends) = blobs.read_block(block, &mut bytes).map_err(fault)?;
            let before = row;
            while row < rows.end
                && let Some(at) = (row as usize).checked_sub(first)
                && let Some(end) = ends.get(at)
            {
                let start = if at == 0 { 0 } else { ends[at - 1] };
                let details = bytes.get(start..*end).unwrap_or_default();
                each(row, self.observation_from(row, trace_start, details).map_err(fault)?)?;
                row += 1;
            }
            if row == before {
                return Err(fault(Fault::new(0, format!("row {row} has no details"))));
            }
        }
        Ok(())
    }

    /// All fields of an observation's row. Cost: one block of details, unless it is the last one
    /// that was read.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn observation_fields(
        &self,
        row: u32,
        trace_start: Timestamp,
        last: &mut LastBlock,
    ) -> Result<Fields> {
        let fault = |f| self.in_details(s::OBS_DETAILS, f);
        let blobs = Blobs::view(self.bytes(s::OBS_DETAILS));
        let bytes = blobs.get_near(self.id().0, row as usize, last).map_err(fault)?;
        self.observation_from(row, trace_start, bytes).map_err(fault)
    }

    fn observation_from(
        &self,
        row: u32,
        trace_start: Timestamp,
        bytes: &[u8],
    ) -> Result<Fields, Fault> {
        let start = Timestamp(trace_start.0.wrapping_add(self.int(s::OBS_START, row).unwrap_or(0)));
        let after = |column| self.int(column, row).map(|d| Timestamp(start.0.wrapping_add(d)));
        let end = after(s::OBS_DURATION);
        let (input, output) = self.payload_numbers(row);
        let base = Base { start, end, number: output.or(input).unwrap_or(u64::from(row)) };
        let code = |column| self.int(column, row).and_then(|c| u8::try_from(c).ok());
        let text = |column| self.coded(column, row).map(|t| Value::Text(t.into()));
        let mut column = |field: Field| match field {
            Field::Kind => ObservationKind::from_code(code(s::OBS_KIND)?).map(Value::Kind),
            Field::Level => Level::from_code(code(s::OBS_LEVEL)?).map(Value::Level),
            Field::Name => text(s::OBS_NAME),
            Field::Model => text(s::OBS_MODEL),
            Field::Parent => self.parent_id(row).map(Value::Id),
            Field::Start => Some(Value::Time(start)),
            Field::End => end.map(Value::Time),
            Field::CompletionStart => after(s::OBS_COMPLETION).map(Value::Time),
            Field::Input => self.payload(input?).map(Value::Payload),
            Field::Output => self.payload(output?).map(Value::Payload),
            _ => None,
        };
        details::decode(bytes, base, s::OBSERVATION_FIELDS, &mut column, &|n| self.payload(n))
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
        let ids = Ids::view(self.bytes(s::TOMBSTONE_IDS));
        let traces = Ids::view(self.bytes(s::TOMBSTONE_TRACES));
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

    /// The skeleton columns of contiguous rows, in bulk.
    pub fn columns(&self, rows: Range<u32>) -> ObservationColumns {
        let range = rows.start as usize..rows.end as usize;
        let mut ids = Vec::new();
        Ids::view(self.bytes(s::OBS_IDS)).read(range.clone(), &mut ids);
        let read = |column| {
            let mut values = Vec::with_capacity(range.len());
            self.ints(column).read_or(range.clone(), NULL, &mut values);
            values
        };
        ObservationColumns {
            ids,
            parent: read(s::OBS_PARENT),
            start: read(s::OBS_START),
            duration: read(s::OBS_DURATION),
            completion: read(s::OBS_COMPLETION),
            kind: read(s::OBS_KIND),
            level: read(s::OBS_LEVEL),
            name: read(s::OBS_NAME),
            model: read(s::OBS_MODEL),
            tokens_in: read(s::OBS_TOKENS_IN),
            tokens_out: read(s::OBS_TOKENS_OUT),
            tokens_rest: read(s::OBS_TOKENS_REST),
            cost: read(s::OBS_COST),
        }
    }
}

fn check_header(
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

/// Skeleton columns of contiguous rows; see [`ObservationColumns::opt`] for nulls.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is the column of that name")]
pub struct ObservationColumns {
    pub ids: Vec<Identity>,
    pub parent: Vec<i64>,
    pub start: Vec<i64>,
    pub duration: Vec<i64>,
    pub completion: Vec<i64>,
    pub kind: Vec<i64>,
    pub level: Vec<i64>,
    pub name: Vec<i64>,
    pub model: Vec<i64>,
    pub tokens_in: Vec<i64>,
    pub tokens_out: Vec<i64>,
    pub tokens_rest: Vec<i64>,
    pub cost: Vec<i64>,
}

impl ObservationColumns {
    /// The value at `i` of one of the columns, `None` for null.
    pub fn opt(column: &[i64], i: usize) -> Option<i64> {
        column.get(i).copied().filter(|v| *v != NULL)
    }
}
