//! zstd with bounded output. Contexts are reused; none is shared between threads.
//!
//! Lengths come from our own headers, never from zstd's: what decompresses to another length is
//! refused. Bytes that do not get smaller are stored raw, and `stored length == raw length` says
//! so ([`pack`], [`unpack`]).

use crate::error::Fault;
use std::cell::RefCell;
use std::fmt;
use std::io::Cursor;
use zstd::bulk;
use zstd::zstd_safe::{CParameter, DCtx, DDict, Strategy, get_error_name};

/// The level of which zstd's own parameters are not taken: in blocks of 8 to 64 KiB with a dictionary
/// a lazy search of 64 candidates makes less, in 15 to 50 % less time
/// (`docs/decisions/0032-dictionaries-and-matches.md`).
const TUNED_LEVEL: i32 = 9;
const TUNED_SEARCH_LOG: u32 = 6;
/// Shortest match in blocks of parts: texts repeat longer ones, and shorter ones cost more than they
/// save.
const PARTS_MATCH_MIN: u32 = 5;
/// Shortest match in blocks of rows, which repeat few bytes at a time.
const ROWS_MATCH_MIN: u32 = 4;

/// Compresses at one level, with or without a dictionary.
pub struct Compressor(bulk::Compressor<'static>);

/// Decompresses what a [`Compressor`] with the same dictionary made.
pub struct Decompressor<'d> {
    context: DCtx<'static>,
    before: Before<'d>,
}

