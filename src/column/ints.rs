//! A column of nullable 64-bit integers.
//!
//! ```text
//! 0   u32  rows
//! 4   u32  directory length: the number of zones, or 1 where every zone is the same constant
//! 8   directory, 32 bytes a zone
//!       i64 min   i64 max   u64 divisor   u32 first word   u8 width   u8 nulls   u16 zero
//! ..  packed codes: u64 words, each zone starting on a word
//! ..  16 zero bytes, so that a wide load never leaves the slice
//! ```
//!
//! A value is `min + (code - nulls) * divisor`, with a code of `width` bits; where `nulls` is 1
//! the code 0 is null. The divisor is the greatest common one of the differences: times are often
//! whole milliseconds. A constant zone has width 0, and where there is no value at all `min` is
//! greater than `max`. A zone that holds both ends of `i64` and a null takes 65 bits.

use super::raw::count32;
use crate::codec::words::{u32_at, u64_at, u128_at};
use crate::error::Fault;
use crate::limits::ZONE_ROWS;
use std::ops::Range;

const HEADER: usize = 8;
const ZONE: usize = 32;
const GUARD: usize = 16;
/// Widest code that an unaligned 8-byte load holds whatever its first bit.
const NARROW_BITS: u32 = 57;
const WIDTH_MAX: u32 = 65;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Zone {
    min: i64,
    max: i64,
    divisor: u64,
    word: u32,
    width: u8,
    nulls: u8,
}

impl Zone {
    fn read(bytes: &[u8]) -> Option<Zone> {
        let tail = u64_at(bytes, 24)?.to_le_bytes();
        Some(Zone {
            min: u64_at(bytes, 0)? as i64,
            max: u64_at(bytes, 8)? as i64,
            divisor: u64_at(bytes, 16)?,
            word: u32_at(&tail, 0)?,
            width: tail[4],
            nulls: tail[5],
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.min.to_le_bytes());
        out.extend_from_slice(&self.max.to_le_bytes());
        out.extend_from_slice(&self.divisor.to_le_bytes());
        out.extend_from_slice(&self.word.to_le_bytes());
        out.extend_from_slice(&[self.width, self.nulls, 0, 0]);
    }

    /// The value of a code, whose bits past the 64th matter only in a zone of 65.
    #[inline]
    fn value(&self, code: u64) -> i64 {
        let step = code.wrapping_sub(u64::from(self.nulls)).wrapping_mul(self.divisor);
        self.min.wrapping_add(step as i64)
    }

    fn words(&self, rows: usize) -> usize {
        (rows * usize::from(self.width)).div_ceil(64)
    }
}

/// Collects the values of an [`Ints`] column.
#[derive(Debug, Default)]
pub struct IntsBuilder {
    rows: usize,
    open: Vec<Option<i64>>,
    zones: Vec<Zone>,
    words: Vec<u64>,
}

impl IntsBuilder {
    /// An empty column.
    pub fn new() -> IntsBuilder {
        IntsBuilder::default()
    }

    /// Appends a row.
    pub fn push(&mut self, value: Option<i64>) {
        self.open.push(value);
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
        let values = std::mem::take(&mut self.open);
        let word = count32(self.words.len());
        let zone = plan(&values, word);
        let mut packer = Packer::default();
        if zone.width > 0 {
            for value in &values {
                let code = value.map_or(0, |v| {
                    u128::from(v.wrapping_sub(zone.min) as u64 / zone.divisor)
                        + u128::from(zone.nulls)
                });
                packer.push(code, u32::from(zone.width), &mut self.words);
            }
            packer.finish(&mut self.words);
        }
        self.zones.push(zone);
        self.open = values;
        self.open.clear();
    }

