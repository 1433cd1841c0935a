//! What is erased is gone, and what is appended later starts afresh.

use crate::world::{
    Dump, World, append, assert_same, at, erase_trace, full, id, observation, quick, score, trace,
};
use tracekeep::model::{Field, Record, Subject, Target};
use tracekeep::{Durability, Store};

fn erase_observation(trace: &str, observation: &str) -> Record {
    let target = Target::Observation { trace: id(trace), observation: id(observation) };
    Record::tombstone(target, at(0))
}

fn erase_score(score: &str) -> Record {
    Record::tombstone(Target::Score { score: id(score) }, at(0))
}

fn fill(store: &Store) {
    append::<Record>(
        store,
        [
            trace("t", 0).user("ada").input("trace input").into(),
            observation("t", "a", 1).input("first").output("out").into(),
            observation("t", "b", 2).parent(id("a")).input("second").end(at(9)).into(),
            trace("u", 3).into(),
            observation("u", "a", 4).input("other").into(),
            score("s1", Subject::Trace(id("t")), 5).number(1.0).into(),
            score("s2", Subject::Observation(id("t"), id("a")), 5).number(2.0).into(),
            score("s3", Subject::Trace(id("u")), 5).number(3.0).into(),
            score("s4", Subject::Session(id("t")), 5).number(4.0).into(),
        ],
    );
}

/// A place where the data may lie when the tombstone comes, and where the tombstone ends up.
type Seal = Option<fn(&Store)>;

const SEALS: [(Seal, Seal); 9] = [
    (None, None),
    (None, Some(quick)),
    (None, Some(full)),
    (Some(quick), None),
    (Some(quick), Some(quick)),
    (Some(quick), Some(full)),
    (Some(full), None),
    (Some(full), Some(quick)),
    (Some(full), Some(full)),
];

/// Is given the store, how to seal after the tombstone, and a name for it all.
type Test<'a> = &'a dyn Fn(&Store, &dyn Fn(&Store), &str);

fn with_every_seal(test: Test<'_>) {
    for (i, (before, after)) in SEALS.iter().enumerate() {
        let world = World::new();
        let store = world.store();
        fill(&store);
        if let Some(seal) = before {
            seal(&store);
        }
        let seal_after = |store: &Store| {
            if let Some(seal) = after {
                seal(store);
            }
        };
        test(&store, &seal_after, &format!("seals {i}"));
        let dump = Dump::of(&store.snapshot());
        store.close().unwrap();
        let store = world.store();
        assert_same(&dump, &Dump::of(&store.snapshot()), &format!("seals {i}, reopened"));
        full(&store);
        assert_same(&dump, &Dump::of(&store.snapshot()), &format!("seals {i}, compacted"));
    }
}

#[test]
fn a_trace_goes_with_its_observations_and_scores() {
    with_every_seal(&|store, seal, what| {
        let before = store.snapshot();
        append(store, [erase_trace("t", 0)]);
        for _ in 0..2 {
            let snapshot = store.snapshot();
            assert!(snapshot.trace_state(&id("t")).unwrap().is_none(), "{what}");
            assert!(snapshot.trace(&id("t")).unwrap().is_none(), "{what}");
            assert!(snapshot.observation(&id("t"), &id("a")).unwrap().is_none(), "{what}");
            assert!(snapshot.input(&id("t"), &id("b")).unwrap().is_none(), "{what}");
            assert!(snapshot.scores(&id("t")).unwrap().is_empty(), "{what}");
            assert!(snapshot.score(&id("s1")).unwrap().is_none(), "{what}");
            assert!(snapshot.score(&id("s2")).unwrap().is_none(), "{what}");
            // Others of the same names stay.
            assert_eq!(snapshot.input(&id("u"), &id("a")).unwrap().unwrap(), b"other", "{what}");
            assert!(snapshot.score(&id("s3")).unwrap().is_some(), "{what}");
            assert!(snapshot.score(&id("s4")).unwrap().is_some(), "{what}");
            let dump = Dump::of(&snapshot);
            assert_eq!((dump.len(), dump.observations(), dump.scores()), (1, 1, 2), "{what}");
            let stats = store.stats().unwrap();
            let counts = (stats.traces, stats.observations, stats.scores);
            assert_eq!(counts, (1, 1, 2), "{what}");
            seal(store);
        }
        // Who looked before still sees it.
        assert_eq!(Dump::of(&before).observations(), 3, "{what}");
    });
}

#[test]
fn an_erased_trace_starts_afresh() {
    with_every_seal(&|store, seal, what| {
        append(store, [erase_trace("t", 0)]);
        seal(store);
        append::<Record>(
            store,
            [
                observation("t", "b", 7).output("new").into(),
                score("s1", Subject::Trace(id("t")), 8).text("again").into(),
            ],
        );
        for _ in 0..2 {
            let snapshot = store.snapshot();
            let state = snapshot.trace_state(&id("t")).unwrap().unwrap();
            assert_eq!(state.fields.text(Field::User), None, "{what}");
            assert_eq!(state.summary.observations, 1, "{what}");
            assert!(snapshot.observation(&id("t"), &id("a")).unwrap().is_none(), "{what}");
            let b = snapshot.observation(&id("t"), &id("b")).unwrap().unwrap();
            assert_eq!((b.id(Field::Parent), b.time(Field::End)), (None, None), "{what}");
            assert!(snapshot.input(&id("t"), &id("b")).unwrap().is_none(), "{what}");
            assert_eq!(snapshot.output(&id("t"), &id("b")).unwrap().unwrap(), b"new", "{what}");
            let scores = snapshot.scores(&id("t")).unwrap();
            assert_eq!(scores.len(), 1, "{what}");
            assert_eq!(scores[0].1.float(Field::ScoreNumber), None, "{what}");
            assert_eq!(snapshot.trace(&id("t")).unwrap().unwrap().len(), 1, "{what}");
            seal(store);
        }
    });
}

