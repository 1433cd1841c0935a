//! The caller's side of an append: deduplicate, encode, put into the group that goes next.

use super::brake::{HURRY_FROM, SLOW_FROM};
use super::commit::{Commit, Done};
use super::queue::{Pending, Queue};
use super::shared::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::GroupBuilder;
use crate::fs::Fs;
use crate::id::{Seq, StoreKey};
use crate::limits::{
    BATCH_SKELETON_BYTES_MAX, FRAME_BYTES_MAX, FRAME_PART_BYTES_MAX, LOG_PARTS_MAX, PIECE_BYTES_MAX,
};
use crate::log::{Encoded, Encoder, Outlet};
use crate::maintenance::Pressure;
use crate::model::Record;
use crate::options::{Background, Options};
use crate::planted::{self, Bug};
use crate::sync::{Condvar, Mutex, Ordering};
use std::sync::Arc;

/// A group takes no more batches past so many bytes of records and lists: with one batch more it
/// still fits a frame.
const GROUP_SKELETON_BYTES_MAX: usize = 8 << 20;
const _: () = assert!(
    GROUP_SKELETON_BYTES_MAX
        + 2 * BATCH_SKELETON_BYTES_MAX
        + FRAME_PART_BYTES_MAX
        + PIECE_BYTES_MAX
        < FRAME_BYTES_MAX
);

/// Unsealed logs, at most: a bound on what recovery has to read.
const UNSEALED_LOGS_MAX: usize = 16;

/// The encoder, and what it says of the group at hand.
#[derive(Debug)]
pub(super) struct Ingest {
    encoder: Encoder,
    group: AtHand,
}

/// Of the group at hand, but for what is in it.
#[derive(Debug)]
struct AtHand {
    done: Arc<Done>,
    first_seq: Option<Seq>,
    next_seq: Seq,
    /// The log that is written ends before this group.
    finish_log: bool,
}

impl AtHand {
    /// A group that goes now. It may have to go ahead of the records of the batch at hand; whole
    /// batches before it may be in it, which are done with it.
    fn pending(&mut self, encoded: Encoded) -> Pending {
        let group = &encoded.group;
        let with_records = group.records() > 0;
        let done = if with_records { std::mem::take(&mut self.done) } else { Arc::default() };
        let first_seq = if with_records { self.first_seq.take() } else { None };
        let bytes = group_bytes(group);
        let first_seq = first_seq.unwrap_or(self.next_seq);
        let finish_log = std::mem::take(&mut self.finish_log);
        Pending { encoded, first_seq, finish_log, done, bytes }
    }
}

/// Groups of the batch at hand on their way to the writer, ahead of it.
struct Ahead<'a> {
    group: &'a mut AtHand,
    queue: &'a Mutex<Queue>,
    work: &'a Condvar,
}

impl Outlet for Ahead<'_> {
    fn is_waiting(&mut self) -> bool {
        self.queue.lock().is_waited_for()
    }

    fn take(&mut self, encoded: Encoded) -> Option<GroupBuilder> {
        let mut queue = self.queue.lock();
        queue.push(self.group.pending(encoded));
        self.work.notify_one();
        queue.spare.take()
    }
}

/// What a group holds in flight.
fn group_bytes(group: &GroupBuilder) -> usize {
    group.part_bytes() + group.skeleton_bytes()
}

impl Ingest {
    pub fn new(key: &StoreKey, options: &Options, last_seq: Seq) -> Ingest {
        // A share of a small budget: what takes all of it leaves no room for the tables.
        let stream_bytes_max = options.stream_bytes_max.min(options.live_bytes_max / 4);
        let next_seq = Seq(last_seq.0 + u64::from(!planted::is(Bug::SeqReused)));
        Ingest {
            encoder: Encoder::new(key, stream_bytes_max),
            group: AtHand { done: Arc::default(), first_seq: None, next_seq, finish_log: false },
        }
    }

    /// Adds a batch to the group at hand. Groups that go ahead of it are queued, and the writer is
    /// woken.
    pub fn batch(&mut self, records: Vec<Record>, queue: &Mutex<Queue>, work: &Condvar) -> Commit {
        let Ingest { encoder, group } = self;
        let mut ahead = Ahead { group, queue, work };
        if encoder.group().skeleton_bytes() >= GROUP_SKELETON_BYTES_MAX {
            ahead.take(encoder.take_group(None));
        }
        let count = records.len() as u64;
        encoder.batch(records, &mut ahead);
        let first = group.next_seq;
        group.first_seq.get_or_insert(first);
        group.next_seq = Seq(first.0 + count);
        Commit { seq: Seq(group.next_seq.0 - 1), done: Arc::clone(&group.done) }
    }

