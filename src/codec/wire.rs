//! A record as it stands in a log.
//!
//! ```text
//! record   target  time i64  operation u8  body
//! target   0 trace: id | 1 observation: trace id, id | 2 score: id
//! id       0 text | 1 u64 as 16 hex digits | 2 u128 as 32 hex digits | 3 u128 as UUID
//! body     0 tombstone | 1 list of fields
//! field    code u8  weak bool  value
//! value    0 kind u8        | 1 level u8        | 2 bool           | 3 u64
//!          4 f64            | 5 time i64        | 6 id             | 7 text
//!          8 list of text   | 9 list of (text, u64) | 10 list of (text, i128)
//!          11 payload       | 12 map            | 13 subject
//!          14 score type u8 | 15 score source u8
//! payload  length u64  fingerprint u64  list number u32
//! map      payload of its text  list of (key text, start u32, length u32, weak bool)
//! subject  0 trace: id | 1 observation: trace id, id | 2 session: id | 3 run: id
//! ```
//!
//! Integers are those of the codec, see `mod.rs`. `encode` writes this, and here it is read, both
//! by hand: there are many records, and `bincode` would build a copy of each in between.

use super::BYTES_MAX;
use super::check::check_field;
use super::varint::unzigzag;
use crate::error::Fault;
use crate::id::Id;
use crate::model::{
    Body, Decimal, Field, FieldValue, Level, Map, MapEntry, ObservationKind, Operation, Payload,
    Record, ScoreSource, ScoreType, Subject, Target, Timestamp, Value,
};

/// A payload of a record in a log frame: its part list stands in the same frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Length of the payload in bytes.
    pub len: u64,
    /// Keyed fingerprint of the payload.
    pub print: u64,
    /// Which part list of the frame it is, from 0.
    pub list: u32,
}

impl Payload for Listed {
    fn bytes_len(&self) -> u64 {
        self.len
    }
}

/// The record that fills `bytes` exactly. Allocates the fields, their texts and lists.
///
/// # Errors
/// The bytes are no record, or one that [`check`](super::check()) finds fault with.
pub fn decode_record(bytes: &[u8]) -> Result<Record<Listed>, Fault> {
    if bytes.len() > BYTES_MAX {
        return Err(Fault::new(0, format!("{} bytes: at most {BYTES_MAX}", bytes.len())));
    }
    let mut from = Cursor { bytes, at: 0 };
    let record = from.record().map_err(|what| Fault::new(from.at, what))?;
    if from.at != bytes.len() {
        return Err(Fault::new(from.at, format!("{} bytes too many", bytes.len() - from.at)));
    }
    Ok(record)
}

/// Reads from the front of a slice. A fault says what is wrong; the cursor, where.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Read<T> = Result<T, String>;

const ENDS_EARLY: &str = "the structure ends early";

fn unknown(what: &str, code: impl std::fmt::Display) -> String {
    format!("unknown {what} {code}")
}

impl<'a> Cursor<'a> {
    fn record(&mut self) -> Read<Record<Listed>> {
        let target = match self.byte()? {
            0 => Target::Trace { trace: self.id()? },
            1 => Target::Observation { trace: self.id()?, observation: self.id()? },
            2 => Target::Score { score: self.id()? },
            code => return Err(unknown("target", code)),
        };
        let time = Timestamp(unzigzag(self.u64()?));
        let code = self.byte()?;
        let operation = Operation::from_code(code).ok_or_else(|| unknown("operation", code))?;
        let body = match self.byte()? {
            0 => Body::Tombstone,
            1 => Body::Fields(self.fields()?),
            code => return Err(unknown("body", code)),
        };
        Ok(Record { target, time, operation, body })
    }

    fn fields(&mut self) -> Read<Vec<FieldValue<Listed>>> {
        let count = self.count()?;
        // They ascend: no more than there are.
        let mut fields: Vec<FieldValue<Listed>> = Vec::with_capacity(count.min(Field::ALL.len()));
        for _ in 0..count {
            let code = self.byte()?;
            let field = Field::from_code(code).ok_or_else(|| unknown("field", code))?;
            if fields.last().is_some_and(|last| last.field >= field) {
                return Err("fields that are not sorted, or one twice".to_owned());
            }
            let field = FieldValue { field, weak: self.flag()?, value: self.value()? };
            check_field(&field).map_err(|fault| fault.what)?;
            fields.push(field);
        }
        Ok(fields)
    }

