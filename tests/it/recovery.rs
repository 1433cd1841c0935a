//! A torn tail is passed over; damage to what was promised is refused.

use crate::world::{
    Dump, World, append, assert_same, erase_trace, files, full, id, observation, quick, trace,
};
use std::path::{Path, PathBuf};
use tracekeep::model::Record;
use tracekeep::{Durability, ErrorKind, Options, Store, TraceQuery, Verdict, verify};

/// What a kill -9 would leave at this moment.
fn crashed(world: &World) -> World {
    world.twin()
}

/// Three groups at `Disk`, and no marker: the last frame promises the first two.
struct ThreeGroups {
    image: World,
    log: Vec<u8>,
    /// Where each group ends.
    ends: [usize; 3],
    /// What was there after each group.
    dumps: [Dump; 4],
}

fn three_groups() -> ThreeGroups {
    let mut world = World::new();
    world.options = Options { durability: Durability::Disk, marker_ms: 3_600_000, ..world.options };
    let store = world.store();
    let log = || std::fs::read(world.path().join("log-000001.tkl")).unwrap();
    let mut dumps = vec![Dump::of(&store.snapshot())];
    let mut ends = Vec::new();
    for group in 0..3i64 {
        let name = format!("o{group}");
        append::<Record>(
            &store,
            [
                trace("t", group).into(),
                observation("t", &name, group)
                    .input(format!("input of group {group}: {name}"))
                    .into(),
            ],
        );
        dumps.push(Dump::of(&store.snapshot()));
        ends.push(log().len());
    }
    let image = crashed(&world);
    let ends = ends.try_into().unwrap();
    ThreeGroups { image, log: log(), ends, dumps: dumps.try_into().ok().unwrap() }
}

impl ThreeGroups {
    /// The image with another log.
    fn with_log(&self, log: &[u8]) -> World {
        let world = crashed(&self.image);
        std::fs::write(world.path().join("log-000001.tkl"), log).unwrap();
        world
    }
}

#[test]
fn a_log_cut_in_its_last_group_loses_that_group_and_nothing_else() {
    let made = three_groups();
    for cut in made.ends[1]..=made.ends[2] {
        let expected = if cut == made.ends[2] { &made.dumps[3] } else { &made.dumps[2] };
        let mut zeros = made.log[..cut].to_vec();
        zeros.resize(made.ends[2] + 64, 0);
        for (log, what) in [(&made.log[..cut], "cut"), (&zeros[..], "zeros")] {
            let what = format!("{what} at {cut} of {:?}", made.ends);
            // Trailing zeros of the group itself may be its own padding.
            let whole = log.starts_with(&made.log);
            let expected = if whole { &made.dumps[3] } else { expected };
            let world = made.with_log(log);
            let reader = Store::open_read_only(world.path()).unwrap();
            assert_same(expected, &Dump::of(&reader.snapshot()), &what);
            if cut % 5 > 0 && cut != made.ends[2] {
                continue;
            }
            let store = world.store();
            assert_same(expected, &Dump::of(&store.snapshot()), &what);
            // What the torn group tried to say can be said again.
            append(&store, [observation("t", "again", 9).input("again")]);
            store.close().unwrap();
            let tree = world.store().snapshot().trace(&id("t")).unwrap().unwrap();
            assert_eq!(tree.len(), expected.observations() + 1, "{what}");
        }
    }
}

#[test]
fn damage_below_the_promise_is_refused_and_named() {
    let made = three_groups();
    for at in (0..made.ends[1]).step_by(7) {
        for flip in [0x01, 0x80] {
            let mut log = made.log.clone();
            log[at] ^= flip;
            let world = made.with_log(&log);
            let error = Store::open(world.path()).map(drop).expect_err(&format!("byte {at}"));
            assert_eq!(error.kind(), ErrorKind::Corruption, "byte {at}: {error}");
            let corruption = error.corruption().unwrap();
            assert!(corruption.file.ends_with("log-000001.tkl"), "{error}");
            assert!(corruption.offset as usize <= at, "byte {at}: {error}");
            assert_eq!(std::fs::read(world.path().join("log-000001.tkl")).unwrap(), log);
            // A reader says where, or serves what is whole.
            if let Err(error) = Store::open_read_only(world.path()) {
                assert!(error.corruption().unwrap().file.ends_with("log-000001.tkl"));
            }
        }
    }
}

