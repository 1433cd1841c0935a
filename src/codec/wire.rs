//! A record as it stands in a log.
//!
//! ```text
//! record   target  time i64  operation u8  body
//! target   0 trace: id | 1 observation: trace id, id | 2 score: id
//! id       0 text | 1 u64 as 16 hex digits | 2 u128 as 32 hex digits | 3 u128 as UUID
//! body     0 tombstone | 1 list of fields
//! field    code u8  weak bool  value
//! value    0 kind u8        | 1 level u8        | 2 bool           | 3 u64
//!          4 f64            | 5 time i64        | 6 id             | 7 text
//!          8 list of text   | 9 list of (text, u64) | 10 list of (text, i128)
//!          11 payload       | 12 map            | 13 subject
//!          14 score type u8 | 15 score source u8
//! payload  length u64  fingerprint u64  list number u32
//! map      payload of its text  list of (key text, start u32, length u32, weak bool)
//! subject  0 trace: id | 1 observation: trace id, id | 2 session: id | 3 run: id
//! ```
//!
//! The structs below are that drawing in Rust, for decoding: they borrow, and the owned record is
//! made of them at once. `encode` writes it.

use super::{check, take};
use crate::error::Fault;
use crate::id::{Form, Id};
use crate::model::{
    Body, Decimal, Field, FieldValue, Level, Map, MapEntry, ObservationKind, Operation, Payload,
    Record, ScoreSource, ScoreType, Subject, Target, Timestamp, Value,
};
use serde::Deserialize;

/// A payload of a record in a log frame: its part list stands in the same frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Length of the payload in bytes.
    pub len: u64,
    /// Keyed fingerprint of the payload.
    pub print: u64,
    /// Which part list of the frame it is, from 0.
    pub list: u32,
}

impl Payload for Listed {
    fn bytes_len(&self) -> u64 {
        self.len
    }
}

/// The record that fills `bytes` exactly. Allocates the fields, their texts and lists.
///
/// # Errors
/// The bytes are no record, or one that [`check`] finds fault with.
pub fn decode_record(bytes: &[u8]) -> Result<Record<Listed>, Fault> {
    let record = take::<WireRecord<'_>>(bytes)?.into_record()?;
    check(&record)?;
    Ok(record)
}

#[derive(Deserialize)]
struct WireRecord<'a> {
    #[serde(borrow)]
    target: WireTarget<'a>,
    time: i64,
    operation: u8,
    #[serde(borrow)]
    body: WireBody<'a>,
}

#[derive(Deserialize)]
enum WireTarget<'a> {
    #[serde(borrow)]
    Trace(WireId<'a>),
    Observation(WireId<'a>, WireId<'a>),
    Score(WireId<'a>),
}

#[derive(Deserialize)]
enum WireId<'a> {
    Text(&'a str),
    Hex16(u64),
    Hex32(u128),
    Uuid(u128),
}

#[derive(Deserialize)]
enum WireBody<'a> {
    Tombstone,
    #[serde(borrow)]
    Fields(Vec<WireField<'a>>),
}

#[derive(Deserialize)]
struct WireField<'a> {
    code: u8,
    weak: bool,
    #[serde(borrow)]
    value: WireValue<'a>,
}

