//! Every byte of a payload comes back.

use crate::world::{
    World, append, at, batch, full, id, lines, observation, quick, score, seed, trace,
};
use tracekeep::model::{Field, Map, MapEntry, ObservationRecord, Operation, Subject};
use tracekeep::{Store, limits};
use tracekeep_workload::Rng;

fn noise(rng: &mut Rng, bytes: usize) -> Vec<u8> {
    (0..bytes.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes()).take(bytes).collect()
}

/// Payloads that a splitter, a compressor or a parser may trip over.
fn nasty(rng: &mut Rng) -> Vec<Vec<u8>> {
    let text = |s: &str| s.as_bytes().to_vec();
    let message = |i: usize| format!("{{\"role\":\"user\",\"content\":\"{}\"}}", "word ".repeat(i));
    let mut all = vec![
        Vec::new(),
        text(" "),
        text("null"),
        text("{}"),
        text("[]"),
        text("\"\""),
        text("0"),
        vec![0],
        vec![0; 5000],
        vec![0xff; 70_000],
        b"\xc3\x28 invalid \xf0\x28\x8c\xbc utf-8 \x80".repeat(300),
        text("[,,,,]").repeat(1000),
        text("[[[[[[[[").repeat(2000),
        text("}]}]\"\\\"").repeat(2000),
        text("\"\\\\\\\"").repeat(3000),
        text(&format!("[{}]", (0..40).map(message).collect::<Vec<_>>().join(","))),
        text(&format!("[ {} ]", (0..40).map(message).collect::<Vec<_>>().join(" ,\n "))),
        text(&format!("{{\"messages\":[{}]}}", message(2000))),
        text(&format!("\"{}\"", message(500).replace('"', "\\\""))),
        text("same same same ").repeat(5000),
    ];
    for len in [1, 31, 32, 33, 4095, 4096, 4097, 16_383, 16_384, 16_385, 65_536, 65_537, 200_000] {
        all.push(noise(rng, len));
        all.push((0..len).map(|i| b'a' + (i % 26) as u8).collect());
    }
    all
}

/// Checks after each way of keeping them.
fn in_every_place(world: &World, store: Store, check: &dyn Fn(&Store, &str)) {
    check(&store, "unsealed");
    quick(&store);
    check(&store, "quick seal");
    full(&store);
    check(&store, "full seal");
    store.close().unwrap();
    check(&world.store(), "reopened");
}

#[test]
fn any_bytes_come_back() {
    let world = World::new();
    let store = world.store();
    let mut rng = Rng::new(seed());
    let payloads = nasty(&mut rng);
    for (i, bytes) in payloads.iter().enumerate() {
        let name = format!("o{i}");
        let subject = Subject::Observation(id("t"), id(&name));
        let mut batch = batch([observation("t", &name, i as i64)
            .input(bytes.clone())
            .output(payloads[payloads.len() - 1 - i].clone())
            .metadata(Map::opaque(bytes.clone()))
            .attributes(Map::opaque(bytes.clone()))]);
        batch.push(score(&format!("s{i}"), subject, 0).correction(bytes.clone())).unwrap();
        batch.push(trace(&format!("t{i}"), 0).input(bytes.clone()).output("x")).unwrap();
        store.append(batch).unwrap().wait().unwrap();
    }
    in_every_place(&world, store, &|store, place| {
        let s = store.snapshot();
        for (i, bytes) in payloads.iter().enumerate() {
            let (t, o) = (id("t"), id(&format!("o{i}")));
            assert_eq!(s.input(&t, &o).unwrap().as_ref(), Some(bytes), "{place}: input {i}");
            let output = &payloads[payloads.len() - 1 - i];
            assert_eq!(s.output(&t, &o).unwrap().as_ref(), Some(output), "{place}: output {i}");
            assert_eq!(s.metadata(&t, &o).unwrap().as_ref(), Some(bytes), "{place}: metadata {i}");
            let attributes = s.attributes(&t, &o).unwrap();
            assert_eq!(attributes.as_ref(), Some(bytes), "{place}: attributes {i}");
            let score = s.score(&id(&format!("s{i}"))).unwrap().unwrap();
            let correction = score.payload(Field::Correction).unwrap();
            assert_eq!(s.payload(correction).unwrap().as_ref(), Some(bytes), "{place}: {i}");
            let state = s.trace_state(&id(&format!("t{i}"))).unwrap().unwrap();
            let input = state.fields.payload(Field::Input).unwrap();
            assert_eq!(s.payload(input).unwrap().as_ref(), Some(bytes), "{place}: trace {i}");
        }
    });
}

