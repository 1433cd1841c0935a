use super::check::fits;
use super::independent::Reader;
use super::*;
use crate::id::Id;
use crate::model::{
    Body, Decimal, Field, FieldValue, Level, Map, MapEntry, ObservationKind, Operation, Record,
    ScoreSource, ScoreType, Subject, Target, Timestamp, Value,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn any_id() -> impl Strategy<Value = Id> {
    prop_oneof![
        any::<u64>().prop_map(Id::hex16),
        any::<u128>().prop_map(Id::hex32),
        any::<u128>().prop_map(Id::uuid),
        "\\PC{1,40}".prop_map(|text| Id::parse(&text).unwrap()),
    ]
}

fn any_text() -> impl Strategy<Value = Box<str>> {
    prop_oneof![3 => "\\PC{0,20}", 1 => "[a-z]{240,270}"].prop_map(String::into_boxed_str)
}

fn any_listed() -> impl Strategy<Value = Listed> {
    (0u64..1 << 28, any::<u64>(), any::<u32>()).prop_map(|(len, print, list)| Listed {
        len,
        print,
        list,
    })
}

fn any_map() -> impl Strategy<Value = Map<Listed>> {
    let entries =
        prop::collection::btree_map(any_text(), (any::<u64>(), any::<u64>(), any::<bool>()), 0..6);
    (any_listed(), entries).prop_map(|(text, entries)| {
        let within = |n: u64| u32::try_from(n % (text.len + 1)).unwrap();
        let entry = |(key, (a, b, weak)): (Box<str>, (u64, u64, bool))| MapEntry {
            key,
            value: within(a).min(within(b))..within(a).max(within(b)),
            weak,
        };
        Map { text, entries: entries.into_iter().rev().map(entry).collect() }
    })
}

fn any_subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        any_id().prop_map(Subject::Trace),
        (any_id(), any_id())
            .prop_map(|(trace, observation)| Subject::Observation(trace, observation)),
        any_id().prop_map(Subject::Session),
        any_id().prop_map(Subject::Run),
    ]
}

fn any_value() -> impl Strategy<Value = Value<Listed>> {
    let keys = || prop::collection::btree_set(any_text(), 0..5);
    let cost = prop::collection::btree_map(any_text(), any::<i128>(), 0..5);
    let usage = prop::collection::btree_map(any_text(), any::<u64>(), 0..5);
    prop_oneof![
        prop::sample::select(ObservationKind::ALL).prop_map(Value::Kind),
        prop::sample::select(Level::ALL).prop_map(Value::Level),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(Value::Number),
        (-1e300f64..1e300).prop_map(Value::Float),
        any::<i64>().prop_map(|ns| Value::Time(Timestamp(ns))),
        any_id().prop_map(Value::Id),
        any_text().prop_map(Value::Text),
        keys().prop_map(|tags: BTreeSet<_>| Value::Tags(tags.into_iter().collect())),
        usage.prop_map(|usage: BTreeMap<_, _>| Value::Usage(usage.into_iter().collect())),
        cost.prop_map(|cost: BTreeMap<_, _>| Value::Cost(
            cost.into_iter().map(|(key, sum)| (key, Decimal(sum))).collect()
        )),
        any_listed().prop_map(Value::Payload),
        any_map().prop_map(Value::Map),
        any_subject().prop_map(Value::Subject),
        prop::sample::select(ScoreType::ALL).prop_map(Value::ScoreType),
        prop::sample::select(ScoreSource::ALL).prop_map(Value::ScoreSource),
    ]
}

