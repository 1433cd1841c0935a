//! An observation without its payloads, as a tree shows it.

use super::bytes::Take;
use super::decode::{RawSlot, Row};
use super::value::{KIND, LEVEL, take_value};
use crate::Result;
use tracekeep::Id;
use tracekeep::merge::{Fields, total_cost};
use tracekeep::model::{Decimal, Field, Level, ObservationKind, Timestamp, Value};

/// One node of a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Skeleton {
    /// Its id.
    pub id: Id,
    /// The parent that the sender named.
    pub parent: Option<Id>,
    /// SPAN where nobody said.
    pub kind: ObservationKind,
    /// DEFAULT where nobody said.
    pub level: Level,
    /// When it began: what was said, else its first event time.
    pub start: Timestamp,
    /// When it ended, if it did.
    pub end: Option<Timestamp>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its model.
    pub model: Option<Box<str>>,
    /// Its cost.
    pub cost: Decimal,
}

impl Skeleton {
    fn new(id: Id) -> Skeleton {
        Skeleton {
            id,
            parent: None,
            kind: ObservationKind::Span,
            level: Level::Default,
            start: Timestamp(0),
            end: None,
            name: None,
            model: None,
            cost: Decimal::ZERO,
        }
    }

    /// Reads a row as far as a tree needs it: maps and payloads are passed over.
    pub(crate) fn of_row(id: Id, row: &[u8]) -> Result<Skeleton> {
        let mut new = Skeleton::new(id);
        let (mut row, mut started) = (Row::parse(row)?, false);
        while let Some(RawSlot { field, mut value, .. }) = row.slot()? {
            match field {
                Field::Kind => new.kind = code(value, KIND, ObservationKind::from_code)?,
                Field::Level => new.level = code(value, LEVEL, Level::from_code)?,
                Field::Start
                | Field::End
                | Field::Parent
                | Field::Name
                | Field::Model
                | Field::Cost => match (field, take_value(&mut value)?) {
                    (Field::Start, Value::Time(time)) => (new.start, started) = (time, true),
                    (Field::End, Value::Time(time)) => new.end = Some(time),
                    (Field::Parent, Value::Id(parent)) => new.parent = Some(parent),
                    (Field::Name, Value::Text(name)) => new.name = Some(name),
                    (Field::Model, Value::Text(model)) => new.model = Some(model),
                    (Field::Cost, Value::Cost(cost)) => new.cost = total_cost(&cost),
                    _ => {}
                },
                _ => {}
            }
        }
        if !started {
            new.start = row.stamps.iter().map(|stamp| stamp.time).min().unwrap_or_default();
        }
        Ok(new)
    }

    /// The same of merged fields.
    pub(crate) fn of_fields(id: Id, fields: &Fields) -> Skeleton {
        Skeleton {
            parent: fields.id(Field::Parent).cloned(),
            kind: fields.kind().unwrap_or(ObservationKind::Span),
            level: fields.level().unwrap_or(Level::Default),
            start: fields.time(Field::Start).unwrap_or_else(|| fields.first_time()),
            end: fields.time(Field::End),
            name: fields.text(Field::Name).map(Into::into),
            model: fields.text(Field::Model).map(Into::into),
            cost: fields.total_cost(),
            ..Skeleton::new(id)
        }
    }

    /// In the order in which a tree shows them.
    pub(crate) fn sort(all: &mut [Skeleton]) {
        all.sort_unstable_by_key(|skeleton| skeleton.start);
    }
}

fn code<T>(mut value: Take<'_>, tag: u8, from: fn(u8) -> Option<T>) -> Result<T> {
    let found = (value.byte()? == tag).then(|| value.byte()).transpose()?;
    found.and_then(from).ok_or_else(|| crate::fault("a row has an unknown code"))
}

/// Model and cost of a row, without a copy.
pub(crate) fn cost_of(row: &[u8]) -> Result<(&str, i128)> {
    let (mut model, mut cost) = ("", 0);
    let mut row = Row::parse(row)?;
    while let Some(RawSlot { field, mut value, .. }) = row.slot()? {
        match field {
            Field::Model => model = std::str::from_utf8(value.0.get(1..).unwrap_or_default())?,
            Field::Cost => {
                if let Value::Cost(by_key) = take_value(&mut value)? {
                    cost = total_cost(&by_key).0;
                }
            }
            _ => {}
        }
    }
    Ok((model, cost))
}

/// The number of a payload field of a row.
pub(crate) fn payload_of(row: &[u8], wanted: Field) -> Result<Option<u32>> {
    let mut row = Row::parse(row)?;
    while let Some(RawSlot { field, mut value, .. }) = row.slot()? {
        if field == wanted {
            let Value::Payload(payload) = take_value(&mut value)? else { return Ok(None) };
            return Ok(Some(u32::try_from(payload.number)?));
        }
    }
    Ok(None)
}
