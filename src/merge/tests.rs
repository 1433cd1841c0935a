use super::*;
use crate::id::{Id, LogId, SegmentId};
use crate::model::{
    Body, Field, FieldValue, Map, MapEntry, Operation, PayloadRef, Record, Source, Target,
    Timestamp, Value,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn payload(len: u64, print: u64, place: u64) -> PayloadRef {
    let source = match place % 3 {
        0 => Source::Expired,
        1 => Source::Log(LogId(place)),
        _ => Source::Segment(SegmentId(place)),
    };
    PayloadRef { len, print, source, number: place }
}

/// The map text with this number: bits 0 to 2 say which keys it has. 0 and 8 are `{}` and `{ }`.
fn text(number: u64, place: u64) -> Map<PayloadRef> {
    let keys = (0..3u32).filter(|k| number >> k & 1 == 1);
    let entries = keys.map(|k| {
        let start = k * 10;
        let len = (u32::try_from(number).unwrap() ^ k) & 3;
        let weak = (number + u64::from(k)).is_multiple_of(3);
        MapEntry { key: format!("k{k}").into(), value: start..start + len, weak }
    });
    // Not in the order of the keys.
    let entries = entries.rev().collect();
    Map { text: payload(2 + number % 2, number, place), entries }
}

fn record(time: i64, update: bool, fields: Vec<FieldValue<PayloadRef>>) -> Record<PayloadRef> {
    Record {
        target: Target::Trace { trace: Id::hex32(1) },
        time: Timestamp(time),
        operation: if update { Operation::Update } else { Operation::Create },
        body: Body::Fields(fields),
    }
}

fn one(time: i64, field: Field, weak: bool, value: Value<PayloadRef>) -> Fields {
    Fields::from_record(record(time, false, vec![FieldValue { field, weak, value }]))
}

fn merged(parts: &[&Fields]) -> Fields {
    let mut all = Fields::new();
    parts.iter().for_each(|part| all.merge((*part).clone()));
    all
}

fn text_value() -> impl Strategy<Value = Value<PayloadRef>> {
    prop::sample::select(vec!["", "a", "b", "ab"]).prop_map(|t| Value::Text(t.into()))
}

fn field_value() -> impl Strategy<Value = FieldValue<PayloadRef>> {
    let value = prop_oneof![
        text_value().prop_map(|v| (Field::Name, v)),
        text_value().prop_map(|v| (Field::Environment, v)),
        (0i64..3).prop_map(|t| (Field::Start, Value::Time(Timestamp(t)))),
        (0i64..3).prop_map(|t| (Field::End, Value::Time(Timestamp(t)))),
        prop::collection::btree_set(0u8..4, 0..3).prop_map(|tags| {
            (Field::Tags, Value::Tags(tags.iter().map(|t| t.to_string().into()).collect()))
        }),
        (0u64..3).prop_map(|n| (Field::Usage, Value::Usage(vec![("input".into(), n)]))),
        (0u64..3).prop_map(|n| (Field::Session, Value::Id(Id::parse(&format!("s{n}")).unwrap()))),
        (0u64..2, 0u64..2, 0u64..9)
            .prop_map(|(l, p, at)| (Field::Input, Value::Payload(payload(l, p, at)))),
        (0u64..9, 0u64..9).prop_map(|(t, at)| (Field::Metadata, Value::Map(text(t, at)))),
        (0u64..9, 0u64..9).prop_map(|(t, at)| (Field::Metadata, Value::Map(text(t, at)))),
    ];
    (value, any::<bool>()).prop_map(|((field, value), weak)| FieldValue { field, weak, value })
}

fn records() -> impl Strategy<Value = Vec<Record<PayloadRef>>> {
    let fields = prop::collection::vec(field_value(), 0..5).prop_map(|mut fields| {
        fields.sort_by_key(|f| f.field);
        fields.dedup_by_key(|f| f.field);
        fields
    });
    let one = (0i64..2, any::<bool>(), fields).prop_map(|(t, u, fields)| record(t, u, fields));
    prop::collection::vec(one, 0..8)
}

/// The rules once more, as directly as they can be said.
fn check_against_the_rules(records: &[Record<PayloadRef>], merged: &Fields) {
    let said = |field: Field| {
        records.iter().flat_map(move |r| {
            let fields = r.fields().iter().filter(move |f| f.field == field);
            fields.map(move |f| (!f.weak, r.time, r.operation, &f.value))
        })
    };
    let name = said(Field::Name).map(|(strong, time, operation, value)| match value {
        Value::Text(text) => (strong, time, operation, &**text),
        _ => unreachable!(),
    });
    assert_eq!(merged.text(Field::Name), name.max().map(|(.., text)| text));

    let start = said(Field::Start).map(|(strong, time, operation, value)| match value {
        Value::Time(start) => (!strong, time, operation, std::cmp::Reverse(*start)),
        _ => unreachable!(),
    });
    assert_eq!(merged.time(Field::Start), start.min().map(|(.., start)| start.0));

    let mut tags: Vec<Box<str>> = said(Field::Tags)
        .flat_map(|(.., value)| match value {
            Value::Tags(tags) => tags.clone(),
            _ => unreachable!(),
        })
        .collect();
    tags.sort();
    tags.dedup();
    assert_eq!(merged.tags(), tags);

    let input = said(Field::Input).map(|(strong, time, operation, value)| match value {
        Value::Payload(p) => (strong, time, operation, p.len, p.print),
        _ => unreachable!(),
    });
    let kept = merged.payload(Field::Input).map(|p| (p.len, p.print));
    assert_eq!(kept, input.max().map(|(.., len, print)| (len, print)));
    let alive = |p: &PayloadRef| kept == Some((p.len, p.print)) && p.source != Source::Expired;
    if let Some(kept) = merged.payload(Field::Input)
        && kept.source == Source::Expired
    {
        // Only where the winning stamp has no other place.
        let stamp = merged.slot(Field::Input).unwrap().stamp;
        assert!(!said(Field::Input).any(|(strong, time, operation, value)| {
            stamp == Stamp { strong, time, operation }
                && matches!(value, Value::Payload(p) if alive(p))
        }));
    }

    let mut keys = BTreeMap::new();
    let mut empty = None;
    for (_, time, operation, value) in said(Field::Metadata) {
        let Value::Map(map) = value else { unreachable!() };
        for e in &map.entries {
            let value = (e.value.len(), map.text.len, map.text.print, e.value.start);
            let new = (!e.weak, time, operation, value);
            keys.entry(e.key.clone())
                .and_modify(|old| new.max(*old).clone_into(old))
                .or_insert(new);
        }
        if map.entries.is_empty() {
            empty = empty.max(Some((time, operation, map.text.len, map.text.print)));
        }
    }
    let Some(map) = merged.map(Field::Metadata) else {
        assert!(keys.is_empty() && empty.is_none());
        return;
    };
    let live: BTreeMap<_, _> = map
        .entries
        .iter()
        .map(|e| {
            let text = map.text(e).unwrap();
            let value = (e.value.len(), text.len, text.print, e.value.start);
            (e.key.clone(), (e.stamp.strong, e.stamp.time, e.stamp.operation, value))
        })
        .collect();
    assert_eq!(live, keys);
    if keys.is_empty() {
        let text = map.single().map(|t| (t.len, t.print));
        assert_eq!(text, empty.map(|(.., len, print)| (len, print)));
    } else {
        let mut texts: Vec<_> = live.values().map(|(.., v)| (v.1, v.2)).collect();
        texts.sort_unstable();
        texts.dedup();
        assert!(map.texts.iter().map(|t| (t.len, t.print)).eq(texts));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn order_duplicates_and_groups_do_not_matter(
        records in records(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4), 0..16),
    ) {
        let mut plain = Fields::new();
        records.iter().for_each(|r| plain.apply(r));
        check_against_the_rules(&records, &plain);

        // Any order with duplicates, in four groups, each merged for itself; all records once more.
        let mut groups = vec![Fields::new(); 4];
        if !records.is_empty() {
            for (pick, group) in &picks {
                groups[*group].apply(pick.get(&records));
            }
        }
        for (i, r) in records.iter().rev().enumerate() {
            groups[i % 3].merge(Fields::from_record(r.clone()));
        }
        let mut backwards = Fields::new();
        for group in groups.iter().rev() {
            backwards.merge(group.clone());
        }
        prop_assert!(same_state(&plain, &backwards), "{plain:?}\n{backwards:?}");
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| &groups[i]);
        let nested = merged(&[&merged(&[a, b]), &merged(&[c, d])]);
        prop_assert!(same_state(&plain, &nested), "{plain:?}\n{nested:?}");
        prop_assert!(same_state(&plain, &merged(&[&plain, &nested, &plain])));
    }

    #[test]
    fn what_was_read_back_merges_as_before(records in records()) {
        let mut plain = Fields::new();
        records.iter().for_each(|r| plain.apply(r));
        let slots: Vec<Slot> = plain.clone().into_slots().into_iter().rev().map(|mut slot| {
            if let Held::Map(map) = slot.value {
                // As a file could give it: entries and texts in any order.
                let last = u32::try_from(map.texts.len()).unwrap() - 1;
                let turned = map.entries.into_iter().rev();
                let entries = turned.map(|e| MergedEntry { text: last - e.text, ..e }).collect();
                let texts = map.texts.into_iter().rev().collect();
                slot.value = Held::Map(MergedMap::new(texts, entries));
            }
            slot
        }).collect();
        prop_assert!(same_state(&plain, &Fields::from_slots(slots)));
    }
}

