//! Sealing and compaction are one thing: the records of some logs and the live rows of some
//! segments become one segment.
//!
//! What is replaced covers one range of seqs: neighbouring segments, or the newest ones and the
//! oldest logs. Rows of other segments that a log's records say something newer of are merged,
//! written to the new segment with their payloads, and superseded there. Rows that a newer segment
//! supersedes are left out; a trace whose live row stands in a newer segment gets a row here for
//! its observations to hang on, and that one is dead from the beginning: the segment supersedes it
//! itself.

use super::dictionary::dictionary;
use super::transfer::Transfer;
use crate::column::LastBlock;
use crate::error::Result;
use crate::frame::FileHeader;
use crate::fs::{Dir, File};
use crate::id::{Id, Identity, LogId, SegmentId, Seq};
use crate::merge::Fields;
use crate::model::{Body, Field, Target, Timestamp};
use crate::planted::{self, Bug};
use crate::progress::{Meter, Progress};
use crate::segment::{
    Facts, ObservationRow, ParentAt, RowKind, SealLevel, SegmentWriter, Summary, Supersession,
    TraceRow, WriteOptions, payloads_of,
};
use crate::snapshot::{Gathered, Ordered, TraceState, View, score_of, state_of, touched_scores};
use crate::sync::give_way;
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;

/// After so many rows whoever waits for the core has it. Some 100 us, as rows of 200 bytes go.
const ROWS_A_TURN: u64 = 16;

/// What becomes one segment.
#[derive(Debug, Clone)]
pub struct Rewrite {
    /// How many of the oldest logs. They are finished.
    pub logs: usize,
    /// Which segments of the view: neighbours, and with logs the newest ones.
    pub segments: Range<usize>,
    /// How thoroughly to write.
    pub level: SealLevel,
    /// zstd level of a full seal.
    pub zstd_level: i32,
    /// The new segment's id.
    pub id: SegmentId,
    /// The time now, in nanoseconds since the epoch.
    pub now_ns: i64,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// Yes.
    On,
    /// Leave it: what was done so far is lost.
    Stop,
}

/// What became of a rewrite.
#[derive(Debug)]
pub enum Rewritten {
    /// A segment, whose files are durable.
    Segment(Box<Facts>),
    /// Nothing was left to write.
    Nothing,
    /// It was stopped.
    Stopped,
}

const ZSTD_QUICK: i32 = 3;

/// Of this many parts of the work, finding the order of traces is one.
const ORDER_PART: u64 = 10;

struct Job<'v, D: Dir> {
    view: &'v View<D>,
    inputs: Range<usize>,
    seq: Seq,
    id: SegmentId,
    writer: SegmentWriter<D>,
    transfer: Transfer<'v, D>,
    meter: Meter<'v>,
    stopped: &'v Cell<bool>,
    /// Of traces.
    details: LastBlock,
    /// Traces and observations that are written, and that there are.
    rows: (u64, u64),
}

