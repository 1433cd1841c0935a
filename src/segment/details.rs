//! The rest of a row: its stamps, and every field that has no column.
//!
//! ```text
//! slot count, then per slot: field code, stamp number          the shape: alike in most rows
//! stamp count, then per stamp: flags, delta
//! per slot without a column: the value
//! ```
//!
//! All numbers are varints. A stamp's flags: bit 0 strong, bit 1 update, bits 2-3 what its time
//! is counted from (0 the row's start, 1 its end, 2 the stamp before), bit 4 whole milliseconds.
//! Payloads stand as their number's distance from a base number that the row's columns give, and
//! usage and cost as far as columns do not say them ([`amounts`]).

pub mod amounts;

use crate::codec::varint::{put_i64, put_u64, take_i64, take_u64};
use crate::error::Fault;
use crate::id::{Form, Id, Identity};
use crate::limits::{MAP_ENTRIES_MAX, PAYLOAD_BYTES_MAX, TEXT_BYTES_MAX};
use crate::merge::{Fields, Held, MergedEntry, MergedMap, Slot, Stamp};
use crate::model::{
    Field, Level, ObservationKind, Operation, PayloadRef, ScoreSource, ScoreType, Subject,
    Timestamp, Value,
};
use amounts::{Amounts, put_cost, put_usage, take_cost, take_usage};

const SLOTS_MAX: u64 = 256;
const STAMPS_MAX: u64 = 1 << 20;
const MS: i64 = 1_000_000;

/// What a row's columns already say.
#[derive(Debug, Clone, Copy)]
pub struct Base {
    /// The row's start, or another time near its stamps.
    pub start: Timestamp,
    /// Its end, if it has one.
    pub end: Option<Timestamp>,
    /// A payload number near its payloads' numbers.
    pub number: u64,
    /// What the columns say of usage and cost.
    pub amounts: Amounts,
}

/// Appends a row's details. `in_columns` tells the fields whose values are left out; `number`
/// gives a payload's number in the segment that is being written.
pub fn encode(
    fields: &Fields,
    base: Base,
    in_columns: &[Field],
    number: &mut dyn FnMut(&PayloadRef) -> u64,
    out: &mut Vec<u8>,
) {
    if fields.is_empty() {
        return;
    }
    let mut stamps: Vec<Stamp> = Vec::new();
    let mut stamp_number = |stamp: Stamp| -> u64 {
        let at = stamps.iter().rposition(|s| *s == stamp).unwrap_or_else(|| {
            stamps.push(stamp);
            stamps.len() - 1
        });
        at as u64
    };
    put_u64(out, fields.slots().len() as u64);
    for slot in fields.slots() {
        out.push(slot.field.code());
        put_u64(out, stamp_number(slot.stamp));
    }
    let mut values = Vec::new();
    for slot in fields.slots().iter().filter(|s| !in_columns.contains(&s.field)) {
        match &slot.value {
            Held::Value(Value::Usage(v)) => put_usage(v, base.amounts, &mut values),
            Held::Value(Value::Cost(v)) => {
                put_cost(v, fields.usage(), base.amounts, &mut values);
            }
            Held::Value(value) => put_value(value, base, number, &mut values),
            Held::Map(map) => put_map(map, base, number, &mut stamp_number, &mut values),
        }
    }
    put_stamps(&stamps, base, out);
    out.extend_from_slice(&values);
}

fn put_stamps(stamps: &[Stamp], base: Base, out: &mut Vec<u8>) {
    put_u64(out, stamps.len() as u64);
    let mut previous = base.start;
    for stamp in stamps {
        let origins = [base.start, base.end.unwrap_or(base.start), previous];
        let (origin, delta) = origins
            .iter()
            .map(|from| stamp.time.0.wrapping_sub(from.0))
            .enumerate()
            .min_by_key(|(_, delta)| delta.unsigned_abs())
            .unwrap_or_default();
        let whole = delta % MS == 0;
        let flags = u8::from(stamp.strong)
            | u8::from(stamp.operation == Operation::Update) << 1
            | (origin as u8) << 2
            | u8::from(whole) << 4;
        out.push(flags);
        put_i64(out, if whole { delta / MS } else { delta });
        previous = stamp.time;
    }
}

