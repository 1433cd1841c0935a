//! A column of identities.
//!
//! ```text
//! a zone, in its group's directory (see `table`)
//! 0   24 zero bytes
//! 24  u16 first word   u8 shape   u8 zero
//! 28  u32 crc32
//! ```
//!
//! The shape of a zone is the code of the one form that all its rows have, or 4 where they
//! differ: 8 bytes a row for 16 hex digits, 16 bytes a row for any other form, and in a mixed
//! zone 16 bytes a row followed by a byte of form for each row.

use super::table::{Table, ZONE, ZoneHead, first_word};
use crate::codec::words::{u64_at, u128_at};
use crate::id::{Form, Identity};
use crate::limits::ZONE_ROWS;
use std::ops::Range;

const MIXED: u8 = 4;
/// Of a zone that is not there.
const UNKNOWN: u8 = u8::MAX;

/// The most bytes of data that so many rows of a zone take.
pub(super) fn data_bytes_max(rows: usize) -> usize {
    Shape::Mixed.words(rows) * 8
}

/// What the rows of a zone look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// All have this form.
    One(Form),
    /// Each names its form.
    Mixed,
}

impl Shape {
    fn of(values: &[Identity]) -> Shape {
        let Some(first) = values.first() else { return Shape::Mixed };
        let same = values.iter().all(|v| {
            v.form == first.form && (v.form != Form::Hex16 || u64::try_from(v.bits).is_ok())
        });
        if same { Shape::One(first.form) } else { Shape::Mixed }
    }

    fn code(self) -> u8 {
        match self {
            Shape::One(form) => form as u8,
            Shape::Mixed => MIXED,
        }
    }

    fn from_code(code: u8) -> Option<Shape> {
        if code == MIXED { Some(Shape::Mixed) } else { Form::from_code(code).map(Shape::One) }
    }

    fn words(self, rows: usize) -> usize {
        match self {
            Shape::One(Form::Hex16) => rows,
            Shape::One(_) => rows * 2,
            Shape::Mixed => rows * 2 + rows.div_ceil(8),
        }
    }
}

/// Appends the data of these identities to `words` and gives their zone.
pub(super) fn pack(values: &[Identity], words: &mut Vec<u64>) -> ZoneHead {
    let (shape, word) = (Shape::of(values), words.len() as u16);
    for value in values {
        words.push(value.bits as u64);
        if shape != Shape::One(Form::Hex16) {
            words.push((value.bits >> 64) as u64);
        }
    }
    if shape == Shape::Mixed {
        words.extend(values.chunks(8).map(|forms| {
            let mut bytes = [0; 8];
            bytes.iter_mut().zip(forms).for_each(|(byte, value)| *byte = value.form as u8);
            u64::from_le_bytes(bytes)
        }));
    }
    head(word, shape.code())
}

fn head(word: u16, shape: u8) -> ZoneHead {
    let mut head = [0; ZONE];
    head[24..26].copy_from_slice(&word.to_le_bytes());
    head[26] = shape;
    head
}

/// A zone in which no row has an identity.
pub(super) fn null() -> ZoneHead {
    head(0, UNKNOWN)
}

/// Words of a zone's data, unless it has no form that a writer gives it.
pub(super) fn data_words(head: &ZoneHead, rows: usize) -> Option<usize> {
    let (_, shape) = read(head)?;
    let zeros = head[..24].iter().all(|b| *b == 0) && head[27] == 0;
    zeros.then(|| shape.words(rows))
}

/// First word and shape of a zone.
#[inline]
fn read(head: &ZoneHead) -> Option<(usize, Shape)> {
    Some((usize::from(first_word(head)), Shape::from_code(head[26])?))
}

/// A column of identities, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ids<'a> {
    table: Table<'a>,
    column: usize,
}

