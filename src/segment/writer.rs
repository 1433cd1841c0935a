//! Writing a segment: rows as they come, traces by start, then both files made durable.

use super::columns::{self as s, RowKind, TAG_ESCAPE, TAG_SEPARATOR};
use super::details::amounts::Amounts;
use super::details::{self, Base};
use super::facts::{Facts, SealLevel};
use super::payload_writer::PayloadWriter;
use super::reader::Supersession;
use super::section::SectionWriter;
use super::summary::{Summary, effective_start};
use crate::column::{BlobsBuilder, TableBuilder, TextsBuilder};
use crate::error::Result;
use crate::frame::{FileHeader, FileKind};
use crate::fs::{Dir, File, FileName};
use crate::id::{Id, Identity, LogId, SegmentId, Seq, StoreKey};
use crate::index::Lookup;
use crate::merge::{Fields, Held};
use crate::model::{Field, PayloadRef, Timestamp, Value};
use crate::planted::{self, Bug};

/// How a segment is to be written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// The header's store-wide facts; kind and number are set here.
    pub header: FileHeader,
    /// The new segment's id.
    pub id: SegmentId,
    /// zstd level of blocks and details.
    pub zstd_level: i32,
    /// Dictionary for blocks; empty for none.
    pub dictionary: Vec<u8>,
    /// How thoroughly this writes.
    pub level: SealLevel,
}

/// Where an observation's parent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentAt {
    /// It has none.
    None,
    /// In this row of the segment, of the same trace.
    Row(u32),
    /// Not among the rows of its trace in this segment.
    Elsewhere,
}

/// An observation to write.
#[derive(Debug)]
pub struct ObservationRow<'a> {
    /// Its id.
    pub id: &'a Id,
    /// Its merged fields.
    pub fields: &'a Fields,
    /// Where its parent stands.
    pub parent: ParentAt,
    /// The start of its trace, as the trace's row will say it.
    pub trace_start: Timestamp,
}

/// A trace to write, after its observations.
#[derive(Debug)]
pub struct TraceRow<'a> {
    /// Its id.
    pub id: &'a Id,
    /// Its merged fields.
    pub fields: &'a Fields,
    /// Sums over all its live observations.
    pub summary: &'a Summary,
    /// Its first row in this segment.
    pub first: u32,
}

/// Numbers payloads for the segment that is being written.
pub type Number<'a> = &'a mut dyn FnMut(&PayloadRef) -> u64;

/// Writes one segment. Memory: about 100 bytes a row beside what is compressed already.
#[derive(Debug)]
pub struct SegmentWriter<D: Dir> {
    dir: D,
    options: WriteOptions,
    payloads: PayloadWriter<D::File>,
    skeleton: SectionWriter<D::File>,
    key: StoreKey,
    texts: TextsBuilder,
    traces: TableBuilder,
    trace_details: BlobsBuilder,
    trace_lookup: Vec<(u64, u32)>,
    session_lookup: Vec<(u64, u32)>,
    observations: TableBuilder,
    observation_details: BlobsBuilder,
    parents: TableBuilder,
    scores: TableBuilder,
    score_details: BlobsBuilder,
    score_lookup: Vec<(u64, u32)>,
    subject_lookup: Vec<(u64, u32)>,
    superseded: Vec<Supersession>,
    tombstones: TableBuilder,
    start: i64,
    end: i64,
    scratch: Vec<u8>,
}

