//! JSON objects split at their top level, with the exact text of every value.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use tracekeep::limits::{MAP_ENTRIES_MAX, TEXT_BYTES_MAX};
use tracekeep::model::{Map, MapEntry, is_falsy};

/// The keys, unescaped, and values of an object, in the order given. Values are skipped over
/// without recursion, whatever their depth.
#[derive(Default)]
pub(crate) struct Pairs<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

/// The pairs of the object that this text is; `None` where it is no object, or has a key that is
/// no Unicode.
pub(crate) fn object(text: &str) -> Option<Pairs<'_>> {
    serde_json::from_str(text).ok()
}

/// Metadata as it was given, split at the top level where it is an object. What has more keys
/// or longer keys than a record holds is left in one piece.
pub(crate) fn split(text: &str) -> Map {
    let base = text.as_ptr().addr();
    let entries = object(text).and_then(|Pairs(pairs)| {
        entries(pairs.into_iter().map(|(key, raw)| {
            // The value is a slice of the text.
            let start = raw.get().as_ptr().addr() - base;
            (key, start, raw.get())
        }))
    });
    match entries {
        Some(entries) => Map { text: text.as_bytes().to_vec(), entries },
        None => Map::opaque(text.as_bytes().to_vec()),
    }
}

/// A map of these pairs; its text is an object of them, in the order given.
pub(crate) fn join<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, &'a str)>) -> Map {
    let mut text = Vec::new();
    let mut places = Vec::new();
    for (key, value) in pairs {
        text.push(if text.is_empty() { b'{' } else { b',' });
        write_string(&key, &mut text);
        text.push(b':');
        places.push((key, text.len(), value));
        text.extend_from_slice(value.as_bytes());
    }
    text.extend_from_slice(if text.is_empty() { b"{}" } else { b"}" });
    match entries(places.into_iter()) {
        Some(entries) => Map { text, entries },
        None => Map::opaque(text),
    }
}

/// Entries from (key, start in the text, value), sorted by key; of one key the last counts.
/// `None` where they are too many or too long.
fn entries<'a>(
    places: impl Iterator<Item = (Cow<'a, str>, usize, &'a str)>,
) -> Option<Vec<MapEntry>> {
    let mut entries = places
        .map(|(key, start, value)| {
            let start = u32::try_from(start).ok()?;
            let end = start.checked_add(u32::try_from(value.len()).ok()?)?;
            (key.len() <= TEXT_BYTES_MAX).then(|| MapEntry {
                key: key.into(),
                value: start..end,
                weak: is_falsy(value.as_bytes()),
            })
        })
        .collect::<Option<Vec<_>>>()?;
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries.dedup_by(|later, earlier| {
        let same = later.key == earlier.key;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    (entries.len() <= MAP_ENTRIES_MAX).then_some(entries)
}

/// Appends a JSON string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, b) in bytes.iter().enumerate() {
        if !matches!(b, b'"' | b'\\' | 0..=31) {
            continue;
        }
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match b {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *b]),
            _ => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

/// A key, borrowed where it has no escapes.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::with_capacity(16);
                while let Some((Key(key), value)) = map.next_entry()? {
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(map: &Map) -> Vec<(&str, &str, bool)> {
        let part = |e: &MapEntry| e.value.start as usize..e.value.end as usize;
        let text = std::str::from_utf8(&map.text).unwrap();
        map.entries.iter().map(|e| (&*e.key, &text[part(e)], e.weak)).collect()
    }

    #[test]
    fn an_object_is_split_and_its_text_kept() {
        let text = r#"{ "b" : [1, 2] ,"a\n":null,"":{"x":1.0e5},"b":"\ud800" }"#;
        let map = split(text);
        assert_eq!(map.text, text.as_bytes());
        let expected =
            [("", r#"{"x":1.0e5}"#, false), ("a\n", "null", true), ("b", r#""\ud800""#, false)];
        assert_eq!(values(&map), expected);
    }

    #[test]
    fn what_is_no_object_is_one_value() {
        for text in ["[1]", "\"x\"", "5", r#"{"\ud800":1}"#] {
            assert_eq!(split(text), Map::opaque(text.as_bytes().to_vec()));
        }
        let keys = |n: usize| (0..n).map(|i| format!("\"{i}\":{i}")).collect::<Vec<_>>().join(",");
        assert_eq!(split(&format!("{{{}}}", keys(4096))).entries.len(), 4096);
        assert_eq!(split(&format!("{{{}}}", keys(4097))).entries.len(), 1);
        assert_eq!(split(&format!("{{\"{}\":1}}", "k".repeat(70_000))).entries.len(), 1);
        assert_eq!(split("{}").entries, []);
    }

    #[test]
    fn joined_pairs_are_an_object() {
        let pairs = [("a\"\u{1}", "1"), ("b", "[ ]"), ("a\"\u{1}", "2")];
        let map = join(pairs.into_iter().map(|(k, v)| (Cow::Borrowed(k), v)));
        assert_eq!(map.text, br#"{"a\"\u0001":1,"b":[ ],"a\"\u0001":2}"#);
        assert_eq!(values(&map), [("a\"\u{1}", "2", false), ("b", "[ ]", true)]);
        assert_eq!(split(std::str::from_utf8(&map.text).unwrap()), map);
    }
}
