use crate::codec::check;
use crate::error::{Error, Result};
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, BATCH_SKELETON_BYTES_MAX};
use crate::model::{Body, Field, FieldValue, Operation, Record, Target, Value};

/// Records that are appended together, all or nothing. Checked as they are pushed, and bounded.
#[derive(Debug, Default)]
pub struct Batch {
    records: Vec<Record>,
    payload_bytes: u64,
    skeleton_bytes: usize,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds a record. User, session and tags of an observation become its trace's.
    ///
    /// # Errors
    /// `InvalidInput` where a value is out of order, `LimitExceeded` where it is too long or the
    /// batch is full: append it and push the record to the next one. The batch is as before then.
    pub fn push(&mut self, record: impl Into<Record>) -> Result<()> {
        let mut record = record.into();
        check(&record).map_err(|f| Error::invalid(f.what))?;
        let (payload, skeleton) = sizes(&record);
        if self.records.len() >= BATCH_RECORDS_MAX {
            return Err(Error::limit(format!("a batch has at most {BATCH_RECORDS_MAX} records")));
        }
        if self.skeleton_bytes + skeleton > BATCH_SKELETON_BYTES_MAX {
            return Err(Error::limit(format!(
                "a batch has at most {BATCH_SKELETON_BYTES_MAX} bytes beside payloads"
            )));
        }
        let full = self.payload_bytes + payload > BATCH_BYTES_MAX as u64;
        if full && !self.records.is_empty() {
            return Err(Error::limit(format!(
                "a batch of more than one record has at most {BATCH_BYTES_MAX} payload bytes"
            )));
        }
        let lifted = lift(&mut record);
        self.records.extend(lifted);
        self.records.push(record);
        self.payload_bytes += payload;
        self.skeleton_bytes += skeleton;
        Ok(())
    }

    /// Whether a record may be pushed; one that is too large for any batch fits an empty one.
    pub(super) fn fits(&self, record: &Record) -> bool {
        let (payload, skeleton) = sizes(record);
        self.records.is_empty()
            || self.records.len() + 2 <= BATCH_RECORDS_MAX
                && self.skeleton_bytes + skeleton <= BATCH_SKELETON_BYTES_MAX
                && self.payload_bytes + payload <= BATCH_BYTES_MAX as u64
    }

    /// Records in the batch.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of the payloads, before deduplication.
    pub fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    pub(super) fn into_records(self) -> Vec<Record> {
        self.records
    }
}

/// Payload bytes and about how many others an encoded record takes.
fn sizes(record: &Record) -> (u64, usize) {
    let mut payload = 0u64;
    let mut skeleton = 64;
    for FieldValue { value, .. } in record.fields() {
        skeleton += 16;
        match value {
            Value::Payload(bytes) => payload += bytes.len() as u64,
            Value::Map(map) => {
                payload += map.text.len() as u64;
                skeleton += map.entries.iter().map(|e| e.key.len() + 16).sum::<usize>();
            }
            Value::Text(text) => skeleton += text.len(),
            Value::Tags(tags) => skeleton += tags.iter().map(|t| t.len() + 4).sum::<usize>(),
            Value::Usage(usage) => skeleton += usage.iter().map(|u| u.0.len() + 12).sum::<usize>(),
            Value::Cost(cost) => skeleton += cost.iter().map(|c| c.0.len() + 20).sum::<usize>(),
            Value::Id(_) | Value::Subject(_) => skeleton += 1600,
            _ => {}
        }
    }
    // A part list takes a few bytes for each kilobyte or so of payload.
    (payload, skeleton + (payload / 256) as usize)
}

/// Takes user, session and tags out of an observation's record, as a record of its trace.
fn lift(record: &mut Record) -> Option<Record> {
    let Target::Observation { trace, .. } = &record.target else { return None };
    let Body::Fields(fields) = &mut record.body else { return None };
    let of_trace = |f: &FieldValue| matches!(f.field, Field::User | Field::Session | Field::Tags);
    if !fields.iter().any(of_trace) {
        return None;
    }
    let (lifted, kept) = std::mem::take(fields).into_iter().partition(of_trace);
    *fields = kept;
    let target = Target::Trace { trace: trace.clone() };
    let operation = Operation::Update;
    Some(Record { target, time: record.time, operation, body: Body::Fields(lifted) })
}
