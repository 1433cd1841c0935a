//! The caller's side of an append: deduplicate, encode, put into the group that goes next.

use super::brake::SLOW_FROM;
use super::commit::{Commit, Done};
use super::shared::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::GroupBuilder;
use crate::fs::Fs;
use crate::id::{Seq, StoreKey};
use crate::limits::{
    BATCH_SKELETON_BYTES_MAX, FRAME_BYTES_MAX, FRAME_PART_BYTES_MAX, IN_FLIGHT_BYTES_MAX,
    LOG_PARTS_MAX,
};
use crate::log::{Encoded, Encoder};
use crate::maintenance::Pressure;
use crate::model::Record;
use crate::options::{Background, Options};
use crate::planted::{self, Bug};
use crate::sync::MutexGuard;
use std::collections::VecDeque;
use std::sync::Arc;

/// What the writer does next.
#[derive(Debug)]
pub(super) struct Pending {
    /// The frame to write; empty for none.
    pub encoded: Encoded,
    /// Seq of its first record, or the next one.
    pub first_seq: Seq,
    /// The log that was written is finished before this.
    pub finish_log: bool,
    /// Who waits for it.
    pub done: Arc<Done>,
    /// New raw bytes that it holds in flight.
    pub bytes: usize,
}

/// A group takes no more batches past so many bytes of records and lists: with one batch more it
/// still fits a frame.
const GROUP_SKELETON_BYTES_MAX: usize = 8 << 20;
const _: () = assert!(
    GROUP_SKELETON_BYTES_MAX + 2 * BATCH_SKELETON_BYTES_MAX + FRAME_PART_BYTES_MAX
        < FRAME_BYTES_MAX
);

/// So many groups without company say that whoever appends waits for each one. Who has several in
/// flight has company at every other group or so.
const ALONE_TO_TELL: u32 = 4;

/// Unsealed logs, at most: a bound on what recovery has to read.
const UNSEALED_LOGS_MAX: usize = 16;

/// What appenders share.
#[derive(Debug)]
pub(super) struct Ingest {
    encoder: Encoder,
    ready: VecDeque<Pending>,
    done: Arc<Done>,
    first_seq: Option<Seq>,
    next_seq: Seq,
    finish_log: bool,
    /// Bytes that are not yet durable.
    in_flight: usize,
    /// So many groups in a row became durable before anything was appended after them.
    alone: u32,
    /// The writer found the log long enough.
    pub log_full: bool,
}

impl Ingest {
    pub fn new(key: &StoreKey, options: &Options, last_seq: Seq) -> Ingest {
        // A share of a small budget: what takes all of it leaves no room for the tables.
        let stream_bytes_max = options.stream_bytes_max.min(options.live_bytes_max / 4);
        Ingest {
            encoder: Encoder::new(key, stream_bytes_max),
            ready: VecDeque::new(),
            done: Arc::default(),
            first_seq: None,
            next_seq: Seq(last_seq.0 + u64::from(!planted::is(Bug::SeqReused))),
            finish_log: false,
            in_flight: 0,
            alone: 0,
            log_full: false,
        }
    }

    fn batch(&mut self, records: Vec<Record>) -> Commit {
        if self.encoder.group().skeleton_bytes() >= GROUP_SKELETON_BYTES_MAX {
            let encoded = self.encoder.take_group();
            self.push_ready(encoded);
        }
        let first = self.next_seq;
        let count = records.len() as u64;
        let (before_raw, before_skeleton) =
            (self.encoder.raw_bytes(), self.encoder.group().skeleton_bytes());
        let mut full = Vec::new();
        self.encoder.batch(records, &mut |encoded| full.push(encoded));
        let mut skeleton = self.encoder.group().skeleton_bytes();
        for encoded in full {
            skeleton += encoded.group.skeleton_bytes();
            self.push_ready(encoded);
        }
        self.first_seq.get_or_insert(first);
        self.next_seq = Seq(first.0 + count);
        let raw = (self.encoder.raw_bytes() - before_raw) as usize;
        self.in_flight += raw + skeleton - before_skeleton;
        Commit { seq: Seq(self.next_seq.0 - 1), done: Arc::clone(&self.done) }
    }

