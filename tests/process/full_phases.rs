//! A disk with room for so many kilobytes more, in each phase of a store's life, from none until
//! the phase passes. Needs root and a tmpfs.
//!
//! After each: what was acknowledged is read by the store itself (where it opened) and by another
//! reader; and once there is space again, everything goes on.

use crate::child::{batch_of, busy_options, check_prefix, start};
use crate::full_disk::{Mounted, mount};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tracekeep::{Background, Durability, Error, ErrorKind, Options, SealLevel, Store, Verdict};

const DISK: &str = "16m";
/// Steps in which space is left.
const STEP: u64 = 4 << 10;
/// With so many steps every phase passes.
const STEPS: u64 = 700;

/// A small disk, and a file that takes what is left of it.
struct Disk(Mounted);

impl Disk {
    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Fills the disk up to these last bytes.
    fn leave(&self, bytes: u64) {
        let mut file = File::create(self.filler()).unwrap();
        let block = vec![7; STEP as usize];
        let mut written = 0;
        while let Ok(n) = file.write(&block) {
            written += n as u64;
        }
        file.set_len(written.saturating_sub(bytes)).unwrap();
    }

    fn free(&self) {
        // Cut first: a child that another test starts may hold a copy of the open file for a while.
        std::fs::write(self.filler(), "").unwrap();
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn clear(&self) {
        let _gone = std::fs::remove_dir_all(self.store());
    }
}

fn options(durability: Durability) -> Options {
    Options { background: Background::Off, ..busy_options(durability) }
}

fn open(path: &Path, durability: Durability) -> Result<Store, Error> {
    Store::builder().options(options(durability)).open(path)
}

/// Whether it passed; what stops it must be the full disk.
#[track_caller]
fn passed<T>(outcome: Result<T, Error>) -> Option<T> {
    match outcome {
        Ok(done) => Some(done),
        Err(e) => {
            assert!(matches!(e.kind(), ErrorKind::StorageFull | ErrorKind::Poisoned), "{e}");
            None
        }
    }
}

fn append(store: &Store, number: u64) -> Result<(), Error> {
    store.append(batch_of(number)).and_then(|commit| commit.wait()).map(|_| ())
}

/// A store with this many batches in segments and logs, open.
fn stocked(disk: &Disk, durability: Durability, batches: u64) -> Store {
    let store = open(&disk.store(), durability).unwrap();
    (0..batches / 2).for_each(|n| append(&store, n).unwrap());
    store.seal(SealLevel::Quick).unwrap();
    (batches / 2..batches).for_each(|n| append(&store, n).unwrap());
    store
}

/// The store is what it was, and takes more now that there is space.
fn goes_on(disk: &Disk, store: Option<Store>, durability: Durability, batches: u64) {
    disk.free();
    let poisoned = |store: &Store| {
        append(store, batches).is_err_and(|e| {
            assert_eq!(e.kind(), ErrorKind::Poisoned, "{e}");
            true
        })
    };
    // A strict store whose marker found no room is to be opened anew.
    let store = match store {
        Some(store) if poisoned(&store) => {
            let _poisoned = store.close();
            None
        }
        other => other.inspect(|store| assert_eq!(check_prefix(&store.snapshot()), batches + 1)),
    };
    let store = store.unwrap_or_else(|| open(&disk.store(), durability).unwrap());
    let now = check_prefix(&store.snapshot());
    assert!(now >= batches, "{now} of {batches}");
    (now..batches + 8).for_each(|n| append(&store, n).unwrap());
    store.seal(SealLevel::Full).unwrap();
    store.close().unwrap();
    let store = open(&disk.store(), durability).unwrap();
    assert_eq!(check_prefix(&store.snapshot()), batches + 8);
    store.close().unwrap();
    let verdict = tracekeep::verify(&disk.store(), &mut |_| {}).unwrap();
    assert_eq!(verdict, Verdict::Clean);
}

/// Runs a phase with more and more space. `phase` gives the store, if it is open, how many batches
/// are acknowledged, and whether all of it passed.
fn each_space(
    name: &str,
    durability: Durability,
    mut phase: impl FnMut(&Disk, u64) -> (Option<Store>, u64, bool),
) {
    let root = tempfile::tempdir().unwrap();
    let Some(mounted) = mount(&root.path().join("disk"), DISK) else { return };
    let disk = Disk(mounted);
    let (mut refused, mut in_a_row) = (0, 0);
    for step in 0..STEPS {
        disk.clear();
        let (store, batches, whole) = phase(&disk, step * STEP);
        let reads = |seen: u64| assert!(seen >= batches, "{name}, {step}: {seen} of {batches}");
        if let Some(store) = &store {
            reads(check_prefix(&store.snapshot()));
        }
        if batches > 0 {
            reads(check_prefix(&Store::open_read_only(disk.store()).unwrap().snapshot()));
        }
        goes_on(&disk, store, durability, batches);
        refused += u64::from(!whole);
        in_a_row = if whole { in_a_row + 1 } else { 0 };
        if in_a_row == 3 {
            eprintln!(
                "{name} at {durability:?}: refused {refused} times, whole with {} KiB",
                step * 4
            );
            assert!(refused > 0, "{name} never met a full disk");
            return;
        }
    }
    panic!("{name} never passed");
}

#[test]
fn creating() {
    each_space("create", Durability::Disk, |disk, space| {
        disk.leave(space);
        let store = passed(open(&disk.store(), Durability::Disk));
        let whole = store.as_ref().is_some_and(|s| s.recovery().notes.is_empty());
        (store, 0, whole)
    });
}

fn check_appending(durability: Durability, until: u64) {
    each_space("append", durability, |disk, space| {
        let store = stocked(disk, durability, 6);
        // Several logs end on the way: the next ones, and their edits, have to be made too.
        disk.leave(space);
        let mut batches = 6;
        while batches < until && passed(append(&store, batches)).is_some() {
            batches += 1;
        }
        (Some(store), batches, batches == until)
    });
}

#[test]
fn appending_at_os() {
    check_appending(Durability::Os, 120);
}

#[test]
fn appending_at_disk() {
    check_appending(Durability::Disk, 120);
}

#[test]
fn appending_at_disk_strict() {
    // Groups fill sectors: a log ends after a few, and keeps its reserve until it is sealed.
    check_appending(Durability::DiskStrict, 16);
}

#[test]
fn committing_a_group() {
    each_space("group commit", Durability::Disk, |disk, space| {
        let store = stocked(disk, Durability::Disk, 6);
        disk.leave(space);
        // Many at once: those behind one that was refused may not be kept either, for they may
        // share its parts, and a prefix it stays. Each burst but the first needs another log.
        let mut kept = Vec::new();
        for burst in [6..110, 110..190, 190..240] {
            let commits: Vec<_> = burst.map(|n| store.append(batch_of(n))).collect();
            kept.extend(commits.into_iter().map(|c| passed(c.and_then(|c| c.wait())).is_some()));
        }
        let batches = 6 + kept.iter().take_while(|kept| **kept).count() as u64;
        let whole = kept.iter().all(|kept| *kept);
        if kept.iter().skip(batches as usize - 6).any(|kept| *kept) {
            // One that came later had room: what is there is no prefix of our numbers, and each
            // was told so. Start over with more space.
            drop(store);
            disk.free();
            disk.clear();
            let store = stocked(disk, Durability::Disk, 6);
            disk.leave(space);
            return (Some(store), 6, whole);
        }
        (Some(store), batches, whole)
    });
}

#[test]
fn sealing_and_its_edit() {
    for level in [SealLevel::Quick, SealLevel::Full] {
        each_space("seal", Durability::Disk, |disk, space| {
            let store = stocked(disk, Durability::Disk, 40);
            disk.leave(space);
            let whole = passed(store.seal(level)).is_some();
            (Some(store), 40, whole)
        });
    }
}

#[test]
fn closing() {
    for durability in [Durability::Os, Durability::Disk, Durability::DiskStrict] {
        let (mut outcomes, root) = (Vec::new(), tempfile::tempdir().unwrap());
        let Some(mounted) = mount(&root.path().join("disk"), DISK) else { return };
        let disk = Disk(mounted);
        for step in 0..8 {
            disk.clear();
            let store = stocked(&disk, durability, 7);
            disk.leave(step * STEP);
            outcomes.push(passed(store.close()).is_some());
            let reader = Store::open_read_only(disk.store()).unwrap();
            assert_eq!(check_prefix(&reader.snapshot()), 7);
            goes_on(&disk, None, durability, 7);
        }
        assert!(outcomes.iter().any(|whole| *whole), "{durability:?}: {outcomes:?}");
    }
}

#[test]
fn recovering() {
    // A store as kill -9 leaves it, with a tail to copy; made once, copied to the disk each time.
    let root = tempfile::tempdir().unwrap();
    let killed = root.path().join("killed");
    let mut child = start("append disk 60", &killed, "notes");
    child.wait_for(|line| line == "ack 59");
    child.kill();
    for with_ballast in [true, false] {
        each_space("recovery", Durability::Disk, |disk, space| {
            let copied = Command::new("cp").arg("-r").arg(&killed).arg(disk.store()).status();
            assert!(copied.unwrap().success());
            if with_ballast {
                let ballast = File::create(disk.store().join("BALLAST")).unwrap();
                ballast.set_len(64 << 10).unwrap();
                (&ballast).write_all(&vec![0; 64 << 10]).unwrap();
            } else {
                std::fs::remove_file(disk.store().join("BALLAST")).unwrap();
            }
            disk.leave(space);
            let store = passed(open(&disk.store(), Durability::Disk));
            let whole = store.as_ref().is_some_and(|s| s.recovery().notes.is_empty());
            (store, 60, whole)
        });
    }
}