/// Writes the segment and makes its files durable. The caller commits the manifest edit. Memory:
/// the details of one trace's records at a time, 24 bytes a trace, and what [`SegmentWriter`] and
/// the readers keep. `progress` is told of the bytes of what is rewritten, and says whether to go
/// on.
///
/// # Errors
/// `Corruption`, `StorageFull`, `Io`. Nothing has changed then but for temporary files.
pub fn rewrite<D: Dir>(
    dir: &D,
    view: &View<D>,
    header: &FileHeader,
    what: &Rewrite,
    progress: &mut dyn FnMut(Progress) -> Go,
) -> Result<Rewritten> {
    let bounded = view.of_oldest_logs(what.logs);
    let logs = &bounded.logs;
    let inputs = &view.segments[what.segments.clone()];
    let seqs = inputs
        .iter()
        .map(|s| (s.segment.facts().first_seq, s.segment.facts().last_seq))
        .chain(logs.iter().filter_map(|l| l.seqs()))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let Some(seqs) = seqs else { return Ok(Rewritten::Nothing) };
    inputs.iter().try_for_each(|s| s.segment.check())?;
    let replaced_logs: Vec<LogId> = logs.iter().map(|l| l.id()).collect();
    let replaced: Vec<SegmentId> = inputs.iter().map(|s| s.segment.id()).collect();
    let full = what.level == SealLevel::Full;
    let options = WriteOptions {
        header: FileHeader { created_ns: what.now_ns, ..header.clone() },
        id: what.id,
        zstd_level: if full { what.zstd_level } else { ZSTD_QUICK },
        dictionary: if full { dictionary(&bounded, what)? } else { Vec::new() },
        level: what.level,
    };
    let bytes = input_bytes(&bounded, what.segments.clone())?;
    let stopped = Cell::new(false);
    let mut each = |at| stopped.set(progress(at) == Go::Stop || stopped.get());
    let mut job = Job {
        meter: Meter::new(bytes, &mut each),
        stopped: &stopped,
        details: LastBlock::default(),
        rows: (0, 0),
        view: &bounded,
        inputs: what.segments.clone(),
        seq: seqs.1,
        id: what.id,
        writer: SegmentWriter::new(dir.clone(), options)?,
        transfer: Transfer::new(&bounded, if full { Vec::new() } else { replaced.clone() }),
    };
    job.meter.stage(bytes / ORDER_PART);
    let order = job.trace_order()?;
    // What was found of it by then may be nothing, which is not what the inputs hold.
    if stopped.get() && !planted::is(Bug::StoppedAtNothing) {
        return Ok(Rewritten::Stopped);
    }
    job.meter.stage(bytes - bytes / ORDER_PART);
    for (_, identity) in order {
        if stopped.get() {
            return Ok(Rewritten::Stopped);
        }
        job.trace(identity)?;
    }
    job.scores()?;
    job.tombstones()?;
    planted::unless(Bug::SupersessionNotCarried, || job.carry_supersessions());
    let facts = job.writer.finish(seqs, replaced_logs, replaced, what.now_ns)?;
    job.meter.finish();
    Ok(Rewritten::Segment(Box::new(facts)))
}

fn input_bytes<D: Dir>(view: &View<D>, segments: Range<usize>) -> Result<u64> {
    let logs = view.logs.iter().map(|log| log.file().len());
    let sealed = view.segments[segments]
        .iter()
        .map(|s| s.segment.skeleton().0.len() as u64 + s.segment.facts().payload_file_bytes);
    Ok(logs.sum::<Result<u64>>()?.saturating_add(sealed.sum()))
}

