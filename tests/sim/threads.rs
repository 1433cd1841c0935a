//! Many batches in flight and sealing in the background: what is written when differs from run to
//! run, so these images count for nothing but themselves.

use crate::seed;
use std::sync::Arc;
use tracekeep::clock::ManualClock;
use tracekeep::model::{ObservationRecord, Operation, Timestamp};
use tracekeep::{Background, Batch, Durability, Id, Options, Store, StoreBuilder};
use tracekeep_crash::disk::{Image, Mark, Op, SimFs};
use tracekeep_crash::states::{Replay, Strength, Unsynced, choices};
use tracekeep_workload::mix;

const BATCHES: usize = 60;

fn open(fs: &SimFs, durability: Durability) -> Store<SimFs> {
    let options = Options {
        durability,
        background: Background::On,
        log_bytes_max: 4096,
        seal_logs: 2,
        marker_ms: 1,
        ..Options::default()
    };
    let clock = Arc::new(ManualClock::default());
    StoreBuilder::new(fs.clone()).options(options).clock(clock).open("store").unwrap()
}

fn input(n: usize) -> Vec<u8> {
    (0..200).map(|i| (mix((n * 1000 + i) as u64) % 90) as u8 + 33).collect()
}

fn batch(n: usize) -> Batch {
    let mut batch = Batch::new();
    let (trace, own) = (id(n / 4), Id::parse(&format!("o{n}")).unwrap());
    let at = Timestamp(n as i64 + 1);
    let record = ObservationRecord::new(trace, own, at, Operation::Create).start(at);
    batch.push(record.input(input(n))).unwrap();
    batch
}

fn id(n: usize) -> Id {
    Id::parse(&format!("t{n}")).unwrap()
}

/// Appends with up to eight in flight, and marks what was acknowledged.
fn workload(durability: Durability) -> Vec<Op> {
    let fs = SimFs::new();
    let store = open(&fs, durability);
    let mut waiting = std::collections::VecDeque::new();
    for n in 0..BATCHES {
        // Joins that are under way are given up here and there.
        match n % 8 {
            0 => store.pause_compaction(),
            2 => store.resume_compaction(),
            _ => {}
        }
        waiting.push_back(store.append(batch(n)).unwrap());
        if waiting.len() == 8 {
            waiting.pop_front().unwrap().wait().unwrap();
            fs.mark(Mark::Acknowledged(n + 1 - waiting.len(), durability));
        }
    }
    store.close().unwrap();
    fs.mark(Mark::Durable(BATCHES));
    assert!(fs.broken().is_empty(), "{:?}", fs.broken());
    fs.log()
}

/// What a recovered store holds is a prefix, byte for byte, of at least what was promised.
fn check(image: &Image, durability: Durability, least: usize, what: &str) {
    let fs = SimFs::of(image);
    let store = open(&fs, durability);
    let snapshot = store.snapshot();
    let there = snapshot.seq().0 as usize;
    assert!((least..=BATCHES).contains(&there), "{what}: {there} batches, {least} promised");
    for n in 0..BATCHES {
        let own = Id::parse(&format!("o{n}")).unwrap();
        let found = snapshot.input(&id(n / 4), &own).unwrap();
        assert_eq!(found, (n < there).then(|| input(n)), "{what}: batch {n} of {there}");
    }
}

#[test]
fn many_in_flight_and_sealing_in_the_background() {
    let seed = seed();
    let strength = Strength { exhaustive_atoms: 2, samples: 1, most: 200 };
    for durability in [Durability::Disk, Durability::DiskStrict, Durability::Os] {
        let log = workload(durability);
        let mut replay = Replay::of(&Image::default());
        let mut least = 0;
        for (at, op) in log.iter().enumerate() {
            replay.apply(op);
            match op {
                Op::Mark(Mark::Acknowledged(n, level)) if *level != Durability::Os => least = *n,
                Op::Mark(Mark::Durable(n)) => least = *n,
                _ => {}
            }
            let unsynced = Unsynced::of(&replay);
            let all = choices(unsynced.atoms(), unsynced.grows(), strength, mix(seed ^ at as u64));
            // The logs are long: a few states of each moment.
            for choice in all.iter().skip(at % 5).step_by(5) {
                let what = format!("{durability:?}, operation {at}, {choice}");
                check(&unsynced.image(choice), durability, least, &what);
            }
        }
    }
}
