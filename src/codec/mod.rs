//! Bytes from values and values from bytes: pure functions, no files.
//!
//! Small evolving structures (records without their payloads, manifest edits, segment facts) are
//! private wire structs encoded with `bincode`. The crate is pinned to `=2.0.1`: 3.0.0 is an
//! empty tombstone that does not compile, and nobody maintains 2.x any more (RUSTSEC-2025-0141).
//! It is small, finished, and behind this one module, which makes the format ours:
//!
//! - one fixed configuration: little endian, variable-length integers, at most [`BYTES_MAX`];
//! - what was decoded must fill the slice exactly;
//! - [`CODEC_ID`] stands in every frame, so that another codec can follow;
//! - golden bytes for every version, and a second decoder in the tests that does without it.
//!
//! Payload bytes never pass through it, and columns, indexes, frames and footers are laid out
//! by hand.
//!
//! The integers of the configuration, which every structure is made of:
//!
//! ```text
//! unsigned   0..=250 one byte | 251 u16 | 252 u32 | 253 u64 | 254 u128
//! signed     zigzag (0, -1, 1, -2 -> 0, 1, 2, 3), then as unsigned
//! u8, bool   one byte          f64   its eight bytes
//! text, list length, then the bytes or the elements
//! struct     its fields in order      enum   the variant's number, then its fields
//! ```
//!
//! Records, of which there are many, are written and read by hand, in the same bytes.
//!
//! Read in this order: `check`, `wire`, `encode`, `varint`, `compress`, `train`.

mod check;
pub mod compress;
mod encode;
#[cfg(test)]
mod independent;
#[cfg(test)]
mod tests;
pub mod train;
pub mod varint;
mod wire;
pub mod words;

pub use check::check;
pub use encode::encode_listed;
#[cfg(any(test, feature = "internals"))]
pub use encode::encode_record;
pub use wire::{Listed, decode_record};

use crate::error::Fault;
use crate::limits::BATCH_SKELETON_BYTES_MAX;
use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Names this codec in frame headers.
pub const CODEC_ID: u8 = 1;

/// Longest encoded structure.
pub const BYTES_MAX: usize = BATCH_SKELETON_BYTES_MAX; // format

const CONFIG: Configuration<LittleEndian, Varint, Limit<BYTES_MAX>> =
    bincode::config::standard().with_limit::<BYTES_MAX>();

/// Encodes a small structure. Only integers, bools, floats, text, bytes, lists, options, structs
/// and enums: what `serde` calls flattened, skipped or untagged does not survive.
#[expect(clippy::expect_used, reason = "writing to memory does not fail, lists know their length")]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    bincode::serde::encode_into_writer(value, Appender(&mut out), CONFIG).expect("encodable");
    assert!(out.len() <= BYTES_MAX, "an encoded structure is longer than the limit");
    out
}

/// Decodes what [`encode()`] made; it must fill `bytes` exactly.
///
/// # Errors
/// The slice is too long, ends early, goes on, or is no such structure.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    if bytes.len() > BYTES_MAX {
        return Err(Fault::new(0, format!("{} bytes: at most {BYTES_MAX}", bytes.len())));
    }
    let (value, used) = bincode::serde::decode_from_slice(bytes, CONFIG)
        .map_err(|error| Fault::new(0, reason(&error)))?;
    if used != bytes.len() {
        return Err(Fault::new(used, format!("{} bytes too many", bytes.len() - used)));
    }
    Ok(value)
}

struct Appender<'a>(&'a mut Vec<u8>);

impl Writer for Appender<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn reason(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::UnexpectedEnd { .. } => "the structure ends early",
        DecodeError::LimitExceeded => "the structure is longer than the limit",
        DecodeError::Utf8 { .. } => "text that is not utf-8",
        DecodeError::InvalidBooleanValue(_) => "a bool that is neither 0 nor 1",
        DecodeError::InvalidIntegerType { .. } => "an integer of another width",
        _ => "no such structure",
    }
}
