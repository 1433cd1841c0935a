//! Many segments are looked up through one index.

use crate::world::{Dump, World, append, assert_same, full, id, observation, quick, score};
use tracekeep::model::{Record, Subject};
use tracekeep::{Background, Durability, Options, Store, limits};

/// One index and as many segments outside of it as there may be.
const SEGMENTS: usize = 2 * limits::UNINDEXED_SEGMENTS_MAX + 1;

fn about(trace: &str) -> Subject {
    Subject::Trace(id(trace))
}

/// Each segment holds a trace of its own and a piece of one that lies in all of them, and a score of
/// each.
fn fill(store: &Store) {
    fill_with(store, SEGMENTS);
}

fn fill_with(store: &Store, segments: usize) {
    for i in 0..segments as i64 {
        let own = format!("own {i}");
        append::<Record>(
            store,
            [
                observation("everywhere", &format!("o{i}"), i).input(format!("piece {i}")).into(),
                observation(&own, "a", i).input(own.clone()).into(),
                score(&format!("of everywhere {i}"), about("everywhere"), i).into(),
                score(&format!("of {own}"), about(&own), i).into(),
            ],
        );
        quick(store);
    }
}

fn check(store: &Store, what: &str) {
    check_with(store, SEGMENTS, what);
}

fn check_with(store: &Store, segments: usize, what: &str) {
    let snapshot = store.snapshot();
    let tree = snapshot.trace(&id("everywhere")).unwrap().unwrap();
    assert_eq!(tree.len(), segments, "{what}");
    for i in 0..segments {
        let input = snapshot.input(&id(&format!("own {i}")), &id("a")).unwrap().unwrap();
        assert_eq!(input, format!("own {i}").as_bytes(), "{what}");
        let input = snapshot.input(&id("everywhere"), &id(&format!("o{i}"))).unwrap().unwrap();
        assert_eq!(input, format!("piece {i}").as_bytes(), "{what}");
        assert!(snapshot.score(&id(&format!("of everywhere {i}"))).unwrap().is_some(), "{what}");
        let own = snapshot.scores(&id(&format!("own {i}"))).unwrap();
        assert_eq!(own.len(), 1, "{what}");
        assert_eq!(own[0].0, id(&format!("of own {i}")), "{what}");
    }
    assert_eq!(snapshot.scores(&id("everywhere")).unwrap().len(), segments, "{what}");
    assert!(snapshot.score(&id("of nobody")).unwrap().is_none(), "{what}");
    assert!(snapshot.scores(&id("nowhere")).unwrap().is_empty(), "{what}");
    assert!(snapshot.trace_state(&id("nowhere")).unwrap().is_none(), "{what}");
    assert_eq!(store.stats().unwrap().traces as usize, segments + 1, "{what}");
}

#[test]
fn it_is_written_found_again_and_rebuilt() {
    let world = World::new();
    let store = world.store();
    fill(&store);
    assert_eq!(world.files("index-").len(), 1);
    assert_eq!(store.stats().unwrap().segments as usize, SEGMENTS);
    check(&store, "indexed");
    let before = Dump::of(&store.snapshot());
    store.close().unwrap();
    let store = world.store();
    assert!(store.recovery().notes.is_empty(), "{:?}", store.recovery().notes);
    check(&store, "reopened");
    store.close().unwrap();

    let path = world.files("index-").pop().unwrap();
    let good = std::fs::read(&path).unwrap();
    let mut broken = vec![None, Some(good[..good.len() / 2].to_vec()), Some(Vec::new())];
    for at in (0..good.len()).step_by(good.len() / 12) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        broken.push(Some(bytes));
    }
    for bytes in broken {
        let what = format!("index of {:?} bytes", bytes.as_ref().map(Vec::len));
        let twin = world.twin();
        let path = twin.files("index-").pop().unwrap();
        match bytes {
            Some(bytes) => std::fs::write(path, bytes).unwrap(),
            None => std::fs::remove_file(path).unwrap(),
        }
        let reader = Store::open_read_only(twin.path()).unwrap();
        assert_same(&before, &Dump::of(&reader.snapshot()), &what);
        let store = twin.store();
        assert_eq!(store.recovery().notes.len(), 1, "{what}: {:?}", store.recovery().notes);
        check(&store, &what);
        append(&store, [observation("own 0", "a", 0)]);
        quick(&store);
        assert_eq!(twin.files("index-").len(), 1, "{what}: it is there again");
        check(&store, &what);
    }
}

