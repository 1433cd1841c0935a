//! The threads of a store under every schedule that chance comes up with: the engine's own code,
//! over the locks and threads of shuttle (see `src/sync.rs`), on a disk in memory.
//!
//! ```sh
//! cargo test -p tracekeep-crash --features shuttle --test schedules
//! ```
//!
//! Each case runs under so many random schedules, and under so many of PCT (which changes
//! priorities at a few moments only, and is sure to find what needs few changes). A failure prints
//! the seed and the schedule; `SIM_SEED` takes the seed back, `SCHEDULES` says how many.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a helper that fails is a test that fails"
)]

/// A disk whose every operation is a place to switch threads, and may fail.
mod disk;
/// Stores, batches, and what a snapshot must say.
mod world;

use disk::Faults;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracekeep::{Durability, ErrorKind, SealLevel};
use world::{World, acknowledge, append_and_wait, batch, check, contents, some_alone};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(otherwise)
}

/// Runs a case under random schedules and under those of PCT.
fn schedules(name: &str, case: fn()) {
    let seed = number("SIM_SEED", 20_260_112);
    let count = number("SCHEDULES", 4_000) as usize;
    eprintln!("{name}: SIM_SEED={seed}, {count} random schedules and {} of PCT", count / 2);
    run(RandomScheduler::new_from_seed(seed, count), case);
    run(PctScheduler::new_from_seed(seed, 3, count / 2), case);
}

fn run(scheduler: impl Scheduler + 'static, case: fn()) {
    let mut config = Config::new();
    // The engine compresses on its threads' stacks.
    config.stack_size = 1 << 20;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(case);
}

/// Any level.
fn level() -> Durability {
    use shuttle::rand::Rng;
    [Durability::Os, Durability::Disk, Durability::DiskStrict]
        [shuttle::rand::thread_rng().gen_range(0..3)]
}

/// What several threads append is in one order, visible when it is acknowledged, and there after
/// the store was closed, or killed, and opened again.
#[test]
fn commits_of_many_threads() {
    schedules("commits", || {
        let world = World::new(level(), Faults::default());
        let store = Arc::new(world.open());
        let before = some_alone(&store);
        let appender = |who: u64| {
            let store = Arc::clone(&store);
            shuttle::thread::spawn(move || {
                for n in 0..3 {
                    let seq = append_and_wait(&store, who, n).unwrap();
                    assert!(store.snapshot().seq() >= seq, "acknowledged and not visible");
                    assert!(contents(&store.snapshot()).contains(&(who, n)));
                }
            })
        };
        let threads = [appender(1), appender(2)];
        let commit = store.append(batch(0, before)).unwrap();
        commit.wait().unwrap();
        assert!(commit.is_done());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let killed = world.killed();
        assert_eq!(check(&killed.open().snapshot()), before + 7);
        assert_eq!(check(&store.snapshot()), before + 7);
        Arc::into_inner(store).unwrap().close().unwrap();
        assert_eq!(check(&world.killed().open().snapshot()), before + 7);
    });
}

/// A disk that is full for a while refuses some batches whole, keeps the others, and nobody waits
/// for ever.
#[test]
fn refusal_on_a_full_disk() {
    schedules("refusal", || {
        let world = World::new(Durability::Disk, Faults::full_for_a_while());
        let store = Arc::new(world.open());
        world.faults().start();
        let appender = |who: u64| {
            let store = Arc::clone(&store);
            shuttle::thread::spawn(move || acknowledge(&store, who, 4, ErrorKind::StorageFull))
        };
        let threads = [appender(1), appender(2)];
        let mut kept: Vec<_> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        // Who is told of a full disk, and knows that there is space again, is not refused once more.
        world.faults().refuse_once();
        let refused = append_and_wait(&store, 0, 0);
        // A marker may have met it instead, and that can wait.
        kept.extend(refused.is_ok().then_some((0, 0)));
        append_and_wait(&store, 0, 1).unwrap();
        kept.push((0, 1));
        kept.sort_unstable();
        // What was refused is nowhere, and nothing else is missing.
        assert_eq!(contents(&store.snapshot()), kept);
        Arc::into_inner(store).unwrap().close().unwrap();
        assert_eq!(contents(&world.killed().open().snapshot()), kept);
    });
}

/// A sync that fails ends appending: everybody is told, what was acknowledged stays, and closing
/// says why.
#[test]
fn poison_after_a_failed_sync() {
    schedules("poison", || {
        let world = World::new(level(), Faults::failing_sync());
        let store = Arc::new(world.open());
        let alone = some_alone(&store);
        world.faults().start();
        let appender = |who: u64| {
            let store = Arc::clone(&store);
            shuttle::thread::spawn(move || acknowledge(&store, who, 4, ErrorKind::Poisoned))
        };
        let threads = [appender(1), appender(2)];
        let mut kept: Vec<_> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        kept.extend((0..alone).map(|n| (0, n)));
        let seen = contents(&store.snapshot());
        assert!(kept.iter().all(|k| seen.contains(k)), "{kept:?} in {seen:?}");
        let failed = world.faults().failed();
        let closed = Arc::into_inner(store).unwrap().close();
        assert!(!failed || closed.is_err(), "a failed sync was forgotten");
        world.faults().stop();
        let found = contents(&world.killed().open().snapshot());
        assert!(kept.iter().all(|k| found.contains(k)), "{kept:?} in {found:?}");
    });
}

