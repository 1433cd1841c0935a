//! The order in which records reach a store: traces interleave, observations come in two
//! pieces, some records come late, some twice.
//!
//! ```text
//! trace 7   create-----------------------update        every record is due at its event time,
//! trace 8        create----update  create------update  plus jitter, plus lateness; the iterator
//!                                                      yields what is due next, and opens a
//! time      ------------------------------------->     trace when another has ended
//! ```

use crate::EPOCH;
use crate::agent::{AgentOptions, History, agent_trace};
use crate::batch::batch_job;
use crate::chat::chat_session;
use crate::maker::Family;
use crate::rag::rag_trace;
use crate::rng::Rng;
use std::collections::BTreeMap;
use tracekeep::model::{Body, Field, FieldValue, Operation, Record, Timestamp, Value};

/// Makes the records of a seed's `n`-th trace or session, which begins at a time.
pub type Source = fn(seed: u64, n: u64, start: Timestamp) -> Vec<Record>;

/// How records arrive.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Traces (or sessions) that are open at once. Memory is about this many whole ones, and
    /// the late records.
    pub in_flight: u64,
    /// How many are opened in all.
    pub traces: u64,
    /// Of 1000 observations, those that come as a start and an end.
    pub split_per_mille: u64,
    /// Of 1000 records, those that come twice, byte for byte.
    pub duplicate_per_mille: u64,
    /// Of 1000 records, those that come late.
    pub late_per_mille: u64,
    /// How late, at most, in milliseconds.
    pub late_ms_max: u64,
    /// How long any record is on its way, at most, in milliseconds: disorders neighbours.
    pub jitter_ms_max: u64,
}

impl Default for Shape {
    /// 16 traces at once, endless; 300 of 1000 in pieces, 10 twice, 10 late by up to 10 minutes;
    /// jitter of half a second.
    fn default() -> Shape {
        Shape {
            in_flight: 16,
            traces: u64::MAX,
            split_per_mille: 300,
            duplicate_per_mille: 10,
            late_per_mille: 10,
            late_ms_max: 600_000,
            jitter_ms_max: 500,
        }
    }
}

/// Records in arrival order, endless unless [`Shape::traces`] ends them.
#[derive(Debug)]
pub struct Arrivals {
    seed: u64,
    shape: Shape,
    source: Source,
    rng: Rng,
    opened: u64,
    queued: u64,
    /// By when they are due, then by when they were queued. `None` opens the next trace.
    due: BTreeMap<(i64, u64), Option<Record>>,
}

impl Arrivals {
    /// Arrivals of [`mixed_trace`]s.
    pub fn new(seed: u64, shape: Shape) -> Arrivals {
        Arrivals::of(mixed_trace, seed, shape)
    }

    /// Arrivals of these traces.
    pub fn of(source: Source, seed: u64, shape: Shape) -> Arrivals {
        let rng = Rng::new(Family::Arrivals.seed(seed));
        let due = BTreeMap::new();
        let mut arrivals = Arrivals { seed, shape, source, rng, opened: 0, queued: 0, due };
        for _ in 0..arrivals.shape.in_flight.max(1) {
            let ms = arrivals.rng.below(20_000);
            arrivals.queue(EPOCH.0 + (ms * 1_000_000) as i64, None);
        }
        arrivals
    }

    fn queue(&mut self, due: i64, record: Option<Record>) {
        self.queued += 1;
        self.due.insert((due, self.queued), record);
    }

    fn queue_with_delays(&mut self, record: Record) {
        let ms = |ms: u64| (ms * 1_000_000) as i64;
        let mut due = record.time.0 + ms(self.rng.below(self.shape.jitter_ms_max + 1));
        if self.rng.chance(self.shape.late_per_mille) {
            due += ms(self.rng.below(self.shape.late_ms_max + 1));
        }
        if self.rng.chance(self.shape.duplicate_per_mille) {
            let again = due + ms(self.rng.below(30_000));
            self.queue(again, Some(record.clone()));
        }
        self.queue(due, Some(record));
    }

    fn open_trace(&mut self, now: i64) {
        if self.opened >= self.shape.traces {
            return;
        }
        let start = Timestamp(now + self.rng.below(1_000_000_000) as i64);
        let records = (self.source)(self.seed, self.opened, start);
        self.opened += 1;
        let mut end = start.0;
        for record in records {
            end = end.max(record.time.0);
            if self.rng.chance(self.shape.split_per_mille) {
                let (first, rest) = split(record);
                self.queue_with_delays(first);
                rest.into_iter().for_each(|rest| self.queue_with_delays(rest));
            } else {
                self.queue_with_delays(record);
            }
        }
        self.queue(end, None);
    }
}

impl Iterator for Arrivals {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let ((now, _), record) = self.due.pop_first()?;
            match record {
                Some(record) => return Some(record),
                None => self.open_trace(now),
            }
        }
    }
}

/// Splits the record of an ended observation into what was known at its start, sent then as
/// creation, and the rest, sent at its end as update. Together they say what the record said.
/// Any other record comes back whole.
pub fn split(record: Record) -> (Record, Option<Record>) {
    let time_of = |field| {
        record.fields().iter().find_map(|f| match f.value {
            Value::Time(time) if f.field == field => Some(time),
            _ => None,
        })
    };
    let (Some(start), Some(end)) = (time_of(Field::Start), time_of(Field::End)) else {
        return (record, None);
    };
    let Record { target, time, operation, body } = record;
    let Body::Fields(fields) = body else {
        return (Record { target, time, operation, body }, None);
    };
    let at_end = |f: &FieldValue| {
        use Field::{CompletionStart, Cost, End, Level, Output, StatusMessage, Usage};
        [CompletionStart, Cost, End, Level, Output, StatusMessage, Usage].contains(&f.field)
    };
    let (rest, first) = fields.into_iter().partition(at_end);
    let piece = |time, operation, fields| Record {
        target: target.clone(),
        time,
        operation,
        body: Body::Fields(fields),
    };
    let first = piece(start, Operation::Create, first);
    (first, Some(piece(end, Operation::Update, rest)))
}

/// The `n`-th of a mixture: of 100, 50 agents (8 of them rewriting, 8 wrapped, 8 encoded), 20
/// retrievals, 20 chat sessions, 10 batch jobs.
pub fn mixed_trace(seed: u64, n: u64, start: Timestamp) -> Vec<Record> {
    let history = match Rng::stream(Family::Mixed.seed(seed), n).below(100) {
        0..=25 => History::Growing,
        26..=33 => History::Rewriting,
        34..=41 => History::Wrapped,
        42..=49 => History::Encoded,
        50..=69 => return rag_trace(seed, n, start),
        70..=89 => return chat_session(seed, n, start),
        _ => return batch_job(seed, n, start),
    };
    agent_trace(seed, n, start, &AgentOptions { history, ..AgentOptions::default() })
}

/// Groups records into batches of `records`; the last may be shorter. At least one a batch.
pub fn batches<I>(records: I, batch_records: usize) -> impl Iterator<Item = Vec<Record>>
where
    I: IntoIterator<Item = Record>,
{
    let mut records = records.into_iter();
    std::iter::from_fn(move || {
        let batch: Vec<Record> = records.by_ref().take(batch_records.max(1)).collect();
        (!batch.is_empty()).then_some(batch)
    })
}
