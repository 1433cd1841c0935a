//! Fills the structs of `export` from fields, and a record's event from a record.

use crate::{ObservationOut, ScoreOut, TraceOut, observation_event, score_event, trace_event};
use tracekeep::id::Id;
use tracekeep::model::{Body, Field, FieldValue, Record, Subject, Target, Timestamp, Value};

/// Appends one record as the event that maps to it, with a newline; nothing for a tombstone.
pub fn record_event(record: &Record, out: &mut Vec<u8>) {
    let fields = record.fields();
    match &record.target {
        _ if record.body == Body::Tombstone => {}
        Target::Trace { trace } => trace_event(&TraceOut::of(trace, record.time, fields), out),
        Target::Observation { trace, observation } => {
            observation_event(&ObservationOut::of(trace, observation, record.time, fields), out);
        }
        Target::Score { score } => {
            let subject = fields.iter().find_map(|f| match &f.value {
                Value::Subject(subject) => Some(subject),
                _ => None,
            });
            if let Some(subject) = subject {
                score_event(&ScoreOut::of(score, subject, record.time, fields), out);
            }
        }
    }
}

/// Fills a struct from fields: `Field variant: member,` each.
macro_rules! of {
    ($name:ident($($id:ident: $type:ty),*) $($field:ident $variant:ident: $member:ident,)*) => {
        impl<'a> $name<'a> {
            /// One with these merged fields.
            pub fn of($($id: $type,)* time: Timestamp, fields: &'a [FieldValue]) -> $name<'a> {
                let mut new = $name::new($($id,)* time);
                for field in fields {
                    match (field.field, &field.value) {
                        $((Field::$field, Value::$variant(value)) => {
                            new.$member = Some(of!($variant value));
                        })*
                        _ => {}
                    }
                }
                new
            }
        }
    };
    (Map $value:ident) => { &$value.text };
    (Text $value:ident) => { $value };
    (Tags $value:ident) => { $value };
    (Usage $value:ident) => { $value };
    (Cost $value:ident) => { $value };
    (Payload $value:ident) => { $value };
    (Id $value:ident) => { $value };
    ($copy:ident $value:ident) => { *$value };
}

of!(TraceOut(id: &'a Id)
    Timestamp Time: timestamp,
    Name Text: name,
    User Text: user,
    Session Id: session,
    Tags Tags: tags,
    Version Text: version,
    Release Text: release,
    Environment Text: environment,
    Public Bool: public,
    ExternalId Text: external_id,
    Metadata Map: metadata,
    Attributes Map: attributes,
    Input Payload: input,
    Output Payload: output,
);

of!(ObservationOut(trace: &'a Id, id: &'a Id)
    Kind Kind: kind,
    Name Text: name,
    Parent Id: parent,
    Start Time: start,
    End Time: end,
    CompletionStart Time: completion_start,
    Level Level: level,
    StatusMessage Text: status_message,
    Version Text: version,
    Release Text: release,
    Environment Text: environment,
    Model Text: model,
    ModelParameters Text: model_parameters,
    Usage Usage: usage,
    Cost Cost: cost,
    PromptName Text: prompt_name,
    PromptVersion Number: prompt_version,
    User Text: user,
    Session Id: session,
    Tags Tags: tags,
    Metadata Map: metadata,
    Attributes Map: attributes,
    Input Payload: input,
    Output Payload: output,
);

of!(ScoreOut(id: &'a Id, subject: &'a Subject)
    Timestamp Time: timestamp,
    Name Text: name,
    ScoreType ScoreType: score_type,
    ScoreNumber Float: number,
    ScoreText Text: text,
    Correction Payload: correction,
    ScoreSource ScoreSource: source,
    Comment Text: comment,
    Environment Text: environment,
    ConfigId Text: config_id,
    QueueId Text: queue_id,
    AuthorId Text: author_id,
    ExecutionTrace Text: execution_trace,
    Metadata Map: metadata,
    Attributes Map: attributes,
);
