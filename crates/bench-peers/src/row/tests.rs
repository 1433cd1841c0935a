//! Rows come back as they were, and pieces merge as tracekeep merges them.

use super::{Change, Pack, Skeleton, apply, decode, key, unpack};
use std::collections::BTreeMap;
use tracekeep::merge::{Fields, same_state};
use tracekeep::model::Target;
use tracekeep_workload::{Arrivals, Shape};

fn records(count: usize) -> impl Iterator<Item = tracekeep::model::Record> {
    let shape = Shape { split_per_mille: 600, duplicate_per_mille: 100, ..Shape::default() };
    Arrivals::new(11, shape).take(count)
}

#[test]
fn pieces_merge_as_records_do() {
    let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut states: BTreeMap<Vec<u8>, Fields> = BTreeMap::new();
    for record in records(3_000) {
        let key = key::of_target(&record.target);
        let whole = Change::of(record.clone(), Pack::Plain).unwrap().fields;
        states.entry(key.clone()).or_default().merge(whole);
        let old = rows.get(&key).map(Vec::as_slice);
        let applied = apply(old, Change::of(record, Pack::Plain).unwrap()).unwrap();
        rows.insert(key, applied.row);
    }
    let pieces = rows.values().filter(|row| decode(row).unwrap().1 > 4).count();
    assert!(pieces > 10, "only {pieces} rows were made of several pieces");
    for (key, state) in &states {
        assert!(same_state(&decode(&rows[key]).unwrap().0, state));
    }
}

#[test]
fn the_live_payloads_are_those_that_were_put_and_not_deleted() {
    let (mut rows, mut payloads) = (BTreeMap::new(), BTreeMap::new());
    for record in records(2_000) {
        let key = key::of_target(&record.target);
        let change = Change::of(record, Pack::Zstd(1)).unwrap();
        let applied = apply(rows.get(&key).map(Vec::as_slice), change).unwrap();
        for (number, bytes) in applied.puts {
            payloads.insert(key::of_payload(&key, number), bytes);
        }
        for number in applied.deletes {
            assert!(payloads.remove(&key::of_payload(&key, number)).is_some());
        }
        rows.insert(key, applied.row);
    }
    let mut named = 0;
    for (key, row) in &rows {
        for number in super::change::numbers(&decode(row).unwrap().0) {
            let mut bytes = Vec::new();
            let packed = &payloads[&key::of_payload(key, number)];
            unpack(packed, Pack::Zstd(1), &mut bytes).unwrap();
            assert!(!bytes.is_empty());
            named += 1;
        }
    }
    assert_eq!(named, payloads.len());
}

#[test]
fn a_skeleton_is_the_same_from_a_row_and_from_fields() {
    let mut kinds = std::collections::BTreeSet::new();
    for record in records(1_000) {
        let Target::Observation { observation, .. } = record.target.clone() else { continue };
        let change = Change::of(record, Pack::Plain).unwrap();
        let expected = Skeleton::of_fields(observation.clone(), &change.fields);
        let row = apply(None, change).unwrap().row;
        let skeleton = Skeleton::of_row(observation, &row).unwrap();
        assert_eq!(skeleton, expected);
        kinds.insert(skeleton.kind.code());
    }
    assert!(kinds.len() > 2);
}

#[test]
fn keys_sort_by_trace_and_say_what_they_are_about() {
    let mut seen = 0;
    for record in records(500) {
        let key = key::of_target(&record.target);
        let payload = key::of_payload(&key, 0x0102_0304);
        assert_eq!(key::split(&payload), (key.as_slice(), 0x0102_0304));
        match (&record.target, key::parse(&key).unwrap()) {
            (Target::Observation { trace, observation }, key::Parsed::Observation(t, o)) => {
                assert_eq!((trace, observation), (&t, &o));
                let prefix = key::of_trace(trace);
                assert!(key.starts_with(&prefix) && key < key::behind(&prefix));
                seen += 1;
            }
            (Target::Trace { .. }, key::Parsed::Own(_))
            | (Target::Score { .. }, key::Parsed::Score(_)) => {}
            _ => panic!("a key is about something else"),
        }
    }
    assert!(seen > 100);
}
