//! A backup is a store at one seq, made while others append.

use crate::world::{
    Dump, World, append, assert_same, batch, erase_trace, files, full, id, observation, quick,
    trace,
};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use tracekeep::model::Record;
use tracekeep::{BackupReport, Durability, ErrorKind, Store, Verdict, verify};

fn dump_of(path: &Path) -> Dump {
    Dump::of(&Store::open_read_only(path).unwrap().snapshot())
}

/// Every byte is right, and nothing is left over.
#[track_caller]
fn assert_clean(path: &Path) {
    let mut findings = Vec::new();
    let verdict = verify(path, &mut |f| findings.push(f)).unwrap();
    assert_eq!((verdict, findings), (Verdict::Clean, Vec::new()));
}

fn names(path: &Path) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files(path, "").iter().map(name).filter(|name| name != "LOCK").collect()
}

/// Segments, superseded rows, a tombstone, finished logs and one that is written.
fn fill(store: &Store) {
    append::<Record>(
        store,
        [
            trace("t", 0).user("ada").into(),
            observation("t", "a", 1).input("x".repeat(5_000)).into(),
        ],
    );
    append(store, [observation("gone", "a", 2).output("y".repeat(900))]);
    quick(store);
    append::<Record>(store, [erase_trace("gone", 9), observation("t", "a", 1).end(at(9)).into()]);
    quick(store);
    append(store, [observation("t", "b", 3).input("z".repeat(70_000))]);
}

fn at(ms: i64) -> tracekeep::model::Timestamp {
    crate::world::at(ms)
}

#[test]
fn it_is_the_same_store_and_opens_as_one() {
    for durability in [Durability::Os, Durability::Disk, Durability::DiskStrict] {
        let mut world = World::new();
        world.options.durability = durability;
        let out = tempfile::tempdir().unwrap();
        let out = out.path().join("deep/backup");
        let store = world.store();
        fill(&store);
        let expected = Dump::of(&store.snapshot());
        let report = store.backup(&out).unwrap();
        assert_eq!(report.seq, store.snapshot().seq());
        assert_eq!((report.files, report.linked), (7, 4), "{report:?}");
        append(&store, [observation("t", "later", 5)]);
        store.seal(tracekeep::SealLevel::Full).unwrap();
        store.close().unwrap();
        assert_clean(&out);
        assert_same(&expected, &dump_of(&out), "read only");
        let restored = Store::open(&out).unwrap();
        assert_same(&expected, &Dump::of(&restored.snapshot()), "opened");
        append(&restored, [observation("t", "elsewhere", 6)]);
        restored.close().unwrap();
        assert_eq!(dump_of(&out).observations(), 3);
        assert_eq!(dump_of(&world.path()).observations(), 3);
    }
}

#[test]
fn it_holds_a_prefix_of_what_a_writer_appends_and_seals_meanwhile() {
    let mut world = World::new();
    world.options.durability = Durability::Disk;
    world.options.log_bytes_max = 30_000;
    let store = world.store();
    append(&store, [observation("t", "0", 0)]);
    let (acknowledged, done) = (AtomicI64::new(0), AtomicBool::new(false));
    let reader = Store::open_read_only(world.path()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 1..400 {
                let input = format!("{i} ").repeat(300);
                let records = [observation("t", &i.to_string(), i).input(input)];
                store.append(batch(records)).unwrap().wait().unwrap();
                acknowledged.store(i, Ordering::Release);
                if i % 60 == 0 {
                    store.seal(tracekeep::SealLevel::Quick).unwrap();
                }
            }
            done.store(true, Ordering::Release);
        });
        let outs = tempfile::tempdir().unwrap();
        let mut rounds = 0;
        while !done.load(Ordering::Acquire) || rounds < 2 {
            let out = outs.path().join((rounds % 4).to_string());
            let before = acknowledged.load(Ordering::Acquire);
            if rounds % 2 == 0 {
                store.backup(&out).unwrap();
            } else {
                reader.refresh().unwrap();
                reader.backup(&out).unwrap();
            }
            let after = acknowledged.load(Ordering::Acquire);
            assert_clean(&out);
            let copy = Store::open_read_only(&out).unwrap();
            let mut seen = Vec::new();
            let each = &mut |id: &tracekeep::Id, _: &_| {
                seen.push(id.to_string().parse::<i64>().unwrap());
                Ok(())
            };
            copy.snapshot().each_observation(&id("t"), each).unwrap();
            seen.sort_unstable();
            // In flight when the backup began, and durable before the answer was read.
            let range = before + 1..=after + 3;
            assert_eq!(seen, (0..seen.len() as i64).collect::<Vec<_>>(), "no hole");
            assert!(range.contains(&(seen.len() as i64)), "{} of {range:?}", seen.len());
            rounds += 1;
        }
    });
}