impl<'a> Ids<'a> {
    pub(super) fn of(table: Table<'a>, column: usize) -> Ids<'a> {
        Ids { table, column }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.table.rows()
    }

    /// The zone of a row: its bytes, its shape and its number of rows.
    #[inline]
    fn zone_data(&self, row: usize) -> Option<(&'a [u8], Shape, usize)> {
        let zone = row / ZONE_ROWS;
        let rows = self.table.group_rows(zone);
        let (head, data) = self.table.zone(zone, self.column)?;
        let (word, shape) = read(head)?;
        let data = data.get(word * 8..)?.get(..shape.words(rows) * 8)?;
        Some((data, shape, rows))
    }

    /// The identity in this row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<Identity> {
        if row >= self.len() {
            return None;
        }
        let (data, shape, rows) = self.zone_data(row)?;
        at(data, shape, rows, row % ZONE_ROWS)
    }

    /// Appends the identities of these rows. Rows past the end are left out, and so are rows
    /// whose bytes are no identity.
    pub fn read(&self, rows: Range<usize>, out: &mut Vec<Identity>) {
        self.each_zone(rows, |data, shape, zone_rows, part, _| {
            match shape {
                Shape::One(Form::Hex16) => {
                    let bits = words(data, part, 8).map(|w| u128::from(u64_at(w, 0).unwrap_or(0)));
                    out.extend(bits.map(|bits| Identity { form: Form::Hex16, bits }));
                }
                Shape::One(form) => {
                    let bits = words(data, part, 16).map(|w| u128_at(w, 0).unwrap_or(0));
                    out.extend(bits.map(|bits| Identity { form, bits }));
                }
                Shape::Mixed => out.extend(part.filter_map(|i| at(data, shape, zone_rows, i))),
            }
            None::<()>
        });
    }

    /// The first of these rows that holds `identity`. Zones of another form cost nothing.
    pub fn find(&self, rows: Range<usize>, identity: Identity) -> Option<usize> {
        self.each_zone(rows, |data, shape, zone_rows, mut part, base| {
            let start = part.start;
            let hit = match shape {
                Shape::One(form) if form != identity.form => None,
                Shape::One(Form::Hex16) => {
                    let wanted = u64::try_from(identity.bits).ok()?.to_le_bytes();
                    words(data, part, 8).position(|w| w == wanted).map(|i| start + i)
                }
                Shape::One(_) => {
                    let wanted = identity.bits.to_le_bytes();
                    words(data, part, 16).position(|w| w == wanted).map(|i| start + i)
                }
                Shape::Mixed => part.find(|i| at(data, shape, zone_rows, *i) == Some(identity)),
            };
            hit.map(|i| base + i)
        })
    }

    /// Calls `act` with bytes, shape, row count, wanted rows and first row of each zone that
    /// holds any of these rows, until it answers.
    #[inline]
    fn each_zone<T>(
        &self,
        rows: Range<usize>,
        mut act: impl FnMut(&'a [u8], Shape, usize, Range<usize>, usize) -> Option<T>,
    ) -> Option<T> {
        let end = rows.end.min(self.len());
        let mut row = rows.start;
        while row < end {
            let base = row - row % ZONE_ROWS;
            let stop = end.min(base + ZONE_ROWS);
            let answer = self.zone_data(row).and_then(|(data, shape, zone_rows)| {
                act(data, shape, zone_rows, row - base..stop - base, base)
            });
            if answer.is_some() {
                return answer;
            }
            row = stop;
        }
        None
    }
}

/// The `size`-byte words of these rows.
#[inline]
fn words(data: &[u8], rows: Range<usize>, size: usize) -> std::slice::ChunksExact<'_, u8> {
    data.get(rows.start * size..rows.end * size).unwrap_or_default().chunks_exact(size)
}

/// The identity of row `i` in a zone of `rows`.
#[inline]
fn at(data: &[u8], shape: Shape, rows: usize, i: usize) -> Option<Identity> {
    match shape {
        Shape::One(Form::Hex16) => {
            Some(Identity { form: Form::Hex16, bits: u128::from(u64_at(data, i * 8)?) })
        }
        Shape::One(form) => Some(Identity { form, bits: u128_at(data, i * 16)? }),
        Shape::Mixed => {
            let form = Form::from_code(*data.get(rows * 16 + i)?)?;
            Some(Identity { form, bits: u128_at(data, i * 16)? })
        }
    }
}