/// What compressed bytes may refer to beside themselves.
#[derive(Clone, Copy)]
enum Before<'d> {
    Nothing,
    Ready(&'d Dictionary),
    /// Any bytes but a dictionary of zstd's own making, as if they stood before.
    Content(&'d [u8]),
}

impl<'d> From<Option<&'d Dictionary>> for Before<'d> {
    fn from(dictionary: Option<&'d Dictionary>) -> Before<'d> {
        dictionary.map_or(Before::Nothing, Before::Ready)
    }
}

/// A dictionary made ready once, for any number of decompressors.
pub struct Dictionary(DDict<'static>);

impl Dictionary {
    /// Takes a copy of these bytes.
    ///
    /// # Errors
    /// zstd refuses the dictionary.
    pub fn new(bytes: &[u8]) -> Result<Dictionary, Fault> {
        let made = DDict::try_create(bytes);
        made.map(Dictionary).ok_or_else(|| Fault::new(0, "zstd refuses the dictionary"))
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dictionary(..)")
    }
}

impl Compressor {
    /// A compressor without a dictionary. Panics only where there is no memory.
    #[expect(clippy::expect_used, reason = "zstd refuses an empty dictionary to no level")]
    pub fn new(level: i32) -> Compressor {
        Compressor(bulk::Compressor::new(level).expect("memory for zstd"))
    }

    /// A compressor of blocks of parts, with a dictionary, which it copies, where that is not empty.
    ///
    /// # Errors
    /// zstd refuses the dictionary.
    pub fn of_parts(level: i32, dictionary: &[u8]) -> Result<Compressor, Fault> {
        Compressor::of_blocks(level, PARTS_MATCH_MIN, dictionary)
    }

    /// As [`of_parts`](Self::of_parts), of blocks of a column's rows.
    ///
    /// # Errors
    /// zstd refuses the dictionary.
    pub fn of_rows(level: i32, dictionary: &[u8]) -> Result<Compressor, Fault> {
        Compressor::of_blocks(level, ROWS_MATCH_MIN, dictionary)
    }

    fn of_blocks(level: i32, match_min: u32, dictionary: &[u8]) -> Result<Compressor, Fault> {
        let made = || {
            let mut made = bulk::Compressor::new(level)?;
            if level == TUNED_LEVEL {
                made.set_parameter(CParameter::Strategy(Strategy::ZSTD_lazy))?;
                made.set_parameter(CParameter::SearchLog(TUNED_SEARCH_LOG))?;
                made.set_parameter(CParameter::MinMatch(match_min))?;
            }
            if !dictionary.is_empty() {
                made.set_dictionary(level, dictionary)?;
            }
            Ok(Compressor(made))
        };
        made().map_err(|error: std::io::Error| Fault::new(0, format!("zstd: {error}")))
    }

    /// Appends `raw` compressed to `out` and tells how many bytes that took. `None`, and nothing
    /// appended, where it does not get smaller.
    pub fn compress_into(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let start = out.len();
        out.reserve(raw.len());
        let mut cursor = Cursor::new(std::mem::take(out));
        cursor.set_position(start as u64);
        let written = self.0.compress_to_buffer(raw, &mut cursor);
        *out = cursor.into_inner();
        match written {
            Ok(n) if n < raw.len() => Some(n),
            // No room in `raw.len()` bytes, or a refusal of zstd's: raw is always right.
            _ => {
                out.truncate(start);
                None
            }
        }
    }
}

impl<'d> Decompressor<'d> {
    /// A decompressor without a dictionary. Panics only where there is no memory.
    pub fn new() -> Decompressor<'d> {
        Decompressor::with_dictionary(None)
    }

    /// A decompressor with a dictionary, where there is one. Panics only where there is no memory.
    pub fn with_dictionary(dictionary: Option<&'d Dictionary>) -> Decompressor<'d> {
        Decompressor { context: DCtx::create(), before: dictionary.into() }
    }

    /// Fills `out`, whatever it held, with the `raw_len` bytes that `stored` decompresses to.
    /// `raw_len` is allocated: check it against the structure's limit first.
    ///
    /// # Errors
    /// zstd refuses `stored`, or it is another length. What `out` holds is then of no use.
    pub fn decompress_exact(
        &mut self,
        stored: &[u8],
        raw_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        out.clear();
        out.reserve_exact(raw_len);
        let written = match self.before {
            Before::Nothing => self.context.decompress(out, stored),
            Before::Ready(Dictionary(ready)) => {
                self.context.decompress_using_ddict(out, stored, ready)
            }
            Before::Content(bytes) => self.context.decompress_using_dict(out, stored, bytes),
        };
        let written =
            written.map_err(|code| Fault::new(0, format!("zstd: {}", get_error_name(code))))?;
        if written != raw_len {
            return Err(Fault::new(0, format!("{written} bytes: should be {raw_len}")));
        }
        Ok(())
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compressor(..)")
    }
}

impl Default for Decompressor<'_> {
    fn default() -> Self {
        Decompressor::new()
    }
}

impl fmt::Debug for Decompressor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decompressor(..)")
    }
}

/// Appends `raw` to `out`, compressed where that is smaller, and tells how many bytes it took.
pub fn pack(compressor: &mut Compressor, raw: &[u8], out: &mut Vec<u8>) -> usize {
    compressor.compress_into(raw, out).unwrap_or_else(|| {
        out.extend_from_slice(raw);
        raw.len()
    })
}

/// Fills `out`, whatever it held, with the `raw_len` bytes that [`pack`] stored.
///
/// # Errors
/// As [`Decompressor::decompress_exact`].
pub fn unpack(
    decompressor: &mut Decompressor<'_>,
    stored: &[u8],
    raw_len: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    if stored.len() == raw_len {
        out.clear();
        out.extend_from_slice(stored);
        return Ok(());
    }
    if stored.len() > raw_len {
        let stored = stored.len();
        return Err(Fault::new(0, format!("{stored} bytes stored for {raw_len}")));
    }
    decompressor.decompress_exact(stored, raw_len, out)
}

