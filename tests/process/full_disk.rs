//! A full disk refuses a batch whole, and is no end. Needs root and a tmpfs.

use crate::child::{batch_of, check_prefix, id};
use std::path::{Path, PathBuf};
use std::process::Command;
use tracekeep::model::{ObservationRecord, Operation, Timestamp};
use tracekeep::{Background, Batch, Durability, ErrorKind, Options, SealLevel, Store};
use tracekeep_workload::Rng;

/// A tmpfs, unmounted at the end whatever happens.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// `ro` or `rw` from now on.
    pub(crate) fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        let done = Command::new("mount").args(["-o", &how]).arg(&self.0).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A small tmpfs, where this process may have one.
pub(crate) fn mount(at: &Path, size: &str) -> Option<Mounted> {
    std::fs::create_dir_all(at).unwrap();
    let size = format!("size={size}");
    let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
    match done {
        Ok(output) if output.status.success() => Some(Mounted(at.to_path_buf())),
        _ => {
            eprintln!("SKIPPED: a small disk needs root and mount(8)");
            None
        }
    }
}

/// A batch of one record with as many bytes that do not compress.
fn noise(rng: &mut Rng, name: &str, bytes: usize) -> Batch {
    let payload: Vec<u8> = (0..bytes / 8).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
    let time = Timestamp::from_ms(0);
    let record = ObservationRecord::new(id("noise"), id(name), time, Operation::Create);
    let mut batch = Batch::new();
    batch.push(record.input(payload)).unwrap();
    batch
}

fn full_disk(durability: Durability, background: Background) {
    let root = tempfile::tempdir().unwrap();
    let Some(disk) = mount(&root.path().join("disk"), "24m") else { return };
    let path = disk.0.join("store");
    let options = Options {
        durability,
        background,
        log_bytes_max: 4 << 20,
        seal_logs: 2,
        ..Options::default()
    };
    let open = || Store::builder().options(options.clone()).open(&path).unwrap();
    let store = open();
    let filler = disk.0.join("filler");
    for number in 0..20 {
        store.append(batch_of(number)).unwrap().wait().unwrap();
    }
    store.seal(SealLevel::Quick).unwrap();
    for number in 20..40 {
        store.append(batch_of(number)).unwrap().wait().unwrap();
    }
    // Somebody else takes all that is left.
    let mut rng = Rng::new(3);
    std::fs::write(&filler, vec![7; 14 << 20]).unwrap();
    let mut kept = Vec::new();
    let mut refused = 0;
    for n in 0..40 {
        let name = format!("n{n}");
        let outcome =
            store.append(noise(&mut rng, &name, 600 << 10)).and_then(|commit| commit.wait());
        match outcome {
            Ok(_) => kept.push(name),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::StorageFull, "{e}");
                refused += 1;
                let gone = store.snapshot().observation(&id("noise"), &id(&name)).unwrap();
                assert!(gone.is_none(), "nothing of a refused batch is seen");
            }
        }
    }
    assert!(refused > 0, "the disk was not full");
    // Reads go on, sealing may fail but loses nothing.
    assert_eq!(check_prefix(&store.snapshot()), 40);
    if let Err(e) = store.seal(SealLevel::Full) {
        assert_eq!(e.kind(), ErrorKind::StorageFull, "{e}");
    }
    assert_eq!(check_prefix(&store.snapshot()), 40);
    let whole = |store: &Store| {
        let snapshot = store.snapshot();
        for name in &kept {
            let input = snapshot.input(&id("noise"), &id(name)).unwrap();
            assert_eq!(input.unwrap().len(), 600 << 10, "{name}");
        }
        let tree = snapshot.trace(&id("noise")).unwrap();
        assert_eq!(tree.map_or(0, |t| t.len()), kept.len());
    };
    whole(&store);
    // A reader in this state, and after the space is back everything goes on.
    let reader = Store::open_read_only(&path).unwrap();
    assert_eq!(check_prefix(&reader.snapshot()), 40);
    std::fs::remove_file(&filler).unwrap();
    let mut outcome = Ok(tracekeep::Seq(0));
    for _ in 0..100 {
        outcome = store.append(batch_of(40)).and_then(|commit| commit.wait());
        if outcome.is_ok() {
            break;
        }
        // The background tries again once a second.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    outcome.unwrap();
    for number in 41..60 {
        store.append(batch_of(number)).unwrap().wait().unwrap();
    }
    store.seal(SealLevel::Quick).unwrap();
    assert_eq!(check_prefix(&store.snapshot()), 60);
    whole(&store);
    store.close().unwrap();
    let store = open();
    assert_eq!(check_prefix(&store.snapshot()), 60);
    whole(&store);
}

#[test]
fn a_full_disk_at_disk() {
    full_disk(Durability::Disk, Background::Off);
}

#[test]
fn a_full_disk_at_os() {
    full_disk(Durability::Os, Background::Off);
}

#[test]
fn a_full_disk_at_disk_strict() {
    full_disk(Durability::DiskStrict, Background::Off);
}

#[test]
fn a_full_disk_while_logs_are_sealed() {
    full_disk(Durability::Disk, Background::On);
}
