//! What one record changes, and how it is applied to the row that is there.

use super::value::payload_ref;
use super::{decode, encode, key};
use crate::Result;
use tracekeep::merge::{Fields, Held, Slot};
use tracekeep::model::{Body, PayloadRef, Record, Value};
use xxhash_rust::xxh3::xxh3_64;

/// Who compresses payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pack {
    /// The engine, or nobody.
    Plain,
    /// We do, each payload by itself, before the engine sees it.
    Zstd(i32),
}

/// A record that is ready to be merged: its payloads are packed and numbered from zero.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) key: Vec<u8>,
    pub(crate) fields: Fields,
    pub(crate) payloads: Vec<Vec<u8>>,
}

/// What has to be written for a change.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) row: Vec<u8>,
    /// Payloads by number.
    pub(crate) puts: Vec<(u32, Vec<u8>)>,
    /// Numbers of payloads that were replaced.
    pub(crate) deletes: Vec<u32>,
}

pub(crate) fn pack(bytes: Vec<u8>, pack: Pack) -> Result<Vec<u8>> {
    thread_local! {
        static CONTEXT: std::cell::RefCell<Option<(i32, zstd::bulk::Compressor<'static>)>> =
            const { std::cell::RefCell::new(None) };
    }
    let Pack::Zstd(level) = pack else { return Ok(bytes) };
    CONTEXT.with_borrow_mut(|context| {
        if context.as_ref().is_none_or(|(has, _)| *has != level) {
            *context = Some((level, zstd::bulk::Compressor::new(level)?));
        }
        match context {
            Some((_, compressor)) => Ok(compressor.compress(&bytes)?),
            None => Ok(bytes),
        }
    })
}

/// The bytes that were packed.
pub(crate) fn unpack(bytes: &[u8], pack: Pack, out: &mut Vec<u8>) -> Result<()> {
    thread_local! {
        static CONTEXT: std::cell::RefCell<Option<zstd::bulk::Decompressor<'static>>> =
            const { std::cell::RefCell::new(None) };
    }
    out.clear();
    if pack == Pack::Plain {
        out.extend_from_slice(bytes);
        return Ok(());
    }
    let size = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten().unwrap_or(0);
    out.reserve(usize::try_from(size)?);
    CONTEXT.with_borrow_mut(|context| {
        if context.is_none() {
            *context = Some(zstd::bulk::Decompressor::new()?);
        }
        if let Some(context) = context {
            context.decompress_to_buffer(bytes, out)?;
        }
        Ok(())
    })
}

impl Change {
    pub(crate) fn of(record: Record, how: Pack) -> Result<Change> {
        let key = key::of_target(&record.target);
        let mut payloads: Vec<Vec<u8>> = Vec::with_capacity(4);
        let mut failed = None;
        let mut record = record.map_payloads(&mut |bytes: Vec<u8>| {
            let (len, print) = (bytes.len() as u64, xxh3_64(&bytes));
            let number = payloads.len() as u64;
            match pack(bytes, how) {
                Ok(packed) => payloads.push(packed),
                Err(error) => failed = Some(error),
            }
            payload_ref(len, print, number)
        });
        if let Body::Fields(fields) = &mut record.body {
            for field in fields {
                // Texts of one map are told apart by it; a payload is by its number alone.
                if let Value::Payload(payload) = &mut field.value {
                    payload.print = 0;
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(Change { key, fields: Fields::from_record(record), payloads }),
        }
    }
}

/// Merges a change into the row that is there.
pub(crate) fn apply(old: Option<&[u8]>, change: Change) -> Result<Applied> {
    let Change { fields, payloads, .. } = change;
    let count = u32::try_from(payloads.len())?;
    let (merged, first, before) = match old {
        None => (fields, 0, Vec::new()),
        Some(old) => {
            let (mut merged, first) = decode(old)?;
            let before = numbers(&merged);
            merged.merge(renumbered(fields, u64::from(first)));
            (merged, first, before)
        }
    };
    let live = numbers(&merged);
    let numbered = payloads.into_iter().zip(first..);
    let puts = numbered.map(|(bytes, number)| (number, bytes));
    let puts = puts.filter(|(number, _)| live.contains(number)).collect();
    let deletes = before.into_iter().filter(|number| !live.contains(number)).collect();
    let mut row = Vec::with_capacity(256);
    encode(&merged, first + count, &mut row);
    Ok(Applied { row, puts, deletes })
}

/// The numbers of all payloads that fields name.
pub(crate) fn numbers(fields: &Fields) -> Vec<u32> {
    let mut numbers = Vec::with_capacity(4);
    let mut note = |payload: &PayloadRef| numbers.extend(u32::try_from(payload.number));
    for slot in fields.slots() {
        match &slot.value {
            Held::Value(Value::Payload(payload)) => note(payload),
            Held::Map(map) => map.texts.iter().for_each(&mut note),
            Held::Value(_) => {}
        }
    }
    numbers
}

/// The fields with payloads counted from `first`.
pub(crate) fn renumbered(fields: Fields, first: u64) -> Fields {
    let shift = |mut slot: Slot| {
        match &mut slot.value {
            Held::Value(Value::Payload(payload)) => payload.number += first,
            Held::Map(map) => map.texts.iter_mut().for_each(|text| text.number += first),
            Held::Value(_) => {}
        }
        slot
    };
    Fields::from_slots(fields.into_slots().into_iter().map(shift).collect())
}