#[test]
fn damage_above_the_promise_is_a_torn_tail() {
    let made = three_groups();
    for at in (made.ends[1]..made.ends[2]).step_by(5) {
        let mut log = made.log.clone();
        log[at] ^= 0x10;
        let store = made.with_log(&log);
        let store = store.store();
        assert_same(&made.dumps[2], &Dump::of(&store.snapshot()), &format!("byte {at}"));
        assert!(store.recovery().torn_bytes > 0);
        assert!(store.recovery().notes.iter().any(|n| n.contains("torn tail")));
    }
}

#[test]
fn zeros_that_are_laid_ahead_are_no_torn_tail() {
    for durability in [Durability::Disk, Durability::DiskStrict] {
        let mut world = World::new();
        world.options = Options { durability, marker_ms: 3_600_000, ..world.options };
        let store = world.store();
        // One at a time, so that the writer sees that nobody else comes.
        for n in 0..40 {
            append(&store, [observation("t", &format!("o{n}"), n).input("x".repeat(200))]);
        }
        let (expected, killed) = (Dump::of(&store.snapshot()), crashed(&world));
        store.close().unwrap();
        for (world, what) in [(&killed, "killed"), (&world, "closed")] {
            let what = format!("{durability:?}, {what}");
            let path = world.path().join("log-000001.tkl");
            let mut log = std::fs::read(&path).unwrap();
            let laid = log.iter().rev().take_while(|b| **b == 0).count();
            assert!(laid > 64 << 10, "{what}: {laid} zeros");
            let mut found = Vec::new();
            assert_eq!(verify(&world.path(), &mut |f| found.push(f)).unwrap(), Verdict::Clean);
            assert!(found.is_empty(), "{what}: {found:?}");
            let store = crashed(world).store();
            assert_eq!((store.recovery().torn_bytes, &store.recovery().notes[..]), (0, &[][..]));
            assert_same(&expected, &Dump::of(&store.snapshot()), &what);
            // What was to overwrite them may be torn.
            let at = log.len() - 8;
            log[at] = 1;
            std::fs::write(&path, &log).unwrap();
            let store = world.store();
            assert!(store.recovery().torn_bytes > 64 << 10, "{what}");
            assert_same(&expected, &Dump::of(&store.snapshot()), &what);
        }
    }
}

#[test]
fn after_close_everything_is_promised() {
    let mut world = World::new();
    world.options.durability = Durability::Disk;
    let store = world.store();
    append(&store, [observation("t", "a", 0).input("x".repeat(200))]);
    store.close().unwrap();
    let path = world.path().join("log-000001.tkl");
    let log = std::fs::read(&path).unwrap();
    // The marker is 48 bytes; what it promises is before.
    for at in (0..log.len() - 48).step_by(11) {
        let mut damaged = log.clone();
        damaged[at] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        let error = Store::open(world.path()).map(drop).expect_err(&format!("byte {at}"));
        assert_eq!(error.kind(), ErrorKind::Corruption, "byte {at}: {error}");
    }
    std::fs::write(&path, &log).unwrap();
    assert_eq!(Dump::of(&world.store().snapshot()).observations(), 1);
}

#[test]
fn the_last_group_of_disk_strict_is_promised_at_once() {
    let mut world = World::new();
    world.options =
        Options { durability: Durability::DiskStrict, marker_ms: 3_600_000, ..world.options };
    let store = world.store();
    append(&store, [observation("t", "a", 0).input("x".repeat(200))]);
    let image = crashed(&world);
    let path = image.path().join("log-000001.tkl");
    let mut log = std::fs::read(&path).unwrap();
    let at = log.windows(4).position(|w| w == b"xxxx").unwrap_or(200);
    log[at] ^= 4;
    std::fs::write(&path, &log).unwrap();
    let error = Store::open(image.path()).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error}");
}

