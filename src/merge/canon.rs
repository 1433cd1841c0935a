//! The canonical order of values, which decides between equal stamps. It is part of the format:
//! it may depend on what was sent, never on where or how it is stored.
//!
//! ```text
//!  kind, level, score type, score source    by code
//!  bool, number, time                       false < true, numerically
//!  float                                    IEEE 754 totalOrder
//!  text                                     by bytes
//!  id                                       by the bytes of its text
//!  tags                                     lexicographic by tag
//!  usage, cost                              lexicographic by (key, number)
//!  subject                                  trace < observation < session < run, then by ids
//!  payload, map text                        by (length, fingerprint)
//!  map entry                                by (length of the value, its text, start in it)
//!  different types                          in the order of `rank`
//! ```

use super::map::{MergedEntry, MergedMap};
use crate::id::Id;
use crate::model::{PayloadRef, Source, Subject, Value};
use std::cmp::Ordering;

/// Compares two values of one field. `Equal` means that the same was sent, wherever it lies.
pub(super) fn cmp(a: &Value<PayloadRef>, b: &Value<PayloadRef>) -> Ordering {
    use Value::{
        Bool, Cost, Float, Kind, Level, Map, Number, Payload, ScoreSource, ScoreType, Tags, Text,
        Time, Usage,
    };
    match (a, b) {
        (Kind(a), Kind(b)) => a.code().cmp(&b.code()),
        (Level(a), Level(b)) => a.code().cmp(&b.code()),
        (Bool(a), Bool(b)) => a.cmp(b),
        (Number(a), Number(b)) => a.cmp(b),
        (Float(a), Float(b)) => a.total_cmp(b),
        (Time(a), Time(b)) => a.cmp(b),
        (Value::Id(a), Value::Id(b)) => cmp_ids(a, b),
        (Text(a), Text(b)) => a.cmp(b),
        (Tags(a), Tags(b)) => a.cmp(b),
        (Usage(a), Usage(b)) => a.cmp(b),
        (Cost(a), Cost(b)) => a.cmp(b),
        (Payload(a), Payload(b)) => weight(a).cmp(&weight(b)),
        (Map(a), Map(b)) => weight(&a.text).cmp(&weight(&b.text)),
        (Value::Subject(a), Value::Subject(b)) => cmp_subjects(a, b),
        (ScoreType(a), ScoreType(b)) => a.code().cmp(&b.code()),
        (ScoreSource(a), ScoreSource(b)) => a.code().cmp(&b.code()),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value<PayloadRef>) -> u8 {
    match value {
        Value::Kind(_) => 0,
        Value::Level(_) => 1,
        Value::Bool(_) => 2,
        Value::Number(_) => 3,
        Value::Float(_) => 4,
        Value::Time(_) => 5,
        Value::Id(_) => 6,
        Value::Text(_) => 7,
        Value::Tags(_) => 8,
        Value::Usage(_) => 9,
        Value::Cost(_) => 10,
        Value::Payload(_) => 11,
        Value::Map(_) => 12,
        Value::Subject(_) => 13,
        Value::ScoreType(_) => 14,
        Value::ScoreSource(_) => 15,
    }
}

fn cmp_ids(a: &Id, b: &Id) -> Ordering {
    match (a.as_text(), b.as_text()) {
        (Some(a), Some(b)) => a.cmp(b),
        _ if a == b => Ordering::Equal,
        _ => a.to_string().cmp(&b.to_string()),
    }
}

fn cmp_subjects(a: &Subject, b: &Subject) -> Ordering {
    fn parts(subject: &Subject) -> (u8, &Id, Option<&Id>) {
        match subject {
            Subject::Trace(id) => (0, id, None),
            Subject::Observation(trace, id) => (1, trace, Some(id)),
            Subject::Session(id) => (2, id, None),
            Subject::Run(id) => (3, id, None),
        }
    }
    let ((rank_a, first_a, second_a), (rank_b, first_b, second_b)) = (parts(a), parts(b));
    rank_a.cmp(&rank_b).then_with(|| cmp_ids(first_a, first_b)).then_with(|| {
        match (second_a, second_b) {
            (Some(a), Some(b)) => cmp_ids(a, b),
            _ => second_a.is_some().cmp(&second_b.is_some()),
        }
    })
}

/// What a payload is, wherever it lies.
pub(super) fn weight(payload: &PayloadRef) -> (u64, u64) {
    (payload.len, payload.print)
}

/// Which of two equal payloads is kept: one whose bytes still exist, then an arbitrary but
/// definite one.
pub(super) fn cmp_places(a: &PayloadRef, b: &PayloadRef) -> Ordering {
    fn place(payload: &PayloadRef) -> (u8, u64, u64) {
        match payload.source {
            Source::Expired => (0, 0, payload.number),
            Source::Log(log) => (1, log.0, payload.number),
            Source::Segment(segment) => (2, segment.0, payload.number),
        }
    }
    place(a).cmp(&place(b))
}

/// The order of two entries for one key, over one list of texts. Texts are sorted by weight, so
/// that their numbers compare as they do.
pub(super) fn cmp_entries(a: &MergedEntry, b: &MergedEntry) -> Ordering {
    fn rank(entry: &MergedEntry) -> (u32, u32, u32) {
        let value = &entry.value;
        (value.end.saturating_sub(value.start), entry.text, value.start)
    }
    a.stamp.cmp(&b.stamp).then_with(|| rank(a).cmp(&rank(b)))
}

/// Whether two maps say the same, wherever their texts lie.
pub(super) fn same_maps(a: &MergedMap, b: &MergedMap) -> bool {
    a.texts.iter().map(weight).eq(b.texts.iter().map(weight)) && a.entries == b.entries
}