fn any_record() -> impl Strategy<Value = Record<Listed>> {
    let target = prop_oneof![
        any_id().prop_map(|trace| Target::Trace { trace }),
        (any_id(), any_id())
            .prop_map(|(trace, observation)| Target::Observation { trace, observation }),
        any_id().prop_map(|score| Target::Score { score }),
    ];
    let fields =
        prop::collection::vec((any_value(), any::<bool>(), any::<prop::sample::Index>()), 0..20)
            .prop_map(|given| {
                let mut fields: Vec<FieldValue<Listed>> = Vec::new();
                for (value, weak, which) in given {
                    let fitting: Vec<Field> =
                        Field::ALL.iter().copied().filter(|f| fits(*f, &value)).collect();
                    fields.push(FieldValue { field: *which.get(&fitting), weak, value });
                }
                fields.sort_by_key(|f| f.field);
                fields.dedup_by_key(|f| f.field);
                Body::Fields(fields)
            });
    let body = prop_oneof![1 => Just(Body::Tombstone), 20 => fields];
    let operation = prop::sample::select(Operation::ALL);
    (target, any::<i64>(), operation, body).prop_map(|(target, time, operation, body)| Record {
        target,
        time: Timestamp(time),
        operation,
        body,
    })
}

fn encoded(record: &Record<Listed>) -> Vec<u8> {
    let mut out = Vec::new();
    encode_record(record, &mut out);
    out
}

proptest! {
    #[test]
    fn records_come_back(record in any_record()) {
        let bytes = encoded(&record);
        prop_assert_eq!(&decode_record(&bytes).unwrap(), &record);
        let mut reader = Reader(&bytes);
        reader.record();
        prop_assert!(reader.0.is_empty());
    }

    #[test]
    fn every_cut_is_refused(record in any_record(), more: u8) {
        let mut bytes = encoded(&record);
        for end in 0..bytes.len() {
            prop_assert!(decode_record(&bytes[..end]).is_err());
        }
        bytes.push(more);
        prop_assert!(decode_record(&bytes).is_err());
    }

    #[test]
    fn a_flip_is_refused_or_makes_a_right_record(record in any_record(), at: prop::sample::Index, bit in 0u8..8) {
        let mut bytes = encoded(&record);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = decode_record(&bytes) {
            prop_assert!(check(&other).is_ok());
        }
    }

    #[test]
    fn hostile_bytes_are_refused_or_make_a_right_record(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(record) = decode_record(&bytes) {
            prop_assert!(check(&record).is_ok());
        }
        let _ = decode::<Vec<(String, u128)>>(&bytes);
    }
}

#[test]
fn a_length_that_lies_allocates_little() {
    // A trace "a" with 2^62 fields, and a list of 2^62 texts.
    let mut bytes = vec![0, 0, 1, b'a', 0, 0, 1, 253];
    bytes.extend_from_slice(&(1u64 << 62).to_le_bytes());
    assert!(decode_record(&bytes).is_err());
    assert!(decode::<Vec<String>>(&bytes[7..]).is_err());
    assert!(decode::<Vec<u8>>(&bytes[7..]).is_err());
    assert!(decode::<String>(&bytes[7..]).is_err());
}

#[test]
fn small_structures_come_back() {
    let value = (7u32, Some("text".to_string()), vec![-1i64, 300], [3u8; 4]);
    let bytes = encode(&value);
    assert_eq!(bytes, [7, 1, 4, b't', b'e', b'x', b't', 2, 1, 251, 88, 2, 3, 3, 3, 3]);
    assert_eq!(decode::<(u32, Option<String>, Vec<i64>, [u8; 4])>(&bytes), Ok(value));
    assert_eq!(decode::<u32>(&bytes[..2]), Err(Fault::new(1, "1 bytes too many")));
    assert!(decode::<bool>(&[2]).is_err());
    assert!(decode::<Vec<u8>>(&vec![0; BYTES_MAX + 1]).is_err());
}

fn field(field: Field, value: Value<Listed>) -> FieldValue<Listed> {
    FieldValue { field, weak: false, value }
}

