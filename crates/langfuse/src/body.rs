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

/// The place in a body where a value was found.
#[derive(Clone, Copy)]
pub(crate) struct Place(usize);

impl<'a> Body<'a> {
    pub(crate) fn new(Pairs(pairs): Pairs<'a>) -> Body<'a> {
        let taken = vec![false; pairs.len()];
        Body { pairs, taken }
    }

    /// The value of a key that counts: the last that has the shape that `read` knows.
    pub(crate) fn find<T>(
        &mut self,
        key: &str,
        read: impl Fn(&'a str) -> Read<T>,
    ) -> Result<Option<(Place, T)>, Rejected> {
        self.find_before(Place(self.pairs.len()), key, read)
    }

    /// As [`find`](Self::find), among what stands before a place.
    pub(crate) fn find_before<T>(
        &mut self,
        end: Place,
        key: &str,
        read: impl Fn(&'a str) -> Read<T>,
    ) -> Result<Option<(Place, T)>, Rejected> {
        self.search(end, key, |raw| raw == "null", read)
    }

    /// Searches backwards. What says nothing is passed over, and is no attribute either.
    fn search<T>(
        &mut self,
        end: Place,
        key: &str,
        says_nothing: impl Fn(&str) -> bool,
        read: impl Fn(&'a str) -> Read<T>,
    ) -> Result<Option<(Place, T)>, Rejected> {
        for (at, (k, raw)) in self.pairs.iter().enumerate().take(end.0).rev() {
            if k != key {
                continue;
            }
            if says_nothing(raw.get()) {
                self.taken[at] = true;
                continue;
            }
            let why = |why| Rejected::new(format!("{key}: {why}"));
            if let Some(value) = read(raw.get()).map_err(why)? {
                return Ok(Some((Place(at), value)));
            }
        }
        Ok(None)
    }

    /// Keeps a value out of the attributes.
    pub(crate) fn spend(&mut self, place: Place) {
        self.taken[place.0] = true;
    }

    /// Finds the value of a key and keeps it out of the attributes.
    pub(crate) fn take<T>(
        &mut self,
        key: &str,
        read: impl Fn(&'a str) -> Read<T>,
    ) -> Result<Option<T>, Rejected> {
        let Some((place, value)) = self.find(key, read)? else { return Ok(None) };
        self.spend(place);
        Ok(Some(value))
    }

    /// As [`take`](Self::take), where an empty string says no more than `null` does.
    pub(crate) fn take_unless_empty<T>(
        &mut self,
        key: &str,
        read: impl Fn(&'a str) -> Read<T>,
    ) -> Result<Option<T>, Rejected> {
        let says_nothing = |raw: &str| raw == "null" || raw == "\"\"";
        let found = self.search(Place(self.pairs.len()), key, says_nothing, read)?;
        let Some((place, value)) = found else { return Ok(None) };
        self.spend(place);
        Ok(Some(value))
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
