//! Merged fields as Langfuse ingestion events, one JSON line each: the way back.
//!
//! ```text
//! {"id":"observation-<trace>-<id>","timestamp":...,"type":"span-create","body":{
//!    <attributes as they were given>,
//!    "id":...,"traceId":...,<fields in a fixed order>,"metadata":...,"input":...,"output":...}}
//! ```
//!
//! Attributes come first: where one of them has a field's name (a value of the wrong shape, or
//! the first of two), the field stands last and so counts again when the line is imported.
//! An observation whose start is unknown becomes an `observation-update`, since a create without
//! start would be given one. A trace or score without timestamp gets the event's.
//!
//! Bytes that are no JSON (only a library user can append them) are written as a JSON string.
//! A newline between the tokens of valid JSON would end the line and becomes a space, white space
//! around it is lost, and `null` is imported as nothing; payloads that were imported from lines
//! hold none of these and come back byte for byte. A value that a score's type does not use (left
//! from a time when the score had another type) is not exported; a usage without `total` is given
//! one when it is imported.

use crate::line::Line;
use tracekeep::id::Id;
use tracekeep::model::{
    Decimal, Level, ObservationKind, ScoreSource, ScoreType, Subject, Timestamp,
};

macro_rules! out {
    ($(#[$doc:meta])* $name:ident { $($(#[$idoc:meta])* $id:ident: $idtype:ty,)* }
     $($(#[$fdoc:meta])* $field:ident: $type:ty,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<'a> {
            $($(#[$idoc])* pub $id: $idtype,)*
            /// The largest event time of what was merged: the event's own.
            pub time: Timestamp,
            $($(#[$fdoc])* pub $field: Option<$type>,)*
        }

        impl<'a> $name<'a> {
            /// One without fields.
            pub fn new($($id: $idtype,)* time: Timestamp) -> $name<'a> {
                $name { $($id,)* time, $($field: None,)* }
            }
        }
    };
}

out!(
    /// A trace's own merged fields; `None` where it has none.
    TraceOut {
        /// Its id.
        id: &'a Id,
    }
    /// When it happened.
    timestamp: Timestamp,
    /// Name.
    name: &'a str,
    /// User.
    user: &'a str,
    /// Session.
    session: &'a Id,
    /// Tags, sorted.
    tags: &'a [Box<str>],
    /// Version.
    version: &'a str,
    /// Release.
    release: &'a str,
    /// Environment.
    environment: &'a str,
    /// Whether it may be seen without logging in.
    public: bool,
    /// Another system's id.
    external_id: &'a str,
    /// Metadata: its text.
    metadata: &'a [u8],
    /// Attributes: the text of an object.
    attributes: &'a [u8],
    /// Input payload.
    input: &'a [u8],
    /// Output payload.
    output: &'a [u8],
);

out!(
    /// An observation's merged fields; `None` where it has none.
    ObservationOut {
        /// Its trace.
        trace: &'a Id,
        /// Its own id.
        id: &'a Id,
    }
    /// What it did.
    kind: ObservationKind,
    /// Name.
    name: &'a str,
    /// The observation that called it.
    parent: &'a Id,
    /// When it began.
    start: Timestamp,
    /// When it ended.
    end: Timestamp,
    /// When the first token came.
    completion_start: Timestamp,
    /// How much it matters.
    level: Level,
    /// Why it failed.
    status_message: &'a str,
    /// Version.
    version: &'a str,
    /// Release.
    release: &'a str,
    /// Environment.
    environment: &'a str,
    /// Model.
    model: &'a str,
    /// Model parameters: JSON text.
    model_parameters: &'a str,
    /// Usage by key.
    usage: &'a [(Box<str>, u64)],
    /// Cost by key.
    cost: &'a [(Box<str>, Decimal)],
    /// Name of the prompt.
    prompt_name: &'a str,
    /// Version of the prompt.
    prompt_version: u64,
    /// User.
    user: &'a str,
    /// Session.
    session: &'a Id,
    /// Tags, sorted.
    tags: &'a [Box<str>],
    /// Metadata: its text.
    metadata: &'a [u8],
    /// Attributes: the text of an object.
    attributes: &'a [u8],
    /// Input payload.
    input: &'a [u8],
    /// Output payload.
    output: &'a [u8],
);

out!(
    /// A score's merged fields; `None` where it has none.
    ScoreOut {
        /// Its id.
        id: &'a Id,
        /// What it is about.
        subject: &'a Subject,
    }
    /// When it was given.
    timestamp: Timestamp,
    /// Name.
    name: &'a str,
    /// What kind of value it carries.
    score_type: ScoreType,
    /// The number.
    number: f64,
    /// The label or the text.
    text: &'a str,
    /// The better output: UTF-8.
    correction: &'a [u8],
    /// Who gave it.
    source: ScoreSource,
    /// A remark.
    comment: &'a str,
    /// Environment.
    environment: &'a str,
    /// Its configuration.
    config_id: &'a str,
    /// The annotation queue.
    queue_id: &'a str,
    /// The author.
    author_id: &'a str,
    /// The judge's own trace.
    execution_trace: &'a str,
    /// Metadata: its text.
    metadata: &'a [u8],
    /// Attributes: the text of an object.
    attributes: &'a [u8],
);

/// Appends a trace as a `trace-create`, with a newline.
pub fn trace_event(trace: &TraceOut<'_>, out: &mut Vec<u8>) {
    let mut line = Line::begin(&format!("trace-{}", trace.id), trace.time, "trace-create", out);
    line.attributes(trace.attributes);
    line.id("id", Some(trace.id));
    line.time("timestamp", Some(trace.timestamp.unwrap_or(trace.time)));
    line.text("name", trace.name);
    line.text("userId", trace.user);
    line.id("sessionId", trace.session);
    line.tags(trace.tags);
    line.text("version", trace.version);
    line.text("release", trace.release);
    line.text("environment", trace.environment);
    line.plain("public", trace.public);
    line.text("externalId", trace.external_id);
    line.json("metadata", trace.metadata);
    line.json("input", trace.input);
    line.json("output", trace.output);
    line.end();
}

/// Appends an observation as a `span-create`, `agent-create`, ..., with a newline.
pub fn observation_event(observation: &ObservationOut<'_>, out: &mut Vec<u8>) {
    let o = observation;
    let event_type = match (o.start, o.kind) {
        (None, _) => "observation-update",
        (Some(_), None) => "observation-create",
        (Some(_), Some(kind)) => create_type(kind),
    };
    let mut line =
        Line::begin(&format!("observation-{}-{}", o.trace, o.id), o.time, event_type, out);
    line.attributes(o.attributes);
    line.id("id", Some(o.id));
    line.id("traceId", Some(o.trace));
    line.id("parentObservationId", o.parent);
    line.text("type", o.kind.map(ObservationKind::as_str));
    line.text("name", o.name);
    line.time("startTime", o.start);
    line.time("endTime", o.end);
    line.time("completionStartTime", o.completion_start);
    line.text("level", o.level.map(Level::as_str));
    line.text("statusMessage", o.status_message);
    line.text("version", o.version);
    line.text("release", o.release);
    line.text("environment", o.environment);
    line.text("model", o.model);
    line.json("modelParameters", o.model_parameters.map(str::as_bytes));
    line.amounts("usageDetails", o.usage);
    line.amounts("costDetails", o.cost);
    line.text("promptName", o.prompt_name);
    line.plain("promptVersion", o.prompt_version);
    line.text("userId", o.user);
    line.id("sessionId", o.session);
    line.tags(o.tags);
    line.json("metadata", o.metadata);
    line.json("input", o.input);
    line.json("output", o.output);
    line.end();
}

/// Appends a score as a `score-create`, with a newline.
pub fn score_event(score: &ScoreOut<'_>, out: &mut Vec<u8>) {
    let mut line = Line::begin(&format!("score-{}", score.id), score.time, "score-create", out);
    line.attributes(score.attributes);
    line.id("id", Some(score.id));
    let (trace, observation, session, run) = match score.subject {
        Subject::Trace(trace) => (Some(trace), None, None, None),
        Subject::Observation(trace, id) => (Some(trace), Some(id), None, None),
        Subject::Session(id) => (None, None, Some(id), None),
        Subject::Run(id) => (None, None, None, Some(id)),
    };
    line.id("traceId", trace);
    line.id("observationId", observation);
    line.id("sessionId", session);
    line.id("datasetRunId", run);
    line.time("timestamp", Some(score.timestamp.unwrap_or(score.time)));
    line.text("name", score.name);
    line.text("dataType", score.score_type.map(ScoreType::as_str));
    line.value(score);
    line.text("source", score.source.map(ScoreSource::as_str));
    line.text("comment", score.comment);
    line.text("environment", score.environment);
    line.text("configId", score.config_id);
    line.text("queueId", score.queue_id);
    line.text("authorUserId", score.author_id);
    line.text("executionTraceId", score.execution_trace);
    line.json("metadata", score.metadata);
    line.end();
}

fn create_type(kind: ObservationKind) -> &'static str {
    match kind {
        ObservationKind::Span => "span-create",
        ObservationKind::Generation => "generation-create",
        ObservationKind::Event => "event-create",
        ObservationKind::Agent => "agent-create",
        ObservationKind::Tool => "tool-create",
        ObservationKind::Chain => "chain-create",
        ObservationKind::Retriever => "retriever-create",
        ObservationKind::Evaluator => "evaluator-create",
        ObservationKind::Embedding => "embedding-create",
        ObservationKind::Guardrail => "guardrail-create",
    }
}
