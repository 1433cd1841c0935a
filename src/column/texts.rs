//! Interned strings: each distinct text once, named by a code in order of first use.
//!
//! ```text
//! 0   u64  bytes of the ends
//! 8   u64  bytes of text
//! 16  where each text ends, as a table of one integer column (about two bytes a text)
//! ..  the texts, one after the other, zeros to a multiple of 8
//! ```

use super::raw::{count32, length, pad8};
use super::{Ints, Table, TableBuilder};
use crate::codec::words::u64_at;
use crate::error::Fault;
use std::collections::HashMap;

const HEADER: usize = 16;

/// Collects the strings of a [`Texts`] section.
#[derive(Debug)]
pub struct TextsBuilder {
    codes: HashMap<Box<str>, u32>,
    ends: TableBuilder,
    text: Vec<u8>,
}

impl Default for TextsBuilder {
    fn default() -> TextsBuilder {
        TextsBuilder { codes: HashMap::new(), ends: TableBuilder::new(0, 1), text: Vec::new() }
    }
}

impl TextsBuilder {
    /// No strings.
    pub fn new() -> TextsBuilder {
        TextsBuilder::default()
    }

    /// The code of this text, a new one where it was not seen before.
    pub fn intern(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let code = count32(self.codes.len());
        self.text.extend_from_slice(text.as_bytes());
        self.ends.push(&[], &[i64::try_from(self.text.len()).ok()]);
        self.codes.insert(text.into(), code);
        code
    }

    /// Distinct texts so far.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// The section's bytes.
    pub fn build(self) -> Vec<u8> {
        let ends = self.ends.build();
        let mut out = Vec::with_capacity(HEADER + ends.len() + self.text.len() + 8);
        out.extend_from_slice(&(ends.len() as u64).to_le_bytes());
        out.extend_from_slice(&(self.text.len() as u64).to_le_bytes());
        out.extend_from_slice(&ends);
        out.extend_from_slice(&self.text);
        pad8(&mut out);
        out
    }
}

/// Interned strings, in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Texts<'a> {
    ends: Ints<'a>,
    text: &'a [u8],
}

impl<'a> Texts<'a> {
    /// The strings in `bytes`; lengths and directory are checked, and the checksums of
    /// the ends.
    ///
    /// # Errors
    /// A fault where the structure is not that of a string section of this length.
    pub fn parse(bytes: &'a [u8]) -> Result<Texts<'a>, Fault> {
        let short = || Fault::new(0, "a string section is shorter than it says");
        let (ends, text, rest) = Texts::split(bytes).ok_or_else(short)?;
        if rest.len() >= 8 {
            let at = bytes.len() - rest.len();
            return Err(Fault::new(at, "a string section is longer than it says"));
        }
        let ends = Table::parse(ends).map_err(|fault| fault.shifted(HEADER))?.ints(0);
        let last = ends.len().checked_sub(1).map_or(Some(0), |last| ends.get(last));
        if last.and_then(|end| usize::try_from(end).ok()) != Some(text.len()) {
            return Err(Fault::new(HEADER, "the last string does not end where the text ends"));
        }
        Ok(Texts { ends, text })
    }

    /// The strings in bytes that were parsed before, in O(1). Whatever the bytes, reading is safe.
    pub fn view(bytes: &'a [u8]) -> Texts<'a> {
        let split = Texts::split(bytes);
        split
            .map(|(ends, text, _)| Texts { ends: Table::view(ends).ints(0), text })
            .unwrap_or_default()
    }

    fn split(bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let (ends, text) = (length(u64_at(bytes, 0)?), length(u64_at(bytes, 8)?));
        let (ends, rest) = bytes.get(HEADER..)?.split_at_checked(ends)?;
        let (text, rest) = rest.split_at_checked(text)?;
        Some((ends, text, rest))
    }

    /// Number of distinct texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text with this code, in O(1) and its length.
    pub fn get(&self, code: u32) -> Option<&'a str> {
        let code = code as usize;
        let start = match code.checked_sub(1) {
            Some(before) => usize::try_from(self.ends.get(before)?).ok()?,
            None => 0,
        };
        let end = usize::try_from(self.ends.get(code)?).ok()?;
        std::str::from_utf8(self.text.get(start..end)?).ok()
    }
}
