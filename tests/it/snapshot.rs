//! A snapshot does not change.

use crate::world::{Dump, World, append, assert_same, batch, full, id, observation, quick, trace};
use std::ops::Range;
use tracekeep::model::{Field, ObservationKind, Record};
use tracekeep::{ErrorKind, Options, Store};

#[test]
fn it_stays_as_it_is_through_appends_seals_and_close() {
    let world = World::new();
    let store = world.store();
    append(&store, [observation("t", "a", 1).input("one".repeat(100))]);
    quick(&store);
    append(&store, [observation("t", "b", 2).input("two".repeat(100))]);
    let snapshot = store.snapshot();
    let before = Dump::of(&snapshot);
    let check = |what: &str| assert_same(&before, &Dump::of(&snapshot), what);
    append(&store, [observation("t", "a", 1).name("changed").output("late")]);
    append::<Record>(&store, [trace("t", 0).user("ada").into(), trace("u", 0).into()]);
    check("appended");
    quick(&store);
    check("sealed");
    append(&store, [crate::world::erase_trace("t", 9)]);
    check("erased");
    full(&store);
    check("compacted, its files removed");
    assert_eq!(Dump::of(&store.snapshot()).len(), 1);
    store.close().unwrap();
    check("the store closed");
    world.store().close().unwrap();
    check("the store opened again");
}

#[test]
fn what_is_acknowledged_is_seen_at_once() {
    let mut world = World::new();
    world.options.durability = tracekeep::Durability::Disk;
    let store = world.store();
    for i in 0..50 {
        let name = format!("o{i}");
        let seq = store.append(batch([observation("t", &name, i)])).unwrap().wait().unwrap();
        let snapshot = store.snapshot();
        assert!(snapshot.seq() >= seq);
        assert!(snapshot.observation(&id("t"), &id(&name)).unwrap().is_some());
        let sum = snapshot.trace_state(&id("t")).unwrap().unwrap().summary;
        assert_eq!(sum.observations as i64, i + 1);
    }
}

#[test]
fn a_batch_is_seen_whole_or_not_at_all() {
    let world = World::new();
    let store = world.store();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for b in 0..150 {
                let records = (0..10).map(|r| observation("t", &format!("{b}-{r}"), b));
                store.append(batch(records)).unwrap().wait().unwrap();
                if b % 40 == 20 {
                    quick(&store);
                }
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        let mut last = 0;
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            let tree = store.snapshot().trace(&id("t")).unwrap();
            let seen = tree.map_or(0, |tree| tree.len());
            assert!(seen.is_multiple_of(10) && seen >= last, "{seen} after {last}");
            last = seen;
        }
    });
    assert_eq!(store.snapshot().trace(&id("t")).unwrap().unwrap().len(), 1500);
}

fn messages(n: usize) -> Vec<String> {
    let word =
        |i: usize| format!("{{\"role\":\"user\",\"content\":\"{i} {}\"}}", "word ".repeat(40));
    (0..n).map(word).collect()
}

#[test]
fn new_messages_are_what_the_generation_before_did_not_have() {
    let world = World::new();
    let store = world.store();
    let input = |n| format!("[{}]", messages(n).join(","));
    for (call, n) in [(0, 2), (1, 4), (2, 7)] {
        let record = observation("t", &format!("g{call}"), call).name("chat");
        append(&store, [record.kind(ObservationKind::Generation).input(input(n))]);
        let tool = observation("t", &format!("x{call}"), call).name("chat");
        append(&store, [tool.kind(ObservationKind::Tool).input("not a generation".repeat(20))]);
    }
    for seal in [quick as fn(&Store), full, full] {
        let snapshot = store.snapshot();
        let mut before = 0;
        for (call, n) in [(0, 2), (1, 4), (2, 7)] {
            let found = snapshot.new_messages(&id("t"), &id(&format!("g{call}"))).unwrap().unwrap();
            let text = String::from_utf8(found.input.clone()).unwrap();
            assert_eq!(text, input(n));
            let parts: Vec<String> =
                found.new.iter().map(|r: &Range<usize>| text[r.clone()].to_owned()).collect();
            assert_eq!(parts, messages(n)[before..].to_vec(), "call {call}");
            assert_eq!(found.previous, (call > 0).then(|| id(&format!("g{}", call - 1))));
            before = n;
        }
        assert!(snapshot.new_messages(&id("t"), &id("none")).unwrap().is_none());
        assert!(snapshot.new_messages(&id("none"), &id("g0")).unwrap().is_none());
        seal(&store);
    }
}

#[test]
fn payloads_of_a_trace_come_in_one_pass_in_order() {
    let world = World::new();
    let store = world.store();
    for (name, ms) in [("c", 3), ("a", 1), ("d", 4), ("b", 2)] {
        let record = observation("t", name, ms).input(format!("in {name}"));
        append(&store, [record.output(format!("out {name}"))]);
        if name == "a" {
            quick(&store);
        }
    }
    append(
        &store,
        [observation("t", "a", 1).metadata(tracekeep::model::Map::opaque(b"m".to_vec()))],
    );
    for seal in [quick as fn(&Store), full, full] {
        let mut seen = Vec::new();
        store
            .snapshot()
            .payloads(&id("t"), &mut |id, field, bytes| {
                seen.push((id.to_string(), field, String::from_utf8(bytes.to_vec()).unwrap()));
                Ok(())
            })
            .unwrap();
        let mut expected = Vec::new();
        for name in ["a", "b", "c", "d"] {
            expected.push((name.to_owned(), Field::Input, format!("in {name}")));
            expected.push((name.to_owned(), Field::Output, format!("out {name}")));
            if name == "a" {
                expected.push((name.to_owned(), Field::Metadata, "m".to_owned()));
            }
        }
        assert_eq!(seen, expected);
        seal(&store);
    }
}

#[test]
fn one_that_pins_too_much_memory_expires() {
    let mut world = World::new();
    world.options = Options { live_bytes_max: 1 << 20, ..world.options };
    let store = world.store();
    let mut snapshots = Vec::new();
    for round in 0..12 {
        let records = (0..2000).map(|i| {
            observation(&format!("t{i}"), &format!("{round}-{i}"), i).status_message("x".repeat(50))
        });
        append(&store, records);
        snapshots.push(store.snapshot());
        quick(&store);
    }
    let expired = |s: &tracekeep::Snapshot| match s.trace_state(&id("t1")) {
        Ok(state) => {
            assert!(state.is_some());
            false
        }
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::Expired, "{e}");
            true
        }
    };
    assert!(expired(&snapshots[0]), "the oldest went");
    assert!(!expired(&store.snapshot()), "a new one is good");
}
