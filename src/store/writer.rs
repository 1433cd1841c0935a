//! The writer: compresses groups and writes frames, in whatever thread has it (see `desk`).
//! Nothing else writes logs.

use super::commit::Done;
use super::listener::Event;
use super::queue::Pending;
use super::shared::Shared;
use super::syncer::{Syncer, Written};
use crate::codec::CODEC_ID;
use crate::codec::compress::Compressor;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{
    FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FileKind, FrameKind, FrameRef, FrameWriter,
    Previous,
};
use crate::fs::{Dir, File, FileName, Fs};
use crate::id::{LogId, Seq};
use crate::limits::{
    LOG_LAID_BYTES, LOG_LAID_FRAME_BYTES_MAX, LOG_READ_BYTES_MAX, LOG_RESERVE_BYTES,
};
use crate::log::{LOG_ZSTD_LEVEL, LogTable};
use crate::manifest::Edit;
use crate::options::Durability;
use crate::planted::{self, Bug};
use std::sync::Arc;
use std::time::Duration;

/// Frames of `DiskStrict` start at multiples of this, so that a rewritten sector holds nothing
/// that was acknowledged.
const SECTOR: u64 = 4096;
static ZEROS: [u8; LOG_LAID_BYTES as usize] = [0; LOG_LAID_BYTES as usize];
/// At `Os` the promise is advanced this often.
const OS_SYNC_EVERY: Duration = Duration::from_secs(1);

/// The log that is written.
#[derive(Debug)]
struct OpenLog<F: File> {
    table: Arc<LogTable<F>>,
    frames: FrameWriter,
    /// Space is kept up to here.
    reserved: u64,
    /// Zeros are written up to here, if that is behind the frames.
    laid: u64,
    /// Something was written since the last marker.
    dirty: bool,
}

/// What the writer knows.
#[derive(Debug)]
pub(super) struct Writer<F: Fs> {
    shared: Arc<Shared<F>>,
    syncer: Arc<Syncer<F>>,
    log: Option<OpenLog<<F::Dir as Dir>::File>>,
    previous: Previous,
    compressor: Compressor,
    body: Vec<u8>,
    bytes: Vec<u8>,
    next_seq: Seq,
    /// When `Os` last advanced the promise, by the store's clock.
    promised_ns: i64,
}

impl<F: Fs> Writer<F> {
    pub fn new(
        shared: Arc<Shared<F>>,
        syncer: Arc<Syncer<F>>,
        previous: Previous,
        last_seq: Seq,
    ) -> Writer<F> {
        let promised_ns = shared.clock.now_ns();
        Writer {
            shared,
            syncer,
            log: None,
            previous,
            compressor: Compressor::new(LOG_ZSTD_LEVEL),
            body: Vec::new(),
            bytes: Vec::new(),
            next_seq: Seq(last_seq.0 + 1),
            promised_ns,
        }
    }

    /// Writes a group, or refuses it.
    pub fn put(&mut self, pending: Pending) {
        if let Some(failure) = self.shared.failure() {
            pending.done.set(Err(&failure));
            self.shared.refuse_all(&failure, 0);
            self.shared.release(pending.bytes);
            return;
        }
        let (done, bytes) = (Arc::clone(&pending.done), pending.bytes);
        if let Err(e) = self.write(pending) {
            self.refuse(&done, bytes, &e);
        }
        // Under traffic without a pause, too.
        if self.promise_is_due() {
            self.rest();
        }
    }

    /// What there is to do in quiet time.
    pub fn rest(&mut self) {
        if let Err(e) = self.idle() {
            self.shared.poison(&e);
        }
    }

    /// What there is to do at the end.
    pub fn close(&mut self) {
        if self.shared.failure().is_none()
            && let Err(e) = self.finish_log()
        {
            self.shared.poison(&e);
        }
    }

    /// Seq of the next record.
    pub fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// How long nothing is to be written before it is time to [`rest`](Self::rest); `None` where
    /// there is nothing to do then.
    pub fn patience(&self) -> Option<Duration> {
        if !self.log.as_ref().is_some_and(|log| log.dirty) {
            return None;
        }
        let marker = Duration::from_millis(self.shared.options.marker_ms);
        Some(match self.shared.options.durability {
            Durability::Os => OS_SYNC_EVERY.max(marker),
            _ => marker.max(Duration::from_millis(1)),
        })
    }

