//! The last payload of each stream, with its cuts: what the next one is compared with.
//!
//! A stream is (trace, field, observation name). The table is bounded by bytes and gives up the
//! payloads that were used longest ago; a stream that was given up starts afresh, which costs
//! time and nothing else: its parts are known.
//!
//! The first payload of a stream has no last one, but most begin as those of other traces do:
//! system prompt and tools of the same agent. So the table also remembers which stream began with
//! a payload of the same first bytes.

use super::SplitState;
use crate::shards::Shards;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// Most starts remembered; then they are forgotten and learnt again.
const STARTS_MAX: usize = 16 << 10;
/// Of a stream's number the middle bits choose the shard: a map looks at the lowest and at the highest.
const SHARD_SHIFT: u32 = 40;

/// One cut of a payload, and what stands before it.
#[derive(Debug, Clone, Copy)]
pub struct Boundary {
    /// Offset in the payload.
    pub end: u32,
    /// A payload that agrees in this many bytes has this cut too; `u32::MAX`: only the same one.
    pub seen: u32,
    /// The part that ends here; `None` where these bytes are a literal.
    pub part: Option<u32>,
    /// State of the splitter.
    pub state: SplitState,
    /// Print of the payload up to here.
    pub print: u64,
}

/// A payload and all its cuts.
#[derive(Debug, Default)]
pub struct LastPayload {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// In order; the last one ends the payload.
    pub boundaries: Vec<Boundary>,
}

impl LastPayload {
    /// Bytes allocated, with a share of the table.
    fn memory(&self) -> usize {
        const TABLE_SHARE: usize = 128;
        self.bytes.capacity() + self.boundaries.capacity() * size_of::<Boundary>() + TABLE_SHARE
    }
}

#[derive(Debug)]
struct Slot {
    last: LastPayload,
    memory: usize,
    /// When it was used last.
    tick: u64,
}

type Slots = HashMap<u64, Slot, BuildHasherDefault<OwnBits>>;

/// Last payloads by stream, bounded by bytes.
#[derive(Debug)]
pub struct StreamTable {
    bytes_max: usize,
    memory: usize,
    tick: u64,
    slots: Shards<Slots>,
    streams: usize,
    /// Uses in order; one whose tick is not the slot's own any more is stale.
    uses: VecDeque<(u64, u64)>,
    /// From the hash of a first payload's first bytes to its stream.
    starts: HashMap<u64, u64, BuildHasherDefault<OwnBits>>,
}

impl StreamTable {
    /// An empty table that will hold at most about so many bytes.
    pub fn new(bytes_max: usize) -> StreamTable {
        StreamTable {
            bytes_max,
            memory: 0,
            tick: 0,
            slots: Shards::default(),
            streams: 0,
            uses: VecDeque::new(),
            starts: HashMap::default(),
        }
    }

    /// The last payload of this stream.
    pub fn get(&self, stream: u64) -> Option<&LastPayload> {
        self.slot(stream).map(|slot| &slot.last)
    }

    fn slot(&self, stream: u64) -> Option<&Slot> {
        self.slots.of(stream >> SHARD_SHIFT).get(&stream)
    }

    /// A stream that is kept and began with a payload of this start, other than `stream`, which
    /// begins so too and will be the answer from now on.
    pub fn begin(&mut self, start: u64, stream: u64) -> Option<u64> {
        if self.starts.len() >= STARTS_MAX {
            self.starts.clear();
        }
        let before = self.starts.insert(start, stream)?;
        (before != stream && self.slot(before).is_some()).then_some(before)
    }

    /// Removes and gives the last payload of this stream.
    pub fn take(&mut self, stream: u64) -> Option<LastPayload> {
        let slot = self.slots.of_mut(stream >> SHARD_SHIFT).remove(&stream)?;
        self.streams -= 1;
        self.memory -= slot.memory;
        Some(slot.last)
    }

    /// Keeps the last payload of this stream, and gives up the least recently used ones beyond
    /// the bound. A payload of more than a quarter of the bound is not kept.
    pub fn put(&mut self, stream: u64, last: LastPayload) {
        self.take(stream);
        let memory = last.memory();
        if memory > self.bytes_max / 4 {
            return;
        }
        self.memory += memory;
        self.tick += 1;
        let slot = Slot { last, memory, tick: self.tick };
        self.slots.of_mut(stream >> SHARD_SHIFT).insert(stream, slot);
        self.streams += 1;
        self.uses.push_back((stream, self.tick));
        while self.memory > self.bytes_max
            && let Some((stream, tick)) = self.uses.pop_front()
        {
            if self.slot(stream).is_some_and(|slot| slot.tick == tick) {
                self.take(stream);
            }
        }
        // Stale uses are swept when they outnumber the others: O(1) for each use.
        if self.uses.len() > 2 * self.streams + 64 {
            let mut uses = std::mem::take(&mut self.uses);
            uses.retain(|(stream, tick)| self.slot(*stream).is_some_and(|s| s.tick == *tick));
            self.uses = uses;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.slots.iter_mut().for_each(Slots::clear);
        self.streams = 0;
        self.uses.clear();
        self.starts.clear();
        self.memory = 0;
    }

    /// Bytes allocated.
    pub fn memory(&self) -> usize {
        self.memory + self.starts.capacity() * size_of::<(u64, u64, u8)>()
    }

    /// Streams kept.
    pub fn len(&self) -> usize {
        self.streams
    }
}

/// A stream's number is a keyed hash already, whose bits serve as they are.
#[derive(Debug, Default)]
struct OwnBits(u64);

impl Hasher for OwnBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, stream: u64) {
        self.0 = stream;
    }
}