/// A snapshot holds exactly the records up to its seq, whatever is published, finished or sealed
/// meanwhile, and never fewer than an older one or than what was acknowledged before it.
#[test]
fn publication_and_view_changes() {
    schedules("publication", || {
        let world = World::new(level(), Faults::default()).with_small_logs();
        let store = Arc::new(world.open());
        let acknowledged = Arc::new(AtomicU64::new(0));
        let reader = {
            let (store, acknowledged) = (Arc::clone(&store), Arc::clone(&acknowledged));
            shuttle::thread::spawn(move || {
                let mut before = 0;
                for _ in 0..4 {
                    let least = acknowledged.load(Ordering::SeqCst);
                    let snapshot = store.snapshot();
                    let seen = check(&snapshot);
                    assert!(seen >= before.max(least), "{seen} after {before}, {least}");
                    before = seen;
                    shuttle::thread::yield_now();
                    assert_eq!(check(&snapshot), seen, "a snapshot changed");
                }
            })
        };
        for n in 0..5 {
            let seq = store.append(batch(0, n)).unwrap().wait().unwrap();
            acknowledged.store(seq.0, Ordering::SeqCst);
        }
        reader.join().unwrap();
        Arc::into_inner(store).unwrap().close().unwrap();
        assert_eq!(check(&world.killed().open().snapshot()), 5);
    });
}

/// Readers, the sealer and two who ask it to seal: snapshots from before read what they read
/// before, a follower sees a prefix with all that was acknowledged.
#[test]
fn readers_and_the_sealer() {
    schedules("sealing", || {
        let world = World::new(Durability::Os, Faults::default()).with_small_logs();
        let store = Arc::new(world.open());
        store.append(batch(0, 0)).unwrap().wait().unwrap();
        let old = store.snapshot();
        let follower = world.follow();
        let sealer = {
            let store = Arc::clone(&store);
            shuttle::thread::spawn(move || store.seal(SealLevel::Quick).unwrap())
        };
        let reader = shuttle::thread::spawn(move || {
            for _ in 0..3 {
                follower.refresh().unwrap();
                let snapshot = follower.snapshot();
                assert!(check(&snapshot) >= 1);
            }
            follower
        });
        store.append(batch(0, 1)).unwrap().wait().unwrap();
        let middle = store.snapshot();
        store.seal(SealLevel::Full).unwrap();
        assert_eq!((check(&old), check(&middle)), (1, 2));
        sealer.join().unwrap();
        let follower = reader.join().unwrap();
        follower.refresh().unwrap();
        assert_eq!(check(&follower.snapshot()), 2);
        assert_eq!((check(&old), check(&middle), check(&store.snapshot())), (1, 2, 2));
        drop((old, middle));
        Arc::into_inner(store).unwrap().close().unwrap();
        assert_eq!(check(&world.killed().open().snapshot()), 2);
    });
}

/// An edit may be on the disk though its commit failed: whoever seals next, having waited for his turn,
/// writes over nothing that it names.
#[test]
fn sealing_after_a_failed_edit() {
    schedules("failed edit", || {
        let world = World::new(level(), Faults::failing_edit()).with_small_logs();
        let store = Arc::new(world.open());
        world.faults().start();
        let sealer = || {
            let store = Arc::clone(&store);
            // Fails, or not, by what came before it.
            shuttle::thread::spawn(move || drop(store.seal(SealLevel::Quick)))
        };
        let threads = [sealer(), sealer()];
        let kept = acknowledge(&store, 0, 4, ErrorKind::Poisoned);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let failed = world.faults().failed();
        let closed = Arc::into_inner(store).unwrap().close();
        assert!(!failed || closed.is_err(), "a failed edit was forgotten");
        let found = contents(&world.killed().open().snapshot());
        assert!(kept.iter().all(|k| found.contains(k)), "{kept:?} in {found:?}");
    });
}

/// Closing while others append: each append is refused or durable, and nobody hangs.
#[test]
fn closing_while_others_append() {
    schedules("closing", || {
        let world = World::new(level(), Faults::default()).with_small_logs();
        let store = Arc::new(world.open());
        let appender = |who: u64| {
            let store = Arc::clone(&store);
            shuttle::thread::spawn(move || {
                let commits: Vec<_> =
                    (0..3).map(|n| ((who, n), store.append(batch(who, n)).unwrap())).collect();
                commits
            })
        };
        let threads = [appender(1), appender(2)];
        let commits: Vec<_> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        // Nobody has waited yet: closing finishes what was handed in.
        Arc::into_inner(store).unwrap().close().unwrap();
        assert!(commits.iter().all(|(_, commit)| commit.is_done()));
        for (who, commit) in &commits {
            assert!(commit.wait().is_ok(), "{who:?}");
        }
        assert_eq!(check(&world.killed().open().snapshot()), 6);
    });
}
