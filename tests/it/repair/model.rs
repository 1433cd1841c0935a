use crate::world::{append, at, erase_trace, id, noise, observation, quick, score, trace};
use std::collections::BTreeMap;
use tracekeep::merge::{Fields, Held};
use tracekeep::model::{
    Decimal, Field, Level, Map, MapEntry, ObservationKind, Operation, Record, ScoreRecord, Subject,
    Target, Value,
};
use tracekeep::{Order, Snapshot, Store, TraceQuery};

/// An object of these keys, with texts as values.
fn map(keys: &[(&str, &str)]) -> Map {
    let mut text = b"{".to_vec();
    let mut entries = Vec::new();
    for (i, (key, value)) in keys.iter().enumerate() {
        text.extend_from_slice(if i > 0 { b", " } else { b"" });
        text.extend_from_slice(format!("\"{key}\": ").as_bytes());
        let start = text.len() as u32;
        text.extend_from_slice(format!("\"{value}\"").as_bytes());
        let (key, value) = ((*key).into(), start..text.len() as u32);
        entries.push(MapEntry { key, value, weak: i == 2 });
    }
    text.push(b'}');
    Map { text, entries }
}

const HEX: &str = "0af7651916cd43dd8448eb211c80319c";

/// Batches, and where the log is sealed. Every kind of field and value is in it, ids of several
/// forms, pieces over segments and logs, superseded rows, tombstones, and text that repeats.
pub(crate) fn batches() -> Vec<Option<Vec<Record>>> {
    let history = noise(1, 3_000);
    let call = |trace: &str, name: &str, ms: i64, more: &str| {
        observation(trace, name, ms)
            .kind(ObservationKind::Generation)
            .model("model-1")
            .level(Level::Error)
            .status_message("slow")
            .input(format!("{history}{more}"))
            .output(noise(ms as u64 + 40, 200))
            .usage(vec![("input".into(), 3), ("output".into(), 4)])
            .cost(vec![("total".into(), Decimal(1_500_000))])
            .completion_start(at(ms + 1))
            .prompt_name("prompt")
            .prompt_version(7)
    };
    let late = |trace: &str, name: &str, ms: i64| {
        let target = Target::Observation { trace: id(trace), observation: id(name) };
        let Target::Observation { trace, observation } = target else { unreachable!() };
        tracekeep::model::ObservationRecord::new(trace, observation, at(ms), Operation::Update)
    };
    let correction = ScoreRecord::new(
        id("better"),
        Subject::Observation(id("one"), id("a")),
        at(8),
        Operation::Create,
    );
    vec![
        Some(vec![
            trace("one", 0).user("ada").session(id("s")).tags(vec!["x".into(), "y".into()]).into(),
            call("one", "a", 1, "").metadata(map(&[("k", "v1"), ("l", "v2"), ("m", "v3")])).into(),
            call("one", "8b83a58eee36ab26", 2, " and more").parent(id("a")).into(),
            observation("one", "c", 3).parent(id("elsewhere")).end(at(9)).into(),
        ]),
        Some(vec![
            trace(HEX, 4).environment("test").metadata(map(&[("who", "ada")])).into(),
            call(HEX, "b7ad6b7169203331", 5, " again").into(),
            call(HEX, "x", 6, " once more").attributes(map(&[("host", "h")])).into(),
            score("good", Subject::Trace(id("one")), 7).number(0.5).into(),
            correction.correction(noise(9, 400)).comment("why").into(),
            call("gone", "d", 8, " lost").into(),
            score("of-gone", Subject::Trace(id("gone")), 8).number(1.0).into(),
        ]),
        None,
        Some(vec![
            late("one", "a", 20).end(at(15)).metadata(map(&[("k", "w1"), ("n", "v4")])).into(),
            trace("one", 21).tags(vec!["z".into()]).input(noise(3, 120)).into(),
            erase_trace("gone", 22),
            observation("two", "e", 23).output(noise(4, 900)).metadata(map(&[])).into(),
        ]),
        Some(vec![
            call("two", "f", 24, " two").parent(id("e")).into(),
            score("good", Subject::Trace(id("one")), 25).number(0.75).into(),
        ]),
        None,
        Some(vec![
            late(HEX, "x", 30).output(noise(5, 300)).into(),
            call("three", "g", 31, " three").into(),
        ]),
        Some(vec![
            call("three", "h", 32, " three, four").parent(id("g")).into(),
            Record::tombstone(
                Target::Observation { trace: id("one"), observation: id("c") },
                at(33),
            ),
            score("new", Subject::Session(id("s")), 34).number(2.0).into(),
            observation("four", "i", 35).into(),
        ]),
    ]
}

