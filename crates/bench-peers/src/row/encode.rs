//! From merged fields to a row.

use super::bytes::put_varint;
use super::value::{put_map, put_value};
use tracekeep::merge::Stamp;
use tracekeep::merge::{Fields, Held, Slot};
use tracekeep::model::{Field, Operation, Value};

/// Appends a row of these fields. Payloads numbered from `next` on are free.
pub(crate) fn encode(fields: &Fields, next: u32, out: &mut Vec<u8>) {
    put_varint(u64::from(next), out);
    let mut stamps: Vec<Stamp> = Vec::with_capacity(4);
    fields.slots().iter().for_each(|slot| collect(slot, &mut stamps));
    put_varint(stamps.len() as u64, out);
    for stamp in &stamps {
        out.push(u8::from(stamp.strong) | u8::from(stamp.operation == Operation::Update) << 1);
        out.extend_from_slice(&stamp.time.0.to_le_bytes());
    }
    let number = |stamp: &Stamp| stamps.iter().position(|s| s == stamp).unwrap_or(0) as u64;
    let mut value = Vec::with_capacity(64);
    for slot in fields.slots() {
        value.clear();
        match &slot.value {
            Held::Value(held) => put_value(held, &mut value),
            Held::Map(map) => put_map(map, &number, &mut value),
        }
        out.push(slot.field.code());
        put_varint(number(&slot.stamp), out);
        put_varint(value.len() as u64, out);
        out.extend_from_slice(&value);
    }
}

/// Appends the fields that have no column in a table of [`Skeleton`](super::Skeleton)s and
/// payloads, without stamps.
pub(crate) fn encode_rest(fields: &Fields, out: &mut Vec<u8>) {
    let mut value = Vec::with_capacity(64);
    for slot in fields.slots() {
        let Held::Value(held) = &slot.value else { continue };
        if matches!(held, Value::Payload(_)) || COLUMNS.contains(&slot.field) {
            continue;
        }
        value.clear();
        put_value(held, &mut value);
        out.push(slot.field.code());
        put_varint(value.len() as u64, out);
        out.extend_from_slice(&value);
    }
}

const COLUMNS: [Field; 7] =
    [Field::Kind, Field::Level, Field::Start, Field::End, Field::Parent, Field::Name, Field::Model];

fn collect(slot: &Slot, stamps: &mut Vec<Stamp>) {
    let mut note = |stamp: Stamp| {
        if !stamps.contains(&stamp) {
            stamps.push(stamp);
        }
    };
    note(slot.stamp);
    if let Held::Map(map) = &slot.value {
        map.entries.iter().for_each(|entry| note(entry.stamp));
    }
}