thread_local! {
    /// A context takes longer to make than to use on one block.
    static OWN: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

/// Lends the thread's own decompressor, without a dictionary, to `work`.
pub fn with_own<T>(work: impl FnOnce(&mut Decompressor<'_>) -> T) -> T {
    lend(Before::Nothing, work)
}

/// Lends the thread's own decompressor, with this dictionary if there is one, to `work`.
pub fn with_own_and<'d, T>(
    dictionary: Option<&'d Dictionary>,
    work: impl FnOnce(&mut Decompressor<'d>) -> T,
) -> T {
    lend(dictionary.into(), work)
}

/// Lends the thread's own decompressor to `work`, for what was compressed with `content` as its
/// dictionary: bytes as they are, which need not be made ready.
pub fn with_own_after<'d, T>(
    content: &'d [u8],
    work: impl FnOnce(&mut Decompressor<'d>) -> T,
) -> T {
    lend(if content.is_empty() { Before::Nothing } else { Before::Content(content) }, work)
}

fn lend<'d, T>(before: Before<'d>, work: impl FnOnce(&mut Decompressor<'d>) -> T) -> T {
    let context = OWN.take().unwrap_or_else(DCtx::create);
    let mut own = Decompressor { context, before };
    let worked = work(&mut own);
    OWN.set(Some(own.context));
    worked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::train::train;
    use proptest::prelude::*;

    fn message(i: usize) -> String {
        format!(
            "{{\"role\":\"assistant\",\"tool_call_id\":\"call_{i}\",\"content\":\"item {}\"}}",
            i * 7919
        )
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            raw in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..2000),
                prop::collection::vec(0u8..3, 0..2000),
            ],
            before in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut stored = before.clone();
            let n = pack(&mut Compressor::new(1), &raw, &mut stored);
            prop_assert!(n <= raw.len());
            prop_assert_eq!(&stored[..before.len()], &before[..]);
            prop_assert_eq!(stored.len(), before.len() + n);
            let mut out = vec![9; 5];
            let mut decompressor = Decompressor::new();
            unpack(&mut decompressor, &stored[before.len()..], raw.len(), &mut out).unwrap();
            prop_assert_eq!(&out, &raw);
        }

        #[test]
        fn hostile_bytes_are_refused(stored in prop::collection::vec(any::<u8>(), 0..500), n in 0usize..4000) {
            let mut out = Vec::new();
            let result = unpack(&mut Decompressor::new(), &stored, n, &mut out);
            prop_assert!(result.is_err() || out.len() == n);
            prop_assert!(out.capacity() <= 4000.max(stored.len()));
        }
    }

    #[test]
    fn another_length_is_refused() {
        let raw = vec![7u8; 10_000];
        let mut stored = Vec::new();
        let n = pack(&mut Compressor::new(3), &raw, &mut stored);
        assert!(n < 100);
        let mut out = Vec::with_capacity(100_000);
        for len in [9_999, 10_001, n - 1] {
            assert!(unpack(&mut Decompressor::new(), &stored, len, &mut out).is_err(), "{len}");
        }
    }

    #[test]
    fn a_dictionary_helps_and_is_needed() {
        let texts: Vec<String> = (0..2000).map(message).collect();
        let dictionary = train(texts.concat().as_bytes(), 4096, &mut || ());
        assert!(dictionary.len() <= 4096);
        let raw = message(5000).into_bytes();
        let (mut with, mut without) = (Vec::new(), Vec::new());
        let mut compressor = Compressor::of_parts(3, &dictionary).unwrap();
        let n = pack(&mut compressor, &raw, &mut with);
        assert!(n < pack(&mut Compressor::new(3), &raw, &mut without));
        let mut out = Vec::new();
        let dictionary = Dictionary::new(&dictionary).unwrap();
        let mut decompressor = Decompressor::with_dictionary(Some(&dictionary));
        unpack(&mut decompressor, &with, raw.len(), &mut out).unwrap();
        assert_eq!(out, raw);
        assert!(unpack(&mut Decompressor::new(), &with, raw.len(), &mut out).is_err());
        with_own_and(Some(&dictionary), |own| own.decompress_exact(&with, raw.len(), &mut out))
            .unwrap();
        assert_eq!(out, raw);
        // What is lent next has no dictionary any more.
        assert!(with_own(|own| own.decompress_exact(&with, raw.len(), &mut out)).is_err());
    }
}
