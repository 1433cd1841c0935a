//! A batch is appended whole or not at all, in order, by any number of threads.

use crate::world::{Dump, World, append, at, batch, id, observation, trace};
use tracekeep::model::{Field, ObservationRecord, Operation};
use tracekeep::{Background, Batch, Commit, Durability, ErrorKind, Options, Store, limits};

#[test]
fn a_commit_carries_the_seq_of_its_last_record() {
    let store_of = |durability| {
        let mut world = World::new();
        world.options.durability = durability;
        world
    };
    for durability in [Durability::Os, Durability::Disk, Durability::DiskStrict] {
        let world = store_of(durability);
        let store = world.store();
        let first = store.append(batch([trace("a", 0), trace("b", 1), trace("c", 2)])).unwrap();
        assert_eq!(first.seq().0, 3);
        let second = store.append(batch([trace("d", 3)])).unwrap();
        assert_eq!((second.seq().0, second.wait().unwrap().0), (4, 4));
        assert!(first.is_done() && second.is_done());
        let snapshot = store.snapshot();
        assert_eq!((snapshot.seq().0, Dump::of(&snapshot).len()), (4, 4));
        store.close().unwrap();
        assert_eq!(Dump::of(&world.store().snapshot()).len(), 4, "{durability:?}");
    }
}

#[test]
fn an_empty_batch_is_done_at_once() {
    let world = World::new();
    let store = world.store();
    assert_eq!(store.append(Batch::new()).unwrap().wait().unwrap().0, 0);
    assert_eq!(store.append_and_wait(Batch::new()).unwrap().0, 0);
    append(&store, [trace("a", 0)]);
    let commit = store.append(Batch::new()).unwrap();
    assert!(commit.is_done());
    assert_eq!(commit.wait().unwrap().0, 1);
    assert_eq!(store.snapshot().seq().0, 1);
}

#[test]
fn one_thread_keeps_many_in_flight() {
    for durability in [Durability::Os, Durability::Disk] {
        let mut world = World::new();
        world.options.durability = durability;
        let store = world.store();
        let commits: Vec<Commit> = (0..400)
            .map(|i| {
                let name = format!("o{i}");
                let text = format!("{i} ").repeat(200);
                store.append(batch([observation("t", &name, i).input(text)])).unwrap()
            })
            .collect();
        assert!(commits.windows(2).all(|c| c[0].seq() < c[1].seq()));
        // A later one that is done means that the earlier ones are.
        commits.last().unwrap().wait().unwrap();
        assert!(commits.iter().all(Commit::is_done));
        assert_eq!(Dump::of(&store.snapshot()).observations(), 400);
    }
}

fn many_threads(world: &World) {
    let store = world.store();
    let (threads, batches, records) = (4, 40, 3);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let store = &store;
            scope.spawn(move || {
                let mut last = 0;
                for b in 0..batches {
                    let records = (0..records).map(|r| {
                        let name = format!("{thread}-{b}-{r}");
                        observation(&format!("t{thread}"), &name, b)
                            .input(format!("{thread} {b} {r} ").repeat(50))
                    });
                    let seq = match thread % 2 {
                        0 => store.append(batch(records)).unwrap().wait().unwrap(),
                        _ => store.append_and_wait(batch(records)).unwrap(),
                    };
                    assert!(seq.0 > last);
                    last = seq.0;
                    let seen = store.snapshot();
                    assert!(seen.seq() >= seq, "read your writes");
                    let own = (id(&format!("t{thread}")), id(&format!("{thread}-{b}-2")));
                    assert!(seen.observation(&own.0, &own.1).unwrap().is_some());
                }
            });
        }
    });
    let all = threads * batches * records;
    assert_eq!(store.snapshot().seq().0 as i64, all);
    assert_eq!(Dump::of(&store.snapshot()).observations() as i64, all);
    store.close().unwrap();
    assert_eq!(Dump::of(&world.store().snapshot()).observations() as i64, all);
}

#[test]
fn many_threads_append_at_once() {
    many_threads(&World::new());
}

#[test]
fn many_threads_append_while_logs_are_sealed() {
    let mut world = World::new();
    world.options = Options {
        durability: Durability::Os,
        background: Background::On,
        log_bytes_max: 4 << 10,
        seal_logs: 1,
        seal_level: 1,
        ..Options::default()
    };
    many_threads(&world);
}