fn record(target: Target, fields: Vec<FieldValue<Listed>>) -> Record<Listed> {
    let (time, operation) = (Timestamp(1_700_000_000_000_000_000), Operation::Create);
    Record { target, time, operation, body: Body::Fields(fields) }
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn trace_target() -> Target {
    Target::Trace { trace: id("662b0529-661c-91fc-6f73-f1bb661e1b6f") }
}

fn golden_records() -> [(&'static str, Record<Listed>); 4] {
    let map = Map {
        text: Listed { len: 12, print: 9, list: 2 },
        entries: vec![MapEntry { key: "k".into(), value: 5..11, weak: true }],
    };
    let trace = vec![
        field(Field::Name, Value::Text("chat".into())),
        field(Field::Metadata, Value::Map(map)),
        field(Field::Timestamp, Value::Time(Timestamp(-3))),
        field(Field::Session, Value::Id(id("session 1"))),
        field(Field::Tags, Value::Tags(vec!["a".into(), "b".into()])),
        field(Field::Public, Value::Bool(true)),
    ];
    let observation = Target::Observation {
        trace: id("584b42acf036aea7f6a76ed4d9836c84"),
        observation: id("8b83a58eee36ab26"),
    };
    let fields = vec![
        field(Field::Kind, Value::Kind(ObservationKind::Generation)),
        field(Field::Parent, Value::Id(id("8b83a58eee36ab27"))),
        FieldValue { weak: true, ..field(Field::Start, Value::Time(Timestamp(1 << 60))) },
        field(Field::Level, Value::Level(Level::Error)),
        field(Field::Usage, Value::Usage(vec![("input".into(), 1200), ("output".into(), 7)])),
        field(Field::Cost, Value::Cost(vec![("total".into(), Decimal(3_975_000_000))])),
        field(Field::PromptVersion, Value::Number(3)),
        field(Field::Input, Value::Payload(Listed { len: 70_000, print: 1 << 63, list: 0 })),
    ];
    let subject = Subject::Observation(id("run 7"), id("8b83a58eee36ab26"));
    let score = vec![
        field(Field::Subject, Value::Subject(subject)),
        field(Field::ScoreType, Value::ScoreType(ScoreType::Numeric)),
        field(Field::ScoreNumber, Value::Float(0.5)),
        field(Field::ScoreSource, Value::ScoreSource(ScoreSource::Eval)),
    ];
    let erased = Record { body: Body::Tombstone, ..record(trace_target(), Vec::new()) };
    [
        ("trace", record(trace_target(), trace)),
        ("observation", record(observation, fields)),
        ("score", record(Target::Score { score: id("s") }, score)),
        ("tombstone", erased),
    ]
}

/// Name, bytes, and what the independent decoder reads in them.
const GOLDEN: [(&str, &str, &str); 4] = [
    (
        "trace",
        "0003fe6f1b1e66bbf1736ffc911c6629052b66fd0000546cfc392f2f000106020007046368617414000c0c09\
         0201016b05060116000505180006000973657373696f6e203119000802016101621a000201",
        "trace uuid 662b0529661c91fc6f73f1bb661e1b6f at 1700000000000000000 operation 0 [2 \
         \"chat\", 20 12 bytes 9 list 2 [\"k\" 5+6 1], 22 time -3, 24 id \"session 1\", 25 \
         [\"a\", \"b\"], 26 flag 1]",
    ),
    (
        "observation",
        "0102fe846c83d9d46ea7f6a7ae36f0ac424b5801fd26ab36ee8ea5838bfd0000546cfc392f2f000108010000\
         0203000601fd27ab36ee8ea5838b040105fd0000000000000020070001040e00090205696e707574fbb00406\
         6f7574707574070f000a0105746f74616cfd805fdbd9010000001100030312000bfc70110100fd0000000000\
         00008000",
        "observation 584b42acf036aea7f6a76ed4d9836c84 8b83a58eee36ab26 at 1700000000000000000 \
         operation 0 [1 kind 2, 3 id 8b83a58eee36ab27, 4? time 1152921504606846976, 7 level \
         4, 14 [\"input\" 1200, \"output\" 7], 15 [\"total\" 3975000000], 17 number 3, 18 \
         70000 bytes 8000000000000000 list 0]",
    ),
    (
        "score",
        "02000173fd0000546cfc392f2f0001041b000d01000572756e203701fd26ab36ee8ea5838b1c000e011d0004\
         000000000000e03f20000f02",
        "score \"s\" at 1700000000000000000 operation 0 [27 subject 1 \"run 7\" \
         8b83a58eee36ab26, 28 score type 1, 29 float 0.5, 32 score source 2]",
    ),
    (
        "tombstone",
        "0003fe6f1b1e66bbf1736ffc911c6629052b66fd0000546cfc392f2f0000",
        "trace uuid 662b0529661c91fc6f73f1bb661e1b6f at 1700000000000000000 operation 0 \
         tombstone",
    ),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn golden_bytes_of_codec_1() {
    for ((name, record), (golden, bytes, read)) in golden_records().iter().zip(GOLDEN) {
        let made = encoded(record);
        assert_eq!((*name, hex(&made).as_str()), (golden, bytes));
        assert_eq!(&decode_record(&made).unwrap(), record);
        let mut reader = Reader(&made);
        assert_eq!(reader.record(), read);
        assert!(reader.0.is_empty());
    }
}

#[test]
fn what_is_out_of_order_is_refused() {
    let text = |f| field(f, Value::Text("x".into()));
    let listed = Listed { len: 4, print: 0, list: 0 };
    let map = |entries: Vec<(&str, std::ops::Range<u32>)>| {
        let entry = |(key, value): (&str, _)| MapEntry { key: key.into(), value, weak: false };
        let map = Map { text: listed, entries: entries.into_iter().map(entry).collect() };
        vec![field(Field::Metadata, Value::Map(map))]
    };
    let tags = |tags: Vec<Box<str>>| vec![field(Field::Tags, Value::Tags(tags))];
    let long: Box<str> = "x".repeat(crate::limits::TEXT_BYTES_MAX + 1).into();
    let many = (0..=crate::limits::MAP_ENTRIES_MAX).map(|i| format!("{i:05}").into()).collect();
    for (why, fields) in [
        ("fields unsorted", vec![text(Field::Model), text(Field::Name)]),
        ("a field twice", vec![text(Field::Name), text(Field::Name)]),
        ("another type", vec![text(Field::Start)]),
        ("tags unsorted", tags(vec!["b".into(), "a".into()])),
        ("a tag twice", tags(vec!["a".into(), "a".into()])),
        ("many tags", tags(many)),
        ("a long text", vec![field(Field::Name, Value::Text(long))]),
        ("a value past the text", map(vec![("a", 2..5)])),
        ("a key twice", map(vec![("a", 0..1), ("b", 1..2), ("a", 2..3)])),
        (
            "a long payload",
            vec![field(Field::Input, Value::Payload(Listed { len: 1 << 29, ..listed }))],
        ),
    ] {
        assert!(check(&record(trace_target(), fields)).is_err(), "{why}");
    }
    assert!(check(&record(trace_target(), map(vec![("b", 0..4), ("a", 4..4)]))).is_ok());
    // Digits as text: the id would have two forms.
    assert!(decode_record(b"\x00\x00\x108b83a58eee36ab26\x00\x00\x00").is_err());
    assert!(decode_record(b"\x00\x00\x108b83a58eee36ab2x\x00\x00\x00").is_ok());
    // An unknown operation, field, kind.
    assert!(decode_record(b"\x00\x00\x01a\x00\x02\x00").is_err());
    assert!(decode_record(b"\x00\x00\x01a\x00\x00\x01\x01\x63\x00\x07\x00").is_err());
    assert!(decode_record(b"\x00\x00\x01a\x00\x00\x01\x01\x01\x00\x00\x63").is_err());
}

#[test]
fn a_dictionary_that_zstd_refuses_is_a_fault() {
    // zstd's own magic number, an id, and no tables.
    let bytes = [0x37, 0xa4, 0x30, 0xec, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    assert!(compress::Dictionary::new(&bytes).is_err());
    assert!(compress::Dictionary::new(b"any other bytes are a dictionary").is_ok());
}