#[test]
fn a_weak_value_loses_to_an_older_strong_one() {
    let said = one(1, Field::Name, false, Value::Text("said".into()));
    let empty = one(9, Field::Name, true, Value::Text("".into()));
    assert_eq!(merged(&[&said, &empty]).text(Field::Name), Some("said"));
    assert_eq!(empty.text(Field::Name), Some(""));

    let guessed = one(0, Field::Start, true, Value::Time(Timestamp(7)));
    let late = one(9, Field::Start, false, Value::Time(Timestamp(8)));
    assert_eq!(merged(&[&guessed, &late]).time(Field::Start), Some(Timestamp(8)));
}

#[test]
fn an_empty_object_comes_back_unless_a_key_was_said() {
    let empty = one(9, Field::Metadata, false, Value::Map(text(0, 1)));
    assert_eq!(empty.map(Field::Metadata).unwrap().single(), Some(&text(0, 1).text));
    assert!(!empty.slot(Field::Metadata).unwrap().stamp.strong);

    let keys = one(1, Field::Metadata, false, Value::Map(text(3, 1)));
    for both in [merged(&[&empty, &keys]), merged(&[&keys, &empty])] {
        assert!(same_state(&both, &keys));
    }
}

#[test]
fn one_text_is_single_while_all_its_keys_live() {
    let first = one(1, Field::Metadata, false, Value::Map(text(3, 1)));
    let other = one(2, Field::Metadata, false, Value::Map(text(4, 1)));
    let all = one(3, Field::Metadata, false, Value::Map(text(7, 1)));
    let two = merged(&[&first, &other]);
    let map = two.map(Field::Metadata).unwrap();
    assert_eq!((map.texts.len(), map.entries.len(), map.single()), (2, 3, None));
    assert!(map.entry("k2").is_some() && map.entry("k3").is_none());
    let newest = merged(&[&two, &all]);
    assert_eq!(newest.map(Field::Metadata).unwrap().single(), Some(&text(7, 1).text));
}