#[derive(Deserialize)]
enum WireValue<'a> {
    Kind(u8),
    Level(u8),
    Bool(bool),
    Number(u64),
    Float(f64),
    Time(i64),
    #[serde(borrow)]
    Id(WireId<'a>),
    Text(&'a str),
    #[serde(borrow)]
    Tags(Vec<&'a str>),
    #[serde(borrow)]
    Usage(Vec<(&'a str, u64)>),
    #[serde(borrow)]
    Cost(Vec<(&'a str, i128)>),
    Payload(WirePayload),
    #[serde(borrow)]
    Map(WireMap<'a>),
    #[serde(borrow)]
    Subject(WireSubject<'a>),
    ScoreType(u8),
    ScoreSource(u8),
}

#[derive(Deserialize)]
struct WirePayload {
    len: u64,
    print: u64,
    list: u32,
}

#[derive(Deserialize)]
struct WireMap<'a> {
    text: WirePayload,
    #[serde(borrow)]
    entries: Vec<(&'a str, u32, u32, bool)>,
}

#[derive(Deserialize)]
enum WireSubject<'a> {
    #[serde(borrow)]
    Trace(WireId<'a>),
    Observation(WireId<'a>, WireId<'a>),
    Session(WireId<'a>),
    Run(WireId<'a>),
}

fn unknown(what: &str, code: u8) -> Fault {
    Fault::new(0, format!("unknown {what} {code}"))
}

impl WireRecord<'_> {
    fn into_record(self) -> Result<Record<Listed>, Fault> {
        Ok(Record {
            target: match self.target {
                WireTarget::Trace(trace) => Target::Trace { trace: trace.into_id()? },
                WireTarget::Observation(trace, observation) => Target::Observation {
                    trace: trace.into_id()?,
                    observation: observation.into_id()?,
                },
                WireTarget::Score(score) => Target::Score { score: score.into_id()? },
            },
            time: Timestamp(self.time),
            operation: Operation::from_code(self.operation)
                .ok_or_else(|| unknown("operation", self.operation))?,
            body: match self.body {
                WireBody::Tombstone => Body::Tombstone,
                WireBody::Fields(fields) => {
                    // Not `collect`: that cannot know how many will be right, and would grow.
                    let mut owned = Vec::with_capacity(fields.len());
                    for field in fields {
                        owned.push(field.into_field()?);
                    }
                    Body::Fields(owned)
                }
            },
        })
    }
}

impl WireId<'_> {
    fn into_id(self) -> Result<Id, Fault> {
        match self {
            WireId::Hex16(bits) => Ok(Id::hex16(bits)),
            WireId::Hex32(bits) => Ok(Id::hex32(bits)),
            WireId::Uuid(bits) => Ok(Id::uuid(bits)),
            WireId::Text(text) => match Id::parse(text) {
                // An id has one form; text that could be bits would be a second one.
                Ok(id) if id.form() == Form::Text => Ok(id),
                Ok(_) => Err(Fault::new(0, "an id as text that has digits of its own form")),
                Err(error) => Err(Fault::new(0, error.to_string())),
            },
        }
    }
}

impl WireField<'_> {
    fn into_field(self) -> Result<FieldValue<Listed>, Fault> {
        let field = Field::from_code(self.code).ok_or_else(|| unknown("field", self.code))?;
        Ok(FieldValue { field, weak: self.weak, value: self.value.into_value()? })
    }
}

impl WireValue<'_> {
    fn into_value(self) -> Result<Value<Listed>, Fault> {
        Ok(match self {
            WireValue::Kind(code) => Value::Kind(
                ObservationKind::from_code(code)
                    .ok_or_else(|| unknown("observation kind", code))?,
            ),
            WireValue::Level(code) => {
                Value::Level(Level::from_code(code).ok_or_else(|| unknown("level", code))?)
            }
            WireValue::Bool(flag) => Value::Bool(flag),
            WireValue::Number(number) => Value::Number(number),
            WireValue::Float(number) => Value::Float(number),
            WireValue::Time(time) => Value::Time(Timestamp(time)),
            WireValue::Id(id) => Value::Id(id.into_id()?),
            WireValue::Text(text) => Value::Text(text.into()),
            WireValue::Tags(tags) => Value::Tags(tags.into_iter().map(Box::from).collect()),
            WireValue::Usage(usage) => {
                Value::Usage(usage.into_iter().map(|(key, n)| (key.into(), n)).collect())
            }
            WireValue::Cost(cost) => {
                Value::Cost(cost.into_iter().map(|(key, sum)| (key.into(), Decimal(sum))).collect())
            }
            WireValue::Payload(payload) => Value::Payload(payload.into_listed()),
            WireValue::Map(map) => Value::Map(map.into_map()?),
            WireValue::Subject(subject) => Value::Subject(subject.into_subject()?),
            WireValue::ScoreType(code) => Value::ScoreType(
                ScoreType::from_code(code).ok_or_else(|| unknown("score type", code))?,
            ),
            WireValue::ScoreSource(code) => Value::ScoreSource(
                ScoreSource::from_code(code).ok_or_else(|| unknown("score source", code))?,
            ),
        })
    }
}

impl WirePayload {
    fn into_listed(self) -> Listed {
        Listed { len: self.len, print: self.print, list: self.list }
    }
}

impl WireMap<'_> {
    fn into_map(self) -> Result<Map<Listed>, Fault> {
        let mut entries = Vec::with_capacity(self.entries.len());
        for (key, start, len, weak) in self.entries {
            let end = start
                .checked_add(len)
                .ok_or_else(|| Fault::new(0, "a value of a map ends past 4 GiB"))?;
            entries.push(MapEntry { key: key.into(), value: start..end, weak });
        }
        Ok(Map { text: self.text.into_listed(), entries })
    }
}

impl WireSubject<'_> {
    fn into_subject(self) -> Result<Subject, Fault> {
        Ok(match self {
            WireSubject::Trace(trace) => Subject::Trace(trace.into_id()?),
            WireSubject::Observation(trace, observation) => {
                Subject::Observation(trace.into_id()?, observation.into_id()?)
            }
            WireSubject::Session(session) => Subject::Session(session.into_id()?),
            WireSubject::Run(run) => Subject::Run(run.into_id()?),
        })
    }
}
