//! Groups on their way from appenders to the writer, and what is in flight.
//!
//! Its lock is held for moments, where the one on [`Ingest`] is held for as long as a batch takes
//! to deduplicate. The group at hand grows while the writer is busy. Once the writer has nothing
//! else to do, it takes that group where nobody has the encoder, and else gets it from who comes
//! out ([`Shared::encode`]). So with something to write it waits for the batch at hand at most, and
//! no appender waits for the writer to wake up.

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
    pub spare: Option<GroupBuilder>,
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

    /// Whether the writer has nothing to do, and nothing is on its way to it.
    pub fn is_waited_for(&self) -> bool {
        self.wanted && self.ready.is_empty()
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

    /// Whether all that is on its way is one group, handed over, and nothing is likely to be
    /// appended before it is durable.
    pub fn is_alone(&self) -> bool {
        self.ready.front().is_some_and(|only| self.has_only(only.bytes))
    }

    /// Who wrote a group in the place of the writer's thread no longer does. Tells whether there
    /// is something for that thread to take.
    pub fn give_back(&mut self) -> bool {
        self.wanted = true;
        self.in_flight() > 0
    }

    /// Bytes became durable, or were refused; somebody is appending, or not.
    fn release(&mut self, bytes: usize, appending: bool) {
        self.handed = self.handed.saturating_sub(bytes);
        let alone = self.in_flight() == 0 && !appending;
        self.alone = if alone { self.alone.saturating_add(1) } else { 0 };
    }

    /// Notes what the encoder holds, and gives the writer the group at hand if it has nothing else.
    /// Tells whether the writer waits.
    fn look_at(&mut self, ingest: &mut Ingest) -> bool {
        if self.is_waited_for() {
            ingest.hand_over(self);
        }
        (self.at_hand, self.encoder) = ingest.bytes();
        self.wanted
    }
}

impl<F: Fs> Shared<F> {
    /// Lets `work` have the encoder. Nobody else locks it but by trying to, under the queue's lock.
    pub fn encode<T>(&self, work: impl FnOnce(&mut Ingest) -> T) -> T {
        self.encode_for(&mut |_| self.wake_writer(), work)
    }

    /// As [`encode`](Self::encode); where the writer waits for what there is then, `wake` is to see
    /// that it gets it.
    pub fn encode_for<T>(
        &self,
        wake: &mut dyn FnMut(&mut Queue),
        work: impl FnOnce(&mut Ingest) -> T,
    ) -> T {
        let mut ingest = self.ingest.lock();
        let outcome = work(&mut ingest);
        let mut queue = self.queue.lock();
        if queue.look_at(&mut ingest) {
            wake(&mut queue);
        }
        // Before the queue: a writer that finds the encoder taken may rely on this look.
        drop(ingest);
        outcome
    }

    /// Wakes the writer's thread.
    pub fn wake_writer(&self) {
        self.work.notify_one();
    }

    /// The next thing for the writer. Where there is none yet, it is woken by who has the encoder.
    pub fn take(&self, queue: &mut Queue) -> Option<Pending> {
        queue.pop().or_else(|| {
            queue.look_at(&mut *self.ingest.try_lock()?);
            queue.pop()
        })
    }

    /// Bytes became durable, or were refused.
    pub fn release(&self, bytes: usize) {
        self.queue.lock().release(bytes, self.ingest.is_locked());
        self.room.notify_all();
    }

    /// Whether nothing else is on its way than a group of so many bytes, as far as can be told.
    pub fn has_only(&self, bytes: usize) -> bool {
        let queue = self.queue.lock();
        queue.has_only(bytes) && !self.ingest.is_locked()
    }

    /// Refuses everything that waits, because the parts it refers to were not written. The log
    /// goes on with this part number.
    pub fn refuse_all(&self, error: &Error, next_part: u32) {
        self.encode(|ingest| {
            let mut queue = self.queue.lock();
            ingest.hand_over(&mut queue);
            let mut finish_log = false;
            while let Some(pending) = queue.pop() {
                pending.done.set(Err(error));
                queue.release(pending.bytes, true);
                // A log that was to be finished still is.
                finish_log |= pending.finish_log;
            }
            ingest.forget(next_part, finish_log);
        });
    }
}

#[cfg(test)]
mod tests;