#[test]
fn equal_payloads_keep_the_bytes_that_exist() {
    let gone = one(1, Field::Input, false, Value::Payload(payload(5, 5, 0)));
    let here = one(1, Field::Input, false, Value::Payload(payload(5, 5, 1)));
    for both in [merged(&[&gone, &here]), merged(&[&here, &gone])] {
        assert_eq!(both.payload(Field::Input), Some(&payload(5, 5, 1)));
    }
    // A larger payload wins even if only its length and fingerprint are left.
    let larger = one(1, Field::Input, false, Value::Payload(payload(6, 0, 0)));
    let kept = merged(&[&here, &larger]);
    assert_eq!(kept.payload(Field::Input).map(|p| p.source), Some(Source::Expired));
}

#[test]
fn values_of_a_wrong_type_and_tombstones_say_nothing() {
    assert!(one(1, Field::Tags, false, Value::Text("x".into())).is_empty());
    assert!(one(1, Field::Metadata, false, Value::Number(1)).is_empty());
    assert!(one(1, Field::Name, false, Value::Map(text(3, 1))).is_empty());
    let mut fields = one(1, Field::Name, false, Value::Text("x".into()));
    let before = fields.clone();
    fields.apply(&Record { body: Body::Tombstone, ..record(9, true, vec![]) });
    assert_eq!(fields, before);
}

#[test]
fn the_last_time_counts_weak_keys_too() {
    assert_eq!(Fields::new().last_time(), Timestamp(i64::MIN));
    let strong = one(1, Field::Metadata, false, Value::Map(text(1, 1)));
    let weak = one(5, Field::Metadata, false, Value::Map(text(4, 1)));
    let both = merged(&[&strong, &weak]);
    assert_eq!(both.slot(Field::Metadata).unwrap().stamp.time, Timestamp(1));
    assert_eq!(both.last_time(), Timestamp(5));
}
