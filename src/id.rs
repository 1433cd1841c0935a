//! Ids: what clients send, and the fixed-width identity that indexes hold.
//!
//! Any text of 1 to 800 characters is an id. Lower-case hex of 16 or 32 digits and hyphenated
//! lower-case UUIDs are kept as bits with a form; everything else is kept as text, whose bits
//! are a keyed BLAKE3 under the store's key. Two ids are equal only if their texts are.

use crate::error::{Error, Result};
use crate::limits::ID_CHARS_MAX;
use std::fmt;

/// How an id was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Form {
    /// Any other text; its identity is a keyed hash.
    Text = 0,
    /// 16 lower-case hex digits (an OpenTelemetry span id).
    Hex16 = 1,
    /// 32 lower-case hex digits (an OpenTelemetry trace id).
    Hex32 = 2,
    /// A hyphenated lower-case UUID.
    Uuid = 3,
}

impl Form {
    /// The form with this code on disk.
    pub fn from_code(code: u8) -> Option<Form> {
        [Form::Text, Form::Hex16, Form::Hex32, Form::Uuid].get(usize::from(code)).copied()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Text(Box<str>),
    Hex16(u64),
    Hex32(u128),
    Uuid(u128),
}

/// The id of a trace, an observation, a score, a session or an experiment run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Repr);

/// The fixed-width identity of an [`Id`] in one store: equal exactly where the texts are equal
/// (for text forms, as far as a 128-bit keyed hash goes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// How the id was written.
    pub form: Form,
    /// The digits, or the keyed hash of the text.
    pub bits: u128,
}

impl Id {
    /// Takes an id as a client sent it.
    ///
    /// # Errors
    /// `InvalidInput` where the text is empty or longer than 800 characters.
    pub fn parse(text: &str) -> Result<Id> {
        if text.is_empty() {
            return Err(Error::invalid("an id is empty: ids have 1 to 800 characters"));
        }
        if text.len() > ID_CHARS_MAX && text.chars().count() > ID_CHARS_MAX {
            return Err(Error::invalid(format!(
                "an id has {} characters: ids have 1 to {ID_CHARS_MAX}",
                text.chars().count()
            )));
        }
        let repr = match text.len() {
            16 => lower_hex(text).and_then(|v| u64::try_from(v).ok()).map(Repr::Hex16),
            32 => lower_hex(text).map(Repr::Hex32),
            36 => lower_uuid(text).map(Repr::Uuid),
            _ => None,
        };
        Ok(Id(repr.unwrap_or_else(|| Repr::Text(text.into()))))
    }

    /// The id with these 64 bits as 16 hex digits.
    pub fn hex16(bits: u64) -> Id {
        Id(Repr::Hex16(bits))
    }

    /// The id with these 128 bits as 32 hex digits.
    pub fn hex32(bits: u128) -> Id {
        Id(Repr::Hex32(bits))
    }

    /// The id with these 128 bits as a hyphenated UUID.
    pub fn uuid(bits: u128) -> Id {
        Id(Repr::Uuid(bits))
    }

    /// How the id is written.
    pub fn form(&self) -> Form {
        match self.0 {
            Repr::Text(_) => Form::Text,
            Repr::Hex16(_) => Form::Hex16,
            Repr::Hex32(_) => Form::Hex32,
            Repr::Uuid(_) => Form::Uuid,
        }
    }

