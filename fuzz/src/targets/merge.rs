//! Records of one target in any order, grouped in any way, one of them twice: one state.

use arbitrary::{Arbitrary, Result, Unstructured};
use tracekeep::Id;
use tracekeep::id::{LogId, SegmentId};
use tracekeep::merge::{Fields, same_state};
use tracekeep::model::{
    Body, Decimal, Field, FieldValue, Level, Map, MapEntry, ObservationKind, Operation, PayloadRef,
    Record, Rule, Source, Subject, Target, Timestamp, Value,
};

const RECORDS_MAX: usize = 6;

/// Merges the records in `data` forwards, and in another way that the first byte says.
pub fn merge(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let turns: u8 = u.arbitrary().unwrap_or(0);
    let mut records = Vec::new();
    while !u.is_empty() && records.len() < RECORDS_MAX {
        let Ok(record) = record(&mut u) else { break };
        records.push(record);
    }
    let states: Vec<Fields> = records.iter().cloned().map(Fields::from_record).collect();
    let forwards = together(states.iter());
    // One way a run: a coverage-guided fuzzer comes back for the others.
    let turn = usize::from(turns / 8) % states.len().max(1);
    match turns % 6 {
        0 => assert_same(&forwards, &together(states.iter().rev()), "backwards"),
        1 => {
            let turned = states.iter().skip(turn).chain(states.iter().take(turn + 1));
            assert_same(&forwards, &together(turned), "turned, and one twice");
        }
        2 => {
            let mut pairs: Vec<Fields> =
                states.chunks(2).map(|pair| together(pair.iter())).collect();
            pairs.reverse();
            assert_same(&forwards, &together(pairs.iter()), "in groups");
        }
        3 => {
            let twice = together([&forwards, &forwards].into_iter());
            assert_same(&forwards, &twice, "with itself");
        }
        4 => {
            let mut applied = Fields::new();
            records.iter().for_each(|r| applied.apply(r));
            assert_same(&forwards, &applied, "one by one");
        }
        _ => {
            let back = Fields::from_slots(forwards.slots().iter().rev().cloned().collect());
            assert_same(&forwards, &back, "read back");
        }
    }
    check(&forwards);
}

fn together<'a>(states: impl Iterator<Item = &'a Fields>) -> Fields {
    let mut all = Fields::new();
    states.for_each(|state| all.merge(state.clone()));
    all
}

fn assert_same(a: &Fields, b: &Fields, how: &str) {
    assert!(same_state(a, b), "{how}: {a:#?}\nand\n{b:#?}");
    // Where bytes lie is outside of the promise, but that one is kept that still has its bytes.
    let expired = |f: &Fields| f.payload(Field::Input).map(|p| p.source == Source::Expired);
    assert_eq!(expired(a), expired(b), "{how}: the place of an input");
}

fn check(state: &Fields) {
    assert!(state.slots().is_sorted_by(|a, b| a.field < b.field));
    for slot in state.slots() {
        let Some(map) = state.map(slot.field) else { continue };
        assert_eq!(slot.field.rule(), Rule::PerKey);
        assert!(map.entries.is_sorted_by(|a, b| a.key < b.key));
        for entry in &map.entries {
            let text = map.text(entry).expect("an entry names a text");
            assert!(u64::from(entry.value.end) <= text.len);
        }
        let named = |text: usize| map.entries.iter().any(|e| e.text as usize == text);
        assert!(map.texts.len() == 1 || (0..map.texts.len()).all(named), "a text without a key");
    }
    assert!(state.first_time() <= state.last_time() || state.is_empty());
}

fn record(u: &mut Unstructured<'_>) -> Result<Record<PayloadRef>> {
    let (time, update, count) =
        (i64::from(u.arbitrary::<u8>()? % 3), bool::arbitrary(u)?, u.arbitrary::<u8>()? % 6);
    let mut fields: Vec<FieldValue<PayloadRef>> = Vec::new();
    for _ in 0..count {
        let field = *u.choose(Field::ALL)?;
        let weak = bool::arbitrary(u)?;
        fields.push(FieldValue { field, weak, value: value(u, field)? });
    }
    fields.sort_by_key(|f| f.field);
    fields.dedup_by_key(|f| f.field);
    Ok(Record {
        target: Target::Trace { trace: Id::hex32(1) },
        time: Timestamp(time),
        operation: if update { Operation::Update } else { Operation::Create },
        body: Body::Fields(fields),
    })
}

