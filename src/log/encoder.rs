//! From records to groups: payloads are deduplicated into part lists, what is new goes into the
//! group ahead of the records that need it.

use super::Found;
use crate::codec::compress::Compressor;
use crate::codec::{Listed, encode_listed};
use crate::frame::GroupBuilder;
use crate::id::StoreKey;
use crate::limits::FRAME_PART_BYTES_MAX;
use crate::model::{Body, Field, Record, Target, Value};
use crate::part::{Deduper, ListBuilder, PartSink};
use std::ops::Range;

/// Level of what is new in a log: as fast as it gets.
pub const LOG_ZSTD_LEVEL: i32 = 1;
/// More full pieces wait for nobody: who appends compresses the first of them.
const RAW_PIECES_MAX: usize = 4;

/// A group to be written, and what the table will keep of its records.
#[derive(Debug, Default)]
pub struct Encoded {
    /// The body of its frame.
    pub group: GroupBuilder,
    /// One a record.
    pub found: Vec<Found>,
}

impl Encoded {
    /// A group whose first part has this number.
    pub fn new(first_part: u32) -> Encoded {
        Encoded { group: GroupBuilder::new(first_part), found: Vec::new() }
    }

    /// Nothing is in it yet: it will be in this memory.
    fn reuse(&mut self, spare: Option<GroupBuilder>) {
        if let Some(spare) = spare {
            self.group = spare.reuse(self.group.next_part());
        }
    }
}

/// Where groups go that have to be written ahead of the batch at hand, since its new parts are many.
pub trait Outlet {
    /// Whether somebody has nothing else to write.
    fn is_waiting(&mut self) -> bool;

    /// Takes a group, and gives the memory of one that was written.
    fn take(&mut self, encoded: Encoded) -> Option<GroupBuilder>;
}

/// For who writes them after the batch.
impl Outlet for Vec<Encoded> {
    fn is_waiting(&mut self) -> bool {
        false
    }

    fn take(&mut self, encoded: Encoded) -> Option<GroupBuilder> {
        self.push(encoded);
        None
    }
}

/// A payload whose part list is not in a group yet.
#[derive(Debug)]
struct Staged {
    len: u64,
    print: u64,
    /// In the bytes of lists that are staged.
    list: Range<usize>,
}

/// Encodes batches for one log after the other.
#[derive(Debug)]
pub struct Encoder {
    key: StoreKey,
    deduper: Deduper,
    list: ListBuilder,
    encoded: Encoded,
    raw_bytes: u64,
    compressor: Compressor,
    /// Of the batch at hand: payloads in the order of records and fields, their lists, and what is
    /// found in its records.
    staged: Vec<Staged>,
    lists: Vec<u8>,
    found: Vec<Found>,
    bytes: Vec<u8>,
}

/// Puts new parts into the group at hand. A batch may have more of them than a frame holds, and more
/// than one thread compresses as fast as they come: so a group goes to who waits for one, and while
/// nobody does, its pieces are compressed here.
struct Sink<'a> {
    encoded: &'a mut Encoded,
    outlet: &'a mut dyn Outlet,
    raw_bytes: &'a mut u64,
    compressor: &'a mut Compressor,
}

impl Sink<'_> {
    /// Makes room for one more piece.
    fn relieve(&mut self) {
        let group = &mut self.encoded.group;
        let full = group.part_bytes() >= FRAME_PART_BYTES_MAX;
        if !full && group.raw_pieces() <= RAW_PIECES_MAX {
            return;
        }
        if full || self.outlet.is_waiting() {
            let next = Encoded::new(group.next_part());
            let spare = self.outlet.take(std::mem::replace(self.encoded, next));
            self.encoded.reuse(spare);
        } else {
            group.pack_piece(self.compressor);
        }
    }
}

