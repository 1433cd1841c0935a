//! Groups on their way from appenders to the writer, and what is in flight.
//!
//! Its lock is held for moments, where the one on [`Ingest`] is held for as long as a batch takes
//! to deduplicate. The group at hand grows while the writer is busy. Once the writer has nothing
//! else to do, it takes that group where nobody has the encoder, and else gets it from who comes
//! out ([`Shared::encode`]): it never waits for another batch while there is something to write,
//! and no appender waits for the writer to wake up.

use super::commit::Done;
use super::ingest::Ingest;
use super::shared::Shared;
use crate::error::Error;
use crate::frame::GroupBuilder;
use crate::fs::Fs;
use crate::id::Seq;
use crate::limits::IN_FLIGHT_BYTES_MAX;
use crate::log::Encoded;
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

/// So many groups without company say that whoever appends waits for each one. Who has several in
/// flight has company at every other group or so.
const ALONE_TO_TELL: u32 = 4;

/// What appenders, the writer and the sync thread share.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: VecDeque<Pending>,
    /// The writer has nothing to do.
    wanted: bool,
    /// The last group that was written: the next one uses its memory.
    spare: Option<GroupBuilder>,
    /// Bytes of `ready`, and of what was taken from it and is not yet durable.
    handed: usize,
    /// Bytes of the group at hand, and what the encoder holds beside it, when somebody last had it.
    at_hand: usize,
    encoder: usize,
    /// So many groups in a row became durable before anything was appended after them.
    alone: u32,
    /// The writer found the log long enough.
    pub log_full: bool,
}

impl Queue {
    /// Queues what goes next.
    pub fn push(&mut self, pending: Pending) {
        self.handed += pending.bytes;
        self.ready.push_back(pending);
    }

    /// The next thing for the writer, of what was handed over.
    pub fn pop(&mut self) -> Option<Pending> {
        let next = self.ready.pop_front();
        self.wanted = next.is_none();
        next
    }

    /// Takes back a group that was written.
    pub fn give_back(&mut self, written: Option<GroupBuilder>) {
        self.spare = written.or(self.spare.take());
    }

    /// Memory for the next group.
    pub fn spare(&mut self) -> Option<GroupBuilder> {
        self.spare.take()
    }

    /// Bytes that are not yet durable.
    fn in_flight(&self) -> usize {
        self.handed + self.at_hand
    }

    /// Whether one more batch may come.
    pub fn has_room(&self) -> bool {
        self.in_flight() < IN_FLIGHT_BYTES_MAX
    }

    /// Memory of last payloads, part lookup and what is in flight, in bytes.
    pub fn memory(&self) -> usize {
        self.encoder + self.in_flight()
    }

    /// Whether nothing else is on its way than a group of so many bytes, and nothing is likely to
    /// be appended before it is durable.
    fn has_only(&self, bytes: usize) -> bool {
        self.in_flight() == bytes && self.alone >= ALONE_TO_TELL
    }

    /// Bytes became durable, or were refused; somebody is appending, or not.
    fn release(&mut self, bytes: usize, appending: bool) {
        self.handed = self.handed.saturating_sub(bytes);
        let alone = self.in_flight() == 0 && !appending;
        self.alone = if alone { self.alone.saturating_add(1) } else { 0 };
    }

    /// Notes what the encoder holds, and gives the writer the group at hand if it has nothing else.
    /// Tells whether it waits for what is there now.
    fn look_at(&mut self, ingest: &mut Ingest) -> bool {
        if self.wanted && self.ready.is_empty() {
            ingest.hand_over(self);
        }
        (self.at_hand, self.encoder) = ingest.bytes();
        self.wanted && !self.ready.is_empty()
    }
}

impl<F: Fs> Shared<F> {
    /// Lets `work` have the encoder. Nobody else locks it but by trying to, under the queue's lock.
    pub fn encode<T>(&self, work: impl FnOnce(&mut Ingest) -> T) -> T {
        let mut ingest = self.ingest.lock();
        let outcome = work(&mut ingest);
        let mut queue = self.queue.lock();
        if queue.look_at(&mut ingest) {
            self.work.notify_one();
        }
        // Before the queue: a writer that finds the encoder taken may rely on this look.
        drop(ingest);
        outcome
    }

    /// Gives the writer a group.
    pub fn hand_over(&self, pending: Pending) {
        self.queue.lock().push(pending);
        self.work.notify_one();
    }

    /// The next thing for the writer, or whether somebody has the encoder, who will hand over what
    /// there is.
    pub fn take(&self, queue: &mut Queue) -> Result<Pending, bool> {
        if let Some(pending) = queue.pop() {
            return Ok(pending);
        }
        let Some(mut ingest) = self.ingest.try_lock() else { return Err(true) };
        queue.look_at(&mut ingest);
        queue.pop().ok_or(false)
    }

