//! The state of a trace: its attributes and what its observations sum up to.

use super::gather::{Gathered, Sealed};
use super::{Snapshot, View};
use crate::column::LastBlock;
use crate::error::Result;
use crate::fs::{Dir, Fs};
use crate::id::{Form, Id, Identity, SegmentId, Seq};
use crate::merge::Fields;
use crate::model::Timestamp;
use crate::planted::{self, Bug};
use crate::segment::{Contribution, RowKind, Summary, payload_bytes};
use crate::sync::Mutex;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// A trace without its observations.
#[derive(Debug, Clone)]
pub struct TraceState {
    /// Its id.
    pub id: Id,
    /// Its merged attributes.
    pub fields: Fields,
    /// Sums over its live observations.
    pub summary: Summary,
}

const STATES_MAX: usize = 32_768;
/// Traces of which it is kept whether they are sealed: some 8 MiB.
const SEALED_MAX: usize = 1 << 17;

/// What is known of traces with unsealed records: their states, computed once a change, and whether
/// anything of them is sealed, looked up once a change of segments.
#[derive(Debug, Default)]
pub struct StateCache {
    states: Mutex<HashMap<Identity, (Version, Option<Arc<TraceState>>)>>,
    holdings: Mutex<Holdings>,
}

/// Whether these segments hold anything of a trace.
#[derive(Debug, Default)]
struct Holdings {
    segments: Vec<SegmentId>,
    known: HashMap<Identity, bool>,
}

/// Changes whenever the state of a trace with unsealed records can have changed: the newest
/// segment that holds anything of it, how many do, and its last unsealed record. Their number would
/// come again: of what was erased before it was sealed, nothing is left to tell.
type Version = (u64, usize, Option<Seq>);

fn version<D: Dir>(view: &View<D>, trace: Identity, seq: Seq) -> Result<Version> {
    let last = view.logs.iter().filter_map(|log| log.trace_last(trace, seq)).max();
    let holders = view.holders(trace)?;
    let newest = holders.iter().map(|(at, _)| view.segments[*at].segment.id().0).max();
    Ok((newest.unwrap_or(0), holders.len(), last))
}

impl StateCache {
    /// The state of a trace that has unsealed records, if the trace is there.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn state<D: Dir>(
        &self,
        view: &View<D>,
        trace: Identity,
        seq: Seq,
    ) -> Result<Option<Arc<TraceState>>> {
        let version = version(view, trace, seq)?;
        if let Some((held, state)) = self.states.lock().get(&trace)
            && (*held == version || planted::is(Bug::StaleState))
        {
            return Ok(state.clone());
        }
        let gathered = Gathered::new(view, trace, seq)?;
        let state = state_of(view, &gathered, &mut LastBlock::default())?.map(Arc::new);
        let mut held = self.states.lock();
        if held.len() >= STATES_MAX {
            held.clear();
        }
        held.insert(trace, (version, state.clone()));
        Ok(state)
    }

    /// Whether any segment of the view, which are these, holds anything of a trace. Cost: a lookup, if
    /// that was not asked since the segments changed.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn is_sealed<D: Dir>(
        &self,
        view: &View<D>,
        segments: &[SegmentId],
        trace: Identity,
    ) -> Result<bool> {
        let mut held = self.holdings.lock();
        if held.segments != segments {
            *held = Holdings { segments: segments.to_vec(), known: HashMap::new() };
        }
        if let Some(sealed) = held.known.get(&trace) {
            return Ok(*sealed);
        }
        drop(held);
        let sealed = !view.holders(trace)?.is_empty();
        let mut held = self.holdings.lock();
        // The segments may have changed meanwhile, for somebody else.
        if held.segments == segments && held.known.len() < SEALED_MAX {
            held.known.insert(trace, sealed);
        }
        Ok(sealed)
    }
}

/// The state of a gathered trace, if it is there. `last` spares decompressing a block of details
/// for each of many traces that lie together.
///
/// # Errors
/// `Corruption`.
pub fn state_of<D: Dir>(
    view: &View<D>,
    all: &Gathered,
    last: &mut LastBlock,
) -> Result<Option<TraceState>> {
    if all.is_empty(view) {
        return Ok(None);
    }
    let Some(id) = all.id(view) else { return Ok(None) };
    let fields = all.trace_fields(view, last)?;
    let summary = summary_of(view, all, &fields, last)?;
    // A live sealed row of which everything was erased since.
    if fields.is_empty() && summary.observations == 0 {
        return Ok(None);
    }
    Ok(Some(TraceState { id, fields, summary }))
}

