//! Where to cut a payload.
//!
//! A scanner that knows strings, escapes and brackets, but no JSON values: whatever the bytes,
//! it gives some cut, and the parts joined are the payload. It cuts
//!
//! - before the first and after each element of a list of objects, so that one chat message is
//!   one part, wrapped (`{"messages":[{`) or not (`[{`); a comma between them starts the next part, and
//!   [`separator`] tells it from the part's own bytes;
//! - around the object that a short wrapper holds (`{"message":{`);
//! - inside a message of more than 4 KiB at the elements of its own lists;
//! - else, where 4 KiB hold no such place, by content at about 1 KiB (FastCDC, Xia et al. 2016),
//!   so that a change inside a long string moves only the cuts around it.
//!
//! A cut depends on the state at its part's start and on a bounded number of bytes after it,
//! never on what came before: so cutting can be resumed at any earlier cut.

use super::scan::Scanner;
use super::{Brackets, Separator};
use crate::limits::{PART_CONTENT_BYTES, PART_WHOLE_BYTES_MAX};

/// A shorter element stays with the next one.
const ELEMENT_BYTES_MIN: usize = 48;
/// A list that opens this early is what the payload is about, and is entered at once.
const WRAPPER_BYTES_MAX: usize = 32;
/// Lists nested deeper in arrays are not cut.
const ARRAYS_MAX: u32 = 3;
/// White space that may stand between `[` and `{`.
const SPACE_BYTES_MAX: usize = 64;
const CONTENT_BYTES_MIN: usize = 256;
const LEVELS: u32 = 64;

/// What the scanner knows at a cut: open brackets and strings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SplitState {
    /// One bit for each of the 64 outermost open brackets: whether it is an array.
    arrays: u64,
    /// Open brackets.
    depth: u32,
    in_string: bool,
    /// The byte before was a backslash that escapes the next.
    escaped: bool,
    /// The cut was made by content, so the next one comes at the first good place.
    inside: bool,
}

impl SplitState {
    fn arrays_open(&self) -> u32 {
        self.arrays.count_ones()
    }

    fn open(&mut self, array: u64) {
        if self.depth < LEVELS {
            self.arrays |= array << self.depth;
        }
        self.depth = self.depth.saturating_add(1);
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth < LEVELS {
            self.arrays &= !(1 << self.depth);
        }
    }

    /// Whether the innermost open bracket is an array.
    fn in_array(&self) -> bool {
        matches!(self.depth, 1..=LEVELS) && self.arrays >> (self.depth - 1) & 1 == 1
    }
}

/// The end of a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Bytes of the part: 1 to 4 KiB.
    pub len: usize,
    /// Bytes that decided: any payload that agrees in them has this cut. `None` where the end
    /// of the payload did.
    pub seen: Option<usize>,
    /// What the scanner knows after the part.
    pub state: SplitState,
}

/// The next part of a payload of which `rest` is left, at a cut with this state. `rest` must not
/// be empty (the answer would be an empty part). Looks at no more than about 4 KiB.
pub fn next_part(state: SplitState, rest: &[u8]) -> Cut {
    Splitter::new(state, rest, &mut Brackets::new()).next_cut()
}

/// Cuts a payload part by part. What one part looked at the next one does not scan again.
#[derive(Debug)]
pub struct Splitter<'a> {
    bytes: &'a [u8],
    /// Where the next part starts, and the state there.
    at: usize,
    state: SplitState,
    /// Those from `at` on that the scanner has passed.
    brackets: &'a mut Brackets,
    scanner: Scanner<'a>,
}

