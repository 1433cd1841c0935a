//! The value of one field as bytes: a tag, then what it holds.

use super::bytes::{Take, put_id, put_text, put_varint};
use crate::{Fault, Result, fault};
use tracekeep::Id;
use tracekeep::id::LogId;
use tracekeep::merge::{MergedEntry, MergedMap, Stamp};
use tracekeep::model::{
    Decimal, Level, ObservationKind, PayloadRef, ScoreSource, ScoreType, Source, Subject,
    Timestamp, Value,
};

pub(crate) const KIND: u8 = 0;
pub(crate) const LEVEL: u8 = 1;
const BOOL: u8 = 2;
const NUMBER: u8 = 3;
const FLOAT: u8 = 4;
const TIME: u8 = 5;
const ID: u8 = 6;
const TEXT: u8 = 7;
const TAGS: u8 = 8;
const USAGE: u8 = 9;
const COST: u8 = 10;
const PAYLOAD: u8 = 11;
const SUBJECT: u8 = 12;
const SCORE_TYPE: u8 = 13;
const SCORE_SOURCE: u8 = 14;

/// A payload of a row: the number says which.
pub(crate) fn payload_ref(len: u64, print: u64, number: u64) -> PayloadRef {
    PayloadRef { len, print, source: Source::Log(LogId(0)), number }
}

fn put_ref(payload: &PayloadRef, out: &mut Vec<u8>) {
    put_varint(payload.len, out);
    put_varint(payload.number, out);
    out.extend_from_slice(&payload.print.to_le_bytes());
}

fn take_ref(take: &mut Take<'_>) -> Result<PayloadRef> {
    let (len, number) = (take.varint()?, take.varint()?);
    Ok(payload_ref(len, u64::from_le_bytes(take.array()?), number))
}

pub(crate) fn put_value(value: &Value<PayloadRef>, out: &mut Vec<u8>) {
    match value {
        Value::Kind(kind) => out.extend([KIND, kind.code()]),
        Value::Level(level) => out.extend([LEVEL, level.code()]),
        Value::Bool(bool) => out.extend([BOOL, u8::from(*bool)]),
        Value::ScoreType(kind) => out.extend([SCORE_TYPE, kind.code()]),
        Value::ScoreSource(source) => out.extend([SCORE_SOURCE, source.code()]),
        Value::Number(number) => {
            out.push(NUMBER);
            put_varint(*number, out);
        }
        Value::Float(float) => {
            out.push(FLOAT);
            out.extend_from_slice(&float.to_bits().to_le_bytes());
        }
        Value::Time(time) => {
            out.push(TIME);
            out.extend_from_slice(&time.0.to_le_bytes());
        }
        Value::Id(id) => {
            out.push(ID);
            put_id(id, out);
        }
        Value::Text(text) => {
            out.push(TEXT);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Tags(tags) => {
            out.push(TAGS);
            tags.iter().for_each(|tag| put_text(tag, out));
        }
        Value::Usage(usage) => {
            out.push(USAGE);
            for (key, count) in usage {
                put_text(key, out);
                put_varint(*count, out);
            }
        }
        Value::Cost(cost) => {
            out.push(COST);
            for (key, cost) in cost {
                put_text(key, out);
                out.extend_from_slice(&cost.0.to_le_bytes());
            }
        }
        Value::Payload(payload) => {
            out.push(PAYLOAD);
            put_varint(payload.len, out);
            put_varint(payload.number, out);
        }
        Value::Subject(subject) => put_subject(subject, out),
        // The rule of a field that holds maps keeps them apart; see `put_map`.
        Value::Map(map) => put_ref(&map.text, out),
    }
}

fn put_subject(subject: &Subject, out: &mut Vec<u8>) {
    let (rank, first, second): (u8, &Id, Option<&Id>) = match subject {
        Subject::Trace(id) => (0, id, None),
        Subject::Observation(trace, id) => (1, trace, Some(id)),
        Subject::Session(id) => (2, id, None),
        Subject::Run(id) => (3, id, None),
    };
    out.extend([SUBJECT, rank]);
    put_id(first, out);
    if let Some(second) = second {
        put_id(second, out);
    }
}

pub(crate) fn take_value(take: &mut Take<'_>) -> Result<Value<PayloadRef>> {
    fn known<T>(value: Option<T>) -> Result<T> {
        value.ok_or_else(|| fault("a row has an unknown code"))
    }
    Ok(match take.byte()? {
        KIND => Value::Kind(known(ObservationKind::from_code(take.byte()?))?),
        LEVEL => Value::Level(known(Level::from_code(take.byte()?))?),
        BOOL => Value::Bool(take.byte()? != 0),
        SCORE_TYPE => Value::ScoreType(known(ScoreType::from_code(take.byte()?))?),
        SCORE_SOURCE => Value::ScoreSource(known(ScoreSource::from_code(take.byte()?))?),
        NUMBER => Value::Number(take.varint()?),
        FLOAT => Value::Float(f64::from_bits(u64::from_le_bytes(take.array()?))),
        TIME => Value::Time(Timestamp(i64::from_le_bytes(take.array()?))),
        ID => Value::Id(take.id()?),
        TEXT => Value::Text(std::str::from_utf8(take.0)?.into()),
        TAGS => Value::Tags(many(take, |take| Ok(take.text()?.into()))?),
        USAGE => Value::Usage(many(take, |take| Ok((take.text()?.into(), take.varint()?)))?),
        COST => Value::Cost(many(take, |take| {
            let key = take.text()?.into();
            Ok((key, Decimal(i128::from_le_bytes(take.array()?))))
        })?),
        PAYLOAD => Value::Payload(payload_ref(take.varint()?, 0, take.varint()?)),
        SUBJECT => Value::Subject(match take.byte()? {
            0 => Subject::Trace(take.id()?),
            1 => Subject::Observation(take.id()?, take.id()?),
            2 => Subject::Session(take.id()?),
            _ => Subject::Run(take.id()?),
        }),
        _ => return Err(fault("a row has an unknown value")),
    })
}

fn many<'a, T>(
    take: &mut Take<'a>,
    mut one: impl FnMut(&mut Take<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    while !take.is_empty() {
        all.push(one(take)?);
    }
    Ok(all)
}

pub(crate) fn put_map(map: &MergedMap, stamp: &dyn Fn(&Stamp) -> u64, out: &mut Vec<u8>) {
    put_varint(map.texts.len() as u64, out);
    map.texts.iter().for_each(|text| put_ref(text, out));
    for entry in &map.entries {
        put_text(&entry.key, out);
        put_varint(u64::from(entry.text), out);
        put_varint(u64::from(entry.value.start), out);
        put_varint(u64::from(entry.value.end), out);
        put_varint(stamp(&entry.stamp), out);
    }
}

pub(crate) fn take_map(take: &mut Take<'_>, stamps: &[Stamp]) -> Result<MergedMap> {
    let mut texts = Vec::new();
    for _ in 0..take.count()? {
        texts.push(take_ref(take)?);
    }
    let entries = many(take, |take| {
        let key = take.text()?.into();
        let mut number = || Ok::<u32, Fault>(u32::try_from(take.varint()?)?);
        let (text, value) = (number()?, number()?..number()?);
        let stamp = take.count()?;
        let stamp = *stamps.get(stamp).ok_or_else(|| fault("a row lacks a stamp"))?;
        Ok(MergedEntry { key, text, value, stamp })
    })?;
    Ok(MergedMap::new(texts, entries))
}
