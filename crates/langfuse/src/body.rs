//! The body of an event: keys and the exact text of their values, taken one by one into fields.
//! What nobody took becomes the attributes.

use crate::map::{Pairs, join};
use crate::{ENVELOPE_METADATA, Rejected};
use serde_json::value::RawValue;
use std::borrow::Cow;
use tracekeep::limits::PAYLOAD_BYTES_MAX;
use tracekeep::model::Map;

/// What a reader makes of a value: `None` where it has not the shape that the field has,
/// the reason where the event cannot be taken.
pub(crate) type Read<T> = Result<Option<T>, String>;

pub(crate) struct Body<'a> {
    pairs: Vec<(Cow<'a, str>, &'a RawValue)>,
    taken: Vec<bool>,
}

/// A value that was found, and its place in the body.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    at: usize,
    pub(crate) text: &'a str,
}

impl<'a> Body<'a> {
    pub(crate) fn new(Pairs(pairs): Pairs<'a>) -> Body<'a> {
        let taken = vec![false; pairs.len()];
        Body { pairs, taken }
    }

    /// The value that counts: the last, but `null` and `""` only where nothing else stands.
    /// A `null` is nothing.
    pub(crate) fn find(&mut self, key: &str) -> Option<Found<'a>> {
        let mut best: Option<(usize, u8)> = None;
        for (at, (k, raw)) in self.pairs.iter().enumerate() {
            if k == key {
                let rank = match raw.get() {
                    "null" => 0,
                    "\"\"" => 1,
                    _ => 2,
                };
                best = best.filter(|(_, other)| *other > rank).or(Some((at, rank)));
            }
        }
        let (at, rank) = best?;
        if rank == 0 {
            self.taken[at] = true;
            return None;
        }
        Some(Found { at, text: self.pairs[at].1.get() })
    }

    /// Keeps a value out of the attributes.
    pub(crate) fn spend(&mut self, found: Found<'a>) {
        self.taken[found.at] = true;
    }

    /// Takes the value of a key, if it has the shape that `read` knows.
    pub(crate) fn take<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&'a str) -> Read<T>,
    ) -> Result<Option<T>, Rejected> {
        let Some(found) = self.find(key) else { return Ok(None) };
        let value = read(found.text).map_err(|why| Rejected::new(format!("{key}: {why}")))?;
        if value.is_some() {
            self.spend(found);
        }
        Ok(value)
    }

    /// As [`take`](Self::take), where an empty string says no more than `null` does.
    pub(crate) fn take_unless_empty<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&'a str) -> Read<T>,
    ) -> Result<Option<T>, Rejected> {
        match self.find(key) {
            Some(found) if found.text == "\"\"" => {
                self.spend(found);
                Ok(None)
            }
            _ => self.take(key, read),
        }
    }

    /// What was not taken, in the order given, and the envelope's metadata.
    pub(crate) fn attributes(
        self,
        envelope: Option<&'a RawValue>,
    ) -> Result<Option<Map>, Rejected> {
        if envelope.is_none() && self.taken.iter().all(|taken| *taken) {
            return Ok(None);
        }
        let left = self.pairs.into_iter().zip(self.taken).filter(|(_, taken)| !taken);
        let left = left.map(|((key, raw), _)| (key, raw.get()));
        let envelope = envelope.map(|raw| (Cow::Borrowed(ENVELOPE_METADATA), raw.get()));
        let map = join(left.chain(envelope));
        if map.text.len() > PAYLOAD_BYTES_MAX {
            let reason = format!(
                "attributes: {} bytes, at most {PAYLOAD_BYTES_MAX} are kept",
                map.text.len()
            );
            return Err(Rejected::new(reason));
        }
        Ok(Some(map))
    }
}

/// Takes values into the fields of a record: `"key" read_with set_with;` each.
macro_rules! fields {
    ($record:ident, $body:ident; $($key:literal $read:ident $set:ident;)*) => {
        $(if let Some(value) = $body.take($key, crate::read::$read)? {
            $record = $record.$set(value);
        })*
    };
}
pub(crate) use fields;
