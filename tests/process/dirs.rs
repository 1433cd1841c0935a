//! The directory under an open store: moved, removed, copied, mounted read-only; files in it that
//! somebody removed or replaced; a clock that jumps.

use crate::child::{BATCH, batch_of, busy_options, check_prefix, start};
use crate::full_disk::mount;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracekeep::clock::Clock;
use tracekeep::{Durability, ErrorKind, Options, SealLevel, Store, Verdict, verify};

fn open(path: &Path) -> Store {
    Store::builder().options(busy_options(Durability::Disk)).open(path).unwrap()
}

fn append(store: &Store, batches: std::ops::Range<u64>) {
    for number in batches {
        store.append(batch_of(number)).unwrap().wait().unwrap();
    }
}

#[track_caller]
fn holds(path: &Path, batches: u64) {
    assert_eq!(check_prefix(&Store::open_read_only(path).unwrap().snapshot()), batches);
    let mut findings = Vec::new();
    let verdict = verify(path, &mut |f| findings.push(f)).unwrap();
    assert_eq!(verdict, Verdict::Clean, "{findings:?}");
}

#[test]
fn a_store_that_is_moved_while_open_stays_itself() {
    let root = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (root.path().join("store"), root.path().join("elsewhere"));
    let first = open(&path);
    append(&first, 0..60);
    let reader = Store::open_read_only(&path).unwrap();
    std::fs::rename(&path, &elsewhere).unwrap();
    // Another store where it was, whose files have the same names.
    let second = open(&path);
    append(&second, 0..30);
    append(&first, 60..200);
    append(&second, 30..100);
    first.seal(SealLevel::Full).unwrap();
    append(&first, 200..220);
    assert_eq!(check_prefix(&first.snapshot()), 220);
    assert_eq!(check_prefix(&second.snapshot()), 100);
    reader.refresh().unwrap();
    assert_eq!(check_prefix(&reader.snapshot()), 220, "a reader follows what it has opened");
    assert_eq!(Store::open(&elsewhere).unwrap_err().kind(), ErrorKind::Locked);
    first.close().unwrap();
    second.close().unwrap();
    holds(&elsewhere, 220);
    holds(&path, 100);
}

#[test]
fn a_store_that_is_removed_while_open_serves_reads_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = open(&path);
    append(&store, 0..60);
    store.seal(SealLevel::Full).unwrap();
    append(&store, 60..65);
    let reader = Store::open_read_only(&path).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    let mut acknowledged = 65;
    let error = loop {
        // The log that is open takes them; the next one has no place.
        match store.append(batch_of(acknowledged)).and_then(|commit| commit.wait()) {
            Ok(_) => acknowledged += 1,
            Err(e) => break e,
        }
        assert!(acknowledged < 10_000, "appending to nowhere goes on");
    };
    assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::Poisoned), "{error}");
    assert!(error.to_string().contains("log-"), "{error}");
    assert_eq!(check_prefix(&store.snapshot()), acknowledged);
    assert_eq!(check_prefix(&reader.snapshot()), 65);
    let gone = reader.refresh().unwrap_err();
    assert!(gone.to_string().contains("there is no store here"), "{gone}");
    assert_eq!(store.close().unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(!path.exists(), "nothing was made where it was");
}

#[test]
fn a_copy_of_a_store_at_work_is_a_prefix_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let mut child = start("append disk", &path, "notes");
    child.wait_for(|line| line.starts_with("ack 40"));
    let (mut opened, mut refused) = (0, 0);
    for number in 0..12 {
        let copy = root.path().join(format!("copy {number}"));
        // cp fails where a file is sealed away under it: that copy is as good as any.
        let _copied = Command::new("cp").arg("-r").arg(&path).arg(&copy).output().unwrap();
        match Store::open(&copy) {
            Ok(store) => {
                let batches = check_prefix(&store.snapshot());
                append(&store, batches..batches + 3);
                store.close().unwrap();
                assert_eq!(check_prefix(&Store::open(&copy).unwrap().snapshot()), batches + 3);
                opened += 1;
            }
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Corruption, "{e}");
                refused += 1;
            }
        }
    }
    eprintln!("of copies of a store at work {opened} opened, {refused} were refused");
    child.kill();
    let store = open(&path);
    assert!(check_prefix(&store.snapshot()) > 40);
}