#[test]
fn a_history_that_is_resent_comes_back_each_time() {
    let world = World::new();
    let store = world.store();
    let mut rng = Rng::new(seed());
    let mut messages: Vec<String> = Vec::new();
    let mut sent = Vec::new();
    for call in 0..60usize {
        for _ in 0..2 {
            let words = "lorem ipsum dolor ".repeat(rng.size(1, 300) as usize);
            messages.push(format!("{{\"n\":{call},\"content\":\"{words}\"}}"));
        }
        // Not every agent is tidy: old messages are cut, moved, changed in the middle.
        if call % 7 == 3 {
            let at = rng.below(messages.len() as u64) as usize;
            messages[at] = format!("{{\"cut\":{call}}}");
        }
        if call % 11 == 5 {
            messages.remove(0);
        }
        let text = match call % 13 {
            6 => format!("[ {}]", messages.join(" ,\n")),
            9 => format!("{{\"messages\":[{}]}}", messages.join(",")),
            12 => format!("\"[{}]\"", messages.join(",").replace('"', "\\\"")),
            _ => format!("[{}]", messages.join(",")),
        };
        // Some end in the middle of a message, or of a character.
        let cut = if call % 5 == 4 { text.len() - text.len() / 3 } else { text.len() };
        sent.push(text.as_bytes()[..cut].to_vec());
        let name = format!("o{call}");
        append(
            &store,
            [observation("t", &name, call as i64).name("chat").input(sent[call].clone())],
        );
        if call == 20 {
            quick(&store);
        }
    }
    in_every_place(&world, store, &|store, place| {
        let snapshot = store.snapshot();
        for (call, bytes) in sent.iter().enumerate() {
            let input = snapshot.input(&id("t"), &id(&format!("o{call}"))).unwrap().unwrap();
            assert!(input == *bytes, "{place}: call {call}");
        }
    });
}

#[test]
fn five_megabytes_come_back() {
    let world = World::new();
    let store = world.store();
    let mut rng = Rng::new(seed());
    let prose = "The quick brown fox jumps over the lazy dog. ".repeat(120_000).into_bytes();
    let noise = noise(&mut rng, 5 << 20);
    append(&store, [observation("t", "a", 0).input(prose.clone()).output(noise.clone())]);
    in_every_place(&world, store, &|store, place| {
        let snapshot = store.snapshot();
        assert!(snapshot.input(&id("t"), &id("a")).unwrap().unwrap() == prose, "{place}");
        assert!(snapshot.output(&id("t"), &id("a")).unwrap().unwrap() == noise, "{place}");
    });
}

#[test]
fn a_payload_larger_than_a_frame_comes_back() {
    let world = World::new();
    let store = world.store();
    let mut rng = Rng::new(seed());
    let bytes = noise(&mut rng, 80 << 20);
    assert!(bytes.len() > limits::FRAME_BYTES_MAX);
    append(&store, [observation("t", "big", 1).input(bytes.clone())]);
    append(&store, [observation("t", "small", 2).input("after it")]);
    let check = |store: &Store, place: &str| {
        let snapshot = store.snapshot();
        assert!(snapshot.input(&id("t"), &id("big")).unwrap().unwrap() == bytes, "{place}");
        let small = snapshot.input(&id("t"), &id("small")).unwrap().unwrap();
        assert_eq!(small, b"after it", "{place}");
    };
    check(&store, "unsealed");
    store.close().unwrap();
    let store = world.store();
    check(&store, "reopened");
    quick(&store);
    check(&store, "sealed");
}