#[test]
fn an_observation_goes_alone() {
    with_every_seal(&|store, seal, what| {
        append(store, [erase_observation("t", "a")]);
        for _ in 0..2 {
            let snapshot = store.snapshot();
            assert!(snapshot.observation(&id("t"), &id("a")).unwrap().is_none(), "{what}");
            assert!(snapshot.input(&id("t"), &id("a")).unwrap().is_none(), "{what}");
            assert_eq!(snapshot.input(&id("t"), &id("b")).unwrap().unwrap(), b"second", "{what}");
            assert_eq!(snapshot.input(&id("u"), &id("a")).unwrap().unwrap(), b"other", "{what}");
            let tree = snapshot.trace(&id("t")).unwrap().unwrap();
            // Its child waits for it.
            assert_eq!((tree.len(), tree.anomalies().len()), (1, 1), "{what}");
            let state = snapshot.trace_state(&id("t")).unwrap().unwrap();
            assert_eq!(state.summary.observations, 1, "{what}");
            assert_eq!(state.summary.start, at(2), "{what}");
            seal(store);
        }
        append(store, [observation("t", "a", 1).name("reborn")]);
        seal(store);
        let snapshot = store.snapshot();
        assert!(snapshot.input(&id("t"), &id("a")).unwrap().is_none(), "{what}");
        let tree = snapshot.trace(&id("t")).unwrap().unwrap();
        assert_eq!((tree.len(), tree.anomalies().len()), (2, 0), "{what}");
    });
}

#[test]
fn a_score_goes_alone_and_comes_back() {
    with_every_seal(&|store, seal, what| {
        append(store, [erase_score("s1")]);
        for _ in 0..2 {
            let snapshot = store.snapshot();
            assert!(snapshot.score(&id("s1")).unwrap().is_none(), "{what}");
            assert_eq!(snapshot.scores(&id("t")).unwrap().len(), 1, "{what}");
            assert_eq!(store.stats().unwrap().scores, 3, "{what}");
            seal(store);
        }
        append(store, [score("s1", Subject::Trace(id("t")), 9).comment("again")]);
        seal(store);
        let fields = store.snapshot().score(&id("s1")).unwrap().unwrap();
        assert_eq!(fields.float(Field::ScoreNumber), None, "{what}");
        assert_eq!(fields.text(Field::Comment), Some("again"), "{what}");
        assert_eq!(store.stats().unwrap().scores, 4, "{what}");
    });
}

#[test]
fn erasing_what_is_not_there_does_nothing() {
    let world = World::new();
    let store = world.store();
    append(&store, [erase_trace("t", 0), erase_observation("u", "a"), erase_score("s")]);
    for seal in [quick, full] {
        assert_eq!(Dump::of(&store.snapshot()).len(), 0);
        assert_eq!(store.stats().unwrap().traces, 0);
        seal(&store);
    }
    fill(&store);
    assert_eq!(Dump::of(&store.snapshot()).observations(), 3);
}

#[test]
fn a_batch_may_erase_and_append_again() {
    for durability in [Durability::Os, Durability::Disk] {
        let mut world = World::new();
        world.options.durability = durability;
        let store = world.store();
        append::<Record>(
            &store,
            [
                observation("t", "old", 0).into(),
                erase_trace("t", 1),
                observation("t", "new", 2).into(),
            ],
        );
        for _ in 0..2 {
            let tree = store.snapshot().trace(&id("t")).unwrap().unwrap();
            assert_eq!((tree.len(), tree.id(0)), (1, Some(id("new"))));
            quick(&store);
        }
    }
}

#[test]
fn nothing_erased_is_left_in_the_files_after_a_full_seal() {
    let world = World::new();
    let store = world.store();
    let secret = "a-secret-that-is-looked-for";
    append::<Record>(
        &store,
        [
            trace("t", 0).user(secret).into(),
            observation("t", secret, 1).status_message(secret).into(),
        ],
    );
    append(&store, [trace("u", 0)]);
    quick(&store);
    append(&store, [erase_trace("t", 0)]);
    full(&store);
    store.close().unwrap();
    for path in crate::world::files(&world.path(), "") {
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

#[test]
fn a_trace_whose_only_observation_is_erased_is_gone_wherever_it_lay() {
    for (before, after) in SEALS {
        let world = World::new();
        let store = world.store();
        append(&store, [observation("t", "a", 1).input("first")]);
        if let Some(seal) = before {
            seal(&store);
        }
        append(&store, [erase_observation("t", "a")]);
        if let Some(seal) = after {
            seal(&store);
        }
        let snapshot = store.snapshot();
        assert!(snapshot.trace_state(&id("t")).unwrap().is_none());
        assert!(snapshot.trace(&id("t")).unwrap().is_none());
        assert_eq!((Dump::of(&snapshot).len(), store.stats().unwrap().traces), (0, 0));
        store.close().unwrap();
    }
}
