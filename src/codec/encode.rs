//! A record's bytes, as `wire` draws them, straight from the record: no copy of it in between.

use super::Listed;
use crate::codec::varint::zigzag;
use crate::id::{Form, Id};
use crate::limits::BATCH_SKELETON_BYTES_MAX;
use crate::model::{Body, Map, Record, Subject, Target, Value};

/// Appends the encoded record to `out`. Panics where [`check`](super::check()) finds fault with it: what is
/// written was checked when it came in.
#[cfg(any(test, feature = "internals"))]
pub fn encode_record(record: &Record<Listed>, out: &mut Vec<u8>) {
    assert!(super::check(record).is_ok(), "a record to encode is out of order");
    encode_listed(record, &mut |listed| *listed, out);
}

/// Appends a record that was checked to `out`; `list` gives for each payload, in the order of the
/// fields, what is written of it.
pub fn encode_listed<P>(record: &Record<P>, list: &mut dyn FnMut(&P) -> Listed, out: &mut Vec<u8>) {
    let start = out.len();
    match &record.target {
        Target::Trace { trace } => {
            out.push(0);
            put_id(out, trace);
        }
        Target::Observation { trace, observation } => {
            out.push(1);
            put_id(out, trace);
            put_id(out, observation);
        }
        Target::Score { score } => {
            out.push(2);
            put_id(out, score);
        }
    }
    put_int(out, zigzag(record.time.0));
    out.push(record.operation.code());
    match &record.body {
        Body::Tombstone => out.push(0),
        Body::Fields(fields) => {
            out.push(1);
            put_len(out, fields.len());
            for field in fields {
                out.push(field.field.code());
                out.push(u8::from(field.weak));
                put_value(out, &field.value, list);
            }
        }
    }
    let len = out.len() - start;
    assert!(len <= BATCH_SKELETON_BYTES_MAX, "an encoded record is longer than the limit");
}

fn put_value<P>(out: &mut Vec<u8>, value: &Value<P>, list: &mut dyn FnMut(&P) -> Listed) {
    match value {
        Value::Kind(kind) => out.extend_from_slice(&[0, kind.code()]),
        Value::Level(level) => out.extend_from_slice(&[1, level.code()]),
        Value::Bool(flag) => out.extend_from_slice(&[2, u8::from(*flag)]),
        Value::Number(number) => {
            out.push(3);
            put_int(out, *number);
        }
        Value::Float(number) => {
            out.push(4);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::Time(time) => {
            out.push(5);
            put_int(out, zigzag(time.0));
        }
        Value::Id(id) => {
            out.push(6);
            put_id(out, id);
        }
        Value::Text(text) => {
            out.push(7);
            put_text(out, text);
        }
        Value::Tags(tags) => {
            out.push(8);
            put_len(out, tags.len());
            tags.iter().for_each(|tag| put_text(out, tag));
        }
        Value::Usage(usage) => {
            out.push(9);
            put_len(out, usage.len());
            for (key, number) in usage {
                put_text(out, key);
                put_int(out, *number);
            }
        }
        Value::Cost(cost) => {
            out.push(10);
            put_len(out, cost.len());
            for (key, sum) in cost {
                put_text(out, key);
                put_wide(out, ((sum.0 << 1) ^ (sum.0 >> 127)) as u128);
            }
        }
        Value::Payload(payload) => {
            out.push(11);
            put_payload(out, list(payload));
        }
        Value::Map(map) => put_map(out, map, list),
        Value::Subject(subject) => put_subject(out, subject),
        Value::ScoreType(word) => out.extend_from_slice(&[14, word.code()]),
        Value::ScoreSource(word) => out.extend_from_slice(&[15, word.code()]),
    }
}

fn put_payload(out: &mut Vec<u8>, payload: Listed) {
    put_int(out, payload.len);
    put_int(out, payload.print);
    put_int(out, u64::from(payload.list));
}

fn put_map<P>(out: &mut Vec<u8>, map: &Map<P>, list: &mut dyn FnMut(&P) -> Listed) {
    out.push(12);
    put_payload(out, list(&map.text));
    put_len(out, map.entries.len());
    for entry in &map.entries {
        put_text(out, &entry.key);
        put_int(out, u64::from(entry.value.start));
        put_int(out, u64::from(entry.value.end - entry.value.start));
        out.push(u8::from(entry.weak));
    }
}

fn put_subject(out: &mut Vec<u8>, subject: &Subject) {
    let (code, id, second) = match subject {
        Subject::Trace(trace) => (0, trace, None),
        Subject::Observation(trace, observation) => (1, trace, Some(observation)),
        Subject::Session(session) => (2, session, None),
        Subject::Run(run) => (3, run, None),
    };
    out.extend_from_slice(&[13, code]);
    put_id(out, id);
    second.into_iter().for_each(|id| put_id(out, id));
}

fn put_id(out: &mut Vec<u8>, id: &Id) {
    let bits = id.bits().unwrap_or_default();
    let form = match id.form() {
        Form::Text => {
            out.push(0);
            return put_text(out, id.as_text().unwrap_or_default());
        }
        Form::Hex16 => 1,
        Form::Hex32 => 2,
        Form::Uuid => 3,
    };
    out.push(form);
    put_wide(out, bits);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    put_int(out, len as u64);
}

/// An integer of the codec; see the table in `mod.rs`.
#[inline]
fn put_int(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=250 => out.push(value as u8),
        251..=0xffff => {
            out.push(251);
            out.extend_from_slice(&(value as u16).to_le_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(252);
            out.extend_from_slice(&(value as u32).to_le_bytes());
        }
        _ => {
            out.push(253);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

fn put_wide(out: &mut Vec<u8>, value: u128) {
    match u64::try_from(value) {
        Ok(narrow) => put_int(out, narrow),
        Err(_) => {
            out.push(254);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}
