//! One plain statement, and the record that says it to the engine.

use tracekeep::model::{
    Level, ObservationKind, ObservationRecord, Operation, Record, ScoreRecord, Subject, Target,
    Timestamp, TraceRecord,
};
use tracekeep::{Batch, Id, Result};

/// What one batch says.
pub type Facts = Vec<Fact>;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// There is a trace.
    Trace {
        /// Its id.
        trace: String,
        /// When it was said, and when the trace happened, in milliseconds.
        ms: i64,
        /// Whose it is.
        user: String,
        /// Its session.
        session: String,
    },
    /// There is an observation of a trace, open yet.
    Observation {
        /// Its trace.
        trace: String,
        /// Its id.
        id: String,
        /// The one that called it.
        parent: Option<String>,
        /// When it was said, and when it began.
        ms: i64,
        /// What went in.
        input: Vec<u8>,
    },
    /// An observation that is there ended.
    End {
        /// Its trace.
        trace: String,
        /// Its id.
        id: String,
        /// When it was said, and when it ended.
        ms: i64,
        /// What came out.
        output: Vec<u8>,
        /// It went wrong.
        failed: bool,
    },
    /// A score of a trace was given, or given anew.
    Score {
        /// Its id.
        score: String,
        /// What it is about.
        trace: String,
        /// When it was said.
        ms: i64,
        /// The value.
        number: u32,
    },
    /// A trace is erased, with what belongs to it.
    Erase {
        /// Which.
        trace: String,
        /// When it was said.
        ms: i64,
    },
}

/// When the simulated world begins: 2026-01-12T08:00:00Z.
const EPOCH_MS: i64 = 1_768_204_800_000;

/// A time of the simulated world.
pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(EPOCH_MS + ms)
}

impl Fact {
    /// The record that says it.
    ///
    /// # Errors
    /// `LimitExceeded` where an id is too long.
    pub fn record(&self) -> Result<Record> {
        let id = |text: &String| Id::parse(text);
        Ok(match self {
            Fact::Trace { trace, ms, user, session } => {
                TraceRecord::new(id(trace)?, at(*ms), Operation::Create)
                    .name(format!("trace {trace}"))
                    .timestamp(at(*ms))
                    .user(user.as_str())
                    .session(id(session)?)
                    .into()
            }
            Fact::Observation { trace, id: own, parent, ms, input } => {
                let mut record =
                    ObservationRecord::new(id(trace)?, id(own)?, at(*ms), Operation::Create)
                        .kind(ObservationKind::Generation)
                        .name(format!("step {own}"))
                        .model("simulated")
                        .start(at(*ms))
                        .input(input.clone());
                if let Some(parent) = parent {
                    record = record.parent(id(parent)?);
                }
                record.into()
            }
            Fact::End { trace, id: own, ms, output, failed } => {
                let mut record =
                    ObservationRecord::new(id(trace)?, id(own)?, at(*ms), Operation::Update)
                        .end(at(*ms))
                        .output(output.clone());
                if *failed {
                    record = record.level(Level::Error);
                }
                record.into()
            }
            Fact::Score { score, trace, ms, number } => {
                let subject = Subject::Trace(id(trace)?);
                ScoreRecord::new(id(score)?, subject, at(*ms), Operation::Create)
                    .name("quality")
                    .number(f64::from(*number))
                    .into()
            }
            Fact::Erase { trace, ms } => {
                Record::tombstone(Target::Trace { trace: id(trace)? }, at(*ms))
            }
        })
    }
}

/// The batch that says all of this.
///
/// # Errors
/// `LimitExceeded` where it is too much.
pub fn batch(facts: &Facts) -> Result<Batch> {
    let mut batch = Batch::new();
    facts.iter().try_for_each(|fact| batch.push(fact.record()?))?;
    Ok(batch)
}