    /// Queues a group that has to go ahead of the records of the batch at hand. Whole batches
    /// before it may be in it; they are done with it.
    fn push_ready(&mut self, encoded: Encoded) {
        let group = &encoded.group;
        let with_records = group.records() > 0;
        let done = if with_records { std::mem::take(&mut self.done) } else { Arc::default() };
        let first_seq = if with_records { self.first_seq.take() } else { None };
        let bytes = group.part_bytes() + group.skeleton_bytes();
        self.ready.push_back(Pending {
            first_seq: first_seq.unwrap_or(self.next_seq),
            encoded,
            finish_log: std::mem::take(&mut self.finish_log),
            done,
            bytes,
        });
    }

    /// Takes back a group that was written: the next one uses its memory.
    pub fn give_back(&mut self, written: GroupBuilder) {
        self.encoder.give_back(written);
    }

    /// The next thing for the writer.
    pub fn take(&mut self) -> Option<Pending> {
        if let Some(pending) = self.ready.pop_front() {
            return Some(pending);
        }
        if self.encoder.group().is_empty() {
            return None;
        }
        let encoded = self.encoder.take_group();
        self.push_ready(encoded);
        self.ready.pop_front()
    }

    /// Whether nothing else is on its way than a group of so many bytes, and nothing is likely to
    /// be appended before it is durable.
    pub fn has_only(&self, bytes: usize) -> bool {
        self.in_flight == bytes && self.alone >= ALONE_TO_TELL
    }

    /// The log that is written ends here: what follows starts the next one.
    pub fn finish_log(&mut self) -> Arc<Done> {
        if !self.encoder.group().is_empty() {
            let encoded = self.encoder.take_group();
            self.push_ready(encoded);
        }
        self.encoder.restart(0);
        self.log_full = false;
        let done = Arc::new(Done::default());
        let encoded = Encoded::new(0);
        let (first_seq, finish_log) = (self.next_seq, true);
        self.ready.push_back(Pending {
            encoded,
            first_seq,
            finish_log,
            done: Arc::clone(&done),
            bytes: 0,
        });
        done
    }

    /// Bytes became durable, or were refused.
    pub fn release(&mut self, bytes: usize) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
        self.alone = if self.in_flight == 0 { self.alone.saturating_add(1) } else { 0 };
    }

    /// Refuses everything that waits, because the parts it refers to were not written. The log
    /// goes on with this part number.
    pub fn refuse_all(&mut self, error: &Error, next_part: u32) {
        while let Some(pending) = self.take() {
            pending.done.set(Err(error));
            self.release(pending.bytes);
            // A log that was to be finished still is.
            self.finish_log |= pending.finish_log;
        }
        self.in_flight = 0;
        let next_part = if self.finish_log { 0 } else { next_part };
        planted::unless(Bug::RefusedPartsKept, || self.encoder.restart(next_part));
    }

    /// Memory of last payloads and part lookup, in bytes.
    pub fn memory(&self) -> usize {
        self.encoder.memory() + self.in_flight
    }

    fn log_is_full(&self, options: &Options) -> bool {
        self.log_full
            || self.encoder.raw_bytes() >= options.log_raw_bytes_max
            || self.encoder.next_part() >= LOG_PARTS_MAX
    }
}

impl<F: Fs> Shared<F> {
    pub fn append(&self, records: Vec<Record>) -> Result<Commit> {
        let mut ingest = self.with_room(records.len() as u64)?;
        if records.is_empty() {
            let done = Arc::new(Done::default());
            done.set(Ok(()));
            return Ok(Commit { seq: Seq(ingest.next_seq.0 - 1), done });
        }
        if ingest.log_is_full(&self.options) {
            ingest.finish_log();
        }
        let commit = ingest.batch(records);
        drop(ingest);
        self.work.notify_one();
        Ok(commit)
    }