impl<'a> Splitter<'a> {
    /// From a cut with this state on. Of `brackets` only the memory is used.
    pub fn new(state: SplitState, bytes: &'a [u8], brackets: &'a mut Brackets) -> Splitter<'a> {
        brackets.clear();
        let scanner = Scanner::new(bytes, 0, state.in_string, state.escaped);
        Splitter { bytes, at: 0, state, brackets, scanner }
    }

    /// The bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The next part of what is left, which must not be nothing.
    pub fn next_cut(&mut self) -> Cut {
        let cut = self.cut();
        self.at += cut.len;
        self.state = cut.state;
        while self.brackets.front().is_some_and(|(end, _)| *end <= self.at) {
            self.brackets.pop_front();
        }
        cut
    }

    /// The `number`-th bracket of the next part and where it ends, if that is before `until`.
    fn bracket(&mut self, number: usize, until: usize) -> Option<(usize, u8)> {
        while self.brackets.len() <= number && self.scanner.scanned() < until {
            self.scanner.more(self.brackets);
        }
        self.brackets.get(number).copied().filter(|(end, _)| *end <= until)
    }

    fn cut(&mut self) -> Cut {
        let (from, rest) = (self.at, self.rest());
        let until = from + rest.len().min(PART_WHOLE_BYTES_MAX);
        let comma = separator(rest).bytes().len();
        let base = self.state.arrays_open();
        let start = SplitState { inside: false, ..self.state };
        let starts_wrapped = start.depth > 0 && !start.in_string && rest.starts_with(b"{");
        let mut now = SplitState { in_string: false, escaped: false, ..start };
        let mut nested = None;
        let mut number = 0;
        while let Some((end, byte)) = self.bracket(number, until) {
            number += 1;
            let at = end - from;
            match byte {
                b'[' => {
                    now.open(1);
                    let arrays = now.arrays_open();
                    let Some(looked) = object_follows(&rest[at..]) else { continue };
                    if arrays > ARRAYS_MAX {
                        continue;
                    }
                    if arrays <= base || (base == 0 && at <= WRAPPER_BYTES_MAX) {
                        return Cut { len: at, seen: Some(at + looked), state: now };
                    }
                    nested = nested.or(Some((at, now)));
                }
                b'{' => {
                    let wrapped = start.depth == 0 && now.depth == 1 && !now.in_array();
                    if wrapped && at <= WRAPPER_BYTES_MAX {
                        return Cut { len: at - 1, seen: Some(at), state: now };
                    }
                    now.open(0);
                }
                b'}' => {
                    now.close();
                    let arrays = now.arrays_open();
                    let wrapped = starts_wrapped && now.depth == start.depth;
                    let element = now.in_array() && arrays <= base.min(ARRAYS_MAX);
                    let long =
                        at - comma >= ELEMENT_BYTES_MIN || self.state.inside || arrays < base;
                    if (element || wrapped) && long {
                        return Cut { len: at, seen: Some(at), state: now };
                    }
                }
                _ => now.close(),
            }
        }
        if rest.len() <= PART_WHOLE_BYTES_MAX {
            let (in_string, escaped) = self.scanner.string_state();
            let state = SplitState { in_string, escaped, ..now };
            return Cut { len: rest.len(), seen: None, state };
        }
        let seen = Some(PART_WHOLE_BYTES_MAX + SPACE_BYTES_MAX);
        if let Some((len, state)) = nested {
            return Cut { len, seen, state };
        }
        let len = comma + content_cut(&rest[comma..PART_WHOLE_BYTES_MAX]);
        Cut { len, seen, state: SplitState { inside: true, ..self.state_after(start, len) } }
    }

    /// The state after so many bytes of the next part, which starts with this one.
    fn state_after(&self, mut state: SplitState, len: usize) -> SplitState {
        let end = self.at + len;
        for (_, byte) in self.brackets.iter().take_while(|(past, _)| *past <= end) {
            match byte {
                b'[' => state.open(1),
                b'{' => state.open(0),
                _ => state.close(),
            }
        }
        let (known, (in_string, escaped)) = self.scanner.known_before(end);
        let mut scanner = Scanner::new(&self.bytes[..end], known, in_string, escaped);
        scanner.more(&mut Brackets::new());
        (state.in_string, state.escaped) = scanner.string_state();
        state
    }
}

/// What stands before an element of a list, and is no part of it.
pub fn separator(bytes: &[u8]) -> Separator {
    if bytes.starts_with(b",{") { Separator::Comma } else { Separator::None }
}

/// Bytes up to and including a `{` that only white space precedes.
fn object_follows(bytes: &[u8]) -> Option<usize> {
    let window = &bytes[..bytes.len().min(SPACE_BYTES_MAX)];
    let at = window.iter().position(|b| !b.is_ascii_whitespace())?;
    (window[at] == b'{').then_some(at + 1)
}

/// A cut where the rolling hash of the last bytes has zeros in its mask: more of them before the
/// average length than after it, which narrows the spread.
fn content_cut(window: &[u8]) -> usize {
    const BITS: u32 = PART_CONTENT_BYTES.ilog2();
    const HARD: u64 = !(u64::MAX >> (BITS + 2));
    const EASY: u64 = !(u64::MAX >> (BITS - 2));
    let from = CONTENT_BYTES_MIN.min(window.len());
    let middle = PART_CONTENT_BYTES.min(window.len());
    let mut hash = 0u64;
    for (range, mask) in [(from..middle, HARD), (middle..window.len(), EASY)] {
        let mut at = range.start;
        let (fours, rest) = window[range].as_chunks::<4>();
        for four in fours {
            let hashes = rolled(hash, *four);
            if let Some(before) = hashes.iter().position(|hash| hash & mask == 0) {
                return at + before + 1;
            }
            hash = hashes[3];
            at += 4;
        }
        for byte in rest {
            hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
            at += 1;
            if hash & mask == 0 {
                return at;
            }
        }
    }
    window.len()
}

/// The rolling hash after each of four bytes. None waits for the one before: what the bytes add is summed
/// up beside it.
#[inline]
fn rolled(hash: u64, bytes: [u8; 4]) -> [u64; 4] {
    let mut added = 0u64;
    let mut shift = 0;
    bytes.map(|byte| {
        added = (added << 1).wrapping_add(GEAR[usize::from(byte)]);
        shift += 1;
        (hash << shift).wrapping_add(added)
    })
}

/// Fixed pseudo-random words (SplitMix64), so that equal content is cut equally in every store.
static GEAR: [u64; 256] = {
    let mut gear = [0u64; 256];
    let mut state = 0x7472_6163_656b_6565u64;
    let mut i = 0;
    while i < 256 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        gear[i] = z ^ (z >> 31);
        i += 1;
    }
    gear
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Byte by byte, as FastCDC is written down.
    fn slow(window: &[u8]) -> usize {
        let mut hash = 0u64;
        for (at, byte) in window.iter().enumerate().skip(256) {
            hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
            if hash >> (if at < 1024 { 52 } else { 56 }) == 0 {
                return at + 1;
            }
        }
        window.len()
    }

    proptest! {
        #[test]
        fn content_is_cut_where_each_byte_by_itself_would_cut_it(
            window in proptest::collection::vec(any::<u8>(), 0..PART_WHOLE_BYTES_MAX),
        ) {
            prop_assert_eq!(content_cut(&window), slow(&window));
        }
    }
}
