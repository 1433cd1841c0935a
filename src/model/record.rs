use super::{Field, Operation, Timestamp, Value};
use crate::id::{Id, StoreKey};

/// What a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A trace.
    Trace {
        /// Its id.
        trace: Id,
    },
    /// An observation, identified by trace and observation.
    Observation {
        /// The trace it belongs to.
        trace: Id,
        /// Its own id.
        observation: Id,
    },
    /// A score.
    Score {
        /// Its id.
        score: Id,
    },
}

/// What a score is about. Nothing checks that it exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A trace.
    Trace(Id),
    /// An observation: trace, observation.
    Observation(Id, Id),
    /// A session.
    Session(Id),
    /// An experiment run.
    Run(Id),
}

impl Subject {
    /// The trace that the subject is or belongs to.
    pub fn trace(&self) -> Option<&Id> {
        match self {
            Subject::Trace(trace) | Subject::Observation(trace, _) => Some(trace),
            Subject::Session(_) | Subject::Run(_) => None,
        }
    }

    /// The hash under which scores are found by what they are about: a trace (its observations
    /// included), a session or a run.
    pub fn lookup_hash(&self, key: &StoreKey) -> u64 {
        let (salt, id) = match self {
            Subject::Trace(id) | Subject::Observation(id, _) => (0u64, id),
            Subject::Session(id) => (1, id),
            Subject::Run(id) => (2, id),
        };
        key.lookup_hash(key.identity(id)).wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue<P = Vec<u8>> {
    /// Which field.
    pub field: Field,
    /// An empty, falsy or merely guessed value, which loses to any other. Maps keep this for
    /// each key instead.
    pub weak: bool,
    /// What it holds.
    pub value: Value<P>,
}

/// What a record says of its target.
#[derive(Debug, Clone, PartialEq)]
pub enum Body<P = Vec<u8>> {
    /// These fields have these values. Sorted by field, each once.
    Fields(Vec<FieldValue<P>>),
    /// Everything of a lower seq is erased; of a trace, its observations and scores too.
    Tombstone,
}

/// One appended fact. Made by [`TraceRecord`](super::TraceRecord),
/// [`ObservationRecord`](super::ObservationRecord), [`ScoreRecord`](super::ScoreRecord) or
/// [`Record::tombstone`].
#[derive(Debug, Clone, PartialEq)]
pub struct Record<P = Vec<u8>> {
    /// What it is about.
    pub target: Target,
    /// The sender's event time, by which pieces are ordered when they merge.
    pub time: Timestamp,
    /// Whether it was sent as creation or update.
    pub operation: Operation,
    /// What it says.
    pub body: Body<P>,
}

impl Record {
    /// Erases a target as it is now; a record appended later starts afresh.
    pub fn tombstone(target: Target, time: Timestamp) -> Record {
        Record { target, time, operation: Operation::Update, body: Body::Tombstone }
    }

    /// Sets a field, replacing what the record had for it.
    pub(super) fn set(&mut self, field: Field, weak: bool, value: Value) {
        let Body::Fields(fields) = &mut self.body else { return };
        let new = FieldValue { field, weak, value };
        match fields.binary_search_by_key(&field, |f| f.field) {
            Ok(at) => fields[at] = new,
            Err(at) => fields.insert(at, new),
        }
    }
}

impl<P> Record<P> {
    /// The record with another thing standing for its payloads.
    pub fn map_payloads<Q>(self, map: &mut dyn FnMut(P) -> Q) -> Record<Q> {
        let Record { target, time, operation, body } = self;
        let body = match body {
            Body::Tombstone => Body::Tombstone,
            Body::Fields(fields) => {
                let fields = fields.into_iter().map(|FieldValue { field, weak, value }| {
                    FieldValue { field, weak, value: value.map_payload(map) }
                });
                Body::Fields(fields.collect())
            }
        };
        Record { target, time, operation, body }
    }

    /// The fields, none for a tombstone.
    pub fn fields(&self) -> &[FieldValue<P>] {
        match &self.body {
            Body::Fields(fields) => fields,
            Body::Tombstone => &[],
        }
    }
}