#[test]
fn at_os_the_promise_advances_each_second_under_traffic() {
    let world = World::new();
    let clock = tracekeep::clock::ManualClock::default();
    let builder = Store::builder().options(world.options.clone());
    let store = builder.clock(std::sync::Arc::new(clock.clone())).open(world.path()).unwrap();
    for (i, second) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
        clock.set_ns(second * 1_000_000_000);
        append(&store, [observation("t", &format!("o{i}"), i)]);
    }
    let image = crashed(&world);
    let store = image.store();
    assert_eq!(store.snapshot().seq().0, 4);
    // What came after the last sync, which was that of the second or the third record.
    let copied = store.recovery().copied_records;
    assert!((1..=2).contains(&copied), "{copied}");
}

#[test]
fn what_was_not_promised_is_appended_again_under_the_same_seqs() {
    for durability in [Durability::Os, Durability::Disk] {
        let mut world = World::new();
        world.options = Options { durability, marker_ms: 3_600_000, ..world.options };
        // A clock that stands still: at `Os` no second passes, and nothing is promised.
        let store = Store::builder()
            .options(world.options.clone())
            .clock(std::sync::Arc::new(tracekeep::clock::ManualClock::default()))
            .open(world.path())
            .unwrap();
        let history = |n: i64| (0..n).map(|i| format!("{{\"m\":\"{i} {}\"}},", "w ".repeat(80)));
        for i in 0..10 {
            let input: String = history(i).collect();
            append(&store, [observation("t", &format!("o{i}"), i).input(input)]);
        }
        append(&store, [erase_trace("u", 0)]);
        let before = Dump::of(&store.snapshot());
        let seq = store.snapshot().seq();
        let mut image = crashed(&world);
        for round in 0..3 {
            let store = image.store();
            let what = format!("{durability:?}, recovery {round}");
            assert_same(&before, &Dump::of(&store.snapshot()), &what);
            assert_eq!(store.snapshot().seq(), seq, "{what}");
            let copied = store.recovery().copied_records;
            match (round, durability) {
                // `Os` promises once a second, whatever the traffic.
                (0, Durability::Os) => assert!(copied + 2 >= seq.0, "{what}: {copied}"),
                (0, _) => assert_eq!(copied, 1, "{what}"),
                // What was copied is promised: it is copied once.
                _ => assert_eq!(copied, 0, "{what}"),
            }
            let next = crashed(&image);
            drop(store);
            image = next;
        }
        let store = image.store();
        quick(&store);
        assert_same(&before, &Dump::of(&store.snapshot()), "sealed after recovery");
        let batch = crate::world::batch([trace("v", 0)]);
        assert_eq!(store.append(batch).unwrap().wait().unwrap().0, seq.0 + 1);
    }
}

#[test]
fn a_drop_is_as_good_as_a_close() {
    let world = World::new();
    let mut expected = 0;
    for round in 0..6 {
        let store = world.store();
        assert_eq!(Dump::of(&store.snapshot()).observations(), expected);
        for i in 0..5 {
            append(&store, [observation("t", &format!("{round}-{i}"), i)]);
            expected += 1;
        }
        if round % 2 == 0 {
            store.close().unwrap();
        }
    }
    assert_eq!(Dump::of(&world.store().snapshot()).observations(), expected);
}

#[test]
fn a_crash_at_any_step_between_seals_is_ordinary() {
    let world = World::new();
    let store = world.store();
    for i in 0..8 {
        append(&store, [observation("t", &format!("o{i}"), i).input("x".repeat(300))]);
        match i {
            1 | 5 => quick(&store),
            3 => full(&store),
            _ => {}
        }
        let before = Dump::of(&store.snapshot());
        let image = crashed(&world);
        assert_same(&before, &Dump::of(&image.store().snapshot()), &format!("after {i}"));
    }
}