/// Appends all batches; the store has two segments and a log afterwards.
pub(crate) fn fill(store: &Store) {
    for step in batches() {
        match step {
            Some(records) => append(store, records),
            None => quick(store),
        }
    }
}

/// The records by their seqs, as the store counts them.
pub(crate) fn appended() -> Vec<Record> {
    // User, session and tags of an observation would be a record of their own: there are none.
    batches().into_iter().flatten().flatten().collect()
}

/// Of these, the ones that are in logs afterwards.
pub(crate) fn unsealed() -> Vec<Record> {
    let batches = batches();
    let sealed = batches.iter().rposition(Option::is_none).unwrap();
    batches.into_iter().skip(sealed + 1).flatten().flatten().collect()
}

/// Fields of a target, and the bytes of those that are payloads.
pub(crate) type State = (Fields, BTreeMap<Field, Option<Vec<u8>>>);

/// All that a snapshot says, by target.
#[derive(Debug)]
pub(crate) struct Said(pub(crate) BTreeMap<Target, State>);

impl Said {
    pub(crate) fn of(snapshot: &Snapshot) -> Said {
        let query =
            TraceQuery { order: Order::OldestFirst, limit: usize::MAX, ..TraceQuery::default() };
        let mut said = BTreeMap::new();
        for state in snapshot.traces(&query).unwrap().traces {
            let trace = state.id.clone();
            said.insert(Target::Trace { trace: trace.clone() }, of(snapshot, &state.fields));
            snapshot
                .each_observation(&trace, &mut |observation, fields| {
                    let (trace, observation) = (trace.clone(), observation.clone());
                    let target = Target::Observation { trace, observation };
                    said.insert(target, of(snapshot, fields));
                    Ok(())
                })
                .unwrap();
        }
        snapshot
            .each_score(&mut |score, fields| {
                said.insert(Target::Score { score: score.clone() }, of(snapshot, fields));
                Ok(())
            })
            .unwrap();
        Said(said)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    #[track_caller]
    pub(crate) fn assert_same(&self, other: &Said, what: &str) {
        assert!(
            self.0.keys().eq(other.0.keys()),
            "{what}: {:?}\n{:?}",
            self.0.keys(),
            other.0.keys()
        );
        for ((target, a), b) in self.0.iter().zip(other.0.values()) {
            assert!(
                tracekeep::merge::same_state(&a.0, &b.0),
                "{what}: {target:?}\n{:#?}\n{:#?}",
                a.0,
                b.0
            );
            assert_eq!(a.1, b.1, "{what}: {target:?}");
        }
    }
}

fn of(snapshot: &Snapshot, fields: &Fields) -> State {
    let mut bytes = BTreeMap::new();
    for slot in fields.slots() {
        match &slot.value {
            Held::Map(map) => {
                bytes.insert(slot.field, snapshot.map_text(map).unwrap());
            }
            Held::Value(Value::Payload(payload)) => {
                bytes.insert(slot.field, snapshot.payload(payload).unwrap());
            }
            Held::Value(_) => {}
        }
    }
    (fields.clone(), bytes)
}