    fn write(&mut self, pending: Pending) -> Result<()> {
        if pending.finish_log {
            self.finish_log()?;
        }
        let group = &pending.encoded.group;
        if group.is_empty() {
            pending.done.set(Ok(()));
            return Ok(());
        }
        if self.log.is_none() {
            self.start_log()?;
        }
        let Some(log) = &mut self.log else { return Ok(()) };
        let (records, raw) = (group.records(), group.part_bytes() as u32);
        self.body.clear();
        let view = group.write(&mut self.compressor, &mut self.body);
        // A refused frame must leave no trace: its place is taken by the next one.
        let before = log.frames.clone();
        self.bytes.clear();
        let strict = self.shared.options.durability == Durability::DiskStrict;
        let start = log.frames.offset();
        if strict {
            pad(&mut log.frames, pending.first_seq, self.syncer.durable_end(), &mut self.bytes);
        }
        let kind = if records == 0 { FrameKind::Parts } else { FrameKind::Records };
        let mut promise = self.syncer.durable_end();
        planted::set(Bug::PromiseTooMuch, &mut promise, log.frames.offset());
        let seq = pending.first_seq.0;
        let frame = log.frames.frame(
            kind,
            CODEC_ID,
            seq,
            promise,
            records,
            raw,
            &self.body,
            &mut self.bytes,
        );
        let end = start + self.bytes.len() as u64;
        // Room for the marker too: at `DiskStrict` the group is worth nothing without it.
        let room = if strict { end + 2 * SECTOR } else { end };
        let waited_for = match self.shared.options.durability {
            Durability::Os => false,
            Durability::Disk => is_alone(&self.syncer, &self.shared, pending.bytes),
            Durability::DiskStrict => true,
        };
        let laying = waited_for && self.bytes.len() <= LOG_LAID_FRAME_BYTES_MAX;
        let written = reserve(log, room)
            .and_then(|()| log.table.file().write_at(&self.bytes, start))
            .and_then(|()| if laying { lay(log, end) } else { Ok(()) });
        if let Err(e) = written {
            planted::unless(Bug::RefusedFrameLeavesHole, || log.frames = before);
            return Err(e);
        }
        log.dirty = true;
        self.next_seq = Seq(seq + u64::from(records));
        let bytes_max = self.shared.options.log_bytes_max.min(LOG_READ_BYTES_MAX / 2);
        let full = end >= bytes_max || log.table.memory() >= self.shared.options.live_bytes_max / 8;
        let written = Written {
            table: Arc::clone(&log.table),
            frame,
            view,
            found: pending.encoded.found,
            last_seq: Seq(self.next_seq.0 - 1),
            end,
            done: pending.done,
            bytes: pending.bytes,
        };
        {
            let mut queue = self.shared.queue.lock();
            queue.spare = Some(pending.encoded.group);
            queue.log_full |= full;
        }
        match self.shared.options.durability {
            Durability::Os => self.syncer.acknowledge(vec![written], Ok(())),
            Durability::Disk if is_alone(&self.syncer, &self.shared, written.bytes) => {
                self.syncer.sync(vec![written]);
            }
            Durability::Disk => self.syncer.submit(written),
            Durability::DiskStrict => self.promise_and_acknowledge(written),
        }
        Ok(())
    }

    /// At `DiskStrict` a group is acknowledged, and shown, once the marker that promises it is
    /// itself synced.
    fn promise_and_acknowledge(&mut self, written: Written<<F::Dir as Dir>::File>) {
        // SYNC: the group itself; the marker after it promises these bytes.
        let outcome = written.table.file().sync().and_then(|()| {
            self.syncer.set_durable(written.end);
            self.marker()
        });
        self.syncer.acknowledge(vec![written], outcome);
    }

