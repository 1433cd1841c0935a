//! A column of nullable 64-bit integers.
//!
//! ```text
//! a zone, in its group's directory (see `table`)
//! 0   i64 min   i64 max   u64 divisor
//! 24  u16 first word   u8 width   u8 nulls
//! 28  u32 crc32
//!
//! its data: codes of `width` bits, lowest bits first
//! ```
//!
//! A value is `min + (code - nulls) * divisor`; where `nulls` is 1 the code 0 is null. The divisor
//! is the greatest common one of the differences: times are often whole milliseconds. A constant
//! zone has width 0, and where there is no value at all `min` is greater than `max`. A zone that
//! holds both ends of `i64` and a null takes 65 bits.

use super::table::{Table, ZONE, ZoneHead, first_word};
use crate::codec::words::{u64_at, u128_at};
use crate::limits::ZONE_ROWS;
use std::ops::Range;

/// Widest code that an unaligned 8-byte load holds whatever its first bit.
const NARROW_BITS: u32 = 57;
const WIDTH_MAX: u32 = 65;

/// How the values of a zone are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zone {
    min: i64,
    max: i64,
    divisor: u64,
    word: u16,
    width: u8,
    nulls: u8,
}

impl Zone {
    #[inline]
    pub(super) fn read(head: &ZoneHead) -> Zone {
        let word = |at: usize| {
            let (words, _) = head.as_chunks::<8>();
            u64::from_le_bytes(words[at])
        };
        Zone {
            min: word(0) as i64,
            max: word(1) as i64,
            divisor: word(2),
            word: first_word(head),
            width: head[26],
            nulls: head[27],
        }
    }

    /// What stands in the directory, but for the checksum.
    pub(super) fn head(&self) -> ZoneHead {
        let mut head = [0; ZONE];
        head[0..8].copy_from_slice(&self.min.to_le_bytes());
        head[8..16].copy_from_slice(&self.max.to_le_bytes());
        head[16..24].copy_from_slice(&self.divisor.to_le_bytes());
        head[24..26].copy_from_slice(&self.word.to_le_bytes());
        (head[26], head[27]) = (self.width, self.nulls);
        head
    }

    /// Where nothing is known every row is null.
    pub(super) fn null() -> ZoneHead {
        plan(&[None], 0).head()
    }

    /// Words of its data, unless it has no form that a writer gives it.
    pub(super) fn data_words(&self, rows: usize) -> Option<usize> {
        let empty = self.min > self.max;
        let sound = u32::from(self.width) <= WIDTH_MAX
            && self.nulls <= 1
            && !(empty && (self.width != 0 || self.nulls != 1));
        sound.then(|| self.words(rows))
    }

    /// Appends the codes of these values to `words` and gives their zone.
    pub(super) fn pack(values: &[Option<i64>], words: &mut Vec<u64>) -> Zone {
        let zone = plan(values, words.len() as u16);
        let mut packer = Packer::default();
        if zone.width > 0 {
            for value in values {
                let code = value.map_or(0, |v| {
                    u128::from(v.wrapping_sub(zone.min) as u64 / zone.divisor)
                        + u128::from(zone.nulls)
                });
                packer.push(code, u32::from(zone.width), words);
            }
            packer.finish(words);
        }
        zone
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

/// The narrowest form of these values.
fn plan(values: &[Option<i64>], word: u16) -> Zone {
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
    table: Table<'a>,
    column: usize,
}

impl<'a> Ints<'a> {
    pub(super) fn of(table: Table<'a>, column: usize) -> Ints<'a> {
        Ints { table, column }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.table.rows()
    }

    /// The zones' number.
    pub fn zones(&self) -> usize {
        self.table.groups()
    }

    /// A zone and what its words count from.
    #[inline]
    fn zone(&self, zone: usize) -> Option<(Zone, &'a [u8])> {
        let (head, data) = self.table.zone(zone, self.column)?;
        let zone = Zone::read(head);
        Some((zone, data.get(usize::from(zone.word) * 8..)?))
    }

    /// The value in this row: `None` where it is null or there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<i64> {
        if row >= self.len() {
            return None;
        }
        let (zone, codes) = self.zone(row / ZONE_ROWS)?;
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
        let (zone, _) = if zone < self.zones() { self.zone(zone)? } else { return None };
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
        let end = rows.end.min(self.len());
        let mut row = rows.start;
        while row < end {
            let zone_start = row - row % ZONE_ROWS;
            let stop = end.min(zone_start + ZONE_ROWS);
            if let Some((zone, codes)) = self.zone(row / ZONE_ROWS) {
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
