//! Fingerprints of payloads from those of their parts: each part is read once, however often it
//! is used, and no payload is put together in memory.

use crate::error::Fault;
use crate::id::StoreKey;
use crate::part::{Item, Print, PrintKey, items};

/// Longer than any part: that of a part whose bytes cannot be read.
const UNKNOWN: Print = Print { hash: 0, len: u64::MAX };

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

/// The prints of all parts of a file. Memory: 16 bytes a part.
#[derive(Debug)]
pub struct Prints {
    key: PrintKey,
    parts: Vec<Print>,
}

impl Prints {
    /// None yet.
    pub fn new(key: &StoreKey) -> Prints {
        Prints { key: PrintKey::new(key), parts: Vec::new() }
    }

    /// Parts so far.
    pub fn len(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    /// The next part has these bytes.
    pub fn push(&mut self, part: &[u8]) {
        self.parts.push(self.key.print(part));
    }

    /// The parts up to this number cannot be read.
    pub fn skip_to(&mut self, len: u32) {
        self.parts.resize(self.parts.len().max(len as usize), UNKNOWN);
    }

    /// Whether there are parts that cannot be read.
    pub fn has_unknown(&self) -> bool {
        self.parts.contains(&UNKNOWN)
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
                    let run = self.parts.iter().skip(first as usize).take(count as usize);
                    for (number, part) in (first..).zip(run) {
                        if *part == UNKNOWN {
                            return Ok(Assembled::Unknown(number));
                        }
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