/// As many as a number has ones: each covers twice what the next one does.
#[test]
fn few_cover_many_segments() {
    let each = limits::UNINDEXED_SEGMENTS_MAX + 1;
    let world = World::new();
    let store = world.store();
    let mut segments = 0;
    for ones in [1, 1, 2, 1, 2, 2, 3, 1] {
        for i in segments..segments + each {
            let record = observation(&format!("own {i}"), "a", i as i64).input(format!("own {i}"));
            append(&store, [record, observation("everywhere", &format!("o{i}"), i as i64)]);
            quick(&store);
        }
        segments += each;
        assert_eq!(world.files("index-").len(), ones, "{segments} segments");
    }
    let before = Dump::of(&store.snapshot());
    assert_eq!(before.observations(), 2 * segments);
    store.close().unwrap();

    // All of them are lost and built again, a few segments at a time.
    world.files("index-").iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let store = world.store();
    assert_eq!(store.recovery().notes.len(), 1, "{:?}", store.recovery().notes);
    append(&store, [observation("own 0", "a", 0)]);
    quick(&store);
    assert_eq!(world.files("index-").len(), 1);
    assert_eq!(Dump::of(&store.snapshot()).observations(), 2 * segments);
    store.close().unwrap();
    let mut findings = Vec::new();
    let verdict = tracekeep::verify(&world.path(), &mut |f| findings.push(f)).unwrap();
    assert_eq!((verdict, findings), (tracekeep::Verdict::Clean, Vec::new()));
}

#[test]
fn it_outlives_segments_that_are_joined() {
    let covered = 4 * (limits::UNINDEXED_SEGMENTS_MAX + 1);
    let mut world = World::new();
    let store = world.store();
    fill_with(&store, covered);
    store.close().unwrap();
    assert_eq!(world.files("index-").len(), 1);

    // Room for the newest few: the background joins them as soon as the store is open.
    world.options.background = Background::On;
    world.options.rewrite_bytes_max = 8_000;
    let store = world.store();
    while store.stats().unwrap().segments as usize == covered {
        std::thread::yield_now();
    }
    check_with(&store, covered, "joined");
    let root = tempfile::tempdir().unwrap();
    let backup = root.path().join("backup");
    store.backup(&backup).unwrap();
    store.close().unwrap();
    assert_eq!(world.files("index-").len(), 1, "the index is still used");
    for path in [&world.path(), &backup] {
        let mut findings = Vec::new();
        let verdict = tracekeep::verify(path, &mut |f| findings.push(f)).unwrap();
        assert_eq!((verdict, findings), (tracekeep::Verdict::Clean, Vec::new()));
        let store = Store::open(path).unwrap();
        assert!(store.recovery().notes.is_empty(), "{:?}", store.recovery().notes);
        check_with(&store, covered, "reopened");
    }
}

#[test]
fn a_full_seal_needs_none() {
    let world = World::new();
    let store = world.store();
    fill(&store);
    full(&store);
    check(&store, "one segment");
    assert_eq!(world.files("seg-").len(), 2);
    store.close().unwrap();
    let store = world.store();
    check(&store, "one segment, reopened");
    assert!(world.files("index-").is_empty(), "nothing names it");
}

#[test]
fn the_background_seals_and_indexes_by_itself() {
    let mut world = World::new();
    world.options = Options {
        durability: Durability::Os,
        background: Background::On,
        log_bytes_max: 200,
        seal_logs: 1,
        seal_level: 1,
        ..Options::default()
    };
    let store = world.store();
    for i in 0..120 {
        append(&store, [observation(&format!("t{i}"), "a", i).input(format!("input {i}"))]);
    }
    // The last one may still be at work.
    full(&store);
    for i in 0..120 {
        let input = store.snapshot().input(&id(&format!("t{i}")), &id("a")).unwrap().unwrap();
        assert_eq!(input, format!("input {i}").as_bytes());
    }
    let stats = store.stats().unwrap();
    assert_eq!((stats.traces, stats.logs, stats.segments), (120, 0, 1));
}
