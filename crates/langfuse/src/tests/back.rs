//! map -> export -> map gives the same record, and so the same export.

use super::*;
use crate::map::join;
use crate::{record_event, trace_event};
use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use tracekeep::model::{Body, MapEntry, ObservationRecord, Operation, Timestamp, TraceRecord};

/// What a value is to a reader: maps by key, whatever their text.
#[derive(Debug, PartialEq)]
enum Seen<'a> {
    Value(&'a Value),
    Map(BTreeMap<&'a str, &'a [u8]>),
}

fn seen(record: &Record) -> Vec<(Field, Seen<'_>)> {
    record.fields().iter().map(|f| (f.field, see_value(&f.value))).filter(says).collect()
}

fn see_value(value: &Value) -> Seen<'_> {
    let Value::Map(map) = value else { return Seen::Value(value) };
    Seen::Map(map.entries.iter().map(|e| (&*e.key, part(map, e))).collect())
}

/// A map without keys says nothing, exported or not.
fn says((_, seen): &(Field, Seen<'_>)) -> bool {
    !matches!(seen, Seen::Map(map) if map.is_empty())
}

fn part<'a>(map: &'a Map, entry: &MapEntry) -> &'a [u8] {
    &map.text[entry.value.start as usize..entry.value.end as usize]
}

/// Exports, maps and exports once more.
pub(super) fn check(record: &Record) {
    let (mut once, mut twice) = (Vec::new(), Vec::new());
    record_event(record, &mut once);
    let shown = String::from_utf8_lossy(&once);
    assert_eq!(once.iter().filter(|b| **b == b'\n').count(), 1, "{shown}");
    let Ok(Mapped::Record(back)) = map_event(&once) else {
        panic!("{shown}: {:?}", map_event(&once));
    };
    assert_eq!((&back.target, back.time), (&record.target, record.time));
    assert_eq!(seen(&back), seen(record), "{shown}");
    record_event(&back, &mut twice);
    assert_eq!(shown, String::from_utf8_lossy(&twice));
}

#[test]
fn an_export_reads_like_this() {
    let record = mapped(
        "generation-create",
        r#"{"id":"o","traceId":"t","extra": [1],"name":"n\u0001\"","input":{"a" : 1},
        "usageDetails":{"input":1},"costDetails":{"input":2e-5},"modelParameters":{ }}"#,
    );
    let mut out = Vec::new();
    record_event(&record, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"id":"observation-t-o","timestamp":"2026-01-12T08:00:09.376Z","#,
            r#""type":"generation-create","body":{"extra":[1],"id":"o","traceId":"t","#,
            r#""type":"GENERATION","name":"n\u0001\"","startTime":"2026-01-12T08:00:09.376Z","#,
            r#""modelParameters":{ },"usageDetails":{"input":1,"total":1},"#,
            r#""costDetails":{"input":0.00002},"input":{"a" : 1}}}"#,
            "\n"
        )
    );
}