fn take_stamps(from: &mut &[u8], base: Base) -> Result<Vec<Stamp>, Fault> {
    let count = take_count(from, STAMPS_MAX)?;
    let mut stamps = Vec::new();
    let mut previous = base.start;
    for _ in 0..count {
        let flags = take_byte(from)?;
        let delta = take_i64(from)?;
        let delta = if flags & 16 != 0 { delta.wrapping_mul(MS) } else { delta };
        let origin = match flags >> 2 & 3 {
            0 => base.start,
            1 => base.end.unwrap_or(base.start),
            _ => previous,
        };
        let time = Timestamp(origin.0.wrapping_add(delta));
        let operation = if flags & 2 != 0 { Operation::Update } else { Operation::Create };
        stamps.push(Stamp { strong: flags & 1 != 0, time, operation });
        previous = time;
    }
    Ok(stamps)
}

/// Reads a row's details back. `column` gives the value of a field that has a column, `payload`
/// what a payload's number stands for.
pub fn decode(
    bytes: &[u8],
    base: Base,
    in_columns: &[Field],
    column: &mut dyn FnMut(Field) -> Option<Value<PayloadRef>>,
    payload: &dyn Fn(u64) -> Option<PayloadRef>,
) -> Result<Fields, Fault> {
    let mut missing =
        |field: Field| Err(Fault::new(0, format!("field {} has no value", field.code())));
    decode_with(bytes, base, in_columns, column, payload, &mut missing)
}

/// As [`decode`]; fields whose column has no value are left out and go to `missing`.
pub fn decode_readable(
    bytes: &[u8],
    base: Base,
    in_columns: &[Field],
    column: &dyn Fn(Field) -> Option<Value<PayloadRef>>,
    payload: &dyn Fn(u64) -> Option<PayloadRef>,
    missing: &mut Vec<Field>,
) -> Result<Fields, Fault> {
    let mut note = |field| {
        missing.push(field);
        Ok(())
    };
    decode_with(bytes, base, in_columns, &mut |field| column(field), payload, &mut note)
}

fn decode_with(
    mut bytes: &[u8],
    base: Base,
    in_columns: &[Field],
    column: &mut dyn FnMut(Field) -> Option<Value<PayloadRef>>,
    payload: &dyn Fn(u64) -> Option<PayloadRef>,
    missing: &mut dyn FnMut(Field) -> Result<(), Fault>,
) -> Result<Fields, Fault> {
    let from = &mut bytes;
    if from.is_empty() {
        return Ok(Fields::new());
    }
    let count = take_count(from, SLOTS_MAX)?;
    let mut shape = Vec::with_capacity(count);
    for _ in 0..count {
        let code = take_byte(from)?;
        let field = Field::from_code(code)
            .ok_or_else(|| Fault::new(0, format!("unknown field code {code}")))?;
        shape.push((field, take_u64(from)?));
    }
    let stamps = take_stamps(from, base)?;
    let stamp = |number: u64| -> Result<Stamp, Fault> {
        let at = usize::try_from(number).ok().and_then(|at| stamps.get(at));
        at.copied().ok_or_else(|| Fault::new(0, format!("there is no stamp {number}")))
    };
    let mut slots = Vec::with_capacity(count);
    for (field, number) in shape {
        let value = match field {
            _ if in_columns.contains(&field) => column(field).map(Held::Value),
            Field::Metadata | Field::Attributes => {
                Some(Held::Map(take_map(from, base, payload, &stamp)?))
            }
            Field::Usage => take_usage(from, base.amounts)?.map(Value::Usage).map(Held::Value),
            Field::Cost => {
                let cost = take_cost(from, usage_of(&slots), base.amounts)?;
                cost.map(Value::Cost).map(Held::Value)
            }
            _ => Some(Held::Value(take_value(field, from, base, payload)?)),
        };
        match value {
            Some(value) => slots.push(Slot { field, stamp: stamp(number)?, value }),
            None => missing(field)?,
        }
    }
    if !from.is_empty() {
        return Err(Fault::new(0, format!("{} bytes too many in a row's details", from.len())));
    }
    Ok(Fields::from_slots(slots))
}