impl<D: Dir> Job<'_, D> {
    fn is_input(&self, at: usize) -> bool {
        self.inputs.contains(&at)
    }

    /// Every trace that the inputs hold anything of, by start, then id; fewer where it is stopped.
    fn trace_order(&mut self) -> Result<Vec<(Timestamp, Identity)>> {
        let mut ids: Vec<Identity> = Vec::new();
        for log in &self.view.logs {
            ids.extend(log.traces(self.seq));
        }
        for s in &self.view.segments[self.inputs.clone()] {
            ids.extend(
                (0..s.segment.facts().traces).filter_map(|row| s.segment.trace_identity(row)),
            );
        }
        ids.sort_unstable();
        ids.dedup();
        let mut order = Vec::with_capacity(ids.len());
        for identity in &ids {
            if self.stopped.get() {
                break;
            }
            let all = Gathered::new(self.view, *identity, self.seq)?;
            let summary = match all.has_records {
                // A live row says what it sums up to.
                false => all.live_row(self.view).map(|(s, row)| s.segment.summary(row)),
                true => state_of(self.view, &all, &mut self.details)?.map(|state| state.summary),
            };
            // A trace that is gone is still visited, to supersede what is left of it.
            let (start, observations) =
                summary.map_or((Timestamp::default(), 0), |s| (s.start, s.observations));
            order.push((start, *identity));
            self.rows.1 += 1 + observations;
            if (order.len() as u64).is_multiple_of(ROWS_A_TURN) {
                give_way();
            }
            self.meter.step(order.len() as u64, ids.len() as u64);
        }
        order.sort_unstable();
        Ok(order)
    }

    fn trace(&mut self, identity: Identity) -> Result<()> {
        let view = self.view;
        let all = Gathered::new(view, identity, self.seq)?;
        let state = state_of(view, &all, &mut self.details)?;
        let first = self.writer.next_observation();
        let mut rows = HashMap::new();
        if let Some(state) = &state {
            let inputs = self.inputs.clone();
            let ordered = Ordered::new(view, &all, &|at| inputs.contains(&at))?;
            rows = ordered.identities().zip(first..).collect();
            let start = state.summary.start;
            ordered.each(view, &mut |id, fields| self.observation(id, fields, &rows, start))?;
            if self.lives_later(&all) {
                self.dead_trace(state, first, &rows);
                self.written();
                return Ok(());
            }
            self.take(&state.fields)?;
            let row =
                TraceRow { id: &state.id, fields: &state.fields, summary: &state.summary, first };
            let transfer = &self.transfer;
            self.writer.trace(&row, &mut |p| transfer.number(p));
        }
        let trace_row = state.is_some().then(|| self.writer.next_trace() - 1);
        self.supersede_trace(&all, trace_row, &rows)?;
        self.written();
        Ok(())
    }

    /// Whether the trace's live row stands in a segment that is newer than the inputs.
    fn lives_later(&self, all: &Gathered) -> bool {
        all.holders.iter().any(|(at, row)| {
            *at >= self.inputs.end && !self.view.segments[*at].dead.contains(RowKind::Trace, *row)
        })
    }

    /// A row for the observations of a trace whose live row stands in a newer segment.
    fn dead_trace(&mut self, state: &TraceState, first: u32, rows: &HashMap<Identity, u32>) {
        if rows.is_empty() {
            return;
        }
        let row = self.writer.next_trace();
        let start = state.summary.start;
        let summary = Summary { start, end: start, ..Summary::default() };
        let fields = Fields::new();
        let trace = TraceRow { id: &state.id, fields: &fields, summary: &summary, first };
        self.writer.trace(&trace, &mut |_| 0);
        let (segment, kind) = (self.id, RowKind::Trace);
        self.writer.supersede(Supersession { segment, kind, row, successor: None });
    }

    fn written(&mut self) {
        self.rows.0 += 1;
        if self.rows.0.is_multiple_of(ROWS_A_TURN) {
            give_way();
        }
        self.meter.step(self.rows.0, self.rows.1);
    }

    fn take(&mut self, fields: &Fields) -> Result<()> {
        payloads_of(fields).try_for_each(|p| self.transfer.take(p, self.writer.payloads()))
    }

    fn observation(
        &mut self,
        id: &Id,
        fields: &Fields,
        rows: &HashMap<Identity, u32>,
        trace_start: Timestamp,
    ) -> Result<()> {
        self.take(fields)?;
        let parent = match fields.id(Field::Parent) {
            None => ParentAt::None,
            Some(parent) => match rows.get(&self.view.key.identity(parent)) {
                Some(row) => ParentAt::Row(*row),
                None => ParentAt::Elsewhere,
            },
        };
        let transfer = &self.transfer;
        let row = ObservationRow { id, fields, parent, trace_start };
        self.writer.observation(&row, &mut |p| transfer.number(p));
        self.written();
        Ok(())
    }

    /// Supersedes the live rows, in segments that stay, of what was written or erased.
    fn supersede_trace(
        &mut self,
        all: &Gathered,
        trace_row: Option<u32>,
        rows: &HashMap<Identity, u32>,
    ) -> Result<()> {
        // A tombstone of the trace has cleared what was gathered: look again.
        for (at, row) in self.view.holders(all.identity)? {
            if self.is_input(at) {
                continue;
            }
            let s = &self.view.segments[at];
            let segment = s.segment.id();
            if !s.dead.contains(RowKind::Trace, row) {
                let successor = trace_row;
                let kind = RowKind::Trace;
                self.writer.supersede(Supersession { segment, kind, row, successor });
            }
            if all.trace.erased && !planted::is(Bug::ErasedRowsKept) {
                for row in s.segment.observations(row)? {
                    if s.dead.contains(RowKind::Observation, row) {
                        continue;
                    }
                    let identity = s.segment.observation_identity(row);
                    let successor = identity.and_then(|id| rows.get(&id).copied());
                    let kind = RowKind::Observation;
                    self.writer.supersede(Supersession { segment, kind, row, successor });
                }
            }
        }
        for identity in all.observations.keys() {
            let Some(sealed) = all.sealed_touched(*identity) else { continue };
            if self.is_input(sealed.at) || planted::is(Bug::SupersessionLost) {
                continue;
            }
            let segment = self.view.segments[sealed.at].segment.id();
            let successor = rows.get(identity).copied();
            let (kind, row) = (RowKind::Observation, sealed.row);
            self.writer.supersede(Supersession { segment, kind, row, successor });
        }
        Ok(())
    }

    /// Every score that the inputs say anything of, those of erased traces included.
    fn score_ids(&self) -> Result<Vec<Identity>> {
        let mut ids = touched_scores(self.view, self.seq)?;
        for s in &self.view.segments[self.inputs.clone()] {
            let live =
                (0..s.segment.facts().scores).filter(|r| !s.dead.contains(RowKind::Score, *r));
            ids.extend(live.filter_map(|row| s.segment.score_identity(row)));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn scores(&mut self) -> Result<()> {
        for identity in self.score_ids()? {
            let found = score_of(self.view, identity, self.seq)?;
            let older = self.older_score(identity)?;
            // A candidate by hash that nothing new is said of stays where it is.
            let touched = self.touches_score(identity)?;
            if let Some((id, fields)) = &found {
                if !touched {
                    continue;
                }
                self.take(fields)?;
                let transfer = &self.transfer;
                self.writer.score(id, fields, &mut |p| transfer.number(p));
            }
            if let Some((segment, row)) = older {
                let successor = found.is_some().then(|| self.writer.next_score() - 1);
                let kind = RowKind::Score;
                self.writer.supersede(Supersession { segment, kind, row, successor });
            }
        }
        Ok(())
    }

    fn touches_score(&self, identity: Identity) -> Result<bool> {
        Ok(self.view.logs.iter().any(|log| log.has_score(identity))
            || self.view.live_score(identity, |at| self.is_input(at))?.is_some())
    }

    /// The live row of a score in a segment that stays.
    fn older_score(&self, identity: Identity) -> Result<Option<(SegmentId, u32)>> {
        let found = self.view.live_score(identity, |at| !self.is_input(at))?;
        Ok(found.map(|(at, row)| (self.view.segments[at].segment.id(), row)))
    }

    /// Tombstones live until no live file holds a lower seq: not past the oldest segment.
    fn tombstones(&mut self) -> Result<()> {
        let oldest = match self.inputs.is_empty() {
            true => self.view.segments.is_empty(),
            false => self.inputs.start == 0,
        };
        if oldest {
            return Ok(());
        }
        let key = self.view.key;
        for log in &self.view.logs {
            for appended in log.tombstones()? {
                if appended.record.body != Body::Tombstone {
                    continue;
                }
                let (kind, id, trace) = match &appended.record.target {
                    Target::Trace { trace } => (RowKind::Trace, trace, trace),
                    Target::Observation { trace, observation } => {
                        (RowKind::Observation, observation, trace)
                    }
                    Target::Score { score } => (RowKind::Score, score, score),
                };
                self.writer.tombstone(kind, key.identity(id), key.identity(trace), appended.seq);
            }
        }
        for s in &self.view.segments[self.inputs.clone()] {
            for t in s.segment.tombstones() {
                self.writer.tombstone(t.kind, t.identity, t.trace, t.seq);
            }
        }
        Ok(())
    }

    /// What the inputs superseded in segments that stay is carried over. Its successor is not
    /// looked up: a dead row is never read again but to be passed over.
    fn carry_supersessions(&mut self) {
        let view = self.view;
        let stays: HashMap<SegmentId, ()> = view
            .segments
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.is_input(*at))
            .map(|(_, s)| (s.segment.id(), ()))
            .collect();
        for s in &view.segments[self.inputs.clone()] {
            for old in s.segment.superseded().filter(|old| stays.contains_key(&old.segment)) {
                self.writer.supersede(Supersession { successor: None, ..old });
            }
        }
    }
}