    fn value(&mut self) -> Read<Value<Listed>> {
        let tag = self.byte()?;
        Ok(match tag {
            0 => Value::Kind(self.word("observation kind", ObservationKind::from_code)?),
            1 => Value::Level(self.word("level", Level::from_code)?),
            2 => Value::Bool(self.flag()?),
            3 => Value::Number(self.u64()?),
            4 => Value::Float(f64::from_le_bytes(self.array()?)),
            5 => Value::Time(Timestamp(unzigzag(self.u64()?))),
            6 => Value::Id(self.id()?),
            7 => Value::Text(self.text()?.into()),
            8 => Value::Tags(self.list(|from| Ok(from.text()?.into()))?),
            9 => Value::Usage(self.list(|from| Ok((from.text()?.into(), from.u64()?)))?),
            10 => Value::Cost(self.list(|from| Ok((from.text()?.into(), from.decimal()?)))?),
            11 => Value::Payload(self.payload()?),
            12 => {
                let text = self.payload()?;
                Value::Map(Map { text, entries: self.list(Cursor::entry)? })
            }
            13 => Value::Subject(self.subject()?),
            14 => Value::ScoreType(self.word("score type", ScoreType::from_code)?),
            15 => Value::ScoreSource(self.word("score source", ScoreSource::from_code)?),
            tag => return Err(unknown("value", tag)),
        })
    }

    fn word<T>(&mut self, what: &str, of: impl Fn(u8) -> Option<T>) -> Read<T> {
        let code = self.byte()?;
        of(code).ok_or_else(|| unknown(what, code))
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.count()?;
        // Every item takes a byte at least, and few lists are long.
        let mut items = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn payload(&mut self) -> Read<Listed> {
        Ok(Listed { len: self.u64()?, print: self.u64()?, list: self.u32()? })
    }

    fn entry(&mut self) -> Read<MapEntry> {
        let (key, start, len) = (self.text()?.into(), self.u32()?, self.u32()?);
        let end = start.checked_add(len).ok_or("a value of a map ends past 4 GiB")?;
        Ok(MapEntry { key, value: start..end, weak: self.flag()? })
    }

    fn subject(&mut self) -> Read<Subject> {
        Ok(match self.byte()? {
            0 => Subject::Trace(self.id()?),
            1 => Subject::Observation(self.id()?, self.id()?),
            2 => Subject::Session(self.id()?),
            3 => Subject::Run(self.id()?),
            code => return Err(unknown("subject", code)),
        })
    }

    fn id(&mut self) -> Read<Id> {
        match self.byte()? {
            0 => match Id::parse(self.text()?) {
                // An id has one form; text that could be bits would be a second one.
                Ok(id) if id.as_text().is_some() => Ok(id),
                Ok(_) => Err("an id as text that has digits of its own form".to_owned()),
                Err(error) => Err(error.to_string()),
            },
            1 => Ok(Id::hex16(self.u64()?)),
            2 => Ok(Id::hex32(self.u128()?)),
            3 => Ok(Id::uuid(self.u128()?)),
            code => Err(unknown("form of an id", code)),
        }
    }

    fn decimal(&mut self) -> Read<Decimal> {
        let raw = self.u128()?;
        Ok(Decimal((raw >> 1) as i128 ^ -((raw & 1) as i128)))
    }

    fn text(&mut self) -> Read<&'a str> {
        let len = self.count()?;
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.get(..len));
        let text = std::str::from_utf8(bytes.ok_or(ENDS_EARLY)?);
        self.at += len;
        text.map_err(|_| "text that is not utf-8".to_owned())
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk());
        self.at += N;
        bytes.copied().ok_or_else(|| ENDS_EARLY.to_owned())
    }

    #[inline]
    fn byte(&mut self) -> Read<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or(ENDS_EARLY)?;
        self.at += 1;
        Ok(byte)
    }

    fn flag(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("a bool that is neither 0 nor 1".to_owned()),
        }
    }

    /// A number of items or bytes, no more than there are bytes left.
    fn count(&mut self) -> Read<usize> {
        let count = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        if count > self.bytes.len() - self.at { Err(ENDS_EARLY.to_owned()) } else { Ok(count) }
    }

    fn u32(&mut self) -> Read<u32> {
        u32::try_from(self.u64()?).map_err(|_| "an integer of another width".to_owned())
    }

    #[inline]
    fn u64(&mut self) -> Read<u64> {
        Ok(match self.byte()? {
            small @ 0..=250 => u64::from(small),
            251 => u64::from(u16::from_le_bytes(self.array()?)),
            252 => u64::from(u32::from_le_bytes(self.array()?)),
            253 => u64::from_le_bytes(self.array()?),
            _ => return Err("an integer of another width".to_owned()),
        })
    }

    fn u128(&mut self) -> Read<u128> {
        if self.bytes.get(self.at) == Some(&254) {
            self.at += 1;
            return Ok(u128::from_le_bytes(self.array()?));
        }
        self.u64().map(u128::from)
    }
}
