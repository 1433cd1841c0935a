//! What a log's table keeps of a record beside its bytes.

use crate::codec::decode_record;
use crate::error::Fault;
use crate::frame::GroupView;
use crate::id::{Id, Identity, StoreKey};
use crate::model::{Body, Field, Payload, Record, Target, Timestamp, Value};

/// Between which times a trace starts, whichever of its records win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starts {
    /// Not before this.
    pub first: Timestamp,
    /// Not after this.
    pub last: Timestamp,
    /// A record erases something: what is sealed of the trace may start at any time then.
    pub erases: bool,
}

impl Starts {
    /// The time of the record, and each time in it that can be a start.
    fn of<P: Payload>(record: &Record<P>) -> Starts {
        let times = record.fields().iter().filter_map(|f| match (f.field, &f.value) {
            (Field::Start | Field::Timestamp, Value::Time(time)) => Some(*time),
            _ => None,
        });
        let erases = record.body == Body::Tombstone;
        let own = Starts { first: record.time, last: record.time, erases };
        times.fold(own, |all, time| all.and(Starts { first: time, last: time, erases }))
    }

    /// These and others.
    #[must_use]
    pub fn and(self, other: Starts) -> Starts {
        Starts {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            erases: self.erases | other.erases,
        }
    }
}

/// What the table keeps of a record.
#[derive(Debug)]
pub struct Found {
    /// Of its trace, or of the score.
    pub identity: Identity,
    /// It is of a score.
    pub score: bool,
    /// The trace that it erases.
    pub erased: Option<Id>,
    /// What a score is about, hashed.
    pub subject: Option<u64>,
    /// When its trace can start, as far as it knows.
    pub starts: Starts,
}

/// Decodes every record of a frame, before any of them is in the table.
pub(super) fn found_in(view: &GroupView, key: &StoreKey) -> Result<Vec<Found>, Fault> {
    view.records().map(|bytes| decode_record(bytes).map(|record| Found::of(&record, key))).collect()
}

impl Found {
    /// What there is to find in this record.
    pub fn of<P: Payload>(record: &Record<P>, key: &StoreKey) -> Found {
        let starts = Starts::of(record);
        let (identity, score, trace) = match &record.target {
            Target::Trace { trace } => (key.identity(trace), false, Some(trace)),
            Target::Observation { trace, .. } => (key.identity(trace), false, None),
            Target::Score { score } => (key.identity(score), true, None),
        };
        let subject = record.fields().iter().find_map(|f| match &f.value {
            Value::Subject(subject) if f.field == Field::Subject && score => {
                Some(subject.lookup_hash(key))
            }
            _ => None,
        });
        let erased = trace.filter(|_| starts.erases).cloned();
        Found { identity, score, erased, subject, starts }
    }
}
