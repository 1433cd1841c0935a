//! What a payload becomes: runs of part numbers, with short literals between them.
//!
//! ```text
//! item     LEB128 of  length * 4 + kind, then
//! 0, 1     a run: LEB128 of zigzag(first - end of the previous run); in kind 1 every part is
//!          preceded by a comma, which is not in the part: a message is the same part wherever
//!          in a list it stands
//! 2        a literal: the bytes
//! ```
//!
//! A list has no length of its own: it ends where its bytes end. In a grown payload the next run
//! mostly follows soon after the previous one, so a run takes two or three bytes.

use crate::codec::varint::{put_i64, put_u64};
use crate::error::Fault;
use crate::limits::LITERAL_BYTES_MAX;

/// What stands before each part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Separator {
    /// Nothing.
    #[default]
    None,
    /// A comma.
    Comma,
}

impl Separator {
    /// The bytes that it stands for.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Separator::None => b"",
            Separator::Comma => b",",
        }
    }
}

const LITERAL: u64 = 2;

/// One piece of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// Parts with consecutive numbers, the separator before each.
    Run {
        /// The first part.
        first: u32,
        /// How many, at least one.
        count: u32,
        /// What stands before each part: nothing, or a comma.
        separator: Separator,
    },
    /// Bytes as they are.
    Literal(&'a [u8]),
}

#[derive(Debug, Clone, Copy)]
enum Piece {
    Run {
        first: u32,
        count: u32,
        separator: Separator,
    },
    /// Up to this end in the literal bytes.
    Literal {
        end: usize,
    },
}

/// Collects the list of one payload.
#[derive(Debug, Default, Clone)]
pub struct ListBuilder {
    pieces: Vec<Piece>,
    literals: Vec<u8>,
}

impl ListBuilder {
    /// An empty list, which is that of an empty payload.
    pub fn new() -> ListBuilder {
        ListBuilder::default()
    }

    /// Forgets everything, to be used again.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.literals.clear();
    }

    /// Appends a part; it lengthens the last run where it follows it.
    pub fn push_part(&mut self, before: Separator, part: u32) {
        if let Some(Piece::Run { first, count, separator }) = self.pieces.last_mut()
            && *separator == before
            && first.checked_add(*count) == Some(part)
        {
            *count += 1;
            return;
        }
        self.pieces.push(Piece::Run { first: part, count: 1, separator: before });
    }

    /// Appends bytes of any length; a literal grows up to [`LITERAL_BYTES_MAX`], then a new one
    /// begins.
    pub fn push_literal(&mut self, mut bytes: &[u8]) {
        let start = match self.pieces.len() {
            0 | 1 => 0,
            n => self.pieces[..n - 1]
                .iter()
                .rev()
                .find_map(|piece| match piece {
                    Piece::Literal { end } => Some(*end),
                    Piece::Run { .. } => None,
                })
                .unwrap_or(0),
        };
        if let Some(Piece::Literal { end }) = self.pieces.last_mut() {
            let room = LITERAL_BYTES_MAX.saturating_sub(*end - start).min(bytes.len());
            self.literals.extend_from_slice(&bytes[..room]);
            *end = self.literals.len();
            bytes = &bytes[room..];
        }
        for literal in bytes.chunks(LITERAL_BYTES_MAX) {
            self.literals.extend_from_slice(literal);
            self.pieces.push(Piece::Literal { end: self.literals.len() });
        }
    }

    /// The items so far.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let mut start = 0;
        self.pieces.iter().map(move |piece| match *piece {
            Piece::Run { first, count, separator } => Item::Run { first, count, separator },
            Piece::Literal { end } => {
                Item::Literal(&self.literals[std::mem::replace(&mut start, end)..end])
            }
        })
    }

    /// Appends the list's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut expected = 0u32;
        for item in self.items() {
            match item {
                Item::Run { first, count, separator } => {
                    put_u64(out, u64::from(count) << 2 | separator as u64);
                    let delta = i64::from(first) - i64::from(expected);
                    put_i64(out, delta);
                    expected = first.wrapping_add(count);
                }
                Item::Literal(bytes) => {
                    put_u64(out, (bytes.len() as u64) << 2 | LITERAL);
                    out.extend_from_slice(bytes);
                }
            }
        }
    }
}

/// The items of an encoded list, whose part numbers must be below `parts`.
pub fn items(bytes: &[u8], parts: u32) -> Items<'_> {
    Items { bytes, at: 0, expected: 0, parts }
}

/// Iterates over an encoded list; ends after the first fault.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
    expected: u32,
    parts: u32,
}

impl<'a> Items<'a> {
    fn item(&mut self) -> Option<Item<'a>> {
        let head = varint(self.bytes, &mut self.at)?;
        let separator = match head & 3 {
            0 => Separator::None,
            1 => Separator::Comma,
            LITERAL => return self.literal(head >> 2),
            _ => return None,
        };
        let delta = varint(self.bytes, &mut self.at)?;
        let delta = (delta >> 1) as i64 ^ -((delta & 1) as i64);
        let first = u32::try_from(i64::from(self.expected).checked_add(delta)?).ok()?;
        let count = u32::try_from(head >> 2).ok().filter(|count| *count > 0)?;
        let end = first.checked_add(count).filter(|end| *end <= self.parts)?;
        self.expected = end;
        Some(Item::Run { first, count, separator })
    }

    fn literal(&mut self, len: u64) -> Option<Item<'a>> {
        let end = self.at.checked_add(usize::try_from(len).ok()?)?;
        let literal = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(Item::Literal(literal))
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, Fault>;

    fn next(&mut self) -> Option<Result<Item<'a>, Fault>> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at;
        let item = self.item();
        if item.is_none() {
            self.at = self.bytes.len();
        }
        let what = || format!("a part list is malformed, or names a part above {}", self.parts);
        Some(item.ok_or_else(|| Fault::new(start, what())))
    }
}

impl std::iter::FusedIterator for Items<'_> {}

/// A number of at most 63 bits.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
