//! Readers of one JSON value each: what has another shape is left to the attributes (`None`);
//! what could only be lost or misread refuses the event.

use crate::body::Read;
use crate::map::{object, split};
use crate::time::parse_time;
use serde_json::value::RawValue;
use std::borrow::Cow;
use tracekeep::id::Id;
use tracekeep::limits::{MAP_ENTRIES_MAX, PAYLOAD_BYTES_MAX, TEXT_BYTES_MAX};
use tracekeep::model::{Level, Map, ObservationKind, ScoreSource, ScoreType, Timestamp};

/// The text of a JSON string; `None` where the value is none, or no Unicode.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

pub(crate) fn text(raw: &str) -> Read<Box<str>> {
    string(raw).map(short).transpose()
}

pub(crate) fn short(text: Cow<'_, str>) -> Result<Box<str>, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("{} bytes, at most {TEXT_BYTES_MAX} are kept", text.len()));
    }
    Ok(text.into())
}

/// The text of any value, as it stands.
pub(crate) fn json_text(raw: &str) -> Read<Box<str>> {
    short(Cow::Borrowed(raw)).map(Some)
}

pub(crate) fn id(raw: &str) -> Read<Id> {
    let text = string(raw).ok_or("an id must be a string")?;
    Id::parse(&text).map(Some).map_err(|e| e.to_string())
}

pub(crate) fn time(raw: &str) -> Read<Timestamp> {
    string(raw).and_then(|text| parse_time(&text)).map(Some).ok_or_else(|| {
        let shown: String = raw.chars().take(40).collect();
        format!("{shown} is no time: a string like \"2026-01-12T08:00:09.376Z\" is expected")
    })
}

pub(crate) fn flag(raw: &str) -> Read<bool> {
    Ok(match raw {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

pub(crate) fn number(raw: &str) -> Read<u64> {
    Ok(raw.parse().ok())
}

pub(crate) fn payload(raw: &str) -> Read<Vec<u8>> {
    within_payload(raw)?;
    Ok(Some(raw.as_bytes().to_vec()))
}

pub(crate) fn map(raw: &str) -> Read<Map> {
    within_payload(raw)?;
    Ok(Some(split(raw)))
}

pub(crate) fn within_payload(raw: &str) -> Result<(), String> {
    if raw.len() > PAYLOAD_BYTES_MAX {
        return Err(format!("{} bytes, at most {PAYLOAD_BYTES_MAX} are kept", raw.len()));
    }
    Ok(())
}

pub(crate) fn tags(raw: &str) -> Read<Vec<Box<str>>> {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw) else { return Ok(None) };
    let Some(texts) = items.iter().map(|item| string(item.get())).collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    if texts.len() > MAP_ENTRIES_MAX {
        return Err(format!("{} tags, at most {MAP_ENTRIES_MAX} are kept", texts.len()));
    }
    texts.into_iter().map(short).collect::<Result<_, _>>().map(Some)
}

pub(crate) fn kind(raw: &str) -> Read<ObservationKind> {
    Ok(string(raw).and_then(|text| ObservationKind::parse(&text)))
}

pub(crate) fn level(raw: &str) -> Read<Level> {
    Ok(string(raw).and_then(|text| Level::parse(&text)))
}

pub(crate) fn score_type(raw: &str) -> Read<ScoreType> {
    let found = string(raw).and_then(|text| ScoreType::parse(&text));
    found.map(Some).ok_or_else(|| named(raw, ScoreType::ALL.iter().map(|t| t.as_str())))
}

pub(crate) fn score_source(raw: &str) -> Read<ScoreSource> {
    let found = string(raw).and_then(|text| ScoreSource::parse(&text));
    found.map(Some).ok_or_else(|| named(raw, ScoreSource::ALL.iter().map(|s| s.as_str())))
}

fn named(raw: &str, known: impl Iterator<Item = &'static str>) -> String {
    let shown: String = raw.chars().take(40).collect();
    format!("{shown} is none of {}", known.collect::<Vec<_>>().join(", "))
}

/// An environment by Langfuse's rule, never an error: lower case, without leading `langfuse`s
/// and the `-` or `_` after each, at most 40 characters of `a-z0-9-_`, else `default`.
pub(crate) fn environment(raw: &str) -> Read<Box<str>> {
    let Some(text) = string(raw) else { return Ok(None) };
    let lower = text.to_lowercase();
    let mut name = lower.as_str();
    while let Some(rest) = name.strip_prefix("langfuse") {
        name = rest.strip_prefix(['-', '_']).unwrap_or(rest);
    }
    let end = name.char_indices().nth(40).map_or(name.len(), |(at, _)| at);
    let name = &name[..end];
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let valid = !name.is_empty() && name.bytes().all(plain);
    Ok(Some(if valid { name } else { "default" }.into()))
}

/// The pairs of an object, or `None`.
pub(crate) fn pairs(raw: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    object(raw).map(|pairs| pairs.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_follow_the_rule() {
        for (given, kept) in [
            ("Production", "production"),
            ("langfuse-evals", "evals"),
            ("LANGFUSE_langfusestaging", "staging"),
            ("langfuse", "default"),
            ("", "default"),
            ("a b", "default"),
            ("pr\u{f6}d", "default"),
            ("a-langfuse", "a-langfuse"),
        ] {
            assert_eq!(environment(&format!("\"{given}\"")).unwrap().as_deref(), Some(kept));
        }
        let long = format!("\"{}\"", "x".repeat(50));
        assert_eq!(environment(&long).unwrap().unwrap().len(), 40);
        assert_eq!(environment("5"), Ok(None));
    }

    #[test]
    fn shapes_that_do_not_fit_are_left() {
        assert_eq!(text("5"), Ok(None));
        assert_eq!(text(r#""\ud800""#), Ok(None));
        assert_eq!(text(r#""a\u0062""#).unwrap().as_deref(), Some("ab"));
        assert_eq!(tags("[\"a\",1]"), Ok(None));
        assert_eq!(tags("\"a\""), Ok(None));
        assert_eq!(number("1.5"), Ok(None));
        assert_eq!(number("-1"), Ok(None));
        assert_eq!(level("\"WARN\""), Ok(None));
        assert!(text(&format!("\"{}\"", "x".repeat(TEXT_BYTES_MAX + 1))).is_err());
        assert!(tags(&format!("[{}\"x\"]", "\"x\",".repeat(MAP_ENTRIES_MAX))).is_err());
        assert!(id("5").is_err());
        assert!(id("\"\"").is_err());
        assert!(time("1768204809").is_err());
    }
}
