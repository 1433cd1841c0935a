//! Records by what they are about, so that only fields that exist can be set.

use super::{
    Body, Decimal, Field, Level, Map, ObservationKind, Operation, Record, ScoreSource, ScoreType,
    Subject, Target, Timestamp, Value, is_falsy,
};
use crate::id::Id;

macro_rules! typed {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $method:ident($setter:ident) $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name(Record);

        impl $name {
            $($(#[$fdoc])*
            #[must_use]
            pub fn $method(mut self, value: set::$setter!(type)) -> $name {
                set::$setter!(put self.0, Field::$field, value);
                self
            })*

            /// Whether no field was set yet.
            pub fn is_empty(&self) -> bool {
                self.0.fields().is_empty()
            }
        }

        impl From<$name> for Record {
            fn from(typed: $name) -> Record {
                typed.0
            }
        }
    };
}

/// How each type of value is given and stored.
mod set {
    macro_rules! text {
        (type) => { impl Into<Box<str>> };
        (put $record:expr, $field:expr, $value:expr) => {{
            let text: Box<str> = $value.into();
            $record.set($field, text.is_empty(), Value::Text(text))
        }};
    }
    macro_rules! json_text {
        (type) => { impl Into<Box<str>> };
        (put $record:expr, $field:expr, $value:expr) => {{
            let text: Box<str> = $value.into();
            $record.set($field, is_falsy(text.as_bytes()), Value::Text(text))
        }};
    }
    macro_rules! payload {
        (type) => { impl Into<Vec<u8>> };
        (put $record:expr, $field:expr, $value:expr) => {{
            let bytes: Vec<u8> = $value.into();
            $record.set($field, is_falsy(&bytes), Value::Payload(bytes))
        }};
    }
    macro_rules! time {
        (type) => {
            Timestamp
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, false, Value::Time($value))
        };
    }
    macro_rules! guessed_time {
        (type) => {
            Timestamp
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, true, Value::Time($value))
        };
    }
    macro_rules! id {
        (type) => {
            Id
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, false, Value::Id($value))
        };
    }
    macro_rules! map {
        (type) => {
            Map
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, false, Value::Map($value))
        };
    }
    macro_rules! number {
        (type) => {
            u64
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, $value == 0, Value::Number($value))
        };
    }
    macro_rules! float {
        (type) => {
            f64
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, false, Value::Float($value))
        };
    }
    macro_rules! kind {
        (type) => {
            ObservationKind
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, false, Value::Kind($value))
        };
    }
    macro_rules! guessed_kind {
        (type) => {
            ObservationKind
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, true, Value::Kind($value))
        };
    }
    macro_rules! level {
        (type) => {
            Level
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, false, Value::Level($value))
        };
    }
    macro_rules! flag {
        (type) => {
            bool
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, !$value, Value::Bool($value))
        };
    }
    macro_rules! tags {
        (type) => { Vec<Box<str>> };
        (put $record:expr, $field:expr, $value:expr) => {{
            let mut tags = $value;
            tags.sort_unstable();
            tags.dedup();
            $record.set($field, tags.is_empty(), Value::Tags(tags))
        }};
    }
    macro_rules! usage {
        (type) => { Vec<(Box<str>, u64)> };
        (put $record:expr, $field:expr, $value:expr) => {{
            let mut usage = $value;
            usage.sort();
            usage.dedup_by(|a, b| a.0 == b.0);
            $record.set($field, usage.is_empty(), Value::Usage(usage))
        }};
    }
    macro_rules! cost {
        (type) => { Vec<(Box<str>, Decimal)> };
        (put $record:expr, $field:expr, $value:expr) => {{
            let mut cost = $value;
            cost.sort();
            cost.dedup_by(|a, b| a.0 == b.0);
            $record.set($field, cost.is_empty(), Value::Cost(cost))
        }};
    }
    macro_rules! score_type {
        (type) => {
            ScoreType
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, false, Value::ScoreType($value))
        };
    }
    macro_rules! score_source {
        (type) => {
            ScoreSource
        };
        (put $record:expr, $field:expr, $value:expr) => {
            $record.set($field, false, Value::ScoreSource($value))
        };
    }
    pub(super) use {
        cost, flag, float, guessed_kind, guessed_time, id, json_text, kind, level, map, number,
        payload, score_source, score_type, tags, text, time, usage,
    };
}