#[test]
fn a_second_one_takes_what_is_new_and_drops_what_is_gone() {
    let world = World::new();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("backup");
    let store = world.store();
    fill(&store);
    store.backup(&out).unwrap();
    // The log has not grown: nothing but the manifest is written.
    let again = store.backup(&out).unwrap();
    let written = |r: &BackupReport| (r.linked, r.copied, r.kept, r.removed);
    assert_eq!(written(&again), (0, 2, 5, 0), "{again:?}");
    append(&store, [observation("t", "c", 4)]);
    let grown = store.backup(&out).unwrap();
    assert_eq!(written(&grown), (0, 3, 4, 0), "{grown:?}");
    assert_same(&Dump::of(&store.snapshot()), &dump_of(&out), "a longer log");
    full(&store);
    let sealed = store.backup(&out).unwrap();
    // Two segments and a log became one segment.
    assert_eq!(written(&sealed), (2, 2, 0, 5), "{sealed:?}");
    assert_same(&Dump::of(&store.snapshot()), &dump_of(&out), "sealed");
    assert_clean(&out);
    assert_eq!(names(&out), ["CURRENT", "MANIFEST-000006", "seg-000003.tkp", "seg-000003.tks"]);
}

#[test]
fn after_recovery_the_same_backup_goes_on() {
    let world = World::new();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("backup");
    let store = world.store();
    fill(&store);
    store.backup(&out).unwrap();
    // What a kill -9 leaves: the last frames are not promised and are appended again.
    let killed = world.twin();
    drop(store);
    let store = killed.store();
    assert!(store.recovery().copied_records > 0);
    append(&store, [observation("t", "c", 4)]);
    store.backup(&out).unwrap();
    assert_same(&Dump::of(&store.snapshot()), &dump_of(&out), "after recovery");
    let mut found = Vec::new();
    assert_eq!(verify(&out, &mut |f| found.push(f)).unwrap(), Verdict::Clean, "{found:?}");
}

#[test]
fn what_a_crash_left_of_a_backup_is_made_anew() {
    let world = World::new();
    let out = tempfile::tempdir().unwrap();
    let store = world.store();
    fill(&store);
    let path = out.path().join("backup");
    store.backup(&path).unwrap();
    let expected = Dump::of(&store.snapshot());
    // A half copy under its own name, which no manifest names.
    full(&store);
    for name in ["seg-000003.tks", "seg-000003.tkp", "log-000009.tkl.tmp", "CURRENT.tmp"] {
        std::fs::write(path.join(name), b"half").unwrap();
    }
    assert_same(&expected, &dump_of(&path), "the earlier backup");
    store.backup(&path).unwrap();
    assert_clean(&path);
    assert_same(&Dump::of(&store.snapshot()), &dump_of(&path), "the new one");
    // The first step of a first backup: a manifest without CURRENT.
    let path = out.path().join("other");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("MANIFEST-000001"), b"half").unwrap();
    store.backup(&path).unwrap();
    assert_clean(&path);
}

