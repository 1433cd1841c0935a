//! The keeper thread: seals finished logs as policy says, writes the merged index, gives up
//! snapshots that pin too much.

use super::listener::Event;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::fs::{Dir, File, FileName, Fs};
use crate::id::SegmentId;
use crate::maintenance::{
    FinishedLog, Go, Plan, Pressure, Rewrite, Rewritten, log_weight, plan, rewrite,
    sealed_together, unsettled,
};
use crate::manifest::{Edit, SegmentState};
use crate::planted::{self, Bug};
use crate::progress::Progress;
use crate::segment::{SealLevel, Segment};
use crate::snapshot::{open_index, write_index};
use crate::sync::Ordering;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// What sealing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SealReport {
    /// Logs that were sealed.
    pub logs: u64,
    /// Segments that were written.
    pub segments: u64,
    /// Bytes of the new segments' files.
    pub bytes: u64,
}

/// After a failure, background work rests this long.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Who waits for the clock looks at it this often: it may be one that somebody sets.
const CLOCK_EVERY: Duration = Duration::from_millis(50);

impl<F: Fs> Shared<F> {
    /// Seals and indexes until the store closes.
    pub fn keep(&self) {
        let mut failed = false;
        loop {
            {
                let mut wanted = self.upkeep_wanted.lock();
                while !*wanted && !self.is_closing() {
                    let again = match self.joins_wait() {
                        _ if failed => RETRY_AFTER,
                        wait if wait.is_zero() => {
                            self.upkeep_changed.wait(&mut wanted);
                            continue;
                        }
                        wait => wait.min(CLOCK_EVERY),
                    };
                    if self.upkeep_changed.wait_for(&mut wanted, again).timed_out() {
                        *wanted = true;
                    }
                }
                if self.is_closing() {
                    return;
                }
                *wanted = false;
            }
            let round = self.keep_once(failed);
            *self.seal_failure.lock() = round.as_ref().err().map(Error::repeat);
            self.wake_appenders();
            let why = round.unwrap_or_else(Some);
            // Told once each time it starts to fail.
            if let Some(why) = why.as_ref().filter(|_| !failed) {
                self.listener.event(&Event::Failed(why.to_string()));
            }
            failed = why.is_some();
        }
    }

    /// One round, which a join that fails does not end. Gives why something else than sealing could
    /// not be done, if so.
    ///
    /// # Errors
    /// Logs cannot be sealed.
    fn keep_once(&self, after_failure: bool) -> Result<Option<Error>> {
        let mut join_failure = None;
        loop {
            if self.is_closing() || self.failure().is_some() {
                return Ok(join_failure);
            }
            let _turn = self.upkeep.lock();
            let finished = self.finished()?;
            let weights: Vec<u64> = self.weights().iter().map(|(weight, _)| *weight).collect();
            let may_join = join_failure.is_none() && self.may_join(after_failure);
            let joined = if may_join { &weights[..] } else { &[] };
            match plan(&finished, joined, &self.options, self.pressure()) {
                Plan::Rest => break,
                Plan::Seal(logs, level) => self.seal_behind(logs, level)?,
                Plan::Join(segments, level) => join_failure = self.join(segments, level).err(),
            }
            self.expire_snapshots();
            self.wake_appenders();
        }
        let _turn = self.upkeep.lock();
        Ok(join_failure.or(self.index().err()))
    }

    /// Seals the oldest logs, and notes how long it took. A thorough seal takes about five times as
    /// long as a quick one: in its first half it is given up where that pays.
    fn seal_behind(&self, logs: usize, level: SealLevel) -> Result<()> {
        let (view, start) = (self.view(), self.clock.now_ns());
        let records = view.logs.iter().take(logs).map(|log| log.records()).sum();
        let none = view.segments.len()..view.segments.len();
        let mut given_up = false;
        self.replace(logs, none, level, &mut |at| {
            let early = level == SealLevel::Full && at.done < at.total / 2;
            given_up |= self.is_closing() || early && self.pressure() == Pressure::Appends;
            if given_up { Go::Stop } else { Go::On }
        })?;
        if given_up {
            return Ok(());
        }
        let took = self.clock.now_ns().saturating_sub(start);
        self.brake.lock().sealed(records, took);
        *self.seal_failure.lock() = None;
        Ok(())
    }

    /// After a failure logs go first, in case that it was a join's: no log waits for one more try at
    /// what is wrong with segments, or is too large for the disk.
    fn may_join(&self, after_failure: bool) -> bool {
        !self.joins_end() && self.joins_wait().is_zero() && !(after_failure && self.logs_are_due())
    }

    /// How long until what joins have spent is paid for.
    fn joins_wait(&self) -> Duration {
        if self.options.join_bytes_per_second_max == 0 {
            return Duration::ZERO;
        }
        self.pace.lock().wait(self.clock.now_ns())
    }

