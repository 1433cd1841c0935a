//! What a log's table keeps of a record beside its bytes.

use crate::codec::decode_record;
use crate::error::Fault;
use crate::frame::GroupView;
use crate::id::{Id, Identity, StoreKey};
use crate::model::{Body, Field, Payload, Record, Target, Value};

/// What the table keeps of a record.
#[derive(Debug)]
pub struct Found {
    /// Of its trace, or of the score.
    pub identity: Identity,
    /// It is of a score.
    pub score: bool,
    /// It is a tombstone.
    pub erases: bool,
    /// The trace that it erases.
    pub erased: Option<Id>,
    /// What a score is about, hashed.
    pub subject: Option<u64>,
    /// Bytes of its payloads.
    pub payload_bytes: u64,
}

/// Decodes every record of a frame, before any of them is in the table.
pub(super) fn found_in(view: &GroupView, key: &StoreKey) -> Result<Vec<Found>, Fault> {
    view.records().map(|bytes| decode_record(bytes).map(|record| Found::of(&record, key))).collect()
}

impl Found {
    /// What there is to find in this record.
    pub fn of<P: Payload>(record: &Record<P>, key: &StoreKey) -> Found {
        let payload_bytes = record.fields().iter().map(|f| payload_len(&f.value)).sum();
        let erases = record.body == Body::Tombstone;
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
        let erased = trace.filter(|_| erases).cloned();
        Found { identity, score, erases, erased, subject, payload_bytes }
    }
}

fn payload_len<P: Payload>(value: &Value<P>) -> u64 {
    match value {
        Value::Payload(p) => p.bytes_len(),
        Value::Map(map) => map.text.bytes_len(),
        _ => 0,
    }
}