/// Reads everything; the first error, or what was read.
fn read_all(path: &Path) -> tracekeep::Result<(usize, Vec<u8>)> {
    let store = Store::open_read_only(path)?;
    let snapshot = store.snapshot();
    let page = snapshot.traces(&TraceQuery { limit: 1000, ..TraceQuery::default() })?;
    let mut bytes = Vec::new();
    for state in &page.traces {
        snapshot.trace(&state.id)?;
        snapshot.payloads(&state.id, &mut |_, _, payload| {
            bytes.extend_from_slice(payload);
            Ok(())
        })?;
    }
    snapshot.each_score(&mut |_, _| Ok(()))?;
    Ok((page.traces.len(), bytes))
}

fn sealed() -> (World, usize, Vec<u8>) {
    let world = World::new();
    let store = world.store();
    let shape = tracekeep_workload::Shape { traces: 4, in_flight: 2, ..Default::default() };
    for records in tracekeep_workload::batches(tracekeep_workload::Arrivals::new(5, shape), 50) {
        append(&store, records);
    }
    full(&store);
    store.close().unwrap();
    let (traces, bytes) = read_all(&world.path()).unwrap();
    assert!(traces >= 4 && bytes.len() > 10_000);
    (world, traces, bytes)
}

/// Flips one byte at `steps` places of a file and looks at what comes of it.
fn flip_each(path: &Path, steps: usize, check: &mut dyn FnMut(usize)) {
    let good = std::fs::read(path).unwrap();
    for step in 0..steps {
        let at = good.len() * step / steps;
        let mut bad = good.clone();
        bad[at] ^= 1 << (step % 8);
        // A new file, because the old one may be mapped.
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, &bad).unwrap();
        check(at);
    }
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, &good).unwrap();
}

#[test]
fn a_damaged_payload_file_gives_an_error_or_the_truth() {
    let (world, _, truth) = sealed();
    let file: PathBuf =
        files(&world.path(), "seg-").into_iter().find(|p| p.extension().unwrap() == "tkp").unwrap();
    let mut refused = 0;
    flip_each(&file, 150, &mut |at| match read_all(&world.path()) {
        Ok((_, bytes)) => assert!(bytes == truth, "byte {at}: other bytes were given out"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corruption, "byte {at}: {error}");
            assert!(error.corruption().unwrap().file.ends_with(file.file_name().unwrap()));
            refused += 1;
        }
    });
    assert!(refused > 100, "{refused} of 150 were noticed");
}

#[test]
fn a_damaged_skeleton_file_is_read_without_a_panic() {
    let (world, traces, truth) = sealed();
    let file =
        files(&world.path(), "seg-").into_iter().find(|p| p.extension().unwrap() == "tks").unwrap();
    flip_each(&file, 150, &mut |at| {
        if let Err(error) = read_all(&world.path()) {
            let kind = error.kind();
            assert!(
                matches!(kind, ErrorKind::Corruption | ErrorKind::UnsupportedFormat),
                "byte {at}: {error}"
            );
        }
    });
    let (traces_after, bytes) = read_all(&world.path()).unwrap();
    assert!(traces_after == traces && bytes == truth);
}

#[test]
fn a_damaged_manifest_is_refused() {
    let (world, ..) = sealed();
    let manifest = files(&world.path(), "MANIFEST-").pop().unwrap();
    let len = std::fs::read(&manifest).unwrap().len();
    flip_each(&manifest, 60, &mut |at| {
        // The last marker promises all but itself.
        if at < len - 48 {
            let error = Store::open(world.path()).map(drop).expect_err(&format!("byte {at}"));
            assert_eq!(error.kind(), ErrorKind::Corruption, "byte {at}: {error}");
            assert!(error.corruption().unwrap().file.ends_with(manifest.file_name().unwrap()));
        }
    });
    std::fs::write(world.path().join("CURRENT"), "MANIFEST-7\n").unwrap();
    let error = Store::open(world.path()).map(drop).unwrap_err();
    assert!(error.corruption().unwrap().file.ends_with("CURRENT"), "{error}");
}

