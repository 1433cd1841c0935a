//! A column of identities.
//!
//! ```text
//! 0   u32  rows
//! 4   u32  zones
//! 8   directory, 8 bytes a zone:  u32 first word   u8 shape   u24 zero
//! ..  data: u64 words, each zone starting on a word
//! ```
//!
//! The shape of a zone is the code of the one form that all its rows have, or 4 where they
//! differ: 8 bytes a row for 16 hex digits, 16 bytes a row for any other form, and in a mixed
//! zone 16 bytes a row followed by a byte of form for each row.

use super::raw::{count32, pad8};
use crate::codec::words::{u32_at, u64_at, u128_at};
use crate::error::Fault;
use crate::id::{Form, Identity};
use crate::limits::ZONE_ROWS;
use std::ops::Range;

const HEADER: usize = 8;
const ZONE: usize = 8;
const MIXED: u8 = 4;

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

/// Collects the values of an [`Ids`] column.
#[derive(Debug, Default)]
pub struct IdsBuilder {
    rows: usize,
    open: Vec<Identity>,
    zones: Vec<u8>,
    data: Vec<u8>,
}

impl IdsBuilder {
    /// An empty column.
    pub fn new() -> IdsBuilder {
        IdsBuilder::default()
    }

    /// Appends a row.
    pub fn push(&mut self, identity: Identity) {
        self.open.push(identity);
        self.rows += 1;
        if self.open.len() == ZONE_ROWS {
            self.end_zone();
        }
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    fn end_zone(&mut self) {
        let shape = Shape::of(&self.open);
        self.zones.extend_from_slice(&count32(self.data.len() / 8).to_le_bytes());
        self.zones.extend_from_slice(&[shape.code(), 0, 0, 0]);
        for value in &self.open {
            let bits = value.bits.to_le_bytes();
            let kept = if shape == Shape::One(Form::Hex16) { 8 } else { 16 };
            self.data.extend_from_slice(&bits[..kept]);
        }
        if shape == Shape::Mixed {
            self.data.extend(self.open.iter().map(|v| v.form as u8));
            pad8(&mut self.data);
        }
        self.open.clear();
    }

    /// The column's bytes.
    pub fn build(mut self) -> Vec<u8> {
        if !self.open.is_empty() {
            self.end_zone();
        }
        let mut out = Vec::with_capacity(HEADER + self.zones.len() + self.data.len());
        out.extend_from_slice(&count32(self.rows).to_le_bytes());
        out.extend_from_slice(&count32(self.zones.len() / ZONE).to_le_bytes());
        out.extend_from_slice(&self.zones);
        out.extend_from_slice(&self.data);
        out
    }
}

/// A column of identities, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ids<'a> {
    rows: usize,
    zones: &'a [u8],
    data: &'a [u8],
}

impl<'a> Ids<'a> {
    /// The column in `bytes`, fully checked in O(zones); the forms in mixed zones are not.
    ///
    /// # Errors
    /// A fault where the structure is not that of a column of this length.
    pub fn parse(bytes: &'a [u8]) -> Result<Ids<'a>, Fault> {
        let ids = Ids::split(bytes)
            .ok_or_else(|| Fault::new(0, "an id column is shorter than its directory"))?;
        let zones = ids.rows.div_ceil(ZONE_ROWS);
        if ids.zones.len() != zones * ZONE {
            let what = format!("{} directory slots for {zones} zones", ids.zones.len() / ZONE);
            return Err(Fault::new(4, what));
        }
        let mut word = 0usize;
        for zone in 0..zones {
            let found = ids.zone(zone).filter(|(first, _)| *first == word);
            let (_, shape) = found.ok_or_else(|| {
                Fault::new(
                    HEADER + zone * ZONE,
                    format!("zone {zone} of an id column is malformed"),
                )
            })?;
            word += shape.words(ZONE_ROWS.min(ids.rows - zone * ZONE_ROWS));
        }
        if ids.data.len() != word * 8 {
            let what = format!("{} bytes of ids, expected {}", ids.data.len(), word * 8);
            return Err(Fault::new(HEADER + ids.zones.len(), what));
        }
        Ok(ids)
    }

    /// The column in bytes that were parsed before, in O(1). Whatever the bytes, reading is safe.
    pub fn view(bytes: &'a [u8]) -> Ids<'a> {
        Ids::split(bytes).unwrap_or_default()
    }

    fn split(bytes: &'a [u8]) -> Option<Ids<'a>> {
        let rows = u32_at(bytes, 0)? as usize;
        let zones = (u32_at(bytes, 4)? as usize).checked_mul(ZONE)?;
        let (zones, data) = bytes.get(HEADER..)?.split_at_checked(zones)?;
        Some(Ids { rows, zones, data })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// First word and shape of a zone.
    #[inline]
    fn zone(&self, zone: usize) -> Option<(usize, Shape)> {
        let slot = u64_at(self.zones, zone * ZONE)?.to_le_bytes();
        Some((u32_at(&slot, 0)? as usize, Shape::from_code(slot[4])?))
    }

    /// The zone of a row: its bytes, its shape and its number of rows.
    #[inline]
    fn zone_data(&self, row: usize) -> Option<(&'a [u8], Shape, usize)> {
        let zone = row / ZONE_ROWS;
        let (word, shape) = self.zone(zone)?;
        let rows = ZONE_ROWS.min(self.rows.checked_sub(zone * ZONE_ROWS)?);
        let data = self.data.get(word * 8..)?.get(..shape.words(rows) * 8)?;
        Some((data, shape, rows))
    }

    /// The identity in this row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<Identity> {
        if row >= self.rows {
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
        let end = rows.end.min(self.rows);
        let mut row = rows.start;
        while row < end {
            let base = row - row % ZONE_ROWS;
            let stop = end.min(base + ZONE_ROWS);
            let (data, shape, zone_rows) = self.zone_data(row)?;
            let answer = act(data, shape, zone_rows, row - base..stop - base, base);
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
