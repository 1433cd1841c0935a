//! From records to groups: payloads are deduplicated into part lists, what is new goes into the
//! group ahead of the records that need it.

use crate::codec::{Listed, encode_record};
use crate::frame::GroupBuilder;
use crate::id::{Identity, StoreKey};
use crate::limits::FRAME_PART_BYTES_MAX;
use crate::model::{Body, Field, FieldValue, Record, Target, Value};
use crate::part::{Deduper, ListBuilder, PartSink};

/// A payload whose part list is not in a group yet.
#[derive(Debug, Clone, PartialEq)]
struct Pending {
    len: u64,
    print: u64,
    list: Vec<u8>,
}

impl crate::model::Payload for Pending {
    fn bytes_len(&self) -> u64 {
        self.len
    }
}

/// Encodes batches for one log after the other.
#[derive(Debug)]
pub struct Encoder {
    key: StoreKey,
    deduper: Deduper,
    list: ListBuilder,
    group: GroupBuilder,
    bytes: Vec<u8>,
    raw_bytes: u64,
}

/// Puts new parts into the group at hand, and hands it over where it is full: one payload may be
/// more than a frame holds.
struct Sink<'a> {
    group: &'a mut GroupBuilder,
    full: &'a mut dyn FnMut(GroupBuilder),
    raw_bytes: &'a mut u64,
}

impl PartSink for Sink<'_> {
    fn part(&mut self, bytes: &[u8]) -> u32 {
        if self.group.part_bytes() >= FRAME_PART_BYTES_MAX {
            let next = GroupBuilder::new(self.group.next_part());
            (self.full)(std::mem::replace(self.group, next));
        }
        *self.raw_bytes += bytes.len() as u64;
        self.group.push_part(bytes)
    }
}

impl Encoder {
    /// An encoder for a new log. The last payloads of streams take about `stream_bytes_max`.
    pub fn new(key: &StoreKey, stream_bytes_max: usize) -> Encoder {
        Encoder {
            key: *key,
            deduper: Deduper::new(key, stream_bytes_max),
            list: ListBuilder::new(),
            group: GroupBuilder::new(0),
            bytes: Vec::new(),
            raw_bytes: 0,
        }
    }

    /// Forgets what it knows and the group at hand; the next part gets this number.
    pub fn restart(&mut self, next_part: u32) {
        self.deduper.reset();
        self.group = GroupBuilder::new(next_part);
        if next_part == 0 {
            self.raw_bytes = 0;
        }
    }

    /// New raw part bytes of this log so far.
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// The number that the next part gets.
    pub fn next_part(&self) -> u32 {
        self.group.next_part()
    }

    /// Memory for last payloads and part lookup, in bytes.
    pub fn memory(&self) -> usize {
        self.deduper.memory()
    }

    /// The group at hand.
    pub fn group(&self) -> &GroupBuilder {
        &self.group
    }

    /// Takes the group at hand; the next one goes on with its part numbers.
    pub fn take_group(&mut self) -> GroupBuilder {
        let next = GroupBuilder::new(self.group.next_part());
        std::mem::replace(&mut self.group, next)
    }

    /// Adds a batch to the group at hand, its records together and last. Where its new parts are
    /// too many for one frame, `full` is given the groups that have to go ahead.
    pub fn batch(&mut self, records: Vec<Record>, full: &mut dyn FnMut(GroupBuilder)) {
        let staged: Vec<Record<Pending>> =
            records.into_iter().map(|record| self.stage(record, full)).collect();
        for record in staged {
            let listed = self.list_payloads(record);
            self.bytes.clear();
            encode_record(&listed, &mut self.bytes);
            self.group.push_record(&self.bytes);
        }
    }

    fn stage(&mut self, record: Record, full: &mut dyn FnMut(GroupBuilder)) -> Record<Pending> {
        let stream = self.stream_of(&record);
        let Record { target, time, operation, body } = record;
        let body = match body {
            Body::Tombstone => Body::Tombstone,
            Body::Fields(fields) => {
                let mut staged = Vec::with_capacity(fields.len());
                for FieldValue { field, weak, value } in fields {
                    let stream =
                        stream ^ u64::from(field.code()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let value = value.map_payload(&mut |bytes| self.payload(stream, bytes, full));
                    staged.push(FieldValue { field, weak, value });
                }
                Body::Fields(staged)
            }
        };
        Record { target, time, operation, body }
    }

    fn payload(
        &mut self,
        stream: u64,
        bytes: Vec<u8>,
        full: &mut dyn FnMut(GroupBuilder),
    ) -> Pending {
        self.list.clear();
        let (group, raw_bytes) = (&mut self.group, &mut self.raw_bytes);
        let mut sink = Sink { group, full, raw_bytes };
        let (len, print) = self.deduper.add(&[stream], bytes, &mut sink, &mut self.list);
        let mut list = Vec::new();
        self.list.encode(&mut list);
        Pending { len, print, list }
    }

    fn list_payloads(&mut self, record: Record<Pending>) -> Record<Listed> {
        record.map_payloads(&mut |p: Pending| {
            let list = self.group.push_list(&p.list);
            Listed { len: p.len, print: p.print, list }
        })
    }

    /// Payloads of one stream are alike: (trace, observation name); the field is mixed in later.
    fn stream_of(&self, record: &Record) -> u64 {
        let hash = |identity: Identity| self.key.lookup_hash(identity);
        let name = record.fields().iter().find(|f| f.field == Field::Name).map(|f| &f.value);
        let name = match name {
            Some(Value::Text(name)) => u64::from(crc32fast::hash(name.as_bytes())) << 8,
            _ => 0,
        };
        match &record.target {
            Target::Observation { trace, .. } => hash(self.key.identity(trace)) ^ name,
            Target::Trace { trace } => hash(self.key.identity(trace)).rotate_left(31),
            Target::Score { score } => hash(self.key.identity(score)),
        }
    }
}
