use super::{Decimal, Level, ObservationKind, ScoreSource, ScoreType, Subject, Timestamp};
use crate::id::{Id, LogId, SegmentId};
use std::fmt::Debug;
use std::ops::Range;

/// What stands for a payload: bytes on the way in, a [`PayloadRef`] once stored.
pub trait Payload: Debug + Clone + PartialEq {
    /// Length in bytes.
    fn bytes_len(&self) -> u64;
}

impl Payload for Vec<u8> {
    fn bytes_len(&self) -> u64 {
        self.len() as u64
    }
}

/// Where the bytes of a stored payload lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// In an unsealed log; the number is `frame << 32 | list` of its table.
    Log(LogId),
    /// In a segment; the number is the payload's.
    Segment(SegmentId),
    /// Nowhere: dropped by policy; length and fingerprint remain.
    Expired,
}

/// A stored payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadRef {
    /// Length in bytes.
    pub len: u64,
    /// Keyed fingerprint of the bytes; see `docs/format.md`.
    pub print: u64,
    /// Which file holds it.
    pub source: Source,
    /// Which payload of that file it is.
    pub number: u64,
}

impl Payload for PayloadRef {
    fn bytes_len(&self) -> u64 {
        self.len
    }
}

/// One key of a [`Map`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// The key, unescaped. Empty where the text as a whole is the value.
    pub key: Box<str>,
    /// Where in the text the value's bytes stand.
    pub value: Range<u32>,
    /// An empty or falsy value, which loses to any other.
    pub weak: bool,
}

/// Metadata or attributes of one record: the text as it was given, and where in it each value
/// stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<P = Vec<u8>> {
    /// The whole text.
    pub text: P,
    /// Its keys, in any order, each once.
    pub entries: Vec<MapEntry>,
}

impl Map<Vec<u8>> {
    /// A map without structure: one entry with an empty key.
    pub fn opaque(text: Vec<u8>) -> Map {
        let weak = is_falsy(&text);
        let value = 0..u32::try_from(text.len()).unwrap_or(u32::MAX);
        Map { text, entries: vec![MapEntry { key: "".into(), value, weak }] }
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each variant is its type; Field says which field takes which")]
pub enum Value<P = Vec<u8>> {
    Kind(ObservationKind),
    Level(Level),
    Bool(bool),
    Number(u64),
    Float(f64),
    Time(Timestamp),
    Id(Id),
    Text(Box<str>),
    /// Sorted, each once.
    Tags(Vec<Box<str>>),
    /// Sorted by key, each once.
    Usage(Vec<(Box<str>, u64)>),
    /// Sorted by key, each once.
    Cost(Vec<(Box<str>, Decimal)>),
    Payload(P),
    Map(Map<P>),
    Subject(Subject),
    ScoreType(ScoreType),
    ScoreSource(ScoreSource),
}

impl<P> Value<P> {
    /// The value with another thing standing for its payload.
    pub fn map_payload<Q>(self, map: &mut dyn FnMut(P) -> Q) -> Value<Q> {
        match self {
            Value::Payload(p) => Value::Payload(map(p)),
            Value::Map(m) => Value::Map(Map { text: map(m.text), entries: m.entries }),
            Value::Kind(v) => Value::Kind(v),
            Value::Level(v) => Value::Level(v),
            Value::Bool(v) => Value::Bool(v),
            Value::Number(v) => Value::Number(v),
            Value::Float(v) => Value::Float(v),
            Value::Time(v) => Value::Time(v),
            Value::Id(v) => Value::Id(v),
            Value::Text(v) => Value::Text(v),
            Value::Tags(v) => Value::Tags(v),
            Value::Usage(v) => Value::Usage(v),
            Value::Cost(v) => Value::Cost(v),
            Value::Subject(v) => Value::Subject(v),
            Value::ScoreType(v) => Value::ScoreType(v),
            Value::ScoreSource(v) => Value::ScoreSource(v),
        }
    }
}

/// Whether a JSON text is empty or falsy (`""`, `0`, `false`, `{}`, `[]`, `null`, nothing): such
/// a value is weak and loses to any other. Only these literals are known; no JSON is parsed.
pub fn is_falsy(text: &[u8]) -> bool {
    let mut rest = [0u8; 8];
    let mut n = 0;
    for b in text.iter().filter(|b| !b.is_ascii_whitespace()) {
        if n == rest.len() {
            return false;
        }
        rest[n] = *b;
        n += 1;
    }
    matches!(
        &rest[..n],
        b"" | b"\"\"" | b"0" | b"-0" | b"0.0" | b"-0.0" | b"false" | b"{}" | b"[]" | b"null"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falsy_is_a_short_list() {
        for text in ["", " ", "\"\"", "0", "false", "{ }", "[\n]", "null", "0.0"] {
            assert!(is_falsy(text.as_bytes()), "{text}");
        }
        for text in ["\" \"", "1", "true", "[0]", "{\"a\":0}", "00000000000", "\"0\""] {
            assert!(text == "\" \"" || !is_falsy(text.as_bytes()), "{text}");
        }
    }
}