typed!(
    /// Attributes of a trace, or a piece of them.
    TraceRecord {
        /// Name.
        name(text) Name,
        /// When the trace happened, by the sender's clock. The first word counts.
        timestamp(time) Timestamp,
        /// As [`timestamp`](Self::timestamp), where the sender said none: loses to any that was said.
        guessed_timestamp(guessed_time) Timestamp,
        /// Who used the application.
        user(text) User,
        /// The session it belongs to.
        session(id) Session,
        /// Tags; the union of all records counts.
        tags(tags) Tags,
        /// Version of the code.
        version(text) Version,
        /// Release of the application.
        release(text) Release,
        /// Deployment environment. The first word counts.
        environment(text) Environment,
        /// Whether it may be seen without logging in.
        public(flag) Public,
        /// Another system's id.
        external_id(text) ExternalId,
        /// Input payload.
        input(payload) Input,
        /// Output payload.
        output(payload) Output,
        /// Metadata, merged by key.
        metadata(map) Metadata,
        /// Whatever else was sent, merged by key.
        attributes(map) Attributes,
    }
);

typed!(
    /// An observation, or a piece of one.
    ObservationRecord {
        /// What it did.
        kind(kind) Kind,
        /// What it probably did: loses to any kind that was said.
        guessed_kind(guessed_kind) Kind,
        /// Name.
        name(text) Name,
        /// The observation that called this one, in the same trace.
        parent(id) Parent,
        /// When it began. The first word counts.
        start(time) Start,
        /// When it probably began: loses to any start that was said.
        guessed_start(guessed_time) Start,
        /// When it ended.
        end(time) End,
        /// When the first token came.
        completion_start(time) CompletionStart,
        /// How much it matters.
        level(level) Level,
        /// Why it failed.
        status_message(text) StatusMessage,
        /// Version of the code.
        version(text) Version,
        /// Release of the application.
        release(text) Release,
        /// Deployment environment. The first word counts.
        environment(text) Environment,
        /// Model, as the sender named it.
        model(text) Model,
        /// Model parameters, as JSON text.
        model_parameters(json_text) ModelParameters,
        /// Usage by key, one value as a whole.
        usage(usage) Usage,
        /// Cost by key, one value as a whole.
        cost(cost) Cost,
        /// Name of the prompt that was used.
        prompt_name(text) PromptName,
        /// Version of the prompt that was used.
        prompt_version(number) PromptVersion,
        /// Who used the application; kept on the trace.
        user(text) User,
        /// The session; kept on the trace.
        session(id) Session,
        /// Tags; kept on the trace.
        tags(tags) Tags,
        /// Input payload.
        input(payload) Input,
        /// Output payload.
        output(payload) Output,
        /// Metadata, merged by key.
        metadata(map) Metadata,
        /// Whatever else was sent, merged by key.
        attributes(map) Attributes,
    }
);

typed!(
    /// A score, or a piece of one.
    ScoreRecord {
        /// Name.
        name(text) Name,
        /// When it was given. The first word counts.
        timestamp(time) Timestamp,
        /// As [`timestamp`](Self::timestamp), where the sender said none.
        guessed_timestamp(guessed_time) Timestamp,
        /// What kind of value it carries.
        score_type(score_type) ScoreType,
        /// The number of a numeric, boolean or categorical score.
        number(float) ScoreNumber,
        /// The label or the text.
        text(text) ScoreText,
        /// The better output, of a correction.
        correction(payload) Correction,
        /// Who gave it.
        source(score_source) ScoreSource,
        /// A remark.
        comment(text) Comment,
        /// Deployment environment. The first word counts.
        environment(text) Environment,
        /// Id of the score's configuration.
        config_id(text) ConfigId,
        /// Id of the annotation queue.
        queue_id(text) QueueId,
        /// Id of the author.
        author_id(text) AuthorId,
        /// The trace of the judge itself.
        execution_trace(text) ExecutionTrace,
        /// Metadata, merged by key.
        metadata(map) Metadata,
        /// Whatever else was sent, merged by key.
        attributes(map) Attributes,
    }
);

fn record(target: Target, time: Timestamp, operation: Operation) -> Record {
    Record { target, time, operation, body: Body::Fields(Vec::new()) }
}

impl TraceRecord {
    /// A record about this trace, sent at `time`.
    pub fn new(trace: Id, time: Timestamp, operation: Operation) -> TraceRecord {
        TraceRecord(record(Target::Trace { trace }, time, operation))
    }
}

impl ObservationRecord {
    /// A record about this observation of this trace, sent at `time`.
    pub fn new(trace: Id, observation: Id, time: Timestamp, operation: Operation) -> Self {
        ObservationRecord(record(Target::Observation { trace, observation }, time, operation))
    }
}

impl ScoreRecord {
    /// A record about this score of this subject, sent at `time`.
    pub fn new(score: Id, subject: Subject, time: Timestamp, operation: Operation) -> Self {
        let mut record = record(Target::Score { score }, time, operation);
        record.set(Field::Subject, false, Value::Subject(subject));
        ScoreRecord(record)
    }
}
