//! A set of rows, as a bitmap.
//!
//! ```text
//! 0   u32  rows
//! 4   u32  zero
//! 8   one bit a row, lowest first, in u64 words
//! ```

use super::raw::{count32, pad8, u32_at};
use crate::error::Fault;

const HEADER: usize = 8;

/// Collects a [`Bits`] column.
#[derive(Debug, Default)]
pub struct BitsBuilder {
    rows: usize,
    bits: Vec<u8>,
}

impl BitsBuilder {
    /// An empty column.
    pub fn new() -> BitsBuilder {
        BitsBuilder::default()
    }

    /// Appends a row.
    pub fn push(&mut self, set: bool) {
        if self.rows.is_multiple_of(8) {
            self.bits.push(0);
        }
        if let Some(last) = self.bits.last_mut() {
            *last |= u8::from(set) << (self.rows % 8);
        }
        self.rows += 1;
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// The column's bytes.
    pub fn build(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.bits.len() + 8);
        out.extend_from_slice(&count32(self.rows).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.bits);
        pad8(&mut out);
        out
    }
}

/// A set of rows, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bits<'a> {
    rows: usize,
    bits: &'a [u8],
}

impl<'a> Bits<'a> {
    /// The column in `bytes`, checked in O(1).
    ///
    /// # Errors
    /// A fault where the length is not that of a bitmap of so many rows.
    pub fn parse(bytes: &'a [u8]) -> Result<Bits<'a>, Fault> {
        let bits = Bits::view(bytes);
        let expected = HEADER + bits.rows.div_ceil(64) * 8;
        if bytes.len() != expected {
            let what = format!("a bitmap of {} bytes, expected {expected}", bytes.len());
            return Err(Fault::new(0, what));
        }
        Ok(bits)
    }

    /// The column in bytes that were parsed before. Whatever the bytes, reading is safe.
    pub fn view(bytes: &'a [u8]) -> Bits<'a> {
        let rows = u32_at(bytes, 0).unwrap_or(0) as usize;
        Bits { rows, bits: bytes.get(HEADER..).unwrap_or_default() }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether this row is in the set; a row past the end is not.
    #[inline]
    pub fn get(&self, row: usize) -> bool {
        row < self.rows && self.bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }
}
