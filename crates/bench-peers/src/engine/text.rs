//! The payloads of one observation by field, from the numbered bytes that a row names.

use super::EachPayload;
use crate::{Result, fault};
use std::collections::HashMap;
use tracekeep::Id;
use tracekeep::merge::{Fields, MergedMap};
use tracekeep::model::{Field, PayloadRef};

/// The fields whose bytes are payloads of an observation.
pub(crate) const FIELDS: [Field; 4] =
    [Field::Input, Field::Output, Field::Metadata, Field::Attributes];

/// Hands out each payload of an observation.
pub(crate) fn each_field(
    id: &Id,
    fields: &Fields,
    bytes: &HashMap<u32, Vec<u8>>,
    each: &mut EachPayload<'_>,
) -> Result<()> {
    for field in FIELDS {
        if let Some(payload) = fields.payload(field) {
            each(id, field, of(payload, bytes)?)?;
        } else if let Some(map) = fields.map(field) {
            match map.single() {
                Some(text) => each(id, field, of(text, bytes)?)?,
                None => each(id, field, &joined(map, bytes)?)?,
            }
        }
    }
    Ok(())
}

fn of<'b>(payload: &PayloadRef, bytes: &'b HashMap<u32, Vec<u8>>) -> Result<&'b [u8]> {
    let found = u32::try_from(payload.number).ok().and_then(|number| bytes.get(&number));
    match found {
        Some(bytes) if bytes.len() as u64 == payload.len => Ok(bytes),
        Some(_) => Err(fault("a payload has another length than its row says")),
        None => Err(fault("a payload that a row names is not there")),
    }
}

/// An object of the live keys in byte order, each value as given: what tracekeep gives back.
fn joined(map: &MergedMap, bytes: &HashMap<u32, Vec<u8>>) -> Result<Vec<u8>> {
    let mut out = vec![b'{'];
    for (i, entry) in map.entries.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, &*entry.key)?;
        out.push(b':');
        let text = map.text(entry).map(|text| of(text, bytes)).transpose()?.unwrap_or_default();
        let range = entry.value.start as usize..entry.value.end as usize;
        out.extend_from_slice(text.get(range).unwrap_or(b"null"));
    }
    out.push(b'}');
    Ok(out)
}