#[test]
fn bytes_that_are_no_line_of_json_break_none() {
    let id = tracekeep::id::Id::parse("t").unwrap();
    let exported = |bytes: &[u8]| {
        let mut out = Vec::new();
        let mut trace = crate::TraceOut::new(&id, Timestamp(0));
        (trace.input, trace.attributes) = (Some(bytes), Some(bytes));
        trace_event(&trace, &mut out);
        match map_event(&out) {
            Ok(Mapped::Record(record)) => text(&record, Field::Input).map(str::to_owned),
            other => panic!("{}: {other:?}", String::from_utf8_lossy(&out)),
        }
    };
    for (bytes, text) in [
        (&b"plain \"text\"\n"[..], Some(r#""plain \"text\"\n""#)),
        (b"{\"a\":", Some(r#""{\"a\":""#)),
        (b"\xff", Some("\"\u{fffd}\"")),
        (b"", Some("\"\"")),
        (b"1 2", Some("\"1 2\"")),
        (b" {\n \"a\":\r\n1}\n", Some("{  \"a\":\r 1}")),
        (b"{ }", Some("{ }")),
        (b"null", None),
    ] {
        assert_eq!(exported(bytes).as_deref(), text);
    }
}

#[test]
fn an_observation_without_start_is_given_none() {
    for event_type in ["span-update", "generation-update", "observation-update"] {
        check(&mapped(event_type, r#"{"output":"x"}"#));
    }
    check(&mapped("observation-create", "{}"));
}

#[test]
fn a_tombstone_is_no_event() {
    let mut out = Vec::new();
    record_event(&Record::tombstone(mapped("trace-create", "{}").target, Timestamp(0)), &mut out);
    assert_eq!(out, b"");
}

#[test]
fn maps_with_too_many_keys_come_back() {
    let keys: Vec<_> = (0..5000).map(|i| format!("\"k{i}\":{i}")).collect();
    let keys = keys.join(",");
    check(&mapped("span-create", &format!("{{{keys}}}")));
    check(&mapped("trace-create", &format!("{{\"metadata\":{{{keys}}}}}")));
}

const VALUES: &[&str] = &[
    "null",
    "\"\"",
    "\"x\"",
    "5",
    "0",
    "1.5",
    "-1",
    "true",
    "false",
    "[]",
    "[\"b\",\"a\"]",
    "[1]",
    "{}",
    "{\"a\":1}",
    "{ \"a\" : \"x\", \"b\":2 , \"a\":null}",
    "\"\\ud800\"",
    "{\"input\":3,\"unit\":\"TOKENS\"}",
    "{\"inputCost\":0.1}",
    "{\"promptTokens\":2}",
    "{\"input\":2,\"totalCost\":1e-7}",
    "\"AGENT\"",
    "\"ERROR\"",
    "\"\\u0041\\n\\\"\"",
    "{\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":10,\"prompt_tokens_details\":{\"c\":4}}",
];
const KEYS: &[&str] = &[
    "name",
    "type",
    "level",
    "statusMessage",
    "version",
    "release",
    "environment",
    "model",
    "modelParameters",
    "usage",
    "usageDetails",
    "costDetails",
    "promptName",
    "promptVersion",
    "userId",
    "tags",
    "input",
    "output",
    "metadata",
    "public",
    "externalId",
    "other",
    "",
    "envelopeMetadata",
    "comment",
    "stringValue",
    "value",
];
const IDS: &[&str] = &["sessionId", "parentObservationId", "observationId"];
const TIMES: &[&str] = &["startTime", "endTime", "completionStartTime", "timestamp"];
const TYPES: &[&str] = &[
    "trace-create",
    "span-create",
    "span-update",
    "generation-create",
    "generation-update",
    "event-create",
    "tool-create",
    "observation-create",
    "observation-update",
    "score-create",
];

fn pair() -> impl Strategy<Value = String> {
    let any = |list: &'static [&'static str]| prop::sample::select(list);
    let ids = any(&["null", "\"\"", "\"p\"", "\"00000000000000ff\""]);
    let times = any(&["null", "\"2026-01-12T08:00:09+01:00\"", "\"1969-01-12T08:00:09.000001Z\""]);
    prop_oneof![
        8 => (any(KEYS), any(VALUES)),
        1 => (any(IDS), ids),
        1 => (any(TIMES), times),
    ]
    .prop_map(|(key, value)| format!("\"{key}\":{value}"))
}

fn body() -> impl Strategy<Value = String> {
    prop::collection::vec(pair(), 0..14).prop_map(|pairs| {
        format!(
            "{{\"id\":\"i\",\"traceId\":\"t\",{}\"z\":1}}",
            pairs.iter().map(|p| format!("{p},")).collect::<String>()
        )
    })
}

fn tried(event_type: &str, body: &str) -> Option<Record> {
    match map_event(event(event_type, body).as_bytes()) {
        Ok(Mapped::Record(record)) => Some(record),
        _ => None,
    }
}

/// What a store makes of two records of one target and time, the later one second.
fn merged(first: &Record, second: &Record) -> Record {
    let mut all: BTreeMap<Field, FieldValue> = BTreeMap::new();
    for new in first.fields().iter().chain(second.fields()) {
        let old = all.get(&new.field);
        let value = match (old.map(|f| &f.value), &new.value) {
            (Some(Value::Map(old)), Value::Map(new)) => Value::Map(merged_maps(old, new)),
            (Some(Value::Tags(old)), Value::Tags(new)) => {
                let mut tags = [old.clone(), new.clone()].concat();
                tags.sort();
                tags.dedup();
                Value::Tags(tags)
            }
            (Some(old_value), _) if new.weak && old.is_some_and(|f| !f.weak) => old_value.clone(),
            _ => new.value.clone(),
        };
        let weak = new.weak && old.is_none_or(|f| f.weak);
        all.insert(new.field, FieldValue { field: new.field, weak, value });
    }
    Record { body: Body::Fields(all.into_values().collect()), ..second.clone() }
}

fn merged_maps(first: &Map, second: &Map) -> Map {
    let mut live: BTreeMap<&str, (bool, &str)> = BTreeMap::new();
    for map in [first, second] {
        for e in &map.entries {
            let value = std::str::from_utf8(part(map, e)).unwrap();
            if live.get(&*e.key).is_none_or(|(weak, _)| *weak || !e.weak) {
                live.insert(&e.key, (e.weak, value));
            }
        }
    }
    // A lone value without a key stands for itself.
    match live.get("") {
        Some((_, value)) if live.len() == 1 => Map::opaque(value.as_bytes().to_vec()),
        _ => join(live.into_iter().map(|(key, (_, value))| (Cow::Borrowed(key), value))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_comes_back(event_type in prop::sample::select(TYPES), body in body()) {
        if let Some(record) = tried(event_type, &body) {
            check(&record);
        }
    }

    #[test]
    fn any_merged_observation_comes_back(
        types in (prop::sample::select(&TYPES[1..9]), prop::sample::select(&TYPES[1..9])),
        bodies in (body(), body()),
    ) {
        if let (Some(a), Some(b)) = (tried(types.0, &bodies.0), tried(types.1, &bodies.1)) {
            check(&merged(&a, &b));
        }
    }

    #[test]
    fn any_merged_trace_comes_back(bodies in (body(), body())) {
        let traces = (tried("trace-create", &bodies.0), tried("trace-create", &bodies.1));
        if let (Some(a), Some(b)) = traces {
            check(&merged(&a, &b));
        }
    }

    #[test]
    fn no_line_panics(line in "\\PC*", bytes: Vec<u8>) {
        // Whatever the bytes, a line that is not blank is answered for.
        for bytes in [line.as_bytes(), &bytes] {
            let blank = bytes.iter().all(u8::is_ascii_whitespace);
            prop_assert_eq!(lines(bytes).is_empty(), blank);
        }
    }

    #[test]
    fn any_text_makes_one_line(text in ".*", bytes: Vec<u8>) {
        let trace = tracekeep::id::Id::parse("t").unwrap();
        let record = ObservationRecord::new(trace.clone(), trace.clone(), Timestamp(1), Operation::Create)
            .start(Timestamp(i64::MIN)).name(text.clone()).status_message(text);
        check(&record.into());
        let mut out = Vec::new();
        let map = Map::opaque(bytes.clone());
        let record = TraceRecord::new(trace, Timestamp(1), Operation::Create)
            .input(bytes).metadata(map.clone()).attributes(map);
        record_event(&record.into(), &mut out);
        prop_assert!(map_event(&out).is_ok());
        prop_assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 1);
    }
}