#[test]
fn without_its_lock_file_a_store_has_one_writer_still() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = open(&path);
    append(&store, 0..5);
    std::fs::remove_file(path.join("LOCK")).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    append(&store, 5..9);
    store.close().unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(check_prefix(&store.snapshot()), 9);
}

#[test]
fn a_pipe_with_the_name_of_a_file_is_damage_and_no_wait() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = open(&path);
    append(&store, 0..200);
    store.seal(SealLevel::Quick).unwrap();
    append(&store, 200..205);
    store.close().unwrap();
    let entries = std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path());
    let files: Vec<_> = entries.filter(|p| !p.ends_with("BALLAST")).collect();
    for file in files {
        let aside = root.path().join("aside");
        std::fs::rename(&file, &aside).unwrap();
        assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
        if file.ends_with("LOCK") {
            let error = Store::open(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        } else {
            let wrong = "is no regular file";
            let error =
                Store::open_read_only(&path).map(|_| ()).and(Store::open(&path).map(|_| ()));
            let index = file.extension().is_some_and(|e| e == "tki");
            assert!(index || error.unwrap_err().to_string().contains(wrong), "{file:?}");
        }
        let _removed_as_a_stray = std::fs::remove_file(&file);
        std::fs::rename(&aside, &file).unwrap();
    }
    assert_eq!(check_prefix(&Store::open(&path).unwrap().snapshot()), 205);
}

#[test]
fn a_read_only_mount_is_read_and_not_written() {
    let root = tempfile::tempdir().unwrap();
    let Some(disk) = mount(&root.path().join("disk"), "16m") else { return };
    let path = disk.path().join("store");
    let store = open(&path);
    append(&store, 0..100);
    store.seal(SealLevel::Quick).unwrap();
    append(&store, 100..120);
    store.close().unwrap();
    // Once closed in peace, once with a tail that a writer would copy.
    for tail in [0, 7u64] {
        if tail > 0 {
            disk.remount("rw");
            let mut child = start(&format!("append disk {}", 120 + tail), &path, "disk notes");
            child.wait_for(|line| line == format!("ack {}", 120 + tail - 1));
            child.kill();
        }
        disk.remount("ro");
        let names = || {
            let entries = std::fs::read_dir(&path).unwrap().map(|e| e.unwrap());
            let mut names: Vec<_> =
                entries.map(|e| (e.file_name(), e.metadata().unwrap().len())).collect();
            names.sort();
            names
        };
        let before = names();
        let reader = Store::open_read_only(&path).unwrap();
        assert_eq!(check_prefix(&reader.snapshot()), 120 + tail);
        assert_eq!(reader.stats().unwrap().observations, (120 + tail) * BATCH);
        assert!(matches!(verify(&path, &mut |_| {}), Ok(Verdict::Clean | Verdict::TornTail)));
        let error = Store::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("Read-only file system"), "{error}");
        let error = Store::open(disk.path().join("another")).unwrap_err();
        assert!(error.to_string().contains("Read-only file system"), "{error}");
        assert_eq!(names(), before);
    }
}

/// Jumps at every look: ahead, back, before 1970, to both ends of what can be said.
#[derive(Debug, Default)]
struct Jumping(AtomicUsize);

const TIMES: [i64; 8] = [
    1_768_204_800_000_000_000,
    i64::MAX,
    0,
    i64::MIN,
    -1,
    4_000_000_000_000_000_000,
    1,
    i64::MAX - 1,
];

impl Clock for Jumping {
    fn now_ns(&self) -> i64 {
        TIMES[self.0.fetch_add(1, Ordering::Relaxed) % TIMES.len()]
    }
}

#[test]
fn a_clock_that_jumps_loses_nothing() {
    for durability in [Durability::Os, Durability::Disk, Durability::DiskStrict] {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        let clock = Arc::new(Jumping::default());
        let mut batches = 0;
        for _ in 0..6 {
            let options = Options { marker_ms: 1, ..busy_options(durability) };
            let builder = Store::builder().options(options).clock(Arc::clone(&clock) as _);
            let store = builder.open(&path).unwrap();
            append(&store, batches..batches + 40);
            std::thread::sleep(Duration::from_millis(3));
            store.seal(SealLevel::Quick).unwrap();
            append(&store, batches + 40..batches + 50);
            batches += 50;
            assert_eq!(check_prefix(&store.snapshot()), batches);
            store.close().unwrap();
            holds(&path, batches);
        }
    }
}
