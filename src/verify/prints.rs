//! Fingerprints of payloads from those of their parts: each part is read once, however often it
//! is used, and no payload is put together in memory.

use crate::error::Fault;
use crate::id::StoreKey;
use crate::part::{Item, Print, PrintKey, items};

/// What a part list comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assembled {
    /// A payload of this length and fingerprint.
    Payload {
        /// Bytes.
        len: u64,
        /// Fingerprint.
        print: u64,
    },
    /// It uses this part, whose bytes cannot be read.
    Unknown(u32),
}

/// The prints of all parts of a file. Memory: 16 bytes a part that was read.
#[derive(Debug)]
pub struct Prints {
    key: PrintKey,
    known: Vec<Print>,
    /// Where parts that were read follow others that could not be: number, and place in `known`.
    stretches: Vec<(u32, usize)>,
    len: u32,
}

impl Prints {
    /// None yet.
    pub fn new(key: &StoreKey) -> Prints {
        let (known, stretches) = (Vec::new(), Vec::new());
        Prints { key: PrintKey::new(key), known, stretches, len: 0 }
    }

    /// Parts so far.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The next part has these bytes.
    pub fn push(&mut self, part: &[u8]) {
        if self.part(self.len.wrapping_sub(1)).is_none() {
            self.stretches.push((self.len, self.known.len()));
        }
        self.known.push(self.key.print(part));
        self.len = self.len.saturating_add(1);
    }

    /// The parts up to this number cannot be read.
    pub fn skip_to(&mut self, len: u32) {
        self.len = self.len.max(len);
    }

    /// Whether there are parts that cannot be read.
    pub fn has_unknown(&self) -> bool {
        self.known.len() < self.len as usize
    }

    fn part(&self, number: u32) -> Option<&Print> {
        let after = self.stretches.partition_point(|(first, _)| *first <= number);
        let (first, at) = *self.stretches.get(after.checked_sub(1)?)?;
        let end = self.stretches.get(after).map_or(self.known.len(), |(_, at)| *at);
        self.known.get(at..end)?.get((number - first) as usize)
    }

    /// What an encoded list comes to. Stops where it is longer than `len_max`.
    ///
    /// # Errors
    /// A fault where the list is malformed, names parts that are not there, or is too long.
    pub fn assemble(&self, list: &[u8], len_max: u64) -> Result<Assembled, Fault> {
        let mut print = Print::default();
        let mut joined = 0u64;
        let too_long = || Fault::new(0, format!("the part list is longer than {len_max} bytes"));
        for item in items(list, self.len()) {
            match item? {
                Item::Literal(bytes) => print = self.key.join(print, self.key.print(bytes)),
                Item::Run { first, count, separator } => {
                    let before = self.key.print(separator.bytes());
                    for number in first..first.saturating_add(count) {
                        let Some(part) = self.part(number) else {
                            return Ok(Assembled::Unknown(number));
                        };
                        print = self.key.join(self.key.join(print, before), *part);
                        // Counted too, so that empty parts end as well.
                        joined += 1;
                        if print.len.max(joined) > len_max {
                            return Err(too_long());
                        }
                    }
                }
            }
            if print.len > len_max {
                return Err(too_long());
            }
        }
        Ok(Assembled::Payload { len: print.len, print: self.key.finish(print) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::{ListBuilder, Separator};

    #[test]
    fn a_list_ends_where_it_is_longer_than_it_may_be() {
        let mut prints = Prints::new(&StoreKey([7; 32]));
        ["", "", "", "three"].iter().for_each(|part| prints.push(part.as_bytes()));
        let assembled = |parts: &[u32], literal: &[u8], len_max: u64| {
            let mut list = ListBuilder::new();
            parts.iter().for_each(|part| list.push_part(Separator::None, *part));
            list.push_literal(literal);
            let mut bytes = Vec::new();
            list.encode(&mut bytes);
            prints.assemble(&bytes, len_max).ok()
        };
        let payload = |bytes: &[u8]| {
            let print = prints.key.finish(prints.key.print(bytes));
            Some(Assembled::Payload { len: bytes.len() as u64, print })
        };
        assert_eq!(assembled(&[3], b"", 5), payload(b"three"));
        assert_eq!(assembled(&[3], b"", 4), None);
        assert_eq!(assembled(&[], b"four", 4), payload(b"four"));
        assert_eq!(assembled(&[], b"four", 3), None);
        assert_eq!(assembled(&[0, 1, 2], b"", 3), payload(b""));
        assert_eq!(assembled(&[0, 1, 2], b"", 2), None);
        assert_eq!(assembled(&[0, 2, 1], b"", 2), None);
    }

    #[test]
    fn parts_that_cannot_be_read_take_no_memory() {
        let mut prints = Prints::new(&StoreKey([7; 32]));
        prints.skip_to(3);
        prints.push(b"three");
        prints.push(b"four");
        prints.skip_to(2);
        prints.skip_to(u32::MAX - 1);
        prints.push(b"last");
        assert_eq!((prints.len(), prints.known.len()), (u32::MAX, 3));
        assert!(prints.has_unknown());
        let known = [3, 4, u32::MAX - 1];
        for number in [0, 2, 3, 4, 5, u32::MAX - 2, u32::MAX - 1, u32::MAX] {
            assert_eq!(prints.part(number).is_some(), known.contains(&number), "{number}");
        }
        let print = |bytes| Some(prints.key.print(bytes));
        assert_eq!(prints.part(4).copied(), print(b"four"));
        assert_eq!(prints.part(u32::MAX - 1).copied(), print(b"last"));
    }
}