#[test]
fn a_payload_of_very_many_parts_comes_back() {
    let world = World::new();
    let store = world.store();
    // Each element is a part of its own, just past what a literal may hold.
    let elements: Vec<String> =
        (0..700_000).map(|i| format!("{{\"id\":\"{i:09}-{:09}\"}}", i * 7 % 1_000_003)).collect();
    let text = format!("[{}]", elements.join(","));
    append(&store, [observation("t", "a", 0).input(text.as_bytes())]);
    let input = store.snapshot().input(&id("t"), &id("a")).unwrap().unwrap();
    assert!(input == text.as_bytes());
    store.close().unwrap();
    let store = world.store();
    let input = store.snapshot().input(&id("t"), &id("a")).unwrap().unwrap();
    assert!(input == text.as_bytes());
}

#[test]
fn a_map_from_several_records_is_an_object_of_the_live_keys() {
    let map = |text: &str, keys: &[(&str, &str)]| {
        let entries = keys.iter().map(|(key, value)| {
            let start = text.find(value).unwrap() as u32;
            let end = start + value.len() as u32;
            MapEntry { key: (*key).into(), value: start..end, weak: false }
        });
        Map { text: text.as_bytes().to_vec(), entries: entries.collect() }
    };
    let record =
        |ms, map| ObservationRecord::new(id("t"), id("a"), at(ms), Operation::Update).metadata(map);
    let world = World::new();
    let store = world.store();
    let first = r#"{ "b" : [1, 2] , "a":"old" }"#;
    append(&store, [record(1, map(first, &[("b", "[1, 2]"), ("a", "\"old\"")]))]);
    let text = store.snapshot().metadata(&id("t"), &id("a")).unwrap().unwrap();
    assert_eq!(text, first.as_bytes(), "one text comes back as it was given");
    quick(&store);
    let second = r#"{"a":"new","q\"\n":1.50}"#;
    append(&store, [record(2, map(second, &[("a", "\"new\""), ("q\"\n", "1.50")]))]);
    in_every_place(&world, store, &|store, place| {
        let text = store.snapshot().metadata(&id("t"), &id("a")).unwrap().unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text, r#"{"a":"new","b":[1, 2],"q\"\n":1.50}"#, "{place}");
    });
}

#[test]
fn what_an_older_log_holds_is_written_again_to_the_next() {
    let world = World::new();
    let store = world.store();
    let said = "the same words again, long enough to be a part of their own".repeat(3);
    for name in ["a", "b"] {
        append(&store, [observation("t", name, 1).input(said.clone())]);
        quick(&store);
    }
    for name in ["a", "b"] {
        let input = store.snapshot().input(&id("t"), &id(name)).unwrap();
        assert_eq!(input.as_deref(), Some(said.as_bytes()), "{name}");
    }
}

/// Words without an end that a dictionary pays for, different for each seed.
fn words(seed: u64, bytes: usize) -> String {
    let mut state = seed;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed | 1);
        text.push_str(["trace ", "observation ", "score ", "log "][(state >> 62) as usize]);
        text.push_str(&format!("{:x} ", state >> 48));
    }
    text
}

#[test]
fn a_dictionary_is_taken_over_from_a_segment_that_brings_half_of_the_parts() {
    let world = World::new();
    let store = world.store();
    let mut seed = 1;
    // Bytes of its dictionary, of the one segment that there is then.
    let mut sealed_with = |megabytes: u64| {
        for _ in 0..megabytes * 10 {
            let input = words(seed, 100_000);
            append(&store, [observation("t", &format!("o{seed}"), seed as i64).input(input)]);
            seed += 1;
        }
        full(&store);
        let mut files = world.files("seg-");
        files.retain(|path| path.extension().is_some_and(|extension| extension == "tkp"));
        let [path] = &files[..] else { panic!("{files:?}") };
        let sections = lines(path, "section");
        let (at, len, _) = sections.iter().find(|line| line.2 == "DICTIONARY").unwrap();
        std::fs::read(path).unwrap()[*at as usize..(at + len) as usize].to_vec()
    };
    let first = sealed_with(3);
    assert!(!first.is_empty());
    assert_eq!(sealed_with(1), first);
    assert_ne!(sealed_with(9), first);
}
