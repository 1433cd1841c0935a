//! Scans: every observation once, whatever of it lies where. That a scan says what the trees say is
//! asked wherever a test compares all that a snapshot says (`world::Dump`).

use crate::world::{Dump, World, append, at, erase_trace, full, id, observation, quick};
use tracekeep::model::{ObservationRecord, Operation, Record, Target, TimeRange};
use tracekeep::{Error, ErrorKind, Snapshot};

/// The observations that a scan hands out, as `trace/id`, sorted.
fn scanned(snapshot: &Snapshot, range: TimeRange) -> Vec<String> {
    let mut found = Vec::new();
    let each = &mut |s: &tracekeep::Skeleton<'_>| {
        found.push(format!("{}/{}", s.trace().unwrap(), s.id().unwrap()));
        Ok(())
    };
    snapshot.scan(range, each).unwrap();
    found.sort();
    found
}

#[test]
fn an_observation_of_which_pieces_lie_everywhere_is_handed_out_once() {
    let world = World::new();
    let store = world.store();
    for seal in 0..3 {
        append(&store, [observation("t", "a", 1).model(format!("m{seal}"))]);
        append(&store, [observation("t", &format!("only{seal}"), 2)]);
        append(&store, [observation("u", "sealed", 3)]);
        quick(&store);
    }
    append(&store, [observation("t", "a", 1).model("newest"), observation("t", "fresh", 4)]);
    let all = ["t/a", "t/fresh", "t/only0", "t/only1", "t/only2", "u/sealed"];
    assert_eq!(scanned(&store.snapshot(), TimeRange::ALL), all);
    Dump::of(&store.snapshot());
    append(&store, [erase_trace("u", 9)]);
    let a = Target::Observation { trace: id("t"), observation: id("a") };
    append(&store, [Record::tombstone(a, at(9))]);
    for seal in [|_: &_| (), quick, full] {
        seal(&store);
        let left = ["t/fresh", "t/only0", "t/only1", "t/only2"];
        assert_eq!(scanned(&store.snapshot(), TimeRange::ALL), left);
    }
}

#[test]
fn a_range_is_of_the_observation_not_of_its_trace() {
    let world = World::new();
    let store = world.store();
    for (trace, starts) in [("long", vec![10, 500, 900]), ("early", vec![20]), ("late", vec![800])]
    {
        append(&store, starts.iter().map(|ms| observation(trace, &format!("o{ms}"), *ms)));
    }
    let range = |from, to| TimeRange { start: at(from), end: at(to) };
    for seal in [|_: &_| (), quick, full] {
        seal(&store);
        let found = |from, to| scanned(&store.snapshot(), range(from, to));
        assert_eq!(found(0, 20), ["long/o10"]);
        assert_eq!(found(20, 501), ["early/o20", "long/o500"]);
        assert_eq!(found(500, 901), ["late/o800", "long/o500", "long/o900"]);
        assert!(found(901, 2_000).is_empty() && found(501, 501).is_empty());
    }
}

#[test]
fn the_last_instant_is_in_the_range_of_everything() {
    let world = World::new();
    let store = world.store();
    let last = tracekeep::model::Timestamp(i64::MAX);
    append(&store, [observation("t", "a", 1).start(last)]);
    for seal in [|_: &_| (), quick] {
        seal(&store);
        assert_eq!(scanned(&store.snapshot(), TimeRange::ALL), ["t/a"]);
        let from = TimeRange { start: last, ..TimeRange::ALL };
        assert_eq!(scanned(&store.snapshot(), from), ["t/a"]);
        Dump::of(&store.snapshot());
    }
    // Of which no earlier time is known either.
    let late = ObservationRecord::new(id("u"), id("b"), last, Operation::Create);
    append(&store, [late.name("late")]);
    for seal in [|_: &_| (), quick] {
        seal(&store);
        assert_eq!(scanned(&store.snapshot(), TimeRange::ALL), ["t/a", "u/b"]);
        Dump::of(&store.snapshot());
    }
}

#[test]
fn it_stops_where_the_caller_does() {
    let world = World::new();
    let store = world.store();
    append(&store, (0..3).map(|i| observation("t", &format!("o{i}"), i)));
    for seal in [|_: &_| (), quick] {
        seal(&store);
        let mut seen = 0;
        let stopped = store.snapshot().scan(TimeRange::ALL, &mut |_| {
            seen += 1;
            Err(Error::new(ErrorKind::InvalidInput, "enough"))
        });
        assert_eq!((seen, stopped.unwrap_err().to_string()), (1, "enough".to_owned()));
    }
}