#[test]
fn a_log_with_a_successor_must_be_whole() {
    let mut world = World::new();
    world.options.log_bytes_max = 1;
    let store = world.store();
    for i in 0..4 {
        append(&store, [observation("t", &format!("o{i}"), i).input("y".repeat(100))]);
    }
    store.close().unwrap();
    let logs = world.files("log-");
    assert!(logs.len() >= 3, "{logs:?}");
    let good = std::fs::read(&logs[0]).unwrap();
    for cut in [0, 100, 128, good.len() - 49, good.len() - 48, good.len() - 1] {
        std::fs::write(&logs[0], &good[..cut]).unwrap();
        let error = Store::open(world.path()).map(drop).expect_err(&format!("cut at {cut}"));
        assert_eq!(error.kind(), ErrorKind::Corruption, "{error}");
        assert!(error.corruption().unwrap().file.ends_with(logs[0].file_name().unwrap()));
    }
    std::fs::write(&logs[0], &good).unwrap();
    assert_eq!(Dump::of(&world.store().snapshot()).observations(), 4);
}

#[test]
fn a_log_of_another_store_is_not_taken_for_its_own() {
    let store_of = |name: &str| {
        let world = World::new();
        let store = world.store();
        append(&store, [observation(name, "a", 0)]);
        store.close().unwrap();
        world
    };
    let (one, other) = (store_of("one"), store_of("other"));
    std::fs::copy(&other.files("log-")[0], &one.files("log-")[0]).unwrap();
    let error = Store::open(one.path()).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error}");
}

/// Where the frames of a log or a manifest begin.
fn frames(path: &Path) -> Vec<u64> {
    let mut frames = Vec::new();
    let each = &mut |line: tracekeep::DumpLine| {
        frames.extend((line.kind == "frame").then_some(line.offset));
        Ok(())
    };
    tracekeep::dump(path, each).unwrap();
    frames
}

#[test]
fn a_manifest_that_lost_its_end_is_not_believed() {
    let world = World::new();
    let store = world.store();
    append(&store, [observation("t", "a", 1)]);
    quick(&store);
    append(&store, [observation("t", "b", 2)]);
    store.close().unwrap();
    let path = world.files("MANIFEST").remove(0);
    let bytes = std::fs::read(&path).unwrap();
    let frames = frames(&path);
    let before = world.files("");
    // Without its last edits, each with the marker that promises it: a state that has been.
    for cut in frames.into_iter().skip(2).step_by(2) {
        let twin = world.twin();
        let path = twin.files("MANIFEST").remove(0);
        std::fs::write(&path, &bytes[..cut as usize]).unwrap();
        let error = Store::open(twin.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corruption, "cut at {cut}: {error}");
        assert_eq!(twin.files("").len(), before.len(), "nothing is removed");
        assert_eq!(verify(&twin.path(), &mut |_| {}).unwrap(), Verdict::Damaged, "cut at {cut}");
    }
}

#[test]
fn nor_where_the_first_frame_of_the_next_log_is_damaged_too() {
    let world = World::new();
    let store = world.store();
    append(&store, [observation("t", "a", 1)]);
    append(&store, [observation("t", "b", 2)]);
    store.close().unwrap();
    let path = world.files("MANIFEST").remove(0);
    let bytes = std::fs::read(&path).unwrap();
    let frames = frames(&path);
    // Without the edit that names the log.
    let cut = frames[2] as usize;
    std::fs::write(&path, &bytes[..cut]).unwrap();
    let log = world.files("log-").remove(0);
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[130] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let error = Store::open(world.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error}");
    assert_eq!(world.files("log-"), [log], "nothing is removed");
    assert_eq!(verify(&world.path(), &mut |_| {}).unwrap(), Verdict::Damaged);
}
