//! A stream without end for stores that grow: any of its records can be made without the ones
//! before it, so that ten million take no memory, and a reader knows what is there.

use crate::EPOCH;
use crate::maker::Family;
use crate::rng::{Rng, mix};
use crate::text;
use std::ops::Range;
use tracekeep::id::Id;
use tracekeep::model::{
    Decimal, ObservationKind, ObservationRecord, Operation, Record, Timestamp, TraceRecord,
};

/// Traces of [`Steady::OBSERVATIONS`] observations each, [`Steady::AT_ONCE`] of them at a time,
/// one observation after the other in turns. Payloads of 100 to 300 bytes have nothing in common
/// but their words: nothing is deduplicated, so that what is measured is what a row costs.
#[derive(Debug, Clone, Copy)]
pub struct Steady(u64);

/// From one record to the next.
const STEP_NS: u64 = 2_000_000;

impl Steady {
    /// Observations of each trace: a root, with up to eight children below each.
    pub const OBSERVATIONS: u64 = 100;
    /// Traces that are under way at a time.
    pub const AT_ONCE: u64 = 10;
    /// Records of so many traces: each trace has one of its own before its observations.
    pub const RECORDS_AT_ONCE: u64 = Steady::AT_ONCE * (Steady::OBSERVATIONS + 1);

    /// The stream of a seed.
    pub fn new(seed: u64) -> Steady {
        Steady(Family::Steady.seed(seed))
    }

    /// The id of the `n`-th trace.
    pub fn trace(self, n: u64) -> Id {
        Id::hex32(u128::from(mix(self.0 ^ n)) << 64 | u128::from(mix(!self.0 ^ n)))
    }

    /// The id of an observation of the `n`-th trace.
    pub fn observation(self, n: u64, at: u64) -> Id {
        Id::hex16(mix(self.0.wrapping_add(n * Steady::OBSERVATIONS + at)))
    }

    /// When the record of this number says that it was made.
    pub fn time(self, number: u64) -> Timestamp {
        Timestamp(EPOCH.0 + (number * STEP_NS) as i64)
    }

    /// Some records of the stream.
    pub fn records(self, numbers: Range<u64>) -> impl Iterator<Item = Record> {
        numbers.map(move |number| self.record(number))
    }

    fn record(self, number: u64) -> Record {
        let (group, within) = (number / Steady::RECORDS_AT_ONCE, number % Steady::RECORDS_AT_ONCE);
        let n = group * Steady::AT_ONCE + within % Steady::AT_ONCE;
        let time = self.time(number);
        match (within / Steady::AT_ONCE).checked_sub(1) {
            None => TraceRecord::new(self.trace(n), time, Operation::Create)
                .name("steady")
                .user(format!("user-{}", mix(n) % 1000))
                .timestamp(time)
                .into(),
            Some(at) => self.made(n, at, number, time),
        }
    }

    fn made(self, n: u64, at: u64, number: u64, start: Timestamp) -> Record {
        let mut rng = Rng::stream(self.0, number);
        let mut input = String::from("{\"query\":\"");
        let bytes = rng.between(40, 200);
        text::prose(&mut rng, &mut input, bytes);
        input.push_str("\"}");
        let mut output = String::from("\"");
        text::prose(&mut rng, &mut output, 50);
        output.push('"');
        let end = Timestamp(start.0 + rng.between(1_000_000, 900_000_000) as i64);
        let record =
            ObservationRecord::new(self.trace(n), self.observation(n, at), end, Operation::Create)
                .name(["plan", "call", "search", "read"][(at % 4) as usize])
                .start(start)
                .end(end)
                .input(input)
                .output(output);
        let record = match at % 4 {
            1 => record
                .kind(ObservationKind::Generation)
                .model("gpt-4o-mini")
                .usage(vec![("input".into(), 40 + number % 90), ("output".into(), 15)])
                .cost(vec![("total".into(), Decimal(i128::from(number % 1000) * 1_000_000))]),
            0 => record.kind(ObservationKind::Span),
            _ => record.kind(ObservationKind::Tool),
        };
        match at.checked_sub(1) {
            Some(up) => record.parent(self.observation(n, up / 8)).into(),
            None => record.into(),
        }
    }
}
