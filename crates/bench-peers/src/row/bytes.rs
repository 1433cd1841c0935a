//! Numbers and texts as bytes: what the other files are made of.

use crate::{Result, fault};
use tracekeep::Id;
use tracekeep::id::Form;

pub(crate) fn put_varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) {
    put_varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// No id is the beginning of another's bytes, so that keys can be put together of them.
pub(crate) fn put_id(id: &Id, out: &mut Vec<u8>) {
    out.push(id.form() as u8);
    match (id.form(), id.bits()) {
        (Form::Hex16, Some(bits)) => out.extend_from_slice(&bits.to_le_bytes()[..8]),
        (_, Some(bits)) => out.extend_from_slice(&bits.to_le_bytes()),
        (_, None) => put_text(id.as_text().unwrap_or_default(), out),
    }
}

/// Reads from the front of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Take<'a>(pub(crate) &'a [u8]);

impl<'a> Take<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| fault("a row ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn varint(&mut self) -> Result<u64> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(fault("a number of a row does not end"))
    }

    pub(crate) fn count(&mut self) -> Result<usize> {
        Ok(usize::try_from(self.varint()?)?)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let count = self.count()?;
        Ok(std::str::from_utf8(self.bytes(count)?)?)
    }

    pub(crate) fn id(&mut self) -> Result<Id> {
        Ok(match Form::from_code(self.byte()?) {
            Some(Form::Text) => Id::parse(self.text()?)?,
            Some(Form::Hex16) => Id::hex16(u64::from_le_bytes(self.array()?)),
            Some(Form::Hex32) => Id::hex32(u128::from_le_bytes(self.array()?)),
            Some(Form::Uuid) => Id::uuid(u128::from_le_bytes(self.array()?)),
            None => return Err(fault("an id of a row has no such form")),
        })
    }
}