impl<D: Dir> SegmentWriter<D> {
    /// Starts both files under temporary names.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(dir: D, options: WriteOptions) -> Result<SegmentWriter<D>> {
        let key = options.header.key;
        let header =
            |kind| FileHeader { kind, number: options.id.0, ..options.header.clone() }.encode();
        let file = dir.create(FileName::PayloadTemp(options.id))?;
        let level = options.zstd_level;
        let payloads =
            PayloadWriter::new(file, &header(FileKind::Payload), level, &options.dictionary)?;
        let file = dir.create(FileName::SkeletonTemp(options.id))?;
        let skeleton = SectionWriter::new(file, &header(FileKind::Skeleton))?;
        let blobs = || BlobsBuilder::new(level);
        Ok(SegmentWriter {
            dir,
            payloads,
            skeleton,
            key,
            texts: TextsBuilder::new(),
            traces: s::table(s::TRACES),
            trace_details: blobs(),
            trace_lookup: Vec::new(),
            session_lookup: Vec::new(),
            observations: s::table(s::OBSERVATIONS),
            observation_details: blobs(),
            parents: s::table(s::PARENTS),
            scores: s::table(s::SCORES),
            score_details: blobs(),
            score_lookup: Vec::new(),
            subject_lookup: Vec::new(),
            superseded: Vec::new(),
            tombstones: s::table(s::TOMBSTONES),
            start: i64::MAX,
            end: i64::MIN,
            scratch: Vec::new(),
            options,
        })
    }

    /// The payload file's writer.
    pub fn payloads(&mut self) -> &mut PayloadWriter<D::File> {
        &mut self.payloads
    }

    /// The row that the next observation gets.
    pub fn next_observation(&self) -> u32 {
        u32::try_from(self.observations.len()).unwrap_or(u32::MAX)
    }

    /// The row that the next trace gets.
    pub fn next_trace(&self) -> u32 {
        u32::try_from(self.traces.len()).unwrap_or(u32::MAX)
    }

    /// The row that the next score gets.
    pub fn next_score(&self) -> u32 {
        u32::try_from(self.scores.len()).unwrap_or(u32::MAX)
    }

    fn identity(&mut self, id: &Id) -> (Identity, Option<i64>) {
        let code = id.as_text().map(|text| i64::from(self.texts.intern(text)));
        (self.key.identity(id), code)
    }

    fn code(&mut self, text: Option<&str>) -> Option<i64> {
        text.map(|text| i64::from(self.texts.intern(text)))
    }

    /// Appends an observation.
    pub fn observation(&mut self, row: &ObservationRow<'_>, number: Number<'_>) {
        let fields = row.fields;
        let at = self.next_observation();
        let (identity, id_text) = self.identity(row.id);
        let parent = self.parent(row, at);
        let start = effective_start(fields);
        let since = |field| fields.time(field).map(|t: Timestamp| t.0.wrapping_sub(start.0));
        let (duration, completion) = (since(Field::End), since(Field::CompletionStart));
        let name = self.code(fields.text(Field::Name));
        let model = self.code(fields.text(Field::Model));
        let tokens = (!fields.usage().is_empty()).then(|| fields.tokens());
        let token = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let rest = tokens
            .map(|t| token(t.total).wrapping_sub(token(t.input)).wrapping_sub(token(t.output)));
        let cost = (!fields.cost().is_empty())
            .then(|| i64::try_from(fields.total_cost().0).unwrap_or(i64::MAX));
        let tokens_in = tokens.map(|t| token(t.input));
        let tokens_out = tokens.map(|t| token(t.output));
        let input = fields.payload(Field::Input).map(&mut *number);
        let output = fields.payload(Field::Output).map(&mut *number);
        let output_base = input.unwrap_or(u64::from(at));
        let columns = [
            id_text,
            parent,
            Some(start.0.wrapping_sub(row.trace_start.0)),
            duration,
            completion,
            fields.kind().map(|k| i64::from(k.code())),
            fields.level().map(|l| i64::from(l.code())),
            name,
            model,
            tokens_in,
            tokens_out,
            rest,
            cost,
            input.map(|n| n as i64),
            output.map(|n| (n as i64).wrapping_sub(output_base as i64)),
        ];
        self.observations.push(&[identity], &columns);
        let end = fields.time(Field::End);
        let number_base = output.or(input).unwrap_or(u64::from(at));
        let amounts = Amounts::of_columns([tokens_in, tokens_out, rest, cost]);
        let base = Base { start, end, number: number_base, amounts };
        self.scratch.clear();
        details::encode(fields, base, s::OBSERVATION_FIELDS, number, &mut self.scratch);
        self.observation_details.push(&self.scratch);
    }

    fn parent(&mut self, row: &ObservationRow<'_>, at: u32) -> Option<i64> {
        let parent = row.fields.id(Field::Parent)?;
        if let ParentAt::Row(parent_row) = row.parent
            && parent_row != at
        {
            return Some(i64::from(at) - i64::from(parent_row));
        }
        let (identity, text) = self.identity(parent);
        self.parents.push(&[identity], &[Some(i64::from(at)), text]);
        Some(0)
    }

    /// Appends a trace.
    pub fn trace(&mut self, row: &TraceRow<'_>, number: Number<'_>) {
        let (fields, summary) = (row.fields, row.summary);
        let at = self.next_trace();
        let (identity, id_text) = self.identity(row.id);
        self.trace_lookup.push((self.key.lookup_hash(identity), at));
        let session = fields.id(Field::Session);
        if let Some(session) = session {
            self.session_lookup.push((self.key.lookup_hash(self.key.identity(session)), at));
        }
        let session = session.map(ToString::to_string);
        let tags = fields.tags();
        let tags = (fields.slot(Field::Tags).is_some()).then(|| join_tags(tags));
        let (name, user) =
            (self.code(fields.text(Field::Name)), self.code(fields.text(Field::User)));
        let environment = self.code(fields.text(Field::Environment));
        let (session, tags) = (self.code(session.as_deref()), self.code(tags.as_deref()));
        let count = |n: u64| Some(i64::try_from(n).unwrap_or(i64::MAX));
        let columns = [
            id_text,
            Some(i64::from(row.first)),
            Some(i64::from(self.next_observation() - row.first)),
            Some(summary.start.0),
            Some(summary.end.0.wrapping_sub(summary.start.0)),
            count(summary.observations),
            count(summary.open),
            count(summary.errors),
            count(summary.tokens.input),
            count(summary.tokens.output),
            count(summary.tokens.total),
            Some(i64::try_from(summary.cost.0).unwrap_or(i64::MAX)),
            count(summary.payload_bytes),
            name,
            user,
            session,
            environment,
            tags,
        ];
        self.traces.push(&[identity], &columns);
        (self.start, self.end) = (self.start.min(summary.start.0), self.end.max(summary.end.0));
        let base = Base {
            start: summary.start,
            end: Some(summary.end),
            number: u64::from(row.first),
            amounts: Amounts::default(),
        };
        self.scratch.clear();
        details::encode(fields, base, s::TRACE_FIELDS, number, &mut self.scratch);
        self.trace_details.push(&self.scratch);
    }

    /// Appends a score.
    pub fn score(&mut self, id: &Id, fields: &Fields, number: Number<'_>) {
        let at = self.next_score();
        let (identity, id_text) = self.identity(id);
        self.score_lookup.push((self.key.lookup_hash(identity), at));
        if let Some(subject) = fields.subject() {
            self.subject_lookup.push((subject.lookup_hash(&self.key), at));
        }
        let time = fields.time(Field::Timestamp).unwrap_or_else(|| fields.first_time());
        self.scores.push(&[identity], &[id_text, Some(time.0)]);
        self.scratch.clear();
        let base = Base { start: time, end: None, number: 0, amounts: Amounts::default() };
        details::encode(fields, base, &[], number, &mut self.scratch);
        self.score_details.push(&self.scratch);
    }

    /// Notes that a row of an older segment is superseded.
    pub fn supersede(&mut self, old: Supersession) {
        self.superseded.push(old);
    }

    /// Keeps a tombstone: `trace` is the trace of an erased observation, else the id again.
    pub fn tombstone(&mut self, kind: RowKind, identity: Identity, trace: Identity, seq: Seq) {
        let columns = [Some(i64::from(kind as u8)), Some(seq.0 as i64)];
        self.tombstones.push(&[identity, trace], &columns);
    }

    /// Writes what is left, makes both files durable under their names and gives the facts. The
    /// segment exists for readers once a manifest edit names it.
    ///
    /// # Errors
    /// Those of the file system; temporary files are left for recovery to remove.
    pub fn finish(
        mut self,
        seqs: (Seq, Seq),
        logs: Vec<LogId>,
        segments: Vec<SegmentId>,
        created_ns: i64,
    ) -> Result<Facts> {
        let (id, dir) = (self.options.id, self.dir.clone());
        let payloads = self.payloads.finish()?;
        // SYNC: the skeleton file and the manifest will name these bytes as the only copy.
        planted::unless(Bug::RenamedUnsynced, || payloads.file.sync())?;
        let mut known = s::table(s::PAYLOADS);
        for payload in &payloads.payloads {
            known.push(&[], &[Some(payload.len as i64), Some(payload.print as i64)]);
        }
        let facts = Facts {
            id,
            first_seq: seqs.0,
            last_seq: seqs.1,
            logs,
            segments,
            traces: count(self.traces.len()),
            observations: count(self.observations.len()),
            scores: count(self.scores.len()),
            payloads: count(payloads.payloads.len()),
            parts: payloads.parts,
            superseded: count(self.superseded.len()),
            start_ns: self.start,
            end_ns: self.end,
            part_bytes: payloads.part_bytes,
            payload_file_bytes: payloads.bytes,
            payload_file_crc: payloads.crc,
            level: self.options.level,
            created_ns,
        };
        let mut out = self.skeleton;
        out.section(s::TRACES, &self.traces.build())?;
        out.section(s::OBSERVATIONS, &self.observations.build())?;
        out.section(s::PARENTS, &self.parents.build())?;
        out.section(s::SCORES, &self.scores.build())?;
        out.section(s::PAYLOADS, &known.build())?;
        out.section(s::TEXTS, &self.texts.build())?;
        out.section(s::TRACE_DETAILS, &self.trace_details.build())?;
        out.section(s::OBS_DETAILS, &self.observation_details.build())?;
        out.section(s::SCORE_DETAILS, &self.score_details.build())?;
        out.section(s::LOOKUP_TRACE, &Lookup::build(self.trace_lookup))?;
        out.section(s::LOOKUP_SCORE, &Lookup::build(self.score_lookup))?;
        out.section(s::LOOKUP_SUBJECT, &Lookup::build(self.subject_lookup))?;
        out.section(s::LOOKUP_SESSION, &Lookup::build(self.session_lookup))?;
        out.section(s::SUPERSEDED, &superseded(&mut self.superseded))?;
        out.section(s::TOMBSTONES, &self.tombstones.build())?;
        let (file, _, _) = out.finish(&facts.encode())?;
        // SYNC: after the manifest edit the logs go, and this is the only copy.
        file.sync()?;
        dir.rename(FileName::PayloadTemp(id), FileName::Payload(id))?;
        dir.rename(FileName::SkeletonTemp(id), FileName::Skeleton(id))?;
        // SYNC: the manifest must not name files whose names a power loss can take back.
        planted::unless(Bug::SegmentDirNotSynced, || dir.sync())?;
        Ok(facts)
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn superseded(old: &mut [Supersession]) -> Vec<u8> {
    old.sort_unstable_by_key(|o| (o.segment, o.kind, o.row));
    let mut rows = s::table(s::SUPERSEDED);
    for o in old.iter() {
        let row = i64::from(o.row) << 2 | i64::from(o.kind as u8);
        rows.push(&[], &[Some(o.segment.0 as i64), Some(row), o.successor.map(i64::from)]);
    }
    rows.build()
}

/// The tags as one text, for the column that filters read.
pub(super) fn join_tags(tags: &[Box<str>]) -> String {
    let mut joined = String::new();
    for tag in tags {
        for c in tag.chars() {
            if matches!(c, TAG_SEPARATOR | TAG_ESCAPE) {
                joined.push(TAG_ESCAPE);
            }
            joined.push(if c == TAG_SEPARATOR { 's' } else { c });
        }
        joined.push(TAG_SEPARATOR);
    }
    joined
}

/// Every payload that these fields hold.
pub fn payloads_of(fields: &Fields) -> impl Iterator<Item = &PayloadRef> {
    fields.slots().iter().flat_map(|slot| match &slot.value {
        Held::Value(Value::Payload(p)) => std::slice::from_ref(p),
        Held::Map(map) => map.texts.as_slice(),
        Held::Value(_) => &[],
    })
}
