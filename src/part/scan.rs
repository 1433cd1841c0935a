//! Brackets outside of strings, found 64 bytes at a time.
//!
//! Comparisons give a bit for each byte that is a quote, a backslash or a bracket. The parity of
//! the quotes up to a byte tells whether it is in a string, for all 64 by six shifts (Langdale and
//! Lemire 2019). So it costs the same whether strings are long or short.

use std::collections::VecDeque;
use wide::u8x16;

const BLOCK: usize = 64;
/// Blocks at whose start the state is kept.
const BLOCKS_KEPT: usize = 128;

/// Brackets outside of strings, in order: where each ends, and its byte.
pub type Brackets = VecDeque<(usize, u8)>;

/// Looks for brackets. It knows no JSON: a backslash takes its meaning from the next byte wherever
/// it stands.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    scanned: usize,
    in_string: bool,
    /// The next byte follows a backslash.
    escaped: bool,
    /// Both of them at the start of the last blocks, that of a block at its number, of as many.
    starts: [(bool, bool); BLOCKS_KEPT],
}

impl<'a> Scanner<'a> {
    /// From `scanned` on, where a string is open or not, and a backslash comes before or not.
    pub fn new(bytes: &'a [u8], scanned: usize, in_string: bool, escaped: bool) -> Scanner<'a> {
        let starts = [(in_string, escaped); BLOCKS_KEPT];
        Scanner { bytes, scanned, in_string, escaped, starts }
    }

    /// Bytes it has looked at.
    pub fn scanned(&self) -> usize {
        self.scanned
    }

    /// Whether a string is open there, and whether a backslash comes before.
    pub fn string_state(&self) -> (bool, bool) {
        (self.in_string, self.escaped)
    }

    /// The last place up to `at` where the state is known, and whether a string is open there, and
    /// whether a backslash comes before. `at` is no more than 8,000 bytes behind what was looked at,
    /// all of it from the first byte on.
    pub fn known_before(&self, at: usize) -> (usize, (bool, bool)) {
        let block = at / BLOCK;
        (block * BLOCK, self.starts[block % BLOCKS_KEPT])
    }

    /// Looks at up to 64 bytes more. Tells whether there were any.
    pub fn more(&mut self, found: &mut Brackets) -> bool {
        let rest = &self.bytes[self.scanned..];
        let len = rest.len().min(BLOCK);
        let Some(last) = len.checked_sub(1) else { return false };
        let marks = match rest.first_chunk() {
            Some(block) => Marks::of(block),
            None => {
                let mut block = [0; BLOCK];
                block[..len].copy_from_slice(rest);
                Marks::of(&block)
            }
        };
        let (escaped, escapes_next) = escaped(marks.backslashes, self.escaped);
        let opened = if self.in_string { u64::MAX } else { 0 };
        let inside = parity_up_to(marks.quotes & !escaped) ^ opened;
        let mut brackets = marks.brackets & !inside;
        while brackets != 0 {
            let at = brackets.trailing_zeros() as usize;
            found.push_back((self.scanned + at + 1, rest[at]));
            brackets &= brackets - 1;
        }
        self.in_string = inside >> last & 1 == 1;
        self.escaped = if len == BLOCK { escapes_next } else { escaped >> len & 1 == 1 };
        self.scanned += len;
        if len == BLOCK {
            self.starts[self.scanned / BLOCK % BLOCKS_KEPT] = self.string_state();
        }
        true
    }
}

/// A bit for each byte of a block, the first one lowest.
struct Marks {
    quotes: u64,
    backslashes: u64,
    brackets: u64,
}

impl Marks {
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Marks {
        let [quote, backslash] = [b'"', b'\\'].map(u8x16::splat);
        // `[` and `{`, and `]` and `}`, differ in this bit.
        let [case, open, close] = [0x20, b'{', b'}'].map(u8x16::splat);
        let mut marks = Marks { quotes: 0, backslashes: 0, brackets: 0 };
        for (i, lane) in block.as_chunks::<16>().0.iter().enumerate() {
            let lane = u8x16::new(*lane);
            let folded = lane | case;
            let brackets = folded.simd_eq(open) | folded.simd_eq(close);
            let bits = |mask: u8x16| u64::from(mask.to_bitmask()) << (i * 16);
            marks.quotes |= bits(lane.simd_eq(quote));
            marks.backslashes |= bits(lane.simd_eq(backslash));
            marks.brackets |= bits(brackets);
        }
        marks
    }
}

/// The bytes that follow a backslash which follows none itself, and whether the byte after the
/// block does.
#[inline]
fn escaped(backslashes: u64, first: bool) -> (u64, bool) {
    let mut escaped = u64::from(first);
    let mut left = backslashes & !escaped;
    let mut next = false;
    while left != 0 {
        let at = left.trailing_zeros();
        let follower = 2u64.unbounded_shl(at);
        next = at == 63;
        escaped |= follower;
        left &= (left - 1) & !follower;
    }
    (escaped, next)
}

/// Whether the number of bits up to each place, itself included, is odd.
#[inline]
fn parity_up_to(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Byte by byte.
    fn slow(bytes: &[u8], mut in_string: bool, mut escaped: bool) -> (Brackets, (bool, bool)) {
        let mut found = Brackets::new();
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                _ if escaped && matches!(byte, b'"' | b'\\') => {}
                b'"' => in_string = !in_string,
                b'[' | b']' | b'{' | b'}' if !in_string => found.push_back((at + 1, *byte)),
                _ => {}
            }
            escaped = *byte == b'\\' && !escaped;
        }
        (found, (in_string, escaped))
    }

    proptest! {
        #[test]
        fn blocks_find_what_bytes_do(
            bytes in proptest::collection::vec(prop::sample::select(&b"\"\"\\\\[]{};[\x1b\x00\xdba, "[..]), 0..300),
            from in 0..70usize,
            in_string: bool,
            escaped: bool,
        ) {
            let from = from.min(bytes.len());
            let mut scanner = Scanner::new(&bytes, from, in_string, escaped);
            let mut found = Brackets::new();
            while scanner.more(&mut found) {
                prop_assert_eq!(scanner.scanned(), bytes.len().min(scanner.scanned()));
            }
            prop_assert_eq!(scanner.scanned(), bytes.len());
            found.iter_mut().for_each(|(end, _)| *end -= from);
            let expected = slow(&bytes[from..], in_string, escaped);
            prop_assert_eq!((found, scanner.string_state()), expected);
        }

        #[test]
        fn at_blocks_the_state_is_what_bytes_say(
            bytes in proptest::collection::vec(prop::sample::select(&b"\"\\x"[..]), 0..300),
            in_string: bool,
            escaped: bool,
        ) {
            let mut scanner = Scanner::new(&bytes, 0, in_string, escaped);
            while scanner.more(&mut Brackets::new()) {}
            for at in 0..=bytes.len() {
                let (known, state) = scanner.known_before(at);
                prop_assert!(known <= at && at < known + BLOCK);
                prop_assert_eq!(state, slow(&bytes[..known], in_string, escaped).1);
            }
        }
    }

    #[test]
    fn runs_of_backslashes_pass_from_block_to_block() {
        for len in 0..200 {
            let bytes = [b"\"", &vec![b'\\'; len][..], b"\"{"].concat();
            let mut scanner = Scanner::new(&bytes, 0, false, false);
            let mut found = Brackets::new();
            while scanner.more(&mut found) {}
            assert_eq!(found.len(), 1 - len % 2, "{len}");
            assert_eq!(scanner.string_state(), (len % 2 == 1, false), "{len}");
        }
    }
}
