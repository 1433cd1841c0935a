//! What a finding touches: in words, and which traces.

use crate::fs::Dir;
use crate::id::Id;
use crate::segment::Segment;
use std::ops::Range;

/// So many traces are named; the others are counted.
pub const TRACES_NAMED: usize = 10;

/// Traces, the first ones by id and all of them by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// The first ones.
    pub named: Vec<Id>,
    /// How many there are.
    pub count: u64,
}

impl Traces {
    /// One more.
    pub fn add(&mut self, id: Option<Id>) {
        self.count += 1;
        if self.named.len() < TRACES_NAMED {
            self.named.extend(id);
        }
    }

    /// One, or none.
    pub fn one(id: Option<Id>) -> Traces {
        let mut traces = Traces::default();
        if id.is_some() {
            traces.add(id);
        }
        traces
    }

    /// Those of these trace rows of a segment.
    pub fn of<D: Dir>(segment: &Segment<D>, rows: Range<u32>) -> Traces {
        let named = rows.clone().take(TRACES_NAMED).filter_map(|row| segment.trace_id(row));
        Traces { named: named.collect(), count: rows.len() as u64 }
    }

    /// Those that these observation rows of a segment belong to.
    pub fn of_observations<D: Dir>(segment: &Segment<D>, rows: Range<u32>) -> Traces {
        let (mut low, mut high) = (0, segment.facts().traces);
        while low < high {
            let middle = low.midpoint(high);
            let before = segment.trace_rows(middle).end <= rows.start;
            if before { low = middle + 1 } else { high = middle }
        }
        let past = |row: &u32| segment.trace_rows(*row).start >= rows.end;
        let end = (low..segment.facts().traces).find(past).unwrap_or(segment.facts().traces);
        Traces::of(segment, low..end)
    }
}

/// What a finding touches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affects {
    /// In words.
    pub what: String,
    /// Whose data it is, where that is known.
    pub traces: Traces,
}

impl Affects {
    /// This, of these traces.
    pub fn new(what: impl Into<String>, traces: Traces) -> Affects {
        Affects { what: what.into(), traces }
    }
}

impl From<&str> for Affects {
    fn from(what: &str) -> Affects {
        Affects::new(what, Traces::default())
    }
}

impl From<String> for Affects {
    fn from(what: String) -> Affects {
        Affects::new(what, Traces::default())
    }
}

impl From<&Affects> for Affects {
    fn from(affects: &Affects) -> Affects {
        affects.clone()
    }
}
