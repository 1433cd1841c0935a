//! Merged fields as records again: one for each stamp.

use super::loss::{Loss, Losses, Lost};
use crate::error::Result;
use crate::limits::MAP_ENTRIES_MAX;
use crate::merge::{Fields, Held, MergedMap, Slot, Stamp};
use crate::model::{
    Body, Field, FieldValue, Map, MapEntry, Operation, PayloadRef, Record, Target, Timestamp, Value,
};
use std::path::PathBuf;

/// Why the bytes of a payload cannot be read: file, offset, what is wrong there.
pub type Why = (PathBuf, u64, String);

/// Reads the bytes of a payload, or says why it cannot.
pub type ReadPayload<'a> = &'a mut dyn FnMut(&PayloadRef) -> Result<Result<Vec<u8>, Why>>;

struct Piece {
    time: Timestamp,
    operation: Operation,
    fields: Vec<FieldValue>,
}

/// The records that together say what these fields say.
///
/// # Errors
/// `Io`.
pub fn records_of(
    target: &Target,
    fields: Fields,
    read: ReadPayload<'_>,
    losses: &mut Losses<'_>,
) -> Result<Vec<Record>> {
    let mut pieces: Vec<Piece> = Vec::new();
    for Slot { field, stamp, value } in fields.into_slots() {
        let mut lost = |payload: &PayloadRef, (file, offset, why): Why| {
            let loss = Loss::at(&file, offset, &why, Lost::Field);
            // A length that is lost as well counts for nothing.
            let bytes = if payload.len == u64::MAX { 0 } else { payload.len };
            losses.push(Loss { target: Some(target.clone()), field: Some(field), bytes, ..loss });
        };
        match value {
            Held::Value(Value::Payload(payload)) => match read(&payload)? {
                Ok(bytes) => add(&mut pieces, field, stamp, Value::Payload(bytes)),
                Err(why) => lost(&payload, why),
            },
            Held::Value(Value::Tags(mut tags)) => {
                // More than one record may hold: they are a union.
                while tags.len() > MAP_ENTRIES_MAX {
                    let rest = tags.split_off(MAP_ENTRIES_MAX);
                    add(&mut pieces, field, stamp, Value::Tags(std::mem::replace(&mut tags, rest)));
                }
                add(&mut pieces, field, stamp, Value::Tags(tags));
            }
            Held::Value(value) => {
                let value = value.map_payload(&mut |_: PayloadRef| Vec::new());
                add(&mut pieces, field, stamp, value);
            }
            Held::Map(map) => {
                for (number, text) in (0u32..).zip(&map.texts) {
                    match read(text)? {
                        Ok(bytes) => add_map(&mut pieces, field, stamp, (&map, number), &bytes),
                        Err(why) => lost(text, why),
                    }
                }
            }
        }
    }
    let record = |piece: Piece| Record {
        target: target.clone(),
        time: piece.time,
        operation: piece.operation,
        body: Body::Fields(piece.fields),
    };
    Ok(pieces.into_iter().map(record).collect())
}

/// The entries of one text of a map, by their stamps.
fn add_map(
    pieces: &mut Vec<Piece>,
    field: Field,
    stamp: Stamp,
    (map, number): (&MergedMap, u32),
    text: &[u8],
) {
    let mut by_stamp: Vec<(Stamp, Vec<MapEntry>)> = Vec::new();
    for entry in map.entries.iter().filter(|entry| entry.text == number) {
        let weak = !entry.stamp.strong;
        let entry_stamp = Stamp { strong: false, ..entry.stamp };
        let entry = MapEntry { key: entry.key.clone(), value: entry.value.clone(), weak };
        let held = by_stamp
            .iter_mut()
            .find(|(stamp, held)| *stamp == entry_stamp && held.len() < MAP_ENTRIES_MAX);
        match held {
            Some((_, held)) => held.push(entry),
            None => by_stamp.push((entry_stamp, vec![entry])),
        }
    }
    if by_stamp.is_empty() {
        by_stamp.push((stamp, Vec::new()));
    }
    for (stamp, entries) in by_stamp {
        add(pieces, field, stamp, Value::Map(Map { text: text.to_vec(), entries }));
    }
}

/// Adds a value to the record of its stamp, or to one more where that has the field already.
fn add(pieces: &mut Vec<Piece>, field: Field, stamp: Stamp, value: Value<Vec<u8>>) {
    let Stamp { strong, time, operation } = stamp;
    let weak = !strong && !matches!(value, Value::Map(_));
    let value = FieldValue { field, weak, value };
    let free = |piece: &&mut Piece| {
        piece.time == time
            && piece.operation == operation
            && piece.fields.last().is_none_or(|last| last.field < field)
    };
    match pieces.iter_mut().find(free) {
        Some(piece) => piece.fields.push(value),
        None => pieces.push(Piece { time, operation, fields: vec![value] }),
    }
}