impl PartSink for Sink<'_> {
    fn part(&mut self, bytes: &[u8]) -> u32 {
        if self.encoded.group.needs_piece(bytes.len()) {
            self.relieve();
        }
        *self.raw_bytes += bytes.len() as u64;
        self.encoded.group.push_part(bytes)
    }
}

impl Encoder {
    /// An encoder for a new log. The last payloads of streams take about `stream_bytes_max`.
    pub fn new(key: &StoreKey, stream_bytes_max: usize) -> Encoder {
        Encoder {
            key: *key,
            deduper: Deduper::new(key, stream_bytes_max),
            list: ListBuilder::new(),
            encoded: Encoded::new(0),
            raw_bytes: 0,
            compressor: Compressor::new(LOG_ZSTD_LEVEL),
            staged: Vec::new(),
            lists: Vec::new(),
            found: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Forgets what it knows and the group at hand; the next part gets this number.
    pub fn restart(&mut self, next_part: u32) {
        self.deduper.reset();
        self.encoded = Encoded::new(next_part);
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
        self.encoded.group.next_part()
    }

    /// Memory for last payloads and part lookup, in bytes.
    pub fn memory(&self) -> usize {
        self.deduper.memory()
    }

    /// The group at hand.
    pub fn group(&self) -> &GroupBuilder {
        &self.encoded.group
    }

    /// Takes the group at hand; the next one goes on with its part numbers, in the memory of one
    /// that was written where there is one.
    pub fn take_group(&mut self, spare: Option<GroupBuilder>) -> Encoded {
        let mut next = Encoded::new(self.next_part());
        next.reuse(spare);
        std::mem::replace(&mut self.encoded, next)
    }

    /// Adds a batch of records that were checked to the group at hand, together and last. Where
    /// its new parts are many, `outlet` takes groups that go ahead.
    pub fn batch(&mut self, mut records: Vec<Record>, outlet: &mut dyn Outlet) {
        self.lists.clear();
        for record in &mut records {
            let found = Found::of(record, &self.key);
            let stream = self.stream_of(record, &found);
            self.found.push(found);
            self.stage(record, stream, outlet);
        }
        let group = &mut self.encoded.group;
        let mut staged = self.staged.drain(..);
        for record in &records {
            self.bytes.clear();
            let mut list = |_: &Vec<u8>| match staged.next() {
                Some(Staged { len, print, list }) => {
                    Listed { len, print, list: group.push_list(&self.lists[list]) }
                }
                None => Listed { len: 0, print: 0, list: u32::MAX },
            };
            encode_listed(record, &mut list, &mut self.bytes);
            group.push_record(&self.bytes);
        }
        self.encoded.found.append(&mut self.found);
    }

    /// Takes the payloads out of a record and deduplicates them.
    fn stage(&mut self, record: &mut Record, stream: u64, outlet: &mut dyn Outlet) {
        let Body::Fields(fields) = &mut record.body else { return };
        for field in fields {
            let bytes = match &mut field.value {
                Value::Payload(bytes) => std::mem::take(bytes),
                Value::Map(map) => std::mem::take(&mut map.text),
                _ => continue,
            };
            let stream = stream ^ u64::from(field.field.code()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.list.clear();
            let mut sink = Sink {
                encoded: &mut self.encoded,
                outlet,
                raw_bytes: &mut self.raw_bytes,
                compressor: &mut self.compressor,
            };
            let (len, print) = self.deduper.add(&[stream], bytes, &mut sink, &mut self.list);
            let start = self.lists.len();
            self.list.encode(&mut self.lists);
            self.staged.push(Staged { len, print, list: start..self.lists.len() });
        }
    }

    /// Payloads of one stream are alike: (trace, observation name); the field is mixed in later.
    fn stream_of(&self, record: &Record, found: &Found) -> u64 {
        let hash = self.key.lookup_hash(found.identity);
        match &record.target {
            Target::Observation { .. } => {
                let name = record.fields().iter().find(|f| f.field == Field::Name);
                let name = match name.map(|f| &f.value) {
                    Some(Value::Text(name)) => u64::from(crc32fast::hash(name.as_bytes())) << 8,
                    _ => 0,
                };
                hash ^ name
            }
            Target::Trace { .. } => hash.rotate_left(31),
            Target::Score { .. } => hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::model::{ObservationRecord, Operation, Timestamp};

    #[test]
    fn what_is_new_is_counted_and_memory_used_again() {
        let mut encoder = Encoder::new(&StoreKey([1; 32]), 1 << 20);
        let add = |encoder: &mut Encoder, id: &str, from: u32| {
            let (trace, id) = (Id::parse("trace").unwrap(), Id::parse(id).unwrap());
            let input: String = (from..from + 600).map(|n| format!("{n:05}")).collect();
            let record = ObservationRecord::new(trace, id, Timestamp(0), Operation::Create);
            let mut ahead = Vec::new();
            encoder.batch(vec![record.input(input).into()], &mut ahead);
            assert!(ahead.is_empty(), "one group is enough");
        };
        add(&mut encoder, "a", 0);
        assert_eq!((encoder.raw_bytes(), encoder.next_part()), (3_000, 1));
        assert!(encoder.memory() >= 3_000);
        let first = encoder.take_group(None);
        add(&mut encoder, "b", 0);
        assert_eq!((encoder.raw_bytes(), encoder.next_part()), (3_000, 1));
        assert!(encoder.group().memory() < 3_000);
        drop(encoder.take_group(Some(first.group)));
        assert!(encoder.group().memory() >= 3_000 && encoder.group().is_empty());
        add(&mut encoder, "c", 1_000);
        assert_eq!((encoder.raw_bytes(), encoder.next_part()), (6_000, 2));
        // The log goes on with what it has.
        encoder.restart(1);
        assert_eq!((encoder.raw_bytes(), encoder.next_part()), (6_000, 1));
        encoder.restart(0);
        assert_eq!((encoder.raw_bytes(), encoder.next_part()), (0, 0));
        add(&mut encoder, "d", 0);
        assert_eq!((encoder.raw_bytes(), encoder.next_part()), (3_000, 1));
    }

    #[test]
    fn a_large_batch_is_given_to_who_waits_and_else_compressed_here() {
        struct Waiting(Vec<Encoded>);
        impl Outlet for Waiting {
            fn is_waiting(&mut self) -> bool {
                true
            }
            fn take(&mut self, encoded: Encoded) -> Option<GroupBuilder> {
                self.0.take(encoded)
            }
        }
        let mut rng = tracekeep_workload::Rng::new(1);
        let input: Vec<u8> = (0..3 << 20).map(|_| rng.next_u64() as u8).collect();
        let (trace, id) = (Id::parse("trace").unwrap(), Id::parse("a").unwrap());
        let record = ObservationRecord::new(trace, id, Timestamp(0), Operation::Create);
        let record: Record = record.input(input).into();
        let (mut alone, mut helped) = (Vec::new(), Waiting(Vec::new()));
        let mut encoder = Encoder::new(&StoreKey([1; 32]), 1 << 20);
        encoder.batch(vec![record.clone()], &mut alone);
        assert!(alone.is_empty() && encoder.group().part_bytes() > 3_000_000);
        assert_eq!(encoder.group().raw_pieces(), RAW_PIECES_MAX + 1);
        let mut encoder = Encoder::new(&StoreKey([1; 32]), 1 << 20);
        encoder.batch(vec![record], &mut helped);
        let groups = helped.0.iter().map(|encoded| &encoded.group);
        let ahead: Vec<_> = groups.map(|g| (g.raw_pieces(), g.records())).collect();
        assert!(ahead.len() > 8 && ahead.iter().all(|group| *group == (RAW_PIECES_MAX + 1, 0)));
        assert_eq!(encoder.group().records(), 1);
    }
}
