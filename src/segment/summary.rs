//! What a trace's row sums up over its live observations.

use crate::merge::Held;
use crate::merge::{Fields, Tokens};
use crate::model::{Decimal, Field, Level, Timestamp, Value};

/// Sums over the live observations of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Earliest start of an observation; of a trace without any its timestamp.
    pub start: Timestamp,
    /// Latest end (or start, of an open observation).
    pub end: Timestamp,
    /// Observations.
    pub observations: u64,
    /// Observations without an end, events aside.
    pub open: u64,
    /// Observations with level ERROR.
    pub errors: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// Cost.
    pub cost: Decimal,
    /// Payload bytes: the trace's own and its observations'.
    pub payload_bytes: u64,
}

/// What one observation adds to its trace's summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution {
    /// Its start.
    pub start: Timestamp,
    /// Its end, or its start while it is open.
    pub end: Timestamp,
    /// 1 while it is open.
    pub open: u64,
    /// 1 if its level is ERROR.
    pub errors: u64,
    /// Its tokens.
    pub tokens: Tokens,
    /// Its cost.
    pub cost: Decimal,
    /// Its payload bytes.
    pub payload_bytes: u64,
}

/// Start of an observation as it reads: the one that was said, else its first event time.
pub fn effective_start(fields: &Fields) -> Timestamp {
    fields.time(Field::Start).unwrap_or_else(|| fields.first_time())
}

/// Bytes of all payloads that these fields hold.
pub fn payload_bytes(fields: &Fields) -> u64 {
    fields
        .slots()
        .iter()
        .map(|slot| match &slot.value {
            Held::Value(Value::Payload(p)) => p.len,
            Held::Map(map) => map.texts.iter().map(|t| t.len).sum(),
            Held::Value(_) => 0,
        })
        .sum()
}

impl Contribution {
    /// What an observation with these fields adds.
    pub fn of(fields: &Fields) -> Contribution {
        let start = effective_start(fields);
        let end = fields.time(Field::End);
        let event = fields.kind() == Some(crate::model::ObservationKind::Event);
        Contribution {
            start,
            end: end.unwrap_or(start).max(start),
            open: u64::from(end.is_none() && !event),
            errors: u64::from(fields.level() == Some(Level::Error)),
            tokens: fields.tokens(),
            cost: fields.total_cost(),
            payload_bytes: payload_bytes(fields),
        }
    }
}

impl Summary {
    /// The summary of a trace that has no observations.
    pub fn empty(trace: &Fields) -> Summary {
        let start = trace.time(Field::Timestamp).unwrap_or_else(|| trace.first_time());
        Summary { start, end: start, payload_bytes: payload_bytes(trace), ..Summary::default() }
    }

    /// Adds an observation.
    pub fn add(&mut self, c: &Contribution) {
        if self.observations == 0 {
            (self.start, self.end) = (c.start, c.end);
        }
        self.start = self.start.min(c.start);
        self.end = self.end.max(c.end);
        self.observations += 1;
        self.open += c.open;
        self.errors += c.errors;
        self.tokens = self.tokens.plus(c.tokens);
        self.cost = self.cost.plus(c.cost);
        self.payload_bytes = self.payload_bytes.saturating_add(c.payload_bytes);
    }

    /// Takes an observation away. `false` where it held an end of the time range, which then has
    /// to be found anew from what is left.
    #[must_use]
    pub fn remove(&mut self, c: &Contribution) -> bool {
        self.observations = self.observations.saturating_sub(1);
        self.open = self.open.saturating_sub(c.open);
        self.errors = self.errors.saturating_sub(c.errors);
        self.tokens = self.tokens.minus(c.tokens);
        self.cost = self.cost.minus(c.cost);
        self.payload_bytes = self.payload_bytes.saturating_sub(c.payload_bytes);
        c.start > self.start && c.end < self.end
    }

    /// From start to end, in nanoseconds.
    pub fn duration_ns(&self) -> i64 {
        self.end.since(self.start).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_to(start: i64, end: i64) -> Contribution {
        let (start, end) = (Timestamp(start), Timestamp(end));
        let cost = Decimal(3);
        let tokens = Tokens { input: 5, output: 6, total: 11 };
        Contribution { start, end, open: 1, errors: 1, tokens, cost, payload_bytes: 7 }
    }

    #[test]
    fn what_is_taken_away_was_never_there_unless_it_was_at_an_end() {
        let others = [from_to(10, 20), from_to(12, 30)];
        let mut expected = Summary::default();
        others.iter().for_each(|c| expected.add(c));
        assert_eq!((expected.start.0, expected.end.0, expected.duration_ns()), (10, 30, 20));
        for (more, inside) in [
            (from_to(11, 29), true),
            (from_to(10, 29), false),
            (from_to(11, 30), false),
            (from_to(9, 15), false),
            (from_to(15, 31), false),
        ] {
            let mut summary = expected;
            summary.add(&more);
            assert_eq!(summary.remove(&more), inside, "{more:?}");
            if inside {
                assert_eq!(summary, expected);
            }
        }
    }
}