/// A trace's summary: the sealed one and the differences, or anew where an end of its time range
/// went with a difference.
fn summary_of<D: Dir>(
    view: &View<D>,
    all: &Gathered,
    fields: &Fields,
    last: &mut LastBlock,
) -> Result<Summary> {
    let sealed = all.live_row(view);
    let sealed_summary = sealed.map(|(s, row)| s.segment.summary(row));
    if !all.has_records
        && let Some(summary) = sealed_summary
    {
        return Ok(summary);
    }
    let own = payload_bytes(fields);
    if let (Some(mut summary), Some((s, row))) = (sealed_summary, sealed) {
        let own_before = payload_bytes(&s.segment.trace_fields(row, last)?);
        summary.payload_bytes =
            summary.payload_bytes.saturating_sub(own_before).saturating_add(own);
        let before = summary.observations;
        if before > 0 && update(view, all, &mut summary)? && summary.observations > 0 {
            return Ok(summary);
        }
    }
    let mut summary = Summary::empty(fields);
    for (s, rows, start) in all.sealed_rows(view)? {
        s.segment.each_observation(rows, start, &mut |row, fields| {
            let live = !s.dead.contains(RowKind::Observation, row);
            let identity = s.segment.observation_identity(row);
            if live && identity.is_some_and(|id| !all.touches(id)) {
                summary.add(&Contribution::of(&fields));
            }
            Ok(())
        })?;
    }
    for identity in all.observations.keys() {
        if let Some(fields) = all.observation(view, *identity)? {
            summary.add(&Contribution::of(&fields));
        }
    }
    Ok(summary)
}

/// Takes the old state of every touched observation away and adds the new one. `false` where
/// that cannot tell the time range.
fn update<D: Dir>(view: &View<D>, all: &Gathered, summary: &mut Summary) -> Result<bool> {
    let mut sound = true;
    let mut added = Vec::new();
    for (identity, unsealed) in &all.observations {
        let sealed = all.sealed_touched(*identity);
        let mut merged = Fields::new();
        if let Some(Sealed { at, row, trace_start }) = sealed
            && let Some(s) = view.segments.get(at)
        {
            merged = all.sealed_fields(s, row, trace_start)?;
            sound &= summary.remove(&Contribution::of(&merged));
            if unsealed.erased {
                merged = Fields::new();
            }
        }
        merged.merge(unsealed.fields.clone());
        if !merged.is_empty() {
            added.push(Contribution::of(&merged));
        }
    }
    added.iter().for_each(|c| summary.add(c));
    Ok(sound)
}

impl<F: Fs> Snapshot<F> {
    /// The attributes and sums of a trace, if it is there. Cost: one lookup and one block of
    /// details; with unsealed records also the merge of these, once a change.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn trace_state(&self, trace: &Id) -> Result<Option<TraceState>> {
        let view = self.view()?;
        let identity = view.key.identity(trace);
        if view.logs.iter().any(|log| log.trace_last(identity, self.seq()).is_some()) {
            let state = self.states().state(&view, identity, self.seq())?;
            return Ok(state.map(|s| TraceState::clone(&s)));
        }
        let gathered = Gathered::new(&view, identity, self.seq())?;
        state_of(&view, &gathered, &mut LastBlock::default())
    }

    /// The merged fields of an observation, if it is there. Cost: one lookup and one block of
    /// details, and the merge of unsealed records of its trace.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn observation(&self, trace: &Id, observation: &Id) -> Result<Option<Fields>> {
        let view = self.view()?;
        let all = Gathered::new(&view, view.key.identity(trace), self.seq())?;
        let fields = all.observation(&view, view.key.identity(observation))?;
        Ok(fields.map(Cow::into_owned))
    }

    /// Hands out every observation of a trace, ordered by start, then id. Cost: its details,
    /// each block decompressed once; memory for ids and places, 40 bytes an observation.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`, or what `each` returns.
    pub fn each_observation(
        &self,
        trace: &Id,
        each: &mut dyn FnMut(&Id, &Fields) -> Result<()>,
    ) -> Result<()> {
        let view = self.view()?;
        let all = Gathered::new(&view, view.key.identity(trace), self.seq())?;
        for (at, row) in &all.holders {
            view.segments[*at].segment.fetch_trace(*row);
        }
        each_observation(&view, &all, each)
    }
}

/// The observations of a gathered trace in the order of start, then id.
#[derive(Debug)]
pub struct Ordered<'a> {
    rows: Vec<OrderedRow>,
    merged: Vec<(Option<&'a Id>, Cow<'a, Fields>)>,
}