/// Few different values, so that equal stamps meet.
fn value(u: &mut Unstructured<'_>, field: Field) -> Result<Value<PayloadRef>> {
    let n: u8 = u.arbitrary()?;
    let text = |n: u8| -> Box<str> { ["", "a", "ab", "b"][usize::from(n % 4)].into() };
    Ok(match field {
        Field::Kind => Value::Kind(ObservationKind::ALL[usize::from(n) % 3]),
        Field::Level => Value::Level(Level::ALL[usize::from(n) % 4]),
        Field::Start | Field::End | Field::CompletionStart | Field::Timestamp => {
            Value::Time(Timestamp(i64::from(n % 4)))
        }
        Field::Parent | Field::Session => Value::Id(id(n)),
        Field::Usage => Value::Usage(keys(n).map(|key| (key, u64::from(n >> 4))).collect()),
        Field::Cost => Value::Cost(keys(n).map(|key| (key, Decimal(i128::from(n >> 4)))).collect()),
        Field::PromptVersion => Value::Number(u64::from(n % 4)),
        Field::Input | Field::Output | Field::Correction => Value::Payload(payload(n)),
        Field::Metadata | Field::Attributes => Value::Map(map(u, n)?),
        Field::Tags => Value::Tags(keys(n).collect()),
        Field::Public => Value::Bool(n.is_multiple_of(2)),
        Field::Subject => Value::Subject(match n % 4 {
            0 => Subject::Trace(id(n / 4)),
            1 => Subject::Observation(id(n / 4), id(n / 16)),
            2 => Subject::Session(id(n / 4)),
            _ => Subject::Run(id(n / 4)),
        }),
        Field::ScoreType => Value::ScoreType(tracekeep::model::ScoreType::ALL[usize::from(n) % 5]),
        Field::ScoreNumber => {
            Value::Float([0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, 1.0][usize::from(n) % 6])
        }
        Field::ScoreSource => {
            Value::ScoreSource(tracekeep::model::ScoreSource::ALL[usize::from(n) % 3])
        }
        _ => Value::Text(text(n)),
    })
}

fn id(n: u8) -> Id {
    match n % 4 {
        0 => Id::hex16(1),
        1 => Id::hex32(1),
        2 => Id::uuid(1),
        _ => Id::parse(if n > 99 { "run" } else { "b" }).expect("an id"),
    }
}

/// The bits of a number name up to four keys, sorted.
fn keys(n: u8) -> impl Iterator<Item = Box<str>> {
    (0..4).filter(move |k| n >> k & 1 == 1).map(|k| ["", "a", "b", "c"][k].into())
}

fn payload(n: u8) -> PayloadRef {
    let source = match n >> 4 & 3 {
        0 => Source::Expired,
        1 => Source::Log(LogId(u64::from(n >> 6))),
        _ => Source::Segment(SegmentId(u64::from(n >> 6))),
    };
    let (len, print) = (u64::from(n & 1) + 8, u64::from(n >> 1 & 3));
    PayloadRef { len, print, source, number: u64::from(n >> 5) }
}

/// What a text is and where its values stand is given by length and print: equal texts are equal.
fn map(u: &mut Unstructured<'_>, n: u8) -> Result<Map<PayloadRef>> {
    let text = payload(n);
    let shape = text.print * 2 + text.len % 2;
    let mut entries: Vec<MapEntry> = keys(shape as u8)
        .zip(0u32..)
        .map(|(key, k)| {
            let start = k * 2;
            let len = (shape as u32 ^ k) % 3;
            MapEntry {
                key,
                value: start..(start + len).min(8),
                weak: (shape + u64::from(k)).is_multiple_of(3),
            }
        })
        .collect();
    if bool::arbitrary(u)? {
        entries.reverse();
    }
    Ok(Map { text, entries })
}