    /// Waits until there is room for so many records more.
    fn with_room(&self, records: u64) -> Result<MutexGuard<'_, Ingest>> {
        let mut ingest = self.ingest.lock();
        let mut slowed_down = false;
        loop {
            if let Some(failure) = self.failure() {
                return Err(failure);
            }
            if self.is_closing() {
                return Err(Error::new(ErrorKind::Closed, "the store is closed"));
            }
            let taken = self.room_taken(&ingest);
            if taken > SLOW_FROM && !slowed_down {
                drop(ingest);
                self.slow_down(records, taken);
                slowed_down = true;
                ingest = self.ingest.lock();
                continue;
            }
            let behind = taken >= 1.0;
            if ingest.in_flight < IN_FLIGHT_BYTES_MAX && !behind {
                return Ok(ingest);
            }
            if behind {
                if let Some(failure) = &*self.seal_failure.lock() {
                    return Err(failure.repeat());
                }
                self.want_upkeep();
            }
            self.room.wait(&mut ingest);
        }
    }

    /// Waits for about as long as it takes to seal so many records.
    fn slow_down(&self, records: u64, taken: f64) {
        self.want_upkeep();
        let mut brake = self.brake.lock();
        let wait = brake.wait(records, taken, self.clock.now_ns());
        if !wait.is_zero() && !self.is_closing() {
            self.released.wait_for(&mut brake, wait);
        }
    }

    /// Whether appends are slowed down, or stopped, until a log is sealed.
    pub fn pressure(&self) -> Pressure {
        match self.room_taken(&self.ingest.lock()) > SLOW_FROM {
            true => Pressure::Appends,
            false => Pressure::None,
        }
    }

    /// How much of the room for unsealed records is taken, of which 1 is all: appends wait then; 0
    /// where there is nothing to seal.
    fn room_taken(&self, ingest: &Ingest) -> f64 {
        if self.options.background == Background::Off {
            return 0.0;
        }
        let view = self.view();
        let open = *self.open_log.lock();
        if !view.logs.iter().any(|log| Some(log.id()) != open) {
            return 0.0;
        }
        let memory = (view.memory() + ingest.memory()) as f64 / self.options.live_bytes_max as f64;
        memory.max(view.logs.len() as f64 / UNSEALED_LOGS_MAX as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::model::{ObservationRecord, Operation, Timestamp};
    use tracekeep_workload::Rng;

    fn ingest() -> Ingest {
        Ingest::new(&StoreKey([7; 32]), &Options::default(), Seq(0))
    }

    /// A record with so many bytes of input that no other has.
    fn record(n: u8, bytes: usize) -> Record {
        let id = |text: &str| Id::parse(text).unwrap();
        let mut rng = Rng::new(u64::from(n));
        let input: Vec<u8> = (0..bytes).map(|_| rng.next_u64() as u8).collect();
        ObservationRecord::new(id("trace"), id(&n.to_string()), Timestamp(0), Operation::Create)
            .input(input)
            .into()
    }

    /// Takes what is next, as the writer does.
    fn take(ingest: &mut Ingest) -> Option<usize> {
        ingest.take().map(|pending| pending.bytes)
    }

    #[test]
    fn what_is_in_flight_is_what_the_groups_hold() {
        let mut ingest = ingest();
        // The second one goes ahead in several frames, the first of them with the record before.
        for (n, bytes) in [(1, 100), (2, 9 << 20), (3, 100)] {
            ingest.batch(vec![record(n, bytes)]);
        }
        assert!(ingest.ready.len() > 1);
        let mut held = 0;
        while let Some(bytes) = take(&mut ingest) {
            held += bytes;
        }
        assert!(held > 9 << 20);
        assert_eq!(ingest.in_flight, held);
    }

    #[test]
    fn who_waits_for_each_batch_has_no_company() {
        let mut ingest = ingest();
        for n in 0..=ALONE_TO_TELL as u8 {
            ingest.batch(vec![record(n, 100)]);
            let bytes = take(&mut ingest).unwrap();
            assert_eq!(ingest.has_only(bytes), u32::from(n) >= ALONE_TO_TELL, "{n}");
            ingest.release(bytes);
        }
        ingest.batch(vec![record(10, 100)]);
        let first = take(&mut ingest).unwrap();
        ingest.batch(vec![record(11, 100)]);
        assert!(!ingest.has_only(first), "another one is on its way");
        ingest.release(first);
        let second = take(&mut ingest).unwrap();
        assert!(!ingest.has_only(second), "the one before had company");
    }
}