/// What it has brought has higher numbers than the files of the earlier one.
#[test]
fn what_an_unfinished_backup_brought_is_no_sign_of_a_lost_edit() {
    let world = World::new();
    let out = tempfile::tempdir().unwrap();
    let store = world.store();
    for earlier in [false, true] {
        let path = out.path().join(format!("after-{earlier}"));
        let mut expected = Vec::new();
        if earlier {
            store.backup(&path).unwrap();
            expected.push(Dump::of(&store.snapshot()));
        }
        for ms in 1..4 {
            append(&store, [observation("t", &format!("{earlier}-{ms}"), ms)]);
            quick(&store);
        }
        append(&store, [observation("t", "last", 9)]);
        // The newest log is brought last, and cannot be read.
        let log = world.files("log-").pop().unwrap();
        let sound = std::fs::read(&log).unwrap();
        let mut rotten = sound.clone();
        rotten[200] ^= 1;
        std::fs::write(&log, rotten).unwrap();
        assert_eq!(store.backup(&path).unwrap_err().kind(), ErrorKind::Corruption);
        std::fs::write(&log, sound).unwrap();
        assert!(names(&path).iter().any(|name| name.starts_with("seg-")), "{:?}", names(&path));
        assert_eq!(verify(&path, &mut |_| ()).unwrap(), Verdict::Clean);
        let copy = World::at(path);
        copy.store().close().unwrap();
        for expected in &expected {
            assert_same(expected, &dump_of(&copy.path()), "the earlier backup");
        }
    }
}

#[test]
fn another_place_is_not_touched() {
    let (world, other) = (World::new(), World::new());
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("backup");
    let store = world.store();
    fill(&store);
    let refused = |path: &Path, store: &Store, words: &str| {
        let before = names(path);
        let error = store.backup(path).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(names(path), before);
        error.kind()
    };
    let own = refused(&world.path(), &store, "its own backup");
    assert_eq!(own, ErrorKind::InvalidInput);
    store.backup(&out).unwrap();
    let second = other.store();
    append(&second, [observation("t", "a", 1)]);
    let stranger = refused(&out, &second, "the backup of another store");
    assert_eq!(stranger, ErrorKind::InvalidInput);
    assert_eq!(refused(&other.path(), &store, "opened for writing"), ErrorKind::InvalidInput);
    // Somebody made the backup a store of its own.
    Store::open(&out).unwrap().close().unwrap();
    assert_eq!(refused(&out, &store, "opened for writing"), ErrorKind::InvalidInput);
    std::fs::remove_file(out.join("BALLAST")).unwrap();
    let segment = out.join("seg-000001.tks");
    let mut bytes = std::fs::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::remove_file(&segment).unwrap();
    std::fs::write(&segment, bytes).unwrap();
    assert_eq!(refused(&out, &store, "differs"), ErrorKind::InvalidInput);
}

/// A crash may come before what an earlier backup had is removed: its log must not pass for one that
/// was made after the manifest, though a store whose logs are all sealed knows of none.
#[test]
fn a_log_of_an_earlier_backup_is_older_than_a_backup_without_logs() {
    let world = World::new();
    let out = tempfile::tempdir().unwrap();
    let store = world.store();
    append(&store, [observation("t", "a", 1)]);
    store.backup(out.path()).unwrap();
    let log = files(out.path(), "log-").remove(0);
    let bytes = std::fs::read(&log).unwrap();
    full(&store);
    let expected = Dump::of(&store.snapshot());
    store.backup(out.path()).unwrap();
    assert_eq!(files(out.path(), "log-"), [] as [std::path::PathBuf; 0]);
    std::fs::write(&log, bytes).unwrap();
    let verdict = verify(out.path(), &mut |f| println!("{f:?}")).unwrap();
    assert_ne!(verdict, Verdict::Damaged);
    let restored = Store::open(out.path()).unwrap();
    assert_same(&expected, &Dump::of(&restored.snapshot()), "opened");
}