#[test]
fn a_refused_record_leaves_the_batch_as_it_was() {
    let mut batch = batch([trace("t", 0)]);
    let long = "x".repeat(limits::TEXT_BYTES_MAX + 1);
    let error = batch.push(trace("t", 0).user(long)).unwrap_err();
    assert_eq!((batch.len(), batch.payload_bytes()), (1, 0));
    assert!(error.to_string().contains("65536"), "{error}");
    batch.push(observation("t", "a", 1).input("abc")).unwrap();
    assert_eq!((batch.len(), batch.payload_bytes()), (2, 3));
    let world = World::new();
    let store = world.store();
    store.append(batch).unwrap().wait().unwrap();
    assert_eq!(Dump::of(&store.snapshot()).observations(), 1);
}

#[test]
fn every_limit_has_an_error_of_its_own() {
    let push = |record: ObservationRecord| Batch::new().push(record).unwrap_err();
    let observation = || observation("t", "a", 0);
    let error = push(observation().input(vec![0; limits::PAYLOAD_BYTES_MAX + 1]));
    assert!(error.to_string().contains(&limits::PAYLOAD_BYTES_MAX.to_string()), "{error}");
    let many = (0..=limits::MAP_ENTRIES_MAX).map(|i| (format!("k{i}").into(), 1)).collect();
    let error = push(observation().usage(many));
    assert!(error.to_string().contains(&limits::MAP_ENTRIES_MAX.to_string()), "{error}");

    let mut batch = Batch::new();
    for i in 0..limits::BATCH_RECORDS_MAX {
        batch.push(trace("t", i as i64)).unwrap();
    }
    let error = batch.push(trace("t", 0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(batch.len(), limits::BATCH_RECORDS_MAX);

    let mut batch = Batch::new();
    let half = vec![b'x'; limits::BATCH_BYTES_MAX / 2];
    batch.push(observation().input(half.clone())).unwrap();
    batch.push(observation().input(half)).unwrap();
    let error = batch.push(observation().input("1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    batch.push(trace("t", 0)).unwrap();
}

#[test]
fn a_full_batch_of_short_bytes_goes_through_beside_others() {
    // More skeleton bytes wait for the writer than one frame holds.
    let world = World::new();
    let store = world.store();
    let mut rng = tracekeep_workload::Rng::new(7);
    let mut noise = || -> String {
        (0..7_500).map(|_| char::from(b'!' + (rng.next_u64() % 90) as u8)).collect()
    };
    let pool: Vec<String> = (0..64).map(|_| noise()).collect();
    let mut commits = Vec::new();
    for b in 0..10 {
        let mut batch = Batch::new();
        for r in 0..1_800usize {
            // Rotated, so that no two are alike at the same place.
            let text = &pool[(r + b) % pool.len()];
            let (head, tail) = text.split_at((r * 31 + b) % text.len());
            let record = observation(&format!("t{r}"), &format!("{b}-{r}"), r as i64);
            batch.push(record.status_message(format!("{tail}{head}"))).unwrap();
        }
        commits.push(store.append(batch).unwrap());
    }
    for commit in commits {
        commit.wait().unwrap();
    }
    assert_eq!(store.stats().unwrap().observations, 18_000);
    store.close().unwrap();
    assert_eq!(world.store().stats().unwrap().observations, 18_000);
}

#[test]
fn user_session_and_tags_of_an_observation_are_its_traces() {
    let world = World::new();
    let store = world.store();
    let record = ObservationRecord::new(id("t"), id("a"), at(0), Operation::Create)
        .user("ada")
        .session(id("s"))
        .tags(vec!["x".into(), "a".into()]);
    append(&store, [record]);
    for _ in 0..2 {
        let snapshot = store.snapshot();
        let state = snapshot.trace_state(&id("t")).unwrap().unwrap();
        assert_eq!(state.fields.text(Field::User), Some("ada"));
        assert_eq!(state.fields.id(Field::Session), Some(&id("s")));
        assert_eq!(state.fields.tags(), &["a".into(), "x".into()]);
        crate::world::quick(&store);
    }
}

#[test]
fn waiting_appenders_of_a_dropped_store_are_answered() {
    let world = World::new();
    let store: Store = world.store();
    let commits: Vec<Commit> =
        (0..50).map(|i| store.append(batch([trace(&format!("t{i}"), i)])).unwrap()).collect();
    drop(store);
    for commit in commits {
        commit.wait().unwrap();
    }
    assert_eq!(Dump::of(&world.store().snapshot()).len(), 50);
}
