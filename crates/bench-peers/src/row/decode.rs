//! From a row to merged fields.

use super::bytes::Take;
use super::value::{take_map, take_value};
use crate::{Result, fault};
use tracekeep::merge::{Fields, Held, Slot, Stamp};
use tracekeep::model::{Field, Operation, Rule, Timestamp};

/// A row, read as far as its stamps.
pub(crate) struct Row<'a> {
    pub(crate) next: u32,
    pub(crate) stamps: Vec<Stamp>,
    rest: Take<'a>,
}

/// One field of a row, its value not yet read.
pub(crate) struct RawSlot<'a> {
    pub(crate) field: Field,
    pub(crate) stamp: Stamp,
    pub(crate) value: Take<'a>,
}

impl<'a> Row<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Row<'a>> {
        let mut rest = Take(bytes);
        let next = u32::try_from(rest.varint()?)?;
        let count = rest.count()?;
        let mut stamps = Vec::with_capacity(count.min(16));
        for _ in 0..count {
            let flags = rest.byte()?;
            stamps.push(Stamp {
                strong: flags & 1 != 0,
                operation: if flags & 2 != 0 { Operation::Update } else { Operation::Create },
                time: Timestamp(i64::from_le_bytes(rest.array()?)),
            });
        }
        Ok(Row { next, stamps, rest })
    }

    /// The next field.
    pub(crate) fn slot(&mut self) -> Result<Option<RawSlot<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let code = self.rest.byte()?;
        let field = Field::from_code(code).ok_or_else(|| fault("a row has an unknown field"))?;
        let number = self.rest.count()?;
        let stamp = *self.stamps.get(number).ok_or_else(|| fault("a row lacks a stamp"))?;
        let count = self.rest.count()?;
        Ok(Some(RawSlot { field, stamp, value: Take(self.rest.bytes(count)?) }))
    }
}

/// The fields of a row, and the first free number of a payload.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Fields, u32)> {
    let mut row = Row::parse(bytes)?;
    let mut slots = Vec::with_capacity(16);
    while let Some(RawSlot { field, stamp, mut value }) = row.slot()? {
        let value = match field.rule() {
            Rule::PerKey => Held::Map(take_map(&mut value, &row.stamps)?),
            _ => Held::Value(take_value(&mut value)?),
        };
        slots.push(Slot { field, stamp, value });
    }
    Ok((Fields::from_slots(slots), row.next))
}
