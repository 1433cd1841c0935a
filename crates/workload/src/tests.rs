use crate::*;
use std::collections::{BTreeMap, HashMap, HashSet};
use tracekeep::id::{Form, Id};
use tracekeep::model::{Field, ObservationKind, Operation, Target};

fn value(record: &Record, field: Field) -> Option<&Value> {
    record.fields().iter().find(|f| f.field == field).map(|f| &f.value)
}

fn payload(record: &Record, field: Field) -> Option<&str> {
    match value(record, field)? {
        Value::Payload(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

fn parent(record: &Record) -> Option<&Id> {
    match value(record, Field::Parent)? {
        Value::Id(id) => Some(id),
        _ => None,
    }
}

fn observation(record: &Record) -> Option<&Id> {
    match &record.target {
        Target::Observation { observation, .. } => Some(observation),
        _ => None,
    }
}

/// Parent by observation.
fn tree(records: impl Iterator<Item = Record>) -> HashMap<Id, Option<Id>> {
    records.filter_map(|r| Some((observation(&r)?.clone(), parent(&r).cloned()))).collect()
}

fn inputs(history: History) -> Vec<String> {
    let options = AgentOptions { calls: 12..=12, history, ..AgentOptions::default() };
    let is_call = |r: &&Record| {
        value(r, Field::Kind) == Some(&Value::Kind(ObservationKind::Generation))
            && value(r, Field::Usage).is_some()
    };
    let records = agent_trace(3, 0, EPOCH, &options);
    let calls = records.iter().filter(is_call);
    calls.map(|r| payload(r, Field::Input).unwrap().to_owned()).collect()
}

/// Every source of records, by name, a few hundred records each.
fn all(seed: u64) -> BTreeMap<&'static str, Vec<Record>> {
    let some = |make: Source| (0..6).flat_map(|n| make(seed, n, EPOCH)).collect();
    let agents: Source = |seed, n, at| agent_trace(seed, n, at, &AgentOptions::default());
    BTreeMap::from([
        ("agent", some(agents)),
        ("arrivals", Arrivals::new(seed, Shape::default()).take(600).collect()),
        ("batch", some(batch_job)),
        ("big", big_trace(seed, 300).collect()),
        ("chat", some(chat_session)),
        ("cycle", cyclic_trace(seed, 5).collect()),
        ("deep", deep_trace(seed, 300).collect()),
        ("odd ids", odd_id_trace(seed)),
        ("orphans", orphan_trace(seed, 50, Parents::Last).collect()),
        ("rag", some(rag_trace)),
        ("small", small_observations(seed).take(300).collect()),
        ("steady", Steady::new(seed).records(1_000..1_300).collect()),
        ("unrelated", unrelated_payloads(seed, 10_000, 200_000).take(10).collect()),
        ("wide", wide_trace(seed, 300).collect()),
    ])
}

#[test]
fn same_seed_same_records() {
    let (one, two, other) = (all(1), all(1), all(2));
    assert_eq!(one, two);
    for (name, records) in &one {
        assert_ne!(digest(records), digest(&other[name]), "{name} ignores the seed");
    }
}

/// A change here changes every bench and every recorded simulation: make it on purpose.
#[test]
fn records_are_pinned() {
    let digests: Vec<String> =
        all(1).iter().map(|(name, r)| format!("{name} {} {:016x}", r.len(), digest(r))).collect();
    let pinned = [
        "agent 195 17dc0829c9aa2889",
        "arrivals 600 c5f41e400f8585ae",
        "batch 921 c52e634a8eaf6c9e",
        "big 301 a60fbfa59aaa478e",
        "chat 131 5e27814e49114ba2",
        "cycle 13 d8953a76cc702b79",
        "deep 301 79972c3128aeeeba",
        "odd ids 15 ac20393d6ab3878e",
        "orphans 62 fe5d568182ba19ac",
        "rag 60 ccd3b9cd3a597e9a",
        "small 300 bf480f45f4395dd1",
        "steady 300 a7735fcb72a54397",
        "unrelated 10 28e60d13374f523b",
        "wide 302 a7ab5f79f400a322",
    ];
    assert_eq!(digests, pinned);
}

#[test]
fn every_payload_is_json_and_every_map_points_at_its_values() {
    for (name, records) in all(5) {
        for record in records {
            assert!(record.fields().is_sorted_by_key(|f| f.field), "{name}");
            for field in record.fields() {
                match &field.value {
                    Value::Payload(bytes) => {
                        serde_json::from_slice::<serde_json::Value>(bytes).expect(name);
                    }
                    Value::Map(map) => {
                        let whole: BTreeMap<String, serde_json::Value> =
                            serde_json::from_slice(&map.text).unwrap();
                        for entry in &map.entries {
                            let range = entry.value.start as usize..entry.value.end as usize;
                            let part: serde_json::Value =
                                serde_json::from_slice(&map.text[range]).unwrap();
                            assert_eq!(part, whole[&*entry.key]);
                        }
                        assert_eq!(whole.len(), map.entries.len());
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn histories_are_written_as_they_say() {
    let grown = inputs(History::Growing);
    assert_eq!(grown.len(), 12);
    for pair in grown.windows(2) {
        assert!(pair[1].starts_with(&pair[0][..pair[0].len() - 1]));
    }
    let list = |text: &str| serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap();
    let encoded = inputs(History::Encoded);
    let inner: String = serde_json::from_str(&encoded[7]).unwrap();
    assert_eq!(list(&inner), list(&grown[7]));
    assert!(inputs(History::Wrapped)[7].starts_with("{\"messages\":[{"));
    let retold = inputs(History::Retold);
    let told = |text: &str| {
        let whole: serde_json::Value = serde_json::from_str(text).unwrap();
        let turn = whole["turn"].as_u64().unwrap();
        assert_eq!(turn as usize, list(whole["transcript"].as_str().unwrap()).len());
        (turn, list(whole["transcript"].as_str().unwrap()))
    };
    assert_eq!(told(&retold[7]).1, list(&grown[7]));
    assert!(told(&retold[7]).0 < told(&retold[8]).0);

    let rewritten = inputs(History::Rewriting);
    let (before, after) = (list(&rewritten[10]), list(&rewritten[11]));
    let differ = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    assert!((2..before.len() / 2).contains(&differ), "{differ} of {}", before.len());
    assert!(rewritten[11].contains("[truncated]"));
}

#[test]
fn agents_repeat_themselves() {
    let traces = (0..20).map(|n| agent_trace(9, n, EPOCH, &AgentOptions::default()));
    let mut levels = HashSet::new();
    for records in traces {
        let ids = tree(records.iter().cloned());
        assert!(ids.values().flatten().all(|p| ids.contains_key(p)));
        assert_eq!(ids.values().filter(|p| p.is_none()).count(), 1);
        levels.extend(
            records.iter().filter_map(|r| value(r, Field::Level).map(|v| format!("{v:?}"))),
        );
        assert!(records.iter().map(payload_bytes).sum::<u64>() > 20_000);
    }
    assert!(levels.len() >= 2, "{levels:?}");
}

#[test]
fn pieces_say_what_the_whole_said() {
    let records = agent_trace(4, 1, EPOCH, &AgentOptions::default());
    let mut in_pieces = 0;
    for record in records {
        let (first, rest) = split(record.clone());
        let Some(rest) = rest else {
            assert_eq!(first, record);
            continue;
        };
        in_pieces += 1;
        assert!(first.time <= rest.time && first.operation == Operation::Create);
        assert!(value(&first, Field::End).is_none() && value(&rest, Field::Start).is_none());
        let mut fields = [first.fields(), rest.fields()].concat();
        fields.sort_by_key(|f| f.field);
        assert_eq!(fields, record.fields());
    }
    assert!(in_pieces > 5);
}

#[test]
fn arrivals_disorder_but_lose_nothing() {
    let shape = Shape { traces: 40, duplicate_per_mille: 50, ..Shape::default() };
    let arrived: Vec<Record> = Arrivals::new(8, shape).collect();
    let early = arrived.windows(2).filter(|w| w[1].time < w[0].time).count();
    let trace = |r: &Record| match &r.target {
        Target::Trace { trace } | Target::Observation { trace, .. } => Some(trace.clone()),
        Target::Score { .. } => None,
    };
    let switches = arrived.windows(2).filter(|w| trace(&w[0]) != trace(&w[1])).count();
    assert!(early * 10 > arrived.len(), "{early} of {} out of order", arrived.len());
    assert!(switches * 3 > arrived.len(), "{switches} of {} interleaved", arrived.len());

    let mut seen: HashMap<u64, u64> = HashMap::new();
    arrived.iter().for_each(|r| *seen.entry(digest([r])).or_default() += 1);
    let twice = seen.values().filter(|n| **n == 2).count();
    assert!(twice * 1000 > arrived.len() * 25 && twice * 1000 < arrived.len() * 100);

    // The same traces without any disorder hold the same observations.
    let calm = Shape {
        traces: 40,
        in_flight: 1,
        split_per_mille: 0,
        duplicate_per_mille: 0,
        late_per_mille: 0,
        late_ms_max: 0,
        jitter_ms_max: 0,
    };
    let calm = tree(Arrivals::new(8, calm));
    let disordered: HashSet<Id> = arrived.iter().filter_map(observation).cloned().collect();
    assert_eq!(calm.into_keys().collect::<HashSet<_>>(), disordered);
}

#[test]
fn batches_hold_every_record_once() {
    let sizes: Vec<usize> = batches(big_trace(1, 9), 4).map(|b| b.len()).collect();
    assert_eq!(sizes, [4, 4, 2]);
}

#[test]
fn shapes_have_their_shape() {
    let deep = tree(deep_trace(1, 1000));
    assert_eq!(deep.len(), 1000);
    let parents: HashSet<&Id> = deep.values().flatten().collect();
    assert_eq!(parents.len(), 999);

    let wide = tree(wide_trace(1, 1000));
    assert_eq!((wide.len(), wide.values().flatten().collect::<HashSet<_>>().len()), (1001, 1));

    let missing = tree(orphan_trace(1, 52, Parents::Missing));
    assert!(missing.values().all(|p| p.as_ref().is_some_and(|p| !missing.contains_key(p))));
    let last = tree(orphan_trace(1, 52, Parents::Last));
    assert_eq!(last.len(), 52 + 11 + 1);
    assert!(last.values().flatten().all(|p| last.contains_key(p)));
    let end = orphan_trace(1, 52, Parents::Last).next_back().unwrap();
    assert!(parent(&end).is_none());

    let own = tree(cyclic_trace(1, 1));
    assert!(own.iter().any(|(id, parent)| parent.as_ref() == Some(id)));
    let cycle = tree(cyclic_trace(1, 3));
    let up = |id: &Id| cycle[id].clone().unwrap();
    let at = cyclic_trace(1, 3).nth(1).and_then(|r| observation(&r).cloned()).unwrap();
    assert_eq!(up(&up(&up(&at))), at);

    let odd = tree(odd_id_trace(1).into_iter());
    assert_eq!(odd.len(), 14);
    let forms: HashSet<Form> = odd.keys().map(Id::form).collect();
    assert_eq!(forms.len(), 4);
}

#[test]
fn a_million_observations_stream() {
    assert_eq!(big_trace(1, 1_000_000).count(), 1_000_001);
    let mut back = big_trace(1, 1_000_000).rev();
    assert!(back.next().and_then(|r| observation(&r).cloned()).is_some());
}

#[test]
fn bench_streams_have_their_sizes() {
    for record in unrelated_payloads(1, 10_000, 200_000).take(50) {
        assert!((10_000..=200_200).contains(&payload_bytes(&record)));
    }
    let small: u64 = small_observations(1).take(1000).map(|r| payload_bytes(&r)).sum();
    assert!((950_000..1_100_000).contains(&small), "{small}");
}

/// What a reader of the stream relies on: which ids there are, and that they do not meet.
#[test]
fn steady_records_are_found_by_number() {
    let stream = Steady::new(1);
    let records: Vec<Record> = stream.records(0..3 * Steady::RECORDS_AT_ONCE).collect();
    let bytes: u64 = records.iter().map(payload_bytes).sum();
    assert!((180..260).contains(&(bytes / records.len() as u64)), "{bytes}");
    let mut wanted = HashSet::new();
    for n in 0..3 * Steady::AT_ONCE {
        let ids = (0..Steady::OBSERVATIONS).map(|at| (stream.trace(n), stream.observation(n, at)));
        wanted.extend(ids);
    }
    let found = records.iter().filter_map(|record| match &record.target {
        Target::Observation { trace, observation } => Some((trace.clone(), observation.clone())),
        _ => None,
    });
    assert_eq!(found.collect::<HashSet<_>>(), wanted);
    let again: Vec<Record> = stream.records(2_000..2_010).collect();
    assert_eq!(again, records[2_000..2_010]);
}

#[test]
fn the_epoch_is_the_morning_of_2026_01_12() {
    // 20,465 days after 1970-01-01, 08:00.
    assert_eq!(EPOCH, Timestamp::from_ms((20_465 * 24 + 8) * 3_600_000));
}