    /// Nothing of the group is kept. A full disk is passed on; anything else ends appending.
    fn refuse(&mut self, done: &Done, bytes: usize, error: &Error) {
        if error.kind() != ErrorKind::StorageFull {
            self.shared.poison(error);
        }
        // Later groups may refer to parts of this one.
        let next_part = self.log.as_ref().map_or(0, |log| {
            // What is written is in the table once it is synced.
            let _drained = self.syncer.drain();
            log.table.parts()
        });
        self.shared.refuse_all(error, next_part);
        self.shared.release(bytes);
        // Who is told may append at once, and that batch has nothing to do with this error.
        done.set(Err(error));
        self.shared.wake_appenders();
    }

    /// Whether `Os` has to advance the promise, whatever the traffic.
    fn promise_is_due(&self) -> bool {
        if self.shared.options.durability != Durability::Os {
            return false;
        }
        let since = self.shared.clock.now_ns().saturating_sub(self.promised_ns);
        // A clock that was set back is no reason to wait.
        u64::try_from(since).map_or(true, |ns| Duration::from_nanos(ns) >= OS_SYNC_EVERY)
    }

    /// Promises what was written: after a time without traffic, and at `Os` each second.
    fn idle(&mut self) -> Result<()> {
        if self.shared.failure().is_some() {
            return Ok(());
        }
        let Some(log) = &self.log else { return Ok(()) };
        if self.shared.options.durability == Durability::Os {
            // SYNC: at `Os` this is what bounds the loss of a power cut to about a second.
            log.table.file().sync()?;
            self.syncer.set_durable(log.frames.offset());
            self.promised_ns = self.shared.clock.now_ns();
        }
        self.syncer.drain()?;
        self.marker()
    }

    /// Writes and syncs a frame that promises everything before it.
    fn marker(&mut self) -> Result<()> {
        let Some(log) = self.log.as_mut().filter(|log| log.dirty) else { return Ok(()) };
        let promise = self.syncer.durable_end();
        let (before, start) = (log.frames.clone(), log.frames.offset());
        self.bytes.clear();
        let seq = self.next_seq;
        let strict = self.shared.options.durability == Durability::DiskStrict;
        if strict {
            pad(&mut log.frames, seq, promise, &mut self.bytes);
        }
        log.frames.frame(FrameKind::Marker, CODEC_ID, seq.0, promise, 0, 0, &[], &mut self.bytes);
        let end = start + self.bytes.len() as u64;
        if let Err(e) =
            reserve(log, end).and_then(|()| log.table.file().write_at(&self.bytes, start))
        {
            // Its place is taken by the next frame: a log has no holes.
            planted::unless(Bug::MarkerLeavesHole, || log.frames = before);
            // The promise can wait: what it is about is durable.
            let can_wait = e.kind() == ErrorKind::StorageFull && !strict;
            return if can_wait { Ok(()) } else { Err(e) };
        }
        // SYNC: without it, later damage to the last group would look like a torn tail.
        // One that fails for want of space is a failed sync all the same.
        log.table.file().sync().inspect_err(|e| self.shared.poison(e))?;
        self.syncer.set_durable(end);
        log.dirty = false;
        Ok(())
    }

    /// Ends the log that is written, durable at every level, and promises all of it.
    fn finish_log(&mut self) -> Result<()> {
        self.syncer.drain()?;
        let Some(log) = &self.log else { return Ok(()) };
        // SYNC: a log that has a successor must be whole, whatever the level.
        log.table.file().sync().inspect_err(|e| self.shared.poison(e))?;
        self.syncer.set_durable(log.frames.offset());
        planted::unless(Bug::LogEndsUnpromised, || self.marker())?;
        if let Some(log) = self.log.take() {
            let (end, crc) = (log.frames.offset(), log.frames.previous());
            self.previous = Previous { number: log.table.id().0, end, crc };
            *self.shared.open_log.lock() = None;
            self.shared.want_upkeep();
        }
        Ok(())
    }