    /// The text, where the form is [`Form::Text`].
    pub fn as_text(&self) -> Option<&str> {
        match &self.0 {
            Repr::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The digits as a number, unless the form is [`Form::Text`].
    pub fn bits(&self) -> Option<u128> {
        match &self.0 {
            Repr::Text(_) => None,
            Repr::Hex16(v) => Some(u128::from(*v)),
            Repr::Hex32(v) | Repr::Uuid(v) => Some(*v),
        }
    }

    /// The id that an identity stands for, unless its form is text.
    pub fn from_identity(identity: Identity) -> Option<Id> {
        match identity.form {
            Form::Text => None,
            Form::Hex16 => u64::try_from(identity.bits).ok().map(Id::hex16),
            Form::Hex32 => Some(Id::hex32(identity.bits)),
            Form::Uuid => Some(Id::uuid(identity.bits)),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Text(text) => f.write_str(text),
            Repr::Hex16(v) => write!(f, "{v:016x}"),
            Repr::Hex32(v) => write!(f, "{v:032x}"),
            Repr::Uuid(v) => {
                let s = format!("{v:032x}");
                let (a, b, c, d, e) = (&s[..8], &s[8..12], &s[12..16], &s[16..20], &s[20..]);
                write!(f, "{a}-{b}-{c}-{d}-{e}")
            }
        }
    }
}

fn lower_hex(text: &str) -> Option<u128> {
    text.bytes().try_fold(0u128, |acc, b| match b {
        b'0'..=b'9' => Some(acc << 4 | u128::from(b - b'0')),
        b'a'..=b'f' => Some(acc << 4 | u128::from(b - b'a' + 10)),
        _ => None,
    })
}

fn lower_uuid(text: &str) -> Option<u128> {
    text.bytes().enumerate().try_fold(0u128, |acc, (i, b)| match (i, b) {
        (8 | 13 | 18 | 23, b'-') => Some(acc),
        (8 | 13 | 18 | 23, _) => None,
        (_, b'0'..=b'9') => Some(acc << 4 | u128::from(b - b'0')),
        (_, b'a'..=b'f') => Some(acc << 4 | u128::from(b - b'a' + 10)),
        _ => None,
    })
}

/// The store's secret: stands in every file header, keys every hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StoreKey(pub [u8; 32]);

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

impl StoreKey {
    /// The identity of an id in this store.
    pub fn identity(&self, id: &Id) -> Identity {
        let (form, bits) = match &id.0 {
            Repr::Text(text) => (Form::Text, self.hash128(text.as_bytes())),
            Repr::Hex16(v) => (Form::Hex16, u128::from(*v)),
            Repr::Hex32(v) => (Form::Hex32, *v),
            Repr::Uuid(v) => (Form::Uuid, *v),
        };
        Identity { form, bits }
    }

    /// Keyed BLAKE3 of these bytes, cut to 128 bits.
    pub fn hash128(&self, bytes: &[u8]) -> u128 {
        let hash = blake3::keyed_hash(&self.0, bytes);
        let mut first = [0u8; 16];
        first.copy_from_slice(&hash.as_bytes()[..16]);
        u128::from_le_bytes(first)
    }

    /// A keyed 64-bit hash of an identity, for lookups; a hit compares the identity.
    pub fn lookup_hash(&self, identity: Identity) -> u64 {
        let (a, b) = (self.word(0), self.word(1));
        let (lo, hi) = (identity.bits as u64, (identity.bits >> 64) as u64);
        let x = fold_mul(lo ^ a, hi ^ b ^ (identity.form as u64).rotate_left(17));
        fold_mul(x ^ self.word(2), 0x9e37_79b9_7f4a_7c15 ^ a)
    }

    /// The `i`-th of the key's four 64-bit words.
    pub fn word(&self, i: usize) -> u64 {
        let mut bytes = [0u8; 8];
        bytes.copy_from_slice(&self.0[(i & 3) * 8..(i & 3) * 8 + 8]);
        u64::from_le_bytes(bytes)
    }
}

fn fold_mul(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ (wide >> 64) as u64
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number!(
    /// Position in append order, starting at 1; never reused.
    Seq
);
number!(
    /// Names a log file; logs are numbered in the order they were started.
    LogId
);
number!(
    /// Names a segment's two files; a larger id is not necessarily newer data.
    SegmentId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_prints_as_it_was_given() {
        for text in [
            "584b42acf036aea7f6a76ed4d9836c84",
            "8b83a58eee36ab26",
            "662b0529-661c-91fc-6f73-f1bb661e1b6f",
            "ABCDEF0123456789",
            "run 7",
            "662B0529-661C-91FC-6F73-F1BB661E1B6F",
            "662b0529+661c-91fc-6f73-f1bb661e1b6f",
        ] {
            assert_eq!(Id::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn forms_do_not_collide() {
        let key = StoreKey([7; 32]);
        let hex = Id::parse("662b0529661c91fc6f73f1bb661e1b6f").unwrap();
        let uuid = Id::parse("662b0529-661c-91fc-6f73-f1bb661e1b6f").unwrap();
        assert_ne!(key.identity(&hex), key.identity(&uuid));
        assert_ne!(key.lookup_hash(key.identity(&hex)), key.lookup_hash(key.identity(&uuid)));
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(Id::parse("").is_err());
        assert!(Id::parse(&"\u{e9}".repeat(800)).is_ok());
        assert!(Id::parse(&"\u{e9}".repeat(801)).is_err());
    }
}
