use super::fresh::Fresh;
use super::{Cursor, Order, TraceQuery};
use crate::column::LastBlock;
use crate::error::Result;
use crate::fs::{Dir, Fs};
use crate::id::{Form, Identity};
use crate::log::Newest;
use crate::model::Timestamp;
use crate::segment::RowKind;
use crate::snapshot::{Gathered, Snapshot, TraceState, View, state_of};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

/// A page of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The traces, in order.
    pub traces: Vec<TraceState>,
    /// Where to go on, if there is more.
    pub next: Option<Cursor>,
}

/// A place in the order: what comes first is larger. All of a list are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Newest(Timestamp, Identity),
    Oldest(Reverse<(Timestamp, Identity)>),
}

impl Place {
    fn new(order: Order, start: Timestamp, identity: Identity) -> Place {
        match order {
            Order::NewestFirst => Place::Newest(start, identity),
            Order::OldestFirst => Place::Oldest(Reverse((start, identity))),
        }
    }

    /// The first place of this time.
    pub fn first(order: Order, start: Timestamp) -> Place {
        let identity = match order {
            Order::NewestFirst => Identity { form: Form::Uuid, bits: u128::MAX },
            Order::OldestFirst => Identity { form: Form::Text, bits: 0 },
        };
        Place::new(order, start, identity)
    }
}

/// What the next row of the list is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// A segment whose rows were not looked at: none of them comes before its place.
    Unopened(usize),
    /// The row of a segment that is walked, by its number among the walks.
    Sealed(usize, u32),
    /// One of the traces with unsealed records that were not merged yet: it does not come before
    /// its place.
    Unmerged(usize),
    /// One of those that were.
    Merged(usize),
    /// A log whose next trace with unsealed records was not looked at. Before whatever has the same
    /// place.
    Log(usize),
}

type Heap = BinaryHeap<(Place, Origin)>;

/// Walks the trace rows of one segment in order. Rows of one start are handed out by identity.
struct Walk {
    at: usize,
    rows: Range<u32>,
    /// Rows of the start at hand, next one last.
    same: Vec<(Identity, u32)>,
}

impl Walk {
    fn next<D: Dir>(
        &mut self,
        view: &View<D>,
        order: Order,
    ) -> Result<Option<(Timestamp, Identity, u32)>> {
        let Some(s) = view.segments.get(self.at) else { return Ok(None) };
        let segment = &s.segment;
        if self.same.is_empty() {
            let first = match order {
                Order::NewestFirst => self.rows.next_back(),
                Order::OldestFirst => self.rows.next(),
            };
            let Some(mut row) = first else { return Ok(None) };
            segment.check_row(RowKind::Trace, row)?;
            let start = segment.trace_start(row);
            loop {
                self.same.extend(segment.trace_identity(row).map(|id| (id, row)));
                let peek = match order {
                    Order::NewestFirst => {
                        self.rows.end.checked_sub(1).filter(|_| !self.rows.is_empty())
                    }
                    Order::OldestFirst => Some(self.rows.start).filter(|_| !self.rows.is_empty()),
                };
                let Some(next) = peek else { break };
                segment.check_row(RowKind::Trace, next)?;
                if segment.trace_start(next) != start {
                    break;
                }
                row = next;
                match order {
                    Order::NewestFirst => self.rows.end -= 1,
                    Order::OldestFirst => self.rows.start += 1,
                }
            }
            self.same.sort_unstable();
            if order == Order::OldestFirst {
                self.same.reverse();
            }
        }
        let next = self.same.pop();
        Ok(next.map(|(identity, row)| (segment.trace_start(row), identity, row)))
    }
}

