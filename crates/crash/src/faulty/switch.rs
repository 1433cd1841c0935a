use super::{Fault, Op};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// For how long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// One operation.
    Once,
    /// That operation and every later one of its kind.
    Onwards,
}

/// Which operation goes wrong, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Operations of this kind.
    pub op: Op,
    /// Go wrong like this.
    pub fault: Fault,
    /// Beginning with the n-th since the switch was armed, counted from 1.
    pub nth: u64,
    /// For so long.
    pub span: Span,
}

#[derive(Debug, Default)]
struct State {
    rule: Option<Rule>,
    counts: [u64; Op::ALL.len()],
    injected: u64,
}

/// Says which operations fail; clones are the same switch.
#[derive(Debug, Clone, Default)]
pub struct Switch(Arc<Mutex<State>>);

impl Switch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts from zero, and lets nothing fail.
    pub fn watch(&self) {
        *self.state() = State::default();
    }

    /// Counts from zero, and lets fail what the rule says.
    pub fn arm(&self, rule: Rule) {
        *self.state() = State { rule: Some(rule), ..State::default() };
    }

    /// Lets nothing fail any more; the counts stay.
    pub fn disarm(&self) {
        self.state().rule = None;
    }

    /// Operations of this kind since the switch was armed.
    pub fn count(&self, op: Op) -> u64 {
        self.state().counts[op as usize]
    }

    /// Faults that were injected since the switch was armed.
    pub fn injected(&self) -> u64 {
        self.state().injected
    }

    /// Counts an operation; gives its fault, if it is to fail.
    pub(super) fn due(&self, op: Op) -> Option<Fault> {
        let mut state = self.state();
        state.counts[op as usize] += 1;
        let seen = state.counts[op as usize];
        let rule = state.rule.filter(|r| {
            r.op == op && (seen == r.nth || (seen > r.nth && r.span == Span::Onwards))
        })?;
        state.injected += 1;
        Some(rule.fault)
    }
}
