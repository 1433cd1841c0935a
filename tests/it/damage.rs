//! Damage in one segment is met by who reads it; the rest goes on.

use crate::world::{World, append, at, flip, id, lines, observation, trace};
use std::path::PathBuf;
use tracekeep::model::{Record, TimeRange, Timestamp};
use tracekeep::{
    Background, Error, ErrorKind, Options, Order, SealLevel, Snapshot, Store, TraceQuery,
};

/// Segments of a trace each, `t0` the oldest, an hour apart.
fn of_segments(count: i64) -> World {
    let world = World::new();
    let store = world.store();
    for t in 0..count {
        let (name, ms) = (format!("t{t}"), t * 3_600_000);
        let own = observation(&name, "own", ms).input(format!("what {t} was asked")).end(start(t));
        append::<Record>(&store, [own.into(), trace(&name, ms).into()]);
        store.seal(SealLevel::Quick).unwrap();
    }
    store.close().unwrap();
    world
}

fn start(t: i64) -> Timestamp {
    at(t * 3_600_000)
}

fn skeletons(world: &World) -> Vec<PathBuf> {
    let mut files = world.files("seg-");
    files.retain(|path| path.extension().is_some_and(|end| end == "tks"));
    files
}

/// Flips a bit in the first zone of this column, or in the middle of this section, of the segment
/// of `t`.
fn damage(world: &World, t: usize, name: &str) -> PathBuf {
    let path = skeletons(world).remove(t);
    let named = |kind| lines(&path, kind).into_iter().find(|(_, _, found)| found == name);
    let at = match named("column") {
        Some((offset, ..)) => offset + 8,
        None => named("section").map(|(offset, len, _)| offset + len / 2).unwrap(),
    };
    flip(&path, at);
    path
}

fn is_in<T: std::fmt::Debug>(path: &PathBuf, outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.corruption().map(|c| &c.file), Some(path), "{error}");
}

fn read(snapshot: &Snapshot, t: i64) -> Result<usize, Error> {
    let (trace, mut bytes) = (id(&format!("t{t}")), 0);
    snapshot.payloads(&trace, &mut |_, _, payload| {
        bytes += payload.len();
        Ok(())
    })?;
    Ok(snapshot.trace(&trace)?.map_or(0, |tree| tree.len()) + bytes)
}

#[test]
fn a_damaged_column_is_met_by_who_reads_that_segment_and_nobody_else() {
    let world = of_segments(4);
    let path = damage(&world, 1, "OBS_NAME");
    let store = world.store();
    let snapshot = store.snapshot();
    for _ in 0..2 {
        is_in(&path, read(&snapshot, 1));
        for t in [0, 2, 3] {
            assert!(read(&snapshot, t).unwrap() > 10);
        }
    }
    assert!(snapshot.trace(&id("nobody")).unwrap().is_none());
    assert_eq!(snapshot.traces(&TraceQuery::default()).unwrap().traces.len(), 4);
    assert_eq!(store.stats().unwrap().traces, 4);
    is_in(&path, snapshot.scan(TimeRange::ALL, &mut |_| Ok(())));
    drop(snapshot);
    store.close().unwrap();
    damage(&world, 1, "TRACE_NAME");
    let store = world.store();
    let snapshot = store.snapshot();
    is_in(&path, snapshot.traces(&TraceQuery::default()));
    let since = TimeRange { start: start(2), ..TimeRange::ALL };
    let newer = snapshot.traces(&TraceQuery { range: since, ..TraceQuery::default() }).unwrap();
    assert_eq!(newer.traces.len(), 2);
    let none = TraceQuery { session: Some("nobody's".to_owned()), ..TraceQuery::default() };
    assert_eq!(snapshot.traces(&none).unwrap().traces.len(), 0, "lookups tell without columns");
    drop(snapshot);
    // What is new is stored and sealed; only what needs the damaged segment says that it cannot.
    append(&store, [observation("t9", "new", 99).input("new")]);
    store.seal(SealLevel::Quick).unwrap();
    assert!(read(&store.snapshot(), 9).unwrap() > 0);
    append(&store, [observation("t1", "more", 99).input("more")]);
    is_in(&path, store.seal(SealLevel::Quick).map(|_| ()));
    is_in(&path, store.stats().map(|_| ()));
    store.close().unwrap();
    is_in(&path, Store::open_read_only(world.path()).and_then(|s| read(&s.snapshot(), 1)));
}