impl<F: Fs> Snapshot<F> {
    /// Lists traces by start. Cost: the trace rows that are passed over, by columns, of segments
    /// whose starts the page reaches; one block of details for neighbours on the page; of the traces with
    /// unsealed records, a look at those that can be newer than its last, and the merge of those that
    /// can be on it, once a change. Oldest first, or on pages of what is sealed, a look at all of them.
    ///
    /// # Errors
    /// `Corruption`, `Io`, `Expired`.
    pub fn traces(&self, query: &TraceQuery) -> Result<Page> {
        let view = self.view()?;
        let order = query.order;
        let mut fresh = Fresh::new(&view, query);
        let mut heap = Heap::new();
        let after = query.cursor.map(|c| Place::new(order, c.start, c.identity));
        let wanted = |place: Place| after.is_none_or(|after| place < after);
        heap.extend(fresh.logs().filter_map(|log| Some((fresh.place(log)?, Origin::Log(log)))));
        heap.extend((0..view.segments.len()).filter_map(|at| unopened(&view, at, query)));
        let mut walks: Vec<Walk> = Vec::new();
        let mut unmerged: Vec<Identity> = Vec::new();
        let mut merged: Vec<Arc<TraceState>> = Vec::new();
        let mut page = Page::default();
        let (mut last, mut details) = (None, LastBlock::default());
        while let Some((at, from)) = heap.pop() {
            if let Origin::Log(log) = from {
                while fresh.place(log) == Some(at) {
                    if let Some((place, trace)) = fresh.next(log, &view, self, &wanted)? {
                        heap.push((place, Origin::Unmerged(unmerged.len())));
                        unmerged.push(trace);
                    }
                }
                heap.extend(fresh.place(log).map(|place| (place, from)));
                continue;
            }
            if let Origin::Unopened(at) = from {
                walks.push(Walk { at, rows: rows_in(&view, at, query)?, same: Vec::new() });
                let walk = walks.len() - 1;
                push_next(&view, &mut walks, walk, query, &fresh, &wanted, &mut heap)?;
                continue;
            }
            if let Origin::Unmerged(i) = from {
                let identity = unmerged[i];
                if fresh.is_due(identity)
                    && let Some(state) = self.states().state(&view, identity, self.seq())?
                {
                    let place = Place::new(order, state.summary.start, identity);
                    if wanted(place)
                        && query.range.contains(state.summary.start)
                        && query.wants(&state.fields)
                    {
                        heap.push((place, Origin::Merged(merged.len())));
                        merged.push(state);
                    }
                }
                continue;
            }
            if page.traces.len() == query.limit {
                page.next = last;
                break;
            }
            let state = match from {
                Origin::Merged(i) => merged.get(i).map(|state| TraceState::clone(state)),
                Origin::Sealed(walk, row) => {
                    push_next(&view, &mut walks, walk, query, &fresh, &wanted, &mut heap)?;
                    match view.segments[walks[walk].at].segment.trace_identity(row) {
                        Some(identity) => {
                            let gathered = Gathered::new(&view, identity, self.seq())?;
                            state_of(&view, &gathered, &mut details)?
                        }
                        None => None,
                    }
                }
                Origin::Unopened(_) | Origin::Unmerged(_) | Origin::Log(_) => None,
            };
            if let Some(state) = state {
                let identity = view.key.identity(&state.id);
                last = Some(Cursor { start: state.summary.start, identity });
                page.traces.push(state);
            }
        }
        Ok(page)
    }
}

/// The first place that a trace can have that starts between these times, if it can be on the page.
pub(super) fn first_place(
    starts: Newest,
    query: &TraceQuery,
    wanted: &dyn Fn(Place) -> bool,
) -> Option<Place> {
    if starts.last < query.range.start || query.range.is_over(starts.first) {
        return None;
    }
    let (nearest, farthest) = match query.order {
        Order::NewestFirst => (starts.last, starts.first),
        Order::OldestFirst => (starts.first, starts.last),
    };
    let place = |start| Place::new(query.order, start, starts.trace);
    wanted(place(farthest)).then(|| place(nearest))
}

/// A segment whose starts lie in the range that is asked for, at the first place that a row of it
/// can have.
fn unopened<D: Dir>(view: &View<D>, at: usize, query: &TraceQuery) -> Option<(Place, Origin)> {
    let (first, last) = view.segments[at].segment.trace_starts()?;
    if query.range.is_over(first) || last < query.range.start {
        return None;
    }
    let nearest = match query.order {
        Order::NewestFirst => last,
        Order::OldestFirst => first,
    };
    Some((Place::first(query.order, nearest), Origin::Unopened(at)))
}

/// Trace rows of a segment that can be on the page, by time.
fn rows_in<D: Dir>(view: &View<D>, at: usize, query: &TraceQuery) -> Result<Range<u32>> {
    let segment = &view.segments[at].segment;
    if let Some(session) = &query.session
        && !segment.may_hold_session(session)?
    {
        return Ok(0..0);
    }
    let (mut from, mut to) = (query.range.start, query.range.end);
    match (query.cursor, query.order) {
        (Some(c), Order::NewestFirst) => to = to.min(Timestamp(c.start.0.saturating_add(1))),
        (Some(c), Order::OldestFirst) => from = from.max(c.start),
        (None, _) => {}
    }
    let first = if from.0 == i64::MIN { 0 } else { segment.first_trace_from(from)? };
    let end = match to.0 {
        i64::MAX => segment.facts().traces,
        _ => segment.first_trace_from(to)?,
    };
    Ok(first..end.max(first))
}

fn push_next<D: Dir>(
    view: &View<D>,
    walks: &mut [Walk],
    number: usize,
    query: &TraceQuery,
    fresh: &Fresh<'_>,
    wanted: &dyn Fn(Place) -> bool,
    heap: &mut Heap,
) -> Result<()> {
    let walk = &mut walks[number];
    while let Some((start, identity, row)) = walk.next(view, query.order)? {
        let s = &view.segments[walk.at];
        let place = Place::new(query.order, start, identity);
        if !s.dead.contains(RowKind::Trace, row)
            && wanted(place)
            && !fresh.has_met(identity)
            && query.wants_row(&s.segment, row)
        {
            heap.push((place, Origin::Sealed(number, row)));
            break;
        }
    }
    Ok(())
}