    /// Bytes became durable, or were refused.
    pub fn release(&self, bytes: usize) {
        self.queue.lock().release(bytes, self.ingest.is_locked());
        self.room.notify_all();
    }

    /// Whether nothing else is on its way than a group of so many bytes, as far as can be told.
    pub fn has_only(&self, bytes: usize) -> bool {
        self.queue.lock().has_only(bytes) && !self.ingest.is_locked()
    }

    /// Refuses everything that waits, because the parts it refers to were not written. The log
    /// goes on with this part number.
    pub fn refuse_all(&self, error: &Error, next_part: u32) {
        self.encode(|ingest| {
            let mut queue = self.queue.lock();
            ingest.hand_over(&mut queue);
            while let Some(pending) = queue.pop() {
                pending.done.set(Err(error));
                queue.release(pending.bytes, true);
                // A log that was to be finished still is.
                ingest.finish_log_next(pending.finish_log);
            }
            ingest.forget(next_part);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id, StoreKey};
    use crate::model::{ObservationRecord, Operation, Record, Timestamp};
    use crate::options::Options;
    use tracekeep_workload::Rng;

    /// A record with so many bytes of input that no other has.
    fn record(n: u8, bytes: usize) -> Record {
        let id = |text: &str| Id::parse(text).unwrap();
        let mut rng = Rng::new(u64::from(n));
        let input: Vec<u8> = (0..bytes).map(|_| rng.next_u64() as u8).collect();
        ObservationRecord::new(id("trace"), id(&n.to_string()), Timestamp(0), Operation::Create)
            .input(input)
            .into()
    }

    /// Appenders and the writer, one step at a time.
    struct Steps(Ingest, Queue);

    impl Steps {
        fn new() -> Steps {
            let ingest = Ingest::new(&StoreKey([7; 32]), &Options::default(), Seq(0));
            Steps(ingest, Queue::default())
        }

        /// Appends, and tells whether the writer waits for what there is.
        fn append(&mut self, n: u8, bytes: usize) -> bool {
            let Steps(ingest, queue) = self;
            ingest.batch(vec![record(n, bytes)], &mut |pending| queue.push(pending));
            queue.look_at(ingest)
        }

        /// What the writer takes where nobody has the encoder.
        fn take(&mut self) -> Option<usize> {
            let Steps(ingest, queue) = self;
            let next = queue.pop().or_else(|| {
                queue.look_at(ingest);
                queue.pop()
            });
            next.map(|pending| pending.bytes)
        }
    }

    #[test]
    fn what_is_in_flight_is_what_the_groups_hold() {
        let mut steps = Steps::new();
        // The second one goes ahead in several frames, the first of them with the record before.
        for (n, bytes) in [(1, 100), (2, 9 << 20), (3, 100)] {
            steps.append(n, bytes);
        }
        assert!(steps.1.ready.len() > 1);
        let in_flight = steps.1.in_flight();
        let held: usize = std::iter::from_fn(|| steps.take()).sum();
        assert!(held > 9 << 20);
        assert_eq!(in_flight, held);
        assert_eq!(steps.1.in_flight(), held, "taken is not durable");
        steps.1.release(held, false);
        assert_eq!(steps.1.in_flight(), 0);
    }

    #[test]
    fn a_group_grows_while_the_writer_is_busy_and_goes_when_it_is_wanted() {
        let mut steps = Steps::new();
        assert!(!steps.append(1, 100) && !steps.append(2, 100), "nobody has asked yet");
        let both = steps.take().unwrap();
        assert!(!steps.append(3, 100), "the writer has something to do");
        let one = steps.take().unwrap();
        assert!(both > one && steps.take().is_none());
        assert!(steps.append(4, 100), "the writer waits");
        assert!(steps.append(5, 100) && steps.1.ready.len() == 1, "it has not taken that one yet");
        assert!(steps.take().is_some() && steps.take().is_some() && steps.take().is_none());
    }

    #[test]
    fn who_waits_for_each_batch_has_no_company() {
        let mut steps = Steps::new();
        for n in 0..=ALONE_TO_TELL as u8 {
            steps.append(n, 100);
            let bytes = steps.take().unwrap();
            assert_eq!(steps.1.has_only(bytes), u32::from(n) >= ALONE_TO_TELL, "{n}");
            steps.1.release(bytes, false);
        }
        steps.append(10, 100);
        let first = steps.take().unwrap();
        steps.append(11, 100);
        assert!(!steps.1.has_only(first), "another one is on its way");
        steps.1.release(first, false);
        let second = steps.take().unwrap();
        assert!(!steps.1.has_only(second), "the one before had company");
        steps.1.release(second, true);
        assert_eq!(steps.1.alone, 0, "somebody is appending");
    }
}
