//! Holding operations back, so that what threads do comes in a known order.

use super::op::OpKind;
use tracekeep::fs::FileName;

/// An operation that is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// What it does.
    pub kind: OpKind,
    /// The file's name when it was opened; of a directory's operations none.
    pub name: Option<FileName>,
    /// How much is written.
    pub bytes: usize,
    /// Only zeros are written.
    pub zeros: bool,
}

impl Attempt {
    pub(super) fn new(kind: OpKind, written: &[u8]) -> Attempt {
        let zeros = written.iter().all(|b| *b == 0);
        Attempt { kind, name: None, bytes: written.len(), zeros }
    }

    /// It writes a header or a frame of a log.
    pub fn writes_log(&self) -> bool {
        self.kind == OpKind::Write && matches!(self.name, Some(FileName::Log(_))) && !self.zeros
    }

    /// It syncs a log.
    pub fn syncs_log(&self) -> bool {
        self.kind == OpKind::Sync && matches!(self.name, Some(FileName::Log(_)))
    }
}

/// Some operations wait until they are let pass.
#[derive(Debug, Default)]
pub(super) struct Gate {
    held: Option<fn(&Attempt) -> bool>,
    waiting: usize,
    permits: usize,
}

impl Gate {
    pub fn hold(&mut self, held: fn(&Attempt) -> bool) {
        (self.held, self.permits) = (Some(held), 0);
    }

    pub fn release(&mut self) {
        (self.held, self.permits) = (None, 0);
    }

    pub fn allow(&mut self, operations: usize) {
        self.permits += operations;
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether an operation may go on; takes a permit where one is needed.
    pub fn passes(&mut self, attempt: &Attempt) -> bool {
        if !self.held.is_some_and(|held| held(attempt)) {
            return true;
        }
        let allowed = self.permits > 0;
        self.permits = self.permits.saturating_sub(1);
        allowed
    }

    pub fn arrive(&mut self) {
        self.waiting += 1;
    }

    pub fn leave(&mut self) {
        self.waiting -= 1;
    }
}
