//! Usage and cost in the shapes that senders use.
//!
//! ```text
//! usageDetails  {"input":3,"output":4}                      any keys, whole numbers
//!               {"prompt_tokens","completion_tokens","total_tokens","..._details"?}   OpenAI
//!               {"input_tokens","output_tokens","total_tokens","..._details"?}        OpenAI
//! usage         {"input","output","total","unit","inputCost","outputCost","totalCost"}
//!               {"promptTokens","completionTokens","totalTokens"}
//! costDetails   {"input":0.1}                               any keys, numbers from 0
//! ```
//!
//! Details of OpenAI become `input_<key>` and `output_<key>` and are subtracted from `input` and
//! `output`. A usage without `total` gets the sum of its keys.

use crate::body::Read;
use crate::read::{pairs, string};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use tracekeep::limits::{MAP_ENTRIES_MAX, TEXT_BYTES_MAX};
use tracekeep::model::Decimal;

type Pair<'a> = (Cow<'a, str>, &'a RawValue);

/// Amounts by key, and whether they say all that was given.
#[derive(Debug, PartialEq)]
pub(crate) struct Amounts<T> {
    pub(crate) values: Vec<(Box<str>, T)>,
    pub(crate) whole: bool,
}

/// What a legacy `usage` holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Legacy {
    pub(crate) usage: Vec<(Box<str>, u64)>,
    pub(crate) cost: Vec<(Box<str>, Decimal)>,
    pub(crate) whole: bool,
}

/// Reads `usageDetails`.
pub(crate) fn usage_details(raw: &str) -> Read<Amounts<u64>> {
    let Some(pairs) = pairs(raw) else { return Ok(None) };
    if let Some(values) = openai(&pairs) {
        return listed(values).map(|values| Some(Amounts { values, whole: true }));
    }
    let (mut values, whole) = amounts(&pairs, count);
    add_total(&mut values);
    listed(values).map(|values| Some(Amounts { values, whole }))
}

/// Reads `costDetails`.
pub(crate) fn cost_details(raw: &str) -> Read<Amounts<Decimal>> {
    let Some(pairs) = pairs(raw) else { return Ok(None) };
    let (values, whole) = amounts(&pairs, price);
    listed(values).map(|values| Some(Amounts { values, whole }))
}

/// Reads `usage`.
pub(crate) fn legacy(raw: &str) -> Read<Legacy> {
    let Some(pairs) = pairs(raw) else { return Ok(None) };
    if let Some(values) = openai(&pairs) {
        return Ok(Some(Legacy { usage: listed(values)?, cost: Vec::new(), whole: true }));
    }
    let (mut usage, mut cost, mut whole) = (BTreeMap::new(), BTreeMap::new(), true);
    for (key, value) in pairs.iter().filter(|(_, value)| value.get() != "null") {
        let raw = value.get();
        let new = match &**key {
            "input" | "promptTokens" => put(&mut usage, "input", count(raw)),
            "output" | "completionTokens" => put(&mut usage, "output", count(raw)),
            "total" | "totalTokens" => put(&mut usage, "total", count(raw)),
            "inputCost" => put(&mut cost, "input", price(raw)),
            "outputCost" => put(&mut cost, "output", price(raw)),
            "totalCost" => put(&mut cost, "total", price(raw)),
            _ => false,
        };
        whole &= new;
    }
    add_total(&mut usage);
    Ok(Some(Legacy { usage: listed(usage)?, cost: listed(cost)?, whole }))
}

/// Whether the value went in and pushed nothing out.
fn put<T>(values: &mut BTreeMap<Box<str>, T>, key: &str, value: Option<T>) -> bool {
    value.is_some_and(|value| values.insert(key.into(), value).is_none())
}

