//! Merged fields by name, and the bytes behind them.

use crate::exit::Failure;
use crate::format;
use tracekeep::Snapshot;
use tracekeep::merge::{Fields, Held};
use tracekeep::model::{Field, PayloadRef, Source, Subject, Value};

/// What a field is called.
pub(crate) fn name(field: Field) -> &'static str {
    match field {
        Field::Kind => "kind",
        Field::Name => "name",
        Field::Parent => "parent",
        Field::Start => "start",
        Field::End => "end",
        Field::CompletionStart => "completion_start",
        Field::Level => "level",
        Field::StatusMessage => "status_message",
        Field::Version => "version",
        Field::Release => "release",
        Field::Environment => "environment",
        Field::Model => "model",
        Field::ModelParameters => "model_parameters",
        Field::Usage => "usage",
        Field::Cost => "cost",
        Field::PromptName => "prompt_name",
        Field::PromptVersion => "prompt_version",
        Field::Input => "input",
        Field::Output => "output",
        Field::Metadata => "metadata",
        Field::Attributes => "attributes",
        Field::Timestamp => "timestamp",
        Field::User => "user",
        Field::Session => "session",
        Field::Tags => "tags",
        Field::Public => "public",
        Field::Subject => "subject",
        Field::ScoreType => "type",
        Field::ScoreNumber => "number",
        Field::ScoreText => "text",
        Field::Correction => "correction",
        Field::ScoreSource => "source",
        Field::Comment => "comment",
        Field::ConfigId => "config_id",
        Field::QueueId => "queue_id",
        Field::AuthorId => "author_id",
        Field::ExecutionTrace => "execution_trace",
        Field::ExternalId => "external_id",
    }
}

/// The bytes of a payload or map as they were given. `None` where the field was never set or its
/// bytes have expired.
pub(crate) fn bytes(
    snapshot: &Snapshot,
    fields: &Fields,
    field: Field,
) -> Result<Option<Vec<u8>>, Failure> {
    if let Some(payload) = fields.payload(field) {
        return Ok(snapshot.payload(payload)?);
    }
    match fields.map(field) {
        Some(map) => Ok(snapshot.map_text(map)?),
        None => Ok(None),
    }
}

/// Whether the field was set, but its bytes were dropped by policy.
pub(crate) fn is_expired(fields: &Fields, field: Field) -> bool {
    let gone = |payload: &PayloadRef| payload.source == Source::Expired;
    fields.payload(field).is_some_and(gone)
        || fields.map(field).is_some_and(|map| map.texts.iter().any(gone))
}

/// A field on one line; `None` for payloads and maps.
pub(crate) fn shown(held: &Held) -> Option<String> {
    let Held::Value(value) = held else { return None };
    Some(match value {
        Value::Payload(_) | Value::Map(_) => return None,
        Value::Kind(kind) => kind.to_string(),
        Value::Level(level) => level.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Time(time) => format::time(*time),
        Value::Id(id) => id.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Tags(tags) => tags.join(", "),
        Value::Usage(usage) => {
            joined(usage.iter().map(|(k, v)| format!("{k} {}", format::count(*v))))
        }
        Value::Cost(cost) => joined(cost.iter().map(|(k, v)| format!("{k} {v}"))),
        Value::Subject(subject) => subject_shown(subject),
        Value::ScoreType(kind) => kind.to_string(),
        Value::ScoreSource(source) => source.to_string(),
    })
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// What a score is about, in words.
pub(crate) fn subject_shown(subject: &Subject) -> String {
    match subject {
        Subject::Trace(trace) => format!("trace {trace}"),
        Subject::Observation(_, observation) => format!("observation {observation}"),
        Subject::Session(session) => format!("session {session}"),
        Subject::Run(run) => format!("run {run}"),
    }
}
