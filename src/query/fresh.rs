//! Traces with unsealed records, in the order in which they can be on a page.
//!
//! When a trace starts is a time that is said in some record: of a log, which keeps between which times
//! all of them are, or of a segment, which does so for all of its traces. Only where something is erased
//! it can be another time of what is sealed. So from the newest on a list looks at as many as a page
//! needs, each log by itself, and has looked at all before it comes to the first row of a segment.

use super::list::{Place, first_place};
use super::{Order, TraceQuery};
use crate::error::Result;
use crate::fs::{Dir, Fs};
use crate::id::{Identity, SegmentId};
use crate::log::Newest;
use crate::model::Timestamp;
use crate::snapshot::{Snapshot, View};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// All of a view, and which of them can be on the page.
#[derive(Debug)]
pub(super) struct Fresh<'q> {
    query: &'q TraceQuery,
    logs: Vec<Walk>,
    /// At which place each of them was handed out.
    met: HashMap<Identity, Place>,
    merged: HashSet<Identity>,
    segments: Vec<SegmentId>,
    /// What is sealed starts between these times.
    sealed: Option<(Timestamp, Timestamp)>,
}

/// The traces of one log.
#[derive(Debug)]
struct Walk {
    traces: Arc<[Newest]>,
    passed: usize,
}

impl Walk {
    /// The next one in this order, or nearly so: what is newest is not what begins last.
    fn next(&self, order: Order) -> Option<&Newest> {
        match order {
            Order::NewestFirst => self.traces.get(self.passed),
            Order::OldestFirst => self.traces.iter().nth_back(self.passed),
        }
    }
}

impl<'q> Fresh<'q> {
    pub fn new<D: Dir>(view: &View<D>, query: &'q TraceQuery) -> Fresh<'q> {
        let traces = view.logs.iter().map(|log| log.newest_first());
        let starts = view.segments.iter().filter_map(|s| s.segment.trace_starts());
        Fresh {
            query,
            logs: traces.map(|traces| Walk { traces, passed: 0 }).collect(),
            met: HashMap::new(),
            merged: HashSet::new(),
            segments: view.segments.iter().map(|s| s.segment.id()).collect(),
            sealed: starts.reduce(|all, next| (all.0.min(next.0), all.1.max(next.1))),
        }
    }

    /// The logs by number, as [`next`](Self::next) takes them.
    pub fn logs(&self) -> std::ops::Range<usize> {
        0..self.logs.len()
    }

    /// The first place that the next trace of a log can have, if there is one. It comes before all rows
    /// of segments.
    pub fn place(&self, log: usize) -> Option<Place> {
        let next = self.logs.get(log)?.next(self.query.order)?;
        let time = match self.query.order {
            Order::NewestFirst => self.sealed.map_or(next.last, |(_, end)| end.max(next.last)),
            Order::OldestFirst => Timestamp(i64::MIN),
        };
        Some(Place::first(self.query.order, time))
    }

    /// The next trace of a log, if it can be on the page, and the first place that it can have there,
    /// as far as this log and the segments know.
    ///
    /// # Errors
    /// `Corruption`.
    pub fn next<F: Fs>(
        &mut self,
        log: usize,
        view: &View<F::Dir>,
        snapshot: &Snapshot<F>,
        wanted: &dyn Fn(Place) -> bool,
    ) -> Result<Option<(Place, Identity)>> {
        let Some(walk) = self.logs.get_mut(log) else { return Ok(None) };
        let Some(said) = walk.next(self.query.order).copied() else { return Ok(None) };
        walk.passed += 1;
        let mut place = first_place(said, self.query, wanted);
        if let Some(met) = self.met.get(&said.trace) {
            // By what another log says of it.
            place = place.filter(|place| place > met);
        } else if let Some((first, last)) = self.sealed {
            // What is sealed of it makes no difference where nothing sealed is newer.
            let newest = self.query.order == Order::NewestFirst && said.last >= last;
            if !(newest && place.is_some())
                && snapshot.states().is_sealed(view, &self.segments, said.trace)?
            {
                let (first, last) = (first.min(said.first), last.max(said.last));
                place = first_place(Newest { first, last, ..said }, self.query, wanted);
            }
        }
        self.met.extend(place.map(|place| (said.trace, place)));
        Ok(place.map(|place| (place, said.trace)))
    }

    /// Whether a trace was met, so that what a segment's row says of it is not all.
    pub fn has_met(&self, trace: Identity) -> bool {
        self.met.contains_key(&trace)
    }

    /// Whether a trace that was met is to be merged: the first time that this is asked.
    pub fn is_due(&mut self, trace: Identity) -> bool {
        self.merged.insert(trace)
    }
}