/// The usage, which stands before the cost.
fn usage_of(slots: &[Slot]) -> &[(Box<str>, u64)] {
    slots
        .iter()
        .find_map(|slot| match &slot.value {
            Held::Value(Value::Usage(usage)) => Some(usage.as_slice()),
            _ => None,
        })
        .unwrap_or_default()
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_id(id: &Id, out: &mut Vec<u8>) {
    out.push(id.form() as u8);
    match id.as_text() {
        Some(text) => put_text(text, out),
        None => put_text(&id.to_string(), out),
    }
}

fn put_time(time: Timestamp, base: Base, out: &mut Vec<u8>) {
    let delta = time.0.wrapping_sub(base.start.0);
    if delta % MS == 0 {
        out.push(1);
        put_i64(out, delta / MS);
    } else {
        out.push(0);
        put_i64(out, delta);
    }
}

fn put_value(
    value: &Value<PayloadRef>,
    base: Base,
    number: &mut dyn FnMut(&PayloadRef) -> u64,
    out: &mut Vec<u8>,
) {
    match value {
        Value::Kind(v) => out.push(v.code()),
        Value::Level(v) => out.push(v.code()),
        Value::ScoreType(v) => out.push(v.code()),
        Value::ScoreSource(v) => out.push(v.code()),
        Value::Bool(v) => out.push(u8::from(*v)),
        Value::Number(v) => put_u64(out, *v),
        Value::Float(v) => out.extend_from_slice(&v.to_bits().to_le_bytes()),
        Value::Time(v) => put_time(*v, base, out),
        Value::Id(v) => put_id(v, out),
        Value::Text(v) => put_text(v, out),
        Value::Tags(v) => {
            put_u64(out, v.len() as u64);
            v.iter().for_each(|tag| put_text(tag, out));
        }
        Value::Payload(p) => put_i64(out, (number(p) as i64).wrapping_sub(base.number as i64)),
        Value::Subject(subject) => {
            let (code, first, second) = match subject {
                Subject::Trace(id) => (0, id, None),
                Subject::Observation(trace, id) => (1, trace, Some(id)),
                Subject::Session(id) => (2, id, None),
                Subject::Run(id) => (3, id, None),
            };
            out.push(code);
            put_id(first, out);
            second.into_iter().for_each(|id| put_id(id, out));
        }
        // These have functions of their own.
        Value::Map(_) | Value::Usage(_) | Value::Cost(_) => {}
    }
}

fn take_byte(from: &mut &[u8]) -> Result<u8, Fault> {
    let (first, rest) =
        from.split_first().ok_or_else(|| Fault::new(0, "a row's details end early"))?;
    *from = rest;
    Ok(*first)
}

fn take_count(from: &mut &[u8], max: u64) -> Result<usize, Fault> {
    let count = take_u64(from)?;
    // Whatever is counted takes at least a byte, so a false count cannot make us allocate.
    if count > max || count > from.len() as u64 {
        return Err(Fault::new(0, format!("a count of {count} is too large")));
    }
    Ok(count as usize)
}

fn take_text<'a>(from: &mut &'a [u8]) -> Result<&'a str, Fault> {
    let len = take_count(from, TEXT_BYTES_MAX as u64 * 4)?;
    let (text, rest) = from.split_at(len);
    *from = rest;
    std::str::from_utf8(text).map_err(|_| Fault::new(0, "a text is no UTF-8"))
}

fn take_id(from: &mut &[u8]) -> Result<Id, Fault> {
    let form = take_byte(from)?;
    let text = take_text(from)?;
    let id = Id::parse(text).map_err(|e| Fault::new(0, e.to_string()))?;
    if Form::from_code(form) != Some(id.form()) {
        return Err(Fault::new(0, format!("an id has form {form}")));
    }
    Ok(id)
}

fn word<T>(value: Option<T>, code: u8) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::new(0, format!("unknown code {code}")))
}

fn take_value(
    field: Field,
    from: &mut &[u8],
    base: Base,
    payload: &dyn Fn(u64) -> Option<PayloadRef>,
) -> Result<Value<PayloadRef>, Fault> {
    use Field::*;
    Ok(match field {
        Kind => {
            take_byte(from).and_then(|c| word(ObservationKind::from_code(c), c)).map(Value::Kind)?
        }
        Level => {
            take_byte(from).and_then(|c| word(self::Level::from_code(c), c)).map(Value::Level)?
        }
        ScoreType => take_byte(from)
            .and_then(|c| word(self::ScoreType::from_code(c), c))
            .map(Value::ScoreType)?,
        ScoreSource => take_byte(from)
            .and_then(|c| word(self::ScoreSource::from_code(c), c))
            .map(Value::ScoreSource)?,
        Public => Value::Bool(take_byte(from)? != 0),
        PromptVersion => Value::Number(take_u64(from)?),
        ScoreNumber => {
            let (bits, rest) =
                from.split_first_chunk::<8>().ok_or_else(|| Fault::new(0, "a number is cut"))?;
            *from = rest;
            Value::Float(f64::from_bits(u64::from_le_bytes(*bits)))
        }
        Start | End | CompletionStart | Timestamp => {
            let scale = if take_byte(from)? == 1 { MS } else { 1 };
            let delta = take_i64(from)?.wrapping_mul(scale);
            Value::Time(crate::model::Timestamp(base.start.0.wrapping_add(delta)))
        }
        Parent | Session => Value::Id(take_id(from)?),
        Name | StatusMessage | Version | Release | Environment | Model | ModelParameters
        | PromptName | User | ScoreText | Comment | ConfigId | QueueId | AuthorId
        | ExecutionTrace | ExternalId => Value::Text(take_text(from)?.into()),
        Tags => {
            let count = take_count(from, MAP_ENTRIES_MAX as u64 * 16)?;
            let tags = (0..count).map(|_| take_text(from).map(Box::from));
            Value::Tags(tags.collect::<Result<_, _>>()?)
        }
        Input | Output | Correction => Value::Payload(take_payload(from, base, payload)?),
        Subject => {
            let code = take_byte(from)?;
            let first = take_id(from)?;
            Value::Subject(match code {
                0 => self::Subject::Trace(first),
                1 => self::Subject::Observation(first, take_id(from)?),
                2 => self::Subject::Session(first),
                3 => self::Subject::Run(first),
                _ => return Err(Fault::new(0, format!("unknown subject code {code}"))),
            })
        }
        Metadata | Attributes | Usage | Cost => {
            return Err(Fault::new(0, "a map or an amount is read by itself"));
        }
    })
}