    /// The column's bytes.
    pub fn build(mut self) -> Vec<u8> {
        if !self.open.is_empty() {
            self.end_zone();
        }
        // Without words every zone starts at word 0, so equal zones are equal constants.
        let constant = self.words.is_empty() && self.zones.windows(2).all(|z| z[0] == z[1]);
        if constant {
            self.zones.truncate(1);
        }
        let mut out =
            Vec::with_capacity(HEADER + self.zones.len() * ZONE + self.words.len() * 8 + GUARD);
        out.extend_from_slice(&count32(self.rows).to_le_bytes());
        out.extend_from_slice(&count32(self.zones.len()).to_le_bytes());
        for zone in &self.zones {
            zone.write(&mut out);
        }
        for word in &self.words {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.resize(out.len() + GUARD, 0);
        out
    }
}

/// The narrowest form of these values.
fn plan(values: &[Option<i64>], word: u32) -> Zone {
    let nulls = u8::from(values.iter().any(Option::is_none));
    let present = || values.iter().flatten().copied();
    let (Some(min), Some(max)) = (present().min(), present().max()) else {
        return Zone { min: 0, max: -1, divisor: 1, word, width: 0, nulls };
    };
    let mut divisor = 0u64;
    for value in present() {
        divisor = gcd(value.wrapping_sub(min) as u64, divisor);
        if divisor == 1 {
            break;
        }
    }
    let divisor = divisor.max(1);
    let top = u128::from(max.wrapping_sub(min) as u64 / divisor) + u128::from(nulls);
    let width = (u128::BITS - top.leading_zeros()) as u8;
    Zone { min, max, divisor, word, width, nulls }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Packs codes into words, lowest bits first.
#[derive(Default)]
struct Packer {
    bits: u128,
    held: u32,
}

impl Packer {
    /// `width` is at most 65, and at most 63 bits are held: 128 are enough.
    fn push(&mut self, code: u128, width: u32, words: &mut Vec<u64>) {
        self.bits |= code << self.held;
        self.held += width;
        while self.held >= 64 {
            words.push(self.bits as u64);
            self.bits >>= 64;
            self.held -= 64;
        }
    }

    fn finish(self, words: &mut Vec<u64>) {
        if self.held > 0 {
            words.push(self.bits as u64);
        }
    }
}

/// A column of nullable integers, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ints<'a> {
    rows: usize,
    /// Directory slots: one a zone, or one for all.
    slots: usize,
    zones: &'a [u8],
    /// Words and guard.
    data: &'a [u8],
}

impl<'a> Ints<'a> {
    /// The column in `bytes`, fully checked in O(zones).
    ///
    /// # Errors
    /// A fault where the structure is not that of a column of this length.
    pub fn parse(bytes: &'a [u8]) -> Result<Ints<'a>, Fault> {
        let ints = Ints::split(bytes)
            .ok_or_else(|| Fault::new(0, "an integer column is shorter than its directory"))?;
        let zones = ints.rows.div_ceil(ZONE_ROWS);
        let one_for_all = ints.slots == 1 && zones > 1;
        if ints.slots != zones && !one_for_all {
            let what = format!("{} directory slots for {zones} zones", ints.slots);
            return Err(Fault::new(4, what));
        }
        let mut word = 0usize;
        for slot in 0..ints.slots {
            let at = HEADER + slot * ZONE;
            let zone = ints.zone(slot).ok_or_else(|| Fault::new(at, "a zone is cut off"))?;
            let rows = ZONE_ROWS.min(ints.rows - slot * ZONE_ROWS);
            let empty = zone.min > zone.max;
            let form = u32::from(zone.width) <= WIDTH_MAX
                && zone.nulls <= 1
                && zone.word as usize == word
                && !(empty && (zone.width != 0 || zone.nulls != 1))
                && !(one_for_all && zone.width != 0);
            if !form {
                return Err(Fault::new(
                    at,
                    format!("zone {slot} of an integer column is malformed"),
                ));
            }
            word += zone.words(rows);
        }
        if ints.data.len() != word * 8 + GUARD {
            let what = format!("{} bytes of codes, expected {}", ints.data.len(), word * 8 + GUARD);
            return Err(Fault::new(HEADER + ints.zones.len(), what));
        }
        Ok(ints)
    }

    /// The column in bytes that were parsed before, in O(1). Whatever the bytes, reading is safe.
    pub fn view(bytes: &'a [u8]) -> Ints<'a> {
        Ints::split(bytes).unwrap_or_default()
    }

    fn split(bytes: &'a [u8]) -> Option<Ints<'a>> {
        let rows = u32_at(bytes, 0)? as usize;
        let slots = u32_at(bytes, 4)? as usize;
        let (zones, data) = bytes.get(HEADER..)?.split_at_checked(slots.checked_mul(ZONE)?)?;
        Some(Ints { rows, slots, zones, data })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// The zones' number.
    pub fn zones(&self) -> usize {
        self.rows.div_ceil(ZONE_ROWS)
    }

    #[inline]
    fn zone(&self, zone: usize) -> Option<Zone> {
        // A directory of one slot stands for every zone.
        let slot = if self.slots == 1 { 0 } else { zone };
        Zone::read(self.zones.get(slot * ZONE..)?)
    }

    /// The value in this row: `None` where it is null or there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<i64> {
        if row >= self.rows {
            return None;
        }
        let zone = self.zone(row / ZONE_ROWS)?;
        let codes = self.data.get(zone.word as usize * 8..)?;
        let (width, nulls) = (u32::from(zone.width), u64::from(zone.nulls));
        let bit = (row % ZONE_ROWS) * usize::from(zone.width);
        if width <= NARROW_BITS {
            let code = narrow(codes, bit, (1 << width) - 1)?;
            (code >= nulls).then(|| zone.value(code))
        } else {
            let code = wide(codes, bit, width)?;
            (code >= u128::from(nulls)).then(|| zone.value(code as u64))
        }
    }

    /// Smallest and largest value of a zone, `None` where it has none.
    pub fn zone_bounds(&self, zone: usize) -> Option<(i64, i64)> {
        let zone = if zone < self.zones() { self.zone(zone)? } else { return None };
        (zone.min <= zone.max).then_some((zone.min, zone.max))
    }

    /// Appends the values of these rows; rows past the end are left out.
    pub fn read(&self, rows: Range<usize>, out: &mut Vec<Option<i64>>) {
        self.decode(rows, out, |value| value);
    }

    /// Appends the values of these rows with `null` for nulls; rows past the end are left out.
    pub fn read_or(&self, rows: Range<usize>, null: i64, out: &mut Vec<i64>) {
        self.decode(rows, out, |value| value.unwrap_or(null));
    }

    #[inline]
    fn decode<T: Clone>(
        &self,
        rows: Range<usize>,
        out: &mut Vec<T>,
        make: impl Fn(Option<i64>) -> T,
    ) {
        let end = rows.end.min(self.rows);
        let mut row = rows.start;
        while row < end {
            let zone_start = row - row % ZONE_ROWS;
            let stop = end.min(zone_start + ZONE_ROWS);
            let found = self.zone(row / ZONE_ROWS).and_then(|zone| {
                self.data.get(zone.word as usize * 8..).map(|codes| (zone, codes))
            });
            if let Some((zone, codes)) = found {
                zone.decode(codes, row - zone_start..stop - zone_start, out, &make);
            } else {
                out.resize(out.len() + (stop - row), make(None));
            }
            row = stop;
        }
    }
}

impl Zone {
    #[inline]
    fn decode<T: Clone>(
        &self,
        codes: &[u8],
        rows: Range<usize>,
        out: &mut Vec<T>,
        make: &impl Fn(Option<i64>) -> T,
    ) {
        let (width, step) = (u32::from(self.width), usize::from(self.width));
        let nulls = u64::from(self.nulls);
        if width == 0 {
            let value = if nulls == 0 { Some(self.min) } else { None };
            out.resize(out.len() + rows.len(), make(value));
        } else if width <= NARROW_BITS {
            let mask = (1 << width) - 1;
            out.extend(rows.map(|row| {
                let code = narrow(codes, row * step, mask).unwrap_or(0);
                make(if code >= nulls { Some(self.value(code)) } else { None })
            }));
        } else {
            out.extend(rows.map(|row| {
                let code = wide(codes, row * step, width).unwrap_or(0);
                let present = code >= u128::from(nulls);
                make(if present { Some(self.value(code as u64)) } else { None })
            }));
        }
    }
}

/// The code that starts at this bit, of at most [`NARROW_BITS`].
#[inline]
fn narrow(codes: &[u8], bit: usize, mask: u64) -> Option<u64> {
    Some(u64_at(codes, bit / 8)? >> (bit % 8) & mask)
}

/// The code of any width up to 65 that starts at this bit; wider ones are no column's.
#[inline]
fn wide(codes: &[u8], bit: usize, width: u32) -> Option<u128> {
    let mask = 1u128.checked_shl(width)?.wrapping_sub(1);
    Some(u128_at(codes, bit / 8)? >> (bit % 8) & mask)
}
