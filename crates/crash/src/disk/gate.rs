//! Holding operations back, so that what threads do comes in a known order.

use super::op::OpKind;

/// Operations of some kinds wait until they are let pass.
#[derive(Debug, Default)]
pub(super) struct Gate {
    held: Vec<OpKind>,
    waiting: usize,
    permits: usize,
}

impl Gate {
    pub fn hold(&mut self, kinds: &[OpKind]) {
        self.held = kinds.to_vec();
        self.permits = 0;
    }

    pub fn release(&mut self) {
        self.held.clear();
        self.permits = 0;
    }

    pub fn allow(&mut self, operations: usize) {
        self.permits += operations;
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether an operation may go on; takes a permit where one is needed.
    pub fn passes(&mut self, kind: OpKind) -> bool {
        if !self.held.contains(&kind) {
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