fn take_payload(
    from: &mut &[u8],
    base: Base,
    payload: &dyn Fn(u64) -> Option<PayloadRef>,
) -> Result<PayloadRef, Fault> {
    let number = (base.number as i64).wrapping_add(take_i64(from)?) as u64;
    payload(number).ok_or_else(|| Fault::new(0, format!("there is no payload {number}")))
}

/// A map: its texts, then its entries by key. Values mostly follow one another in the text, so a
/// value's start is counted from the end of the one before in the same text.
fn put_map(
    map: &MergedMap,
    base: Base,
    number: &mut dyn FnMut(&PayloadRef) -> u64,
    stamp_number: &mut dyn FnMut(Stamp) -> u64,
    out: &mut Vec<u8>,
) {
    put_u64(out, map.texts.len() as u64);
    for text in &map.texts {
        put_i64(out, (number(text) as i64).wrapping_sub(base.number as i64));
    }
    put_u64(out, map.entries.len() as u64);
    let single = map.texts.len() == 1;
    for entry in &map.entries {
        put_text(&entry.key, out);
        put_u64(out, stamp_number(entry.stamp));
        if !single {
            put_u64(out, u64::from(entry.text));
        }
    }
    let mut end = 0u32;
    for entry in &map.entries {
        put_i64(out, i64::from(entry.value.start) - i64::from(end));
        put_u64(out, u64::from(entry.value.end - entry.value.start));
        end = entry.value.end;
    }
}

fn take_map(
    from: &mut &[u8],
    base: Base,
    payload: &dyn Fn(u64) -> Option<PayloadRef>,
    stamp: &dyn Fn(u64) -> Result<Stamp, Fault>,
) -> Result<MergedMap, Fault> {
    let count = take_count(from, u64::from(u32::MAX))?;
    let mut texts = Vec::new();
    for _ in 0..count {
        texts.push(take_payload(from, base, payload)?);
    }
    let count = take_count(from, u64::from(u32::MAX))?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let key = take_text(from)?.into();
        let stamp = stamp(take_u64(from)?)?;
        let text = if texts.len() == 1 { 0 } else { take_u64(from)? };
        let text = u32::try_from(text).unwrap_or(u32::MAX);
        if text as usize >= texts.len() {
            return Err(Fault::new(0, format!("a map has no text {text}")));
        }
        entries.push(MergedEntry { key, text, value: 0..0, stamp });
    }
    let mut end = 0u32;
    for entry in &mut entries {
        let start = i64::from(end).wrapping_add(take_i64(from)?);
        let len = take_u64(from)?;
        let range = u32::try_from(start).ok().zip(u32::try_from(len).ok());
        let range = range.and_then(|(start, len)| Some(start..start.checked_add(len)?));
        let text_len = texts[entry.text as usize].len.min(PAYLOAD_BYTES_MAX as u64);
        entry.value = range
            .filter(|r| u64::from(r.end) <= text_len)
            .ok_or_else(|| Fault::new(0, "a map's value lies outside its text"))?;
        end = entry.value.end;
    }
    Ok(MergedMap { texts, entries })
}

/// Identity of an id in a column, with its text where the form is text.
pub fn column_id(identity: Identity, text: Option<&str>) -> Option<Id> {
    match identity.form {
        Form::Text => Id::parse(text?).ok().filter(|id| id.form() == Form::Text),
        _ => Id::from_identity(identity),
    }
}

#[cfg(test)]
mod tests;