    /// What stands for a batch of no records: it waits for nothing, and nothing would wake it.
    fn no_batch(&self) -> Commit {
        let done = Arc::new(Done::default());
        done.set(Ok(()));
        Commit { seq: Seq(self.group.next_seq.0 - 1), done }
    }

    /// Gives the group at hand to the writer, unless there is nothing in it.
    pub fn hand_over(&mut self, queue: &mut Queue) {
        if self.encoder.group().is_empty() {
            return;
        }
        let encoded = self.encoder.take_group(queue.spare.take());
        queue.push(self.group.pending(encoded));
    }

    /// Bytes of the group at hand, and what the encoder holds beside it: last payloads and part
    /// lookup.
    pub fn bytes(&self) -> (usize, usize) {
        (group_bytes(self.encoder.group()), self.encoder.memory())
    }

    /// The log that is written ends here: what follows starts the next one.
    pub fn finish_log(&mut self, queue: &mut Queue) -> Arc<Done> {
        self.hand_over(queue);
        self.encoder.restart(0);
        queue.log_full = false;
        let done = Arc::new(Done::default());
        queue.push(Pending {
            encoded: Encoded::new(0),
            first_seq: self.group.next_seq,
            finish_log: true,
            done: Arc::clone(&done),
            bytes: 0,
        });
        done
    }

    /// Knows no part any more. The log goes on with this part number, unless it ends here, as a
    /// group that was refused was to say.
    pub fn forget(&mut self, next_part: u32, finish_log: bool) {
        self.group.finish_log |= finish_log;
        let next_part = if self.group.finish_log { 0 } else { next_part };
        planted::unless(Bug::RefusedPartsKept, || self.encoder.restart(next_part));
    }

    fn log_is_full(&self, options: &Options) -> bool {
        self.encoder.raw_bytes() >= options.log_raw_bytes_max
            || self.encoder.next_part() >= LOG_PARTS_MAX
    }
}

impl<F: Fs> Shared<F> {
    /// Appends a batch; `wake` as in [`encode_for`](Self::encode_for).
    pub fn append(&self, records: Vec<Record>, wake: &mut dyn FnMut(&mut Queue)) -> Result<Commit> {
        let (count, mut records) = (records.len() as u64, Some(records));
        loop {
            self.wait_for_room(count)?;
            let appended = self.encode_for(wake, |ingest| {
                self.check_open()?;
                if count == 0 {
                    return Ok(Some(ingest.no_batch()));
                }
                let mut queue = self.queue.lock();
                if !queue.has_room() {
                    return Ok(None);
                }
                if queue.log_full || ingest.log_is_full(&self.options) {
                    ingest.finish_log(&mut queue);
                }
                drop(queue);
                let records = records.take().unwrap_or_default();
                Ok(Some(ingest.batch(records, &self.queue, &self.work)))
            });
            // Somebody else took the room.
            if let Some(commit) = appended? {
                return Ok(commit);
            }
        }
    }

    /// Whether anything may be appended.
    pub fn check_open(&self) -> Result<()> {
        self.check_sound()?;
        match self.is_closing() {
            true => Err(Error::new(ErrorKind::Closed, "the store is closed")),
            false => Ok(()),
        }
    }

    /// Waits until there is room for so many records more.
    fn wait_for_room(&self, records: u64) -> Result<()> {
        let mut queue = self.queue.lock();
        let mut slowed_down = false;
        loop {
            self.check_open()?;
            let taken = self.room_taken(&queue);
            if taken > SLOW_FROM && !slowed_down {
                drop(queue);
                self.slow_down(records, taken);
                slowed_down = true;
                queue = self.queue.lock();
                continue;
            }
            let behind = taken >= 1.0;
            if queue.has_room() && !behind {
                return Ok(());
            }
            if behind {
                if let Some(failure) = &*self.seal_failure.lock() {
                    return Err(failure.repeat());
                }
                self.want_upkeep();
            }
            self.room.wait(&mut queue);
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

    /// Whether appends are slowed down, or stopped, until a log is sealed, or are about to be.
    pub fn pressure(&self) -> Pressure {
        if self.room_taken(&self.queue.lock()) > HURRY_FROM {
            return Pressure::Appends;
        }
        match self.joins_hurried.load(Ordering::Acquire) {
            true => Pressure::Joins,
            false => Pressure::None,
        }
    }

    /// How much of the room for unsealed records is taken, of which 1 is all: appends wait then; 0
    /// where there is nothing to seal.
    fn room_taken(&self, queue: &Queue) -> f64 {
        if self.options.background == Background::Off {
            return 0.0;
        }
        let view = self.view();
        let open = *self.open_log.lock();
        if !view.logs.iter().any(|log| Some(log.id()) != open) {
            return 0.0;
        }
        let memory = (view.memory() + queue.memory()) as f64 / self.options.live_bytes_max as f64;
        memory.max(view.logs.len() as f64 / UNSEALED_LOGS_MAX as f64)
    }
}
