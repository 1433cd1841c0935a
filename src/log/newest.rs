//! The traces of a log, the newest first, so that a list looks at those that can be on its page.

use super::Starts;
use crate::id::Identity;
use crate::model::Timestamp;
use std::sync::Arc;

/// A trace and between which times the records of a log say that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Newest {
    /// Not after this; [`Newest::ANY`], and `first` the least, where the log erases something of it.
    pub last: Timestamp,
    /// Not before this.
    pub first: Timestamp,
    /// Which trace.
    pub trace: Identity,
}

impl Newest {
    /// The last time of what can start at any.
    pub const ANY: Timestamp = Timestamp(i64::MAX);

    /// What a log knows of a trace.
    pub fn new(trace: Identity, starts: Starts) -> Newest {
        match starts.erases {
            true => Newest { last: Newest::ANY, first: Timestamp(i64::MIN), trace },
            false => Newest { last: starts.last, first: starts.first, trace },
        }
    }
}

/// The traces of a log as it was when it had so many records. A log that is finished is sorted once.
#[derive(Debug, Default)]
pub(super) struct NewestFirst {
    records: u64,
    traces: Arc<[Newest]>,
}

impl NewestFirst {
    /// The traces, if they are as of so many records.
    pub fn of(&self, records: u64) -> Option<Arc<[Newest]>> {
        (self.records == records).then(|| Arc::clone(&self.traces))
    }

    /// Keeps them, sorted, unless those of more records are here already.
    pub fn keep(&mut self, records: u64, traces: &Arc<[Newest]>) {
        if self.records < records {
            (self.records, self.traces) = (records, Arc::clone(traces));
        }
    }

    /// Bytes allocated.
    pub fn memory(&self) -> usize {
        size_of_val(&*self.traces)
    }
}