#[derive(Debug, Clone, Copy)]
struct OrderedRow {
    start: Timestamp,
    identity: Identity,
    /// Which segment of the view, or `MERGED`.
    at: usize,
    /// Its row there, or where in the merged ones it stands.
    row: u32,
    trace_start: Timestamp,
}

const MERGED: usize = usize::MAX;

impl<'a> Ordered<'a> {
    /// The observations that unsealed records touch, and the other sealed ones of the segments
    /// that `include` names. Memory: 64 bytes an observation, and the touched ones' fields.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn new<D: Dir>(
        view: &View<D>,
        all: &'a Gathered,
        include: &dyn Fn(usize) -> bool,
    ) -> Result<Ordered<'a>> {
        let mut rows = Vec::new();
        for (at, trace_row) in all.holders.iter().filter(|(at, _)| include(*at)) {
            let Some(s) = view.segments.get(*at) else { continue };
            let range = s.segment.observations(*trace_row)?;
            let trace_start = s.segment.trace_start(*trace_row);
            let columns = s.segment.columns(range.clone());
            for (i, identity) in columns.ids.iter().enumerate() {
                let row = range.start + i as u32;
                if s.dead.contains(RowKind::Observation, row) || all.touches(*identity) {
                    continue;
                }
                let since = columns.start.get(i).copied().unwrap_or(0);
                let start = Timestamp(trace_start.0.wrapping_add(since));
                rows.push(OrderedRow { start, identity: *identity, at: *at, row, trace_start });
            }
        }
        let mut merged = Vec::new();
        for (identity, unsealed) in &all.observations {
            if let Some(fields) = all.observation(view, *identity)? {
                let start = crate::segment::effective_start(&fields);
                let row = merged.len() as u32;
                rows.push(OrderedRow {
                    start,
                    identity: *identity,
                    at: MERGED,
                    row,
                    trace_start: start,
                });
                merged.push((unsealed.id.as_ref(), fields));
            }
        }
        rows.sort_unstable_by_key(|row| (row.start, row.identity));
        Ok(Ordered { rows, merged })
    }

    /// The same, with ids of one start ordered by their text: the identity of a text is a hash,
    /// which differs from store to store.
    #[must_use]
    pub fn by_text<D: Dir>(mut self, view: &View<D>) -> Ordered<'a> {
        let merged = &self.merged;
        let text = |row: &OrderedRow| match row.at {
            MERGED => merged.get(row.row as usize).and_then(|(id, _)| id.cloned()),
            at => view.segments.get(at).and_then(|s| s.segment.observation_id(row.row)),
        };
        for same in self.rows.chunk_by_mut(|a, b| a.start == b.start) {
            // Texts come first among identities.
            let texts = same.partition_point(|row| row.identity.form == Form::Text);
            if texts > 1 {
                same[..texts].sort_by_cached_key(text);
            }
        }
        self
    }

    /// Their identities, in order.
    pub fn identities(&self) -> impl Iterator<Item = Identity> + '_ {
        self.rows.iter().map(|row| row.identity)
    }

    /// Hands them out in order, each block of details decompressed once where rows follow one
    /// another.
    ///
    /// # Errors
    /// `Corruption`, or what `each` returns.
    pub fn each<D: Dir>(
        &self,
        view: &View<D>,
        each: &mut dyn FnMut(&Id, &Fields) -> Result<()>,
    ) -> Result<()> {
        let mut at = 0;
        while let Some(first) = self.rows.get(at) {
            if first.at == MERGED {
                if let Some((Some(id), fields)) = self.merged.get(first.row as usize) {
                    each(id, fields)?;
                }
                at += 1;
                continue;
            }
            let mut end = at + 1;
            let follows = |next: &OrderedRow, by: usize| {
                next.at == first.at && next.row as usize == first.row as usize + by
            };
            while self.rows.get(end).is_some_and(|next| follows(next, end - at)) {
                end += 1;
            }
            let Some(s) = view.segments.get(first.at) else { break };
            let rows = first.row..first.row + (end - at) as u32;
            s.segment.each_observation(rows, first.trace_start, &mut |row, fields| match s
                .segment
                .observation_id(row)
            {
                Some(id) => each(&id, &fields),
                None => Ok(()),
            })?;
            at = end;
        }
        Ok(())
    }
}

/// Hands out every observation of a gathered trace, ordered by start, then id.
///
/// # Errors
/// `Corruption`, or what `each` returns.
pub fn each_observation<D: Dir>(
    view: &View<D>,
    all: &Gathered,
    each: &mut dyn FnMut(&Id, &Fields) -> Result<()>,
) -> Result<()> {
    Ordered::new(view, all, &|_| true)?.by_text(view).each(view, each)
}
