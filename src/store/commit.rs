use crate::error::{Error, Result};
use crate::id::Seq;
use crate::sync::{Condvar, Mutex};
use std::sync::Arc;

/// A batch on its way to its durability level.
#[derive(Debug, Clone)]
pub struct Commit {
    pub(super) seq: Seq,
    pub(super) done: Arc<Done>,
}

impl Commit {
    /// The seq of the batch's last record.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Waits until the batch is durable at the store's level, and visible.
    ///
    /// # Errors
    /// `StorageFull`: nothing of the batch was kept, append it again when there is space.
    /// `Poisoned`, `Io`: the batch may or may not be found when the store is opened again.
    pub fn wait(&self) -> Result<Seq> {
        let mut state = self.done.state.lock();
        loop {
            match &*state {
                None => self.done.changed.wait(&mut state),
                Some(Ok(())) => return Ok(self.seq),
                Some(Err(e)) => return Err(e.repeat()),
            }
        }
    }

    /// Whether [`wait`](Self::wait) would return at once.
    pub fn is_done(&self) -> bool {
        self.done.state.lock().is_some()
    }
}

/// The outcome of one group, shared by the batches in it.
#[derive(Debug, Default)]
pub(super) struct Done {
    state: Mutex<Option<Result<()>>>,
    changed: Condvar,
}

impl Done {
    /// Tells everybody who waits. The first outcome counts.
    pub(super) fn set(&self, outcome: Result<(), &Error>) {
        let mut state = self.state.lock();
        if state.is_none() {
            *state = Some(outcome.map_err(Error::repeat));
            self.changed.notify_all();
        }
    }
}
