//! Values of details as bytes, and the bounds of what is counted.

use super::*;

const BASE: Base = Base {
    start: Timestamp(5_000_000),
    end: Some(Timestamp(9_000_000)),
    number: 3,
    amounts: Amounts { tokens: None, cost: None },
};

fn value(value: &Value<PayloadRef>) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_value(value, BASE, &mut |payload| payload.number, &mut bytes);
    bytes
}

fn taken(field: Field, mut bytes: &[u8]) -> Value<PayloadRef> {
    let value = take_value(field, &mut bytes, BASE, &|_| None).unwrap();
    assert!(bytes.is_empty(), "{bytes:?} is left");
    value
}

#[test]
fn a_time_is_in_milliseconds_where_it_is_whole() {
    for (time, bytes) in [
        (5_000_000, &[1, 0][..]),
        (7_000_000, &[1, 4]),
        (4_000_000, &[1, 1]),
        (5_000_001, &[0, 2]),
        (4_999_999, &[0, 1]),
    ] {
        let time = Value::Time(Timestamp(time));
        assert_eq!(value(&time), bytes, "{time:?}");
        assert_eq!(taken(Field::Timestamp, bytes), time);
    }
}

#[test]
fn a_stamp_counts_from_the_nearest_time() {
    let stamp = |time, strong, operation| Stamp { time: Timestamp(time), strong, operation };
    let stamps = [
        stamp(5_000_000, true, Operation::Create),
        stamp(9_000_000, false, Operation::Update),
        stamp(8_000_000, true, Operation::Update),
        stamp(800_000_000, false, Operation::Create),
        stamp(800_000_007, false, Operation::Create),
        stamp(5_500_000, true, Operation::Create),
    ];
    let mut bytes = Vec::new();
    put_stamps(&stamps, BASE, &mut bytes);
    // Strong 1, an update 2, from the end 4, from the one before 8, whole milliseconds 16.
    let flags = [1 | 16, 2 | 4 | 16, 1 | 2 | 4 | 16, 4 | 16, 8, 1];
    let mut from = bytes.as_slice();
    assert_eq!(take_u64(&mut from).unwrap(), 6);
    for (stamp, flags) in stamps.iter().zip(flags) {
        assert_eq!(take_byte(&mut from).unwrap(), flags, "{stamp:?}");
        take_i64(&mut from).unwrap();
    }
    assert_eq!(take_stamps(&mut bytes.as_slice(), BASE).unwrap(), stamps);
}

#[test]
fn a_count_is_within_its_bound_and_what_is_left() {
    let counted = |bytes: &[u8], max| {
        let mut from = bytes;
        take_count(&mut from, max).ok()
    };
    assert_eq!(counted(&[3, 0, 0, 0], 3), Some(3));
    assert_eq!(counted(&[3, 0, 0, 0], 2), None);
    assert_eq!(counted(&[3, 0, 0], 3), None);
    let long = "x".repeat(TEXT_BYTES_MAX * 4);
    let long = Value::Text(long.as_str().into());
    assert_eq!(taken(Field::Comment, &value(&long)), long);
    let tags: Vec<Box<str>> = vec!["".into(); MAP_ENTRIES_MAX * 16];
    assert_eq!(taken(Field::Tags, &value(&Value::Tags(tags.clone()))), Value::Tags(tags));
    assert_eq!(taken(Field::Public, &[0]), Value::Bool(false));
    assert_eq!(taken(Field::Public, &[1]), Value::Bool(true));
}
