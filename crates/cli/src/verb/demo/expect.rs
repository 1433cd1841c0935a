//! What must come back: of every input and output the last word, as length and hash.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use tracekeep::id::Id;
use tracekeep::merge::Stamp;
use tracekeep::model::{Field, Record, Target, Value};

/// The last word on each input and output of the observations of a workload.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// By trace, then by observation and field.
    traces: HashMap<Id, HashMap<(Id, Field), Word>>,
    count: usize,
}

#[derive(Debug)]
struct Word {
    stamp: Stamp,
    digest: u64,
}

impl Expected {
    /// Of these records, in any order.
    pub(super) fn of(records: &[Record]) -> Expected {
        let mut expected = Expected::default();
        for record in records {
            let Target::Observation { trace, observation } = &record.target else { continue };
            for field in record.fields() {
                let Value::Payload(bytes) = &field.value else { continue };
                let stamp =
                    Stamp { strong: !field.weak, time: record.time, operation: record.operation };
                let word = Word { stamp, digest: digest(bytes) };
                let words = expected.traces.entry(trace.clone()).or_default();
                match words.get_mut(&(observation.clone(), field.field)) {
                    Some(known) if known.stamp >= word.stamp => {}
                    Some(known) => *known = word,
                    None => {
                        words.insert((observation.clone(), field.field), word);
                        expected.count += 1;
                    }
                }
            }
        }
        expected
    }

    /// How many payloads must come back.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Begins to compare.
    pub(super) fn check(&self) -> Check<'_> {
        Check { expected: self, right: 0 }
    }
}

/// A comparison under way.
#[derive(Debug)]
pub(super) struct Check<'a> {
    expected: &'a Expected,
    right: u64,
}

impl Check<'_> {
    /// Takes one payload that was read.
    pub(super) fn payload(&mut self, trace: &Id, observation: &Id, field: Field, bytes: &[u8]) {
        let words = self.expected.traces.get(trace);
        let word = words.and_then(|words| words.get(&(observation.clone(), field)));
        if word.is_some_and(|word| word.digest == digest(bytes)) {
            self.right += 1;
        }
    }

    /// How many were as they must be.
    pub(super) fn right(&self) -> u64 {
        self.right
    }

    /// How many were not, or did not come.
    pub(super) fn wrong(&self) -> u64 {
        (self.expected.count as u64).abs_diff(self.right)
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