    /// Joins segments step by step, at the pace that is allowed. It may take minutes: it is given up
    /// when joins are to end, and a thorough one where appends would have to wait for it: the next
    /// one is quick then.
    fn join(&self, segments: Range<usize>, level: SealLevel) -> Result<()> {
        let (mut done, mut hurried, mut given_up) = (0, false, false);
        self.replace(0, segments, level, &mut |at| {
            self.pay(at.done - done);
            done = at.done;
            hurried |= level == SealLevel::Full && self.pressure() == Pressure::Appends;
            given_up |= hurried || self.joins_end();
            if given_up { Go::Stop } else { Go::On }
        })?;
        if hurried || !given_up {
            self.joins_hurried.store(hurried, Ordering::Release);
        }
        Ok(())
    }

    /// Whether nothing is to be joined in the background now: that is paused, the store closes, or
    /// a caller waits for his turn.
    fn joins_end(&self) -> bool {
        self.joins_paused.load(Ordering::Acquire)
            || self.is_closing()
            || self.upkeep_asked.load(Ordering::Acquire) > 0
    }

    /// Spends so many bytes and waits until they are paid for; not while logs are due: these wait
    /// for the join at hand.
    fn pay(&self, bytes: u64) {
        if self.options.join_bytes_per_second_max == 0 {
            return;
        }
        self.pace.lock().spend(bytes, self.clock.now_ns());
        loop {
            let wait = self.joins_wait();
            if wait.is_zero() || self.joins_end() || self.logs_are_due() {
                return;
            }
            let mut wanted = self.upkeep_wanted.lock();
            self.upkeep_changed.wait_for(&mut wanted, wait.min(CLOCK_EVERY));
        }
    }

    fn logs_are_due(&self) -> bool {
        let Ok(finished) = self.finished() else { return true };
        plan(&finished, &[], &self.options, self.pressure()) != Plan::Rest
    }

    /// See [`Store::pause_compaction`](super::Store::pause_compaction).
    pub fn pause_joins(&self) {
        self.joins_paused.store(true, Ordering::Release);
        self.want_upkeep();
        let _turn = self.upkeep.lock();
    }

    /// See [`Store::resume_compaction`](super::Store::resume_compaction).
    pub fn resume_joins(&self) {
        self.joins_paused.store(false, Ordering::Release);
        self.want_upkeep();
    }

    /// Segments, oldest first: about how much memory rewriting takes, and how they were written.
    fn weights(&self) -> Vec<(u64, SealLevel)> {
        let view = self.view();
        let facts = view.segments.iter().map(|s| s.segment.facts());
        facts.map(|facts| (facts.rewrite_bytes(), facts.level)).collect()
    }

    /// Finished logs, oldest first.
    fn finished(&self) -> Result<Vec<FinishedLog>> {
        let view = self.view();
        let open = *self.open_log.lock();
        let mut finished = Vec::new();
        for log in view.logs.iter().take_while(|log| Some(log.id()) != open) {
            finished.push(FinishedLog {
                id: log.id(),
                bytes: log.file().len()?,
                memory: log.memory(),
                weight: log_weight(log.records(), log.parts()),
            });
        }
        Ok(finished)
    }

    /// Rewrites the oldest `logs` and these segments into one segment, commits it, and removes
    /// what it replaces, unless it is told to stop. The caller holds `upkeep`.
    fn replace(
        &self,
        logs: usize,
        segments: Range<usize>,
        level: SealLevel,
        go: &mut dyn FnMut(Progress) -> Go,
    ) -> Result<u64> {
        // An edit that failed may be on the disk all the same, and names files of the next number.
        self.check_sound()?;
        let view = self.view();
        let old_logs: Vec<_> = view.logs.iter().take(logs).map(|l| l.id()).collect();
        let old_segments: Vec<_> =
            view.segments[segments.clone()].iter().map(|s| s.segment.id()).collect();
        let id = SegmentId(self.manifest.lock().state().next_segment);
        let (zstd_level, now_ns) = (self.options.seal_level, self.clock.now_ns());
        let what = Rewrite { logs, segments, level, zstd_level, id, now_ns };
        for temp in [FileName::SkeletonTemp(id), FileName::PayloadTemp(id)] {
            remove_if_there(&self.dir, temp)?;
        }
        let written = rewrite(&self.dir, &view, &self.header, &what, &mut |progress| {
            self.listener.event(&Event::Sealing(progress));
            go(progress)
        });
        if matches!(written, Err(_) | Ok(Rewritten::Stopped)) {
            for temp in [FileName::SkeletonTemp(id), FileName::PayloadTemp(id)] {
                remove_if_there(&self.dir, temp)?;
            }
        }
        let facts = match written? {
            Rewritten::Segment(facts) => Some(facts),
            Rewritten::Nothing => None,
            Rewritten::Stopped => return Ok(0),
        };
        let segment = match &facts {
            // What it replaces is removed: it is read once before that.
            Some(_) => Some(Arc::new(Segment::open_checked(&self.dir, id, &self.header, false)?)),
            None => None,
        };
        let with = facts.as_ref().map(|facts| SegmentState {
            id,
            first_seq: facts.first_seq,
            last_seq: facts.last_seq,
            payload_expired: false,
        });
        let edit = Edit::Replace { logs: old_logs.clone(), segments: old_segments.clone(), with };
        let logs = old_logs.iter().map(|log| FileName::Log(*log));
        let files = |id: &SegmentId| [FileName::Skeleton(*id), FileName::Payload(*id)];
        let mut released = logs.chain(old_segments.iter().flat_map(files));
        let remove = |name| remove_if_there(&self.dir, name);
        planted::when(Bug::UnlinkedBeforeEdit, || drop(released.clone().try_for_each(remove)));
        let indexes = || -> Vec<u64> {
            self.manifest.lock().state().indexes.iter().map(|(number, _)| *number).collect()
        };
        let indexes_before = indexes();
        self.commit_edit(&edit)?;
        let bytes = segment.as_ref().map_or(0, |s| file_bytes(s));
        self.change_view(|view| view.replaced(&old_logs, &old_segments, segment));
        released.try_for_each(remove)?;
        let left = indexes();
        // The others led to segments that are gone.
        for number in indexes_before.into_iter().filter(|number| !left.contains(number)) {
            remove_if_there(&self.dir, FileName::Index(number))?;
        }
        self.listener.event(&Event::Sealed {
            segment: with.map(|s| s.id),
            logs: old_logs.len() as u64,
            segments: old_segments.len() as u64,
        });
        Ok(bytes)
    }

