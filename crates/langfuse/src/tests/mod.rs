//! The rules, one test each, and the way back.

mod back;
mod corpus;
mod rules;

use crate::{Mapped, Rejected, map_event, map_line};
use tracekeep::model::{Field, FieldValue, Map, Record, Value};

const TIME: &str = "2026-01-12T08:00:09.376Z";
const TIME_NS: i64 = 1_768_204_809_376_000_000;

/// An event of this type with this body, sent at [`TIME`].
fn event(event_type: &str, body: &str) -> String {
    format!(r#"{{"id":"e1","timestamp":"{TIME}","type":"{event_type}","body":{body}}}"#)
}

fn mapped(event_type: &str, body: &str) -> Record {
    match map_event(event(event_type, body).as_bytes()) {
        Ok(Mapped::Record(record)) => record,
        other => panic!("{event_type} {body}: {other:?}"),
    }
}

fn refused(event_type: &str, body: &str) -> String {
    match map_event(event(event_type, body).as_bytes()) {
        Err(Rejected { reason }) => reason,
        other => panic!("{event_type} {body}: {other:?}"),
    }
}

fn lines(line: &[u8]) -> Vec<Result<Mapped, Rejected>> {
    let mut all = Vec::new();
    map_line(line, &mut |one| all.push(one));
    all
}

fn field(record: &Record, field: Field) -> Option<&FieldValue> {
    record.fields().iter().find(|f| f.field == field)
}

fn value(record: &Record, name: Field) -> Option<&Value> {
    field(record, name).map(|f| &f.value)
}

fn text(record: &Record, name: Field) -> Option<&str> {
    match value(record, name) {
        Some(Value::Text(text)) => Some(text),
        Some(Value::Payload(bytes) | Value::Map(Map { text: bytes, .. })) => {
            Some(std::str::from_utf8(bytes).unwrap())
        }
        _ => None,
    }
}