/// The values that `read` knows; of a key that stands twice the last. `null` is absent.
fn amounts<T>(
    pairs: &[Pair<'_>],
    read: impl Fn(&str) -> Option<T>,
) -> (BTreeMap<Box<str>, T>, bool) {
    let (mut values, mut whole) = (BTreeMap::new(), true);
    for (key, value) in pairs.iter().filter(|(_, value)| value.get() != "null") {
        whole &= put(&mut values, key, read(value.get()));
    }
    (values, whole)
}

/// One of OpenAI's two shapes, which have all of three counts and nothing but two details.
fn openai(pairs: &[Pair<'_>]) -> Option<BTreeMap<Box<str>, u64>> {
    let has = |key: &str| pairs.iter().any(|(k, _)| k == key);
    let (input, output) = match has("total_tokens") {
        true if has("prompt_tokens") => ("prompt_tokens", "completion_tokens"),
        true if has("input_tokens") => ("input_tokens", "output_tokens"),
        _ => return None,
    };
    let mut values = BTreeMap::new();
    let mut details = Vec::new();
    for (key, value) in pairs {
        let (key, raw) = (&**key, value.get());
        let stem = key.strip_suffix("_details").unwrap_or(key);
        let name = match stem {
            "total_tokens" => "total",
            stem if stem == input => "input",
            stem if stem == output => "output",
            _ => return None,
        };
        if stem.len() == key.len() {
            values.insert(Box::from(name), count(raw)?);
        } else if name == "total" {
            return None;
        } else if raw != "null" {
            details.push((name, self::pairs(raw)?));
        }
    }
    if values.len() != 3 {
        return None;
    }
    for (name, pairs) in details {
        for (key, value) in pairs.iter().filter(|(_, value)| value.get() != "null") {
            let part = count(value.get())?;
            values.insert(format!("{name}_{key}").into(), part);
            let whole = values.get_mut(name)?;
            *whole = whole.saturating_sub(part);
        }
    }
    Some(values)
}

fn add_total(usage: &mut BTreeMap<Box<str>, u64>) {
    if !usage.is_empty() && !usage.contains_key("total") {
        let total = usage.values().fold(0u64, |sum, n| sum.saturating_add(*n));
        usage.insert("total".into(), total);
    }
}

fn listed<T>(values: BTreeMap<Box<str>, T>) -> Result<Vec<(Box<str>, T)>, String> {
    if values.len() > MAP_ENTRIES_MAX {
        return Err(format!("{} keys, at most {MAP_ENTRIES_MAX} are kept", values.len()));
    }
    if let Some(key) = values.keys().find(|key| key.len() > TEXT_BYTES_MAX) {
        return Err(format!("a key of {} bytes, at most {TEXT_BYTES_MAX} are kept", key.len()));
    }
    Ok(values.into_iter().collect())
}

/// A whole number from 0, also as `2.0`, `2e3` or in a string.
fn count(raw: &str) -> Option<u64> {
    let text = string(raw).unwrap_or(Cow::Borrowed(raw));
    let text = text.trim();
    if let Ok(n) = text.parse() {
        return Some(n);
    }
    let units = Decimal::parse(text)?.0;
    let one = Decimal::parse("1")?.0;
    (units % one == 0).then(|| u64::try_from(units / one).ok()).flatten()
}

fn price(raw: &str) -> Option<Decimal> {
    Decimal::parse(raw).filter(|price| *price >= Decimal::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(raw: &str) -> (String, bool) {
        let amounts = usage_details(raw).unwrap().unwrap();
        let list: Vec<_> = amounts.values.iter().map(|(k, n)| format!("{k}={n}")).collect();
        (list.join(" "), amounts.whole)
    }

    #[test]
    fn usage_comes_in_three_shapes() {
        for (raw, expected, whole) in [
            (r#"{"input":3,"output":4}"#, "input=3 output=4 total=7", true),
            (r#"{"input":3,"total":100,"x":null}"#, "input=3 total=100", true),
            (r#"{"a":"12","b":-1,"c":1.5,"d":{},"e":2.0}"#, "a=12 e=2 total=14", false),
            (r#"{"a":1,"a":2}"#, "a=2 total=2", false),
            ("{}", "", true),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,
                    "prompt_tokens_details":{"cached":4,"audio":null},
                    "completion_tokens_details":{"reasoning":9}}"#,
                "input=6 input_cached=4 output=0 output_reasoning=9 total=15",
                true,
            ),
            (
                r#"{"input_tokens":10,"output_tokens":5,"total_tokens":15,"output_tokens_details":null}"#,
                "input=10 output=5 total=15",
                true,
            ),
            (
                r#"{"input_tokens":1,"output_tokens":2,"cache":3}"#,
                "cache=3 input_tokens=1 output_tokens=2 total=6",
                true,
            ),
            (
                r#"{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"more":4}"#,
                "completion_tokens=2 more=4 prompt_tokens=1 total=10 total_tokens=3",
                true,
            ),
        ] {
            assert_eq!(shown(raw), (expected.to_owned(), whole), "{raw}");
        }
        assert_eq!(usage_details("[1]"), Ok(None));
        assert_eq!(
            shown(r#"{"a":18446744073709551615,"b":1}"#).0,
            "a=18446744073709551615 b=1 total=18446744073709551615"
        );
    }

    #[test]
    fn costs_are_exact_and_not_negative() {
        let raw = r#"{"input":0.00003975,"output":4.38e-05,"x":-1,"y":"2","z":null}"#;
        let cost = cost_details(raw).unwrap().unwrap();
        let list: Vec<_> = cost.values.iter().map(|(k, n)| format!("{k}={n}")).collect();
        assert_eq!(list.join(" "), "input=0.00003975 output=0.0000438");
        assert!(!cost.whole);
    }

    #[test]
    fn legacy_usage_has_costs_in_it() {
        let old = legacy(r#"{"promptTokens":2,"completionTokens":3,"totalCost":0.5}"#);
        let old = old.unwrap().unwrap();
        assert_eq!(old.usage, [("input".into(), 2), ("output".into(), 3), ("total".into(), 5)]);
        assert_eq!(old.cost.len(), 1);
        assert!(old.whole);
        assert!(!legacy(r#"{"input":2,"unit":"TOKENS"}"#).unwrap().unwrap().whole);
    }
}