    /// Writes the merged indexes that are due. The caller holds `upkeep`.
    fn index(&self) -> Result<()> {
        loop {
            let view = self.view();
            let Some(plan) = view.due_index() else { return Ok(()) };
            let replaces: Vec<u64> =
                view.indexes[plan.indexes.clone()].iter().map(|ix| ix.number).collect();
            self.check_sound()?;
            let number = self.manifest.lock().state().next_index;
            remove_if_there(&self.dir, FileName::IndexTemp(number))?;
            match write_index(&self.dir, &view, &self.header, number, &plan) {
                // Without one, segments are asked one by one: all can be read that can be read.
                Err(e) if e.corruption().is_some() => {
                    self.listener.event(&Event::Failed(format!("no merged index is written: {e}")));
                    return Ok(());
                }
                other => other?,
            }
            let index = Arc::new(open_index(&self.dir, number, &self.header)?);
            let segments = index.segments.clone();
            self.commit_edit(&Edit::Index { number, segments, replaces: replaces.clone() })?;
            self.change_view(|view| view.with_index(index, &replaces));
            for old in replaces {
                remove_if_there(&self.dir, FileName::Index(old))?;
            }
            self.listener.event(&Event::Indexed(number));
        }
    }

    /// Seals everything; see [`Store::seal`](super::Store::seal).
    pub fn seal_all(&self, level: SealLevel) -> Result<SealReport> {
        let done = self.encode(|ingest| {
            self.check_open()?;
            Ok(ingest.finish_log(&mut self.queue.lock()))
        })?;
        super::Commit { seq: crate::id::Seq(0), done }.wait()?;
        self.upkeep_asked.fetch_add(1, Ordering::AcqRel);
        self.upkeep_changed.notify_all();
        let _turn = self.upkeep.lock();
        self.upkeep_asked.fetch_sub(1, Ordering::AcqRel);
        let mut report = SealReport::default();
        let weight_max = self.options.rewrite_bytes_max;
        // What is appended meanwhile may finish more logs, without end.
        let last = self.finished()?.last().map(|log| log.id);
        loop {
            let finished = self.finished()?;
            let now = finished.iter().filter(|log| Some(log.id) <= last);
            let logs: Vec<u64> = now.map(|log| log.weight).collect();
            let weights: Vec<u64> = self.weights().iter().map(|(weight, _)| *weight).collect();
            let (joined, taken) = sealed_together(&logs, &weights, weight_max);
            if taken == 0 {
                break;
            }
            let joined = if level == SealLevel::Full { joined } else { 0 };
            report.bytes +=
                self.replace(taken, weights.len() - joined..weights.len(), level, &mut |_| Go::On)?;
            report.logs += taken as u64;
            report.segments += 1;
        }
        while level == SealLevel::Full
            && let Some(segments) = unsettled(&self.weights(), weight_max)
        {
            report.bytes += self.replace(0, segments, level, &mut |_| Go::On)?;
            report.segments += 1;
        }
        self.index()?;
        self.expire_snapshots();
        self.wake_appenders();
        // A join may have been given up for this.
        self.want_upkeep();
        Ok(report)
    }
}

fn file_bytes<D: Dir>(segment: &Segment<D>) -> u64 {
    segment.skeleton().0.len() as u64 + segment.facts().payload_file_bytes
}

pub(super) fn remove_if_there<D: Dir>(dir: &D, name: FileName) -> Result<()> {
    match dir.remove(name) {
        Err(e) if !e.is_not_found() => Err(e),
        _ => Ok(()),
    }
}