#[test]
fn a_damaged_lookup_hides_no_trace() {
    let world = of_segments(3);
    let path = damage(&world, 1, "LOOKUP_TRACE");
    let store = world.store();
    // Whether the damaged one holds a trace cannot be told.
    for t in 0..3 {
        is_in(&path, read(&store.snapshot(), t));
    }
    is_in(&path, store.snapshot().trace(&id("nobody")));
}

#[test]
fn which_rows_are_dead_is_known_before_anything_is_read() {
    let world = of_segments(2);
    let store = world.store();
    append(&store, [observation("t0", "own", 5).input("another input")]);
    store.seal(SealLevel::Quick).unwrap();
    store.close().unwrap();
    let path = damage(&world, 2, "OLD_ROW");
    let options = world.options.clone();
    is_in(&path, Store::builder().options(options).open(world.path()).map(|_| ()));
    is_in(&path, Store::open_read_only(world.path()).map(|_| ()));
}

#[test]
fn joins_that_meet_damage_stop_nothing_else() {
    let world = of_segments(4);
    let path = damage(&world, 2, "OBS_NAME");
    let options = Options { background: Background::On, ..world.options.clone() };
    let store = Store::builder().options(options).open(world.path()).unwrap();
    for n in 0..200 {
        let name = format!("new {n}");
        append(&store, [observation(&name, "own", n).input("x".repeat(1_000))]);
    }
    store.seal(SealLevel::Quick).unwrap();
    let error = store.seal(SealLevel::Full).unwrap_err();
    assert_eq!((error.kind(), &error.corruption().unwrap().file), (ErrorKind::Corruption, &path));
    let snapshot = store.snapshot();
    assert!(read(&snapshot, 0).unwrap() > 0);
    for n in 0..200 {
        assert!(snapshot.trace(&id(&format!("new {n}"))).unwrap().is_some());
    }
    drop(snapshot);
    store.close().unwrap();
}

/// Of twenty segments, which are to be joined, one cannot be read; every record finishes a log,
/// every log is to be sealed, and appends wait until there is none.
fn with_an_overdue_join_that_fails() -> (World, Store) {
    let world = of_segments(20);
    damage(&world, 2, "OBS_NAME");
    let options = Options {
        background: Background::On,
        seal_logs: 1,
        log_bytes_max: 4 << 10,
        live_bytes_max: 4 << 10,
        stream_bytes_max: 1 << 10,
        ..world.options.clone()
    };
    let store = Store::builder().options(options).open(world.path()).unwrap();
    (world, store)
}

fn append_new(store: &Store, n: i64) {
    let name = format!("new {n}");
    append(store, [observation(&name, "own", n).input(format!("{n} ").repeat(1_000))]);
}

#[test]
fn a_join_that_cannot_be_made_and_is_overdue_keeps_no_log_from_being_sealed() {
    let (world, store) = with_an_overdue_join_that_fails();
    let sealed = || skeletons(&world).len();
    let before = sealed();
    for n in 0..2_000 {
        append_new(&store, n);
        if sealed() > before {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(sealed() > before, "no log was sealed");
    store.close().unwrap();
}

#[test]
fn a_join_that_cannot_be_made_refuses_no_append() {
    let (_world, store) = with_an_overdue_join_that_fails();
    for n in 0..100 {
        append_new(&store, n);
    }
    assert!(store.snapshot().trace(&id("new 99")).unwrap().is_some());
    store.close().unwrap();
}

#[test]
fn a_page_reads_the_groups_of_rows_that_it_reaches() {
    let world = World::new();
    let store = world.store();
    let name = |n: i64| format!("t{n}");
    for some in 0..25 {
        let traces = (some * 100..some * 100 + 100).map(|n| trace(&name(n), n));
        append(&store, traces.collect::<Vec<_>>());
    }
    append(&store, [observation("t7", "old", 7)]);
    store.seal(SealLevel::Quick).unwrap();
    store.close().unwrap();
    // In the first of three groups of traces.
    let path = damage(&world, 0, "TRACE_NAME");
    let store = world.store();
    let snapshot = store.snapshot();
    let newest = TraceQuery { limit: 50, ..TraceQuery::default() };
    assert_eq!(snapshot.traces(&newest).unwrap().traces.len(), 50);
    let oldest = TraceQuery { order: Order::OldestFirst, ..newest.clone() };
    is_in(&path, snapshot.traces(&oldest));
    let since = TimeRange { start: at(1_500), ..TimeRange::ALL };
    assert_eq!(snapshot.traces(&TraceQuery { range: since, ..oldest }).unwrap().traces.len(), 50);
    is_in(&path, snapshot.trace(&id("t7")));
    for t in 1_100..1_200 {
        assert!(snapshot.trace(&id(&name(t))).unwrap().is_some(), "trace {t}");
    }
}