    fn start_log(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let number = shared.manifest.lock().state().next_log;
        let name = FileName::Log(LogId(number));
        let created_ns = shared.clock.now_ns();
        let header = FileHeader {
            kind: FileKind::Log,
            number,
            created_ns,
            previous: self.previous,
            ..shared.header.clone()
        }
        .salted();
        let made = self.create_log(name, &header, number);
        if made.is_err()
            && (planted::is(Bug::NamedLogRemoved) || !shared.manifest.lock().is_poisoned())
        {
            // A log that the manifest does not name is a stray file; the next try makes it anew.
            // One whose edit failed half-way may be named, and stays.
            let _gone = shared.dir.remove(name);
        }
        let file = made?;
        let path = shared.dir.path().join(name.to_string());
        let table = Arc::new(LogTable::new(path, file, &header));
        let frames = FrameWriter::new(header.salt, FILE_HEADER_BYTES as u64);
        *shared.open_log.lock() = Some(LogId(number));
        shared.change_view(|view| view.with_log(Arc::clone(&table)));
        self.syncer.restart(FILE_HEADER_BYTES as u64);
        let (reserved, laid) = (FILE_HEADER_BYTES as u64, 0);
        self.log = Some(OpenLog { table, frames, reserved, laid, dirty: false });
        shared.listener.event(&Event::LogStarted(LogId(number)));
        Ok(())
    }

    fn create_log(
        &self,
        name: FileName,
        header: &FileHeader,
        number: u64,
    ) -> Result<<F::Dir as Dir>::File> {
        let shared = &self.shared;
        let file = shared.dir.create(name)?;
        file.reserve(0, FILE_HEADER_BYTES as u64)?;
        file.write_at(&header.encode(), 0)?;
        // SYNC: the manifest must not name a log without a header.
        file.sync()?;
        // SYNC: nor one whose name can be lost.
        planted::unless(Bug::DirNotSynced, || shared.dir.sync())?;
        shared.commit_edit(&Edit::AddLog(LogId(number)))?;
        Ok(file)
    }
}

/// Nothing written before a group of so many bytes is unsynced, and nothing is to be written while
/// it is synced, as far as can be told.
fn is_alone<F: Fs>(syncer: &Syncer<F>, shared: &Shared<F>, bytes: usize) -> bool {
    syncer.is_idle() && shared.has_only(bytes)
}

/// Reserves space up to `end`, a step ahead, so that a full disk refuses a group whole.
fn reserve<F: File>(log: &mut OpenLog<F>, end: u64) -> Result<()> {
    if end <= log.reserved {
        return Ok(());
    }
    let ahead = end.next_multiple_of(LOG_RESERVE_BYTES);
    let file = log.table.file();
    // Where there is no room for the step, there may be for the frame.
    let until = match file.reserve(log.reserved, ahead) {
        Ok(()) => ahead,
        Err(e) if e.kind() == ErrorKind::StorageFull => {
            file.reserve(log.reserved, end)?;
            end
        }
        Err(e) => return Err(e),
    };
    log.reserved = until;
    Ok(())
}

/// Writes zeros behind a frame that ends at `end`, where none are laid there yet: the sync of a
/// frame that lands on them has neither a length nor a new block to write beside it.
fn lay<F: File>(log: &mut OpenLog<F>, end: u64) -> Result<()> {
    if end <= log.laid {
        return Ok(());
    }
    let zeros = log.reserved.saturating_sub(end).min(LOG_LAID_BYTES);
    log.laid = end + zeros;
    match log.table.file().write_at(&ZEROS[..zeros as usize], end) {
        // The frame is there, and needs none.
        Err(e) if e.kind() == ErrorKind::StorageFull => Ok(()),
        other => other,
    }
}

/// Appends a frame of zeros up to the next sector.
fn pad(frames: &mut FrameWriter, seq: Seq, promise: u64, out: &mut Vec<u8>) -> Option<FrameRef> {
    let header = FRAME_HEADER_BYTES as u64;
    let at = frames.offset();
    if at.is_multiple_of(SECTOR) {
        return None;
    }
    let end = (at + header).next_multiple_of(SECTOR);
    let zeros = vec![0; (end - at - header) as usize];
    Some(frames.frame(FrameKind::Pad, CODEC_ID, seq.0, promise.min(at), 0, 0, &zeros, out))
}
