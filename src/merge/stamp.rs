use crate::model::{Operation, Timestamp};
use std::cmp::Ordering;

/// How much a value weighs against another of the same field: weak below strong, then by event
/// time, then a create below an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Whether the value was neither empty, falsy nor guessed.
    pub strong: bool,
    /// The sender's event time.
    pub time: Timestamp,
    /// Whether it was sent as creation or update.
    pub operation: Operation,
}

impl Stamp {
    /// The order of fields whose first strong value stays: there the smaller
    /// (time, operation) is the greater.
    pub fn cmp_first(&self, other: &Stamp) -> Ordering {
        let earlier = (other.time, other.operation).cmp(&(self.time, self.operation));
        self.strong.cmp(&other.strong).then(earlier)
    }
}
