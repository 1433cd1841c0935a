//! Appending, so that what the store's threads do comes in a known order.

use super::act::{Act, Promise};
use super::driver::Driver;
use crate::broken::Broken;
use crate::disk::{Attempt, Mark, OpKind, Phase};
use crate::model::batch;
use tracekeep::{Commit, Durability, Result};

/// A frame without content: a marker.
const MARKER_BYTES: usize = 48;

fn is_marker(attempt: &Attempt) -> bool {
    attempt.writes_log() && attempt.bytes == MARKER_BYTES
}

impl Driver {
    /// At `Disk`, markers of quiet time wait until they are wanted.
    pub(super) fn hold_promises(&self) {
        if self.promise == Promise::Always && self.level == Durability::Disk {
            self.fs.hold(is_marker);
        }
    }

    /// Hands a batch to the store.
    fn submit(&mut self, act: Act) -> Result<Commit, Broken> {
        let facts = self.speaker.facts(act, &self.model.world());
        self.fs.mark(Mark::Submitted(self.model.batches() + 1));
        let made = batch(&facts).and_then(|batch| self.store_append(batch));
        let commit = made.map_err(|e| Broken::of("appends", &e))?;
        self.model.push(&facts, commit.seq().0);
        Ok(commit)
    }

    fn store_append(&self, batch: tracekeep::Batch) -> Result<Commit> {
        match self.store() {
            Ok(store) => store.append(batch),
            Err(_) => Err(tracekeep::Error::new(tracekeep::ErrorKind::Closed, "no store is open")),
        }
    }

    fn wait(&mut self, commit: &Commit, batches: usize) -> Result<(), Broken> {
        let seq = commit.wait().map_err(|e| Broken::of("acknowledges", &e))?;
        self.fs.mark(Mark::Acknowledged(batches, self.level));
        let visible = self.store()?.snapshot().seq();
        if visible < seq {
            let what = format!("seq {} is acknowledged, and {} is visible", seq.0, visible.0);
            return Err(Broken::new("I1 at once", what));
        }
        Ok(())
    }

    /// Appends a batch and waits for it.
    pub(super) fn append(&mut self, act: Act) -> Result<(), Broken> {
        self.fs.mark(Mark::Phase(Phase::Append));
        let promised = self.promise == Promise::Always;
        match self.level {
            Durability::Os if promised && self.log_is_open => self.append_late(act)?,
            _ => {
                let commit = self.submit(act)?;
                self.wait(&commit, self.model.batches())?;
            }
        }
        if promised && self.level == Durability::Disk {
            self.let_promise()?;
        }
        self.log_is_open = true;
        Ok(())
    }

    /// Lets the marker of quiet time be written and synced.
    fn let_promise(&mut self) -> Result<(), Broken> {
        let fs = self.fs.clone();
        let late = |e| Broken::of("a marker after quiet time", &e);
        fs.wait_until_held(1).map_err(late)?;
        let syncs = fs.count(OpKind::Sync);
        fs.allow(1);
        fs.wait_for(OpKind::Sync, syncs + 1).map_err(late)
    }

    /// At `Os`, a second after the last promise: the log is synced and promised behind the batch.
    fn append_late(&mut self, act: Act) -> Result<(), Broken> {
        use tracekeep::clock::Clock;
        let fs = self.fs.clone();
        let late = |e| Broken::of("a promise after a second", &e);
        // The second passes while the frame is held: before, the writer may not have looked at
        // the clock for the last batch.
        fs.hold(Attempt::writes_log);
        let commit = self.submit(act)?;
        fs.wait_until_held(1).map_err(late)?;
        self.clock.set_ns(self.clock.now_ns() + 1_000_000_000);
        fs.hold(Attempt::syncs_log);
        self.wait(&commit, self.model.batches())?;
        fs.wait_until_held(1).map_err(late)?;
        let syncs = fs.count(OpKind::Sync);
        fs.release();
        fs.wait_for(OpKind::Sync, syncs + 2).map_err(late)?;
        self.fs.mark(Mark::Durable(self.model.batches()));
        Ok(())
    }

    /// Appends a batch, and while its frame is held, more, which share the next frame.
    pub(super) fn group(&mut self) -> Result<(), Broken> {
        if !self.log_is_open {
            self.append(Act::Small)?;
        }
        self.fs.mark(Mark::Phase(Phase::GroupCommit));
        let fs = self.fs.clone();
        let late = |e| Broken::of("a group", &e);
        // At `Disk` the sync of the first frame waits, too, so that both are unsynced for a while.
        match self.level {
            Durability::Disk => fs.hold(|a| a.writes_log() || a.syncs_log()),
            Durability::Os | Durability::DiskStrict => fs.hold(Attempt::writes_log),
        }
        let first = self.submit(Act::Small)?;
        let alone = self.model.batches();
        fs.wait_until_held(1).map_err(late)?;
        let mut group = Vec::new();
        for act in [Act::Score, Act::Update, Act::Small] {
            group.push(self.submit(act)?);
        }
        match self.level {
            Durability::Disk => {
                fs.allow(1);
                // The first frame's sync, and the second frame's write.
                fs.wait_until_held(2).map_err(late)?;
                let writes = fs.count(OpKind::Write);
                fs.hold(Attempt::syncs_log);
                fs.wait_for(OpKind::Write, writes + 1).map_err(late)?;
                self.hold_promises_or_release();
                first.wait().map_err(|e| Broken::of("acknowledges", &e))?;
            }
            Durability::DiskStrict => {
                // The frame, and the marker that promises it.
                fs.allow(2);
                self.wait(&first, alone)?;
                fs.wait_until_held(1).map_err(late)?;
                fs.release();
            }
            Durability::Os => {
                fs.allow(1);
                self.wait(&first, alone)?;
                fs.wait_until_held(1).map_err(late)?;
                fs.release();
            }
        }
        for commit in &group {
            commit.wait().map_err(|e| Broken::of("acknowledges", &e))?;
        }
        self.fs.mark(Mark::Acknowledged(self.model.batches(), self.level));
        if self.promise == Promise::Always && self.level == Durability::Disk {
            self.let_promise()?;
        }
        Ok(())
    }

    fn hold_promises_or_release(&self) {
        self.fs.release();
        self.hold_promises();
    }
}
