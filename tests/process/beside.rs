//! One writer, any number of readers.

use crate::child::{batch_of, busy_options, check_prefix, start};
use tracekeep::{Durability, ErrorKind, SealLevel, Store};

#[test]
fn two_readers_follow_a_writer_through_appends_and_seals() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = Store::builder().options(busy_options(Durability::Disk)).open(&path).unwrap();
    store.append(batch_of(0)).unwrap().wait().unwrap();
    let mut readers = [start("follow", &path, "one"), start("follow", &path, "two")];
    for reader in &mut readers {
        reader.wait_for(|line| line.starts_with("saw"));
    }
    let own = Store::open_read_only(&path).unwrap();
    for number in 1..300 {
        store.append(batch_of(number)).unwrap().wait().unwrap();
        if number % 40 == 0 {
            own.refresh().unwrap();
            assert_eq!(check_prefix(&own.snapshot()), number + 1, "acknowledged is seen");
        }
        if number % 90 == 0 {
            let level = if number % 180 == 0 { SealLevel::Full } else { SealLevel::Quick };
            store.seal(level).unwrap();
        }
    }
    std::fs::write(root.path().join("stop"), "").unwrap();
    for reader in readers {
        let lines = reader.finish();
        assert_eq!(lines.last().unwrap(), "saw 300");
        let kinds: std::collections::BTreeSet<_> = lines.iter().collect();
        assert!(kinds.len() > 2, "it saw the writer at work: {kinds:?}");
    }
    // A snapshot of a reader outlives the files that it reads.
    let old = own.snapshot();
    let seen = check_prefix(&old);
    store.seal(SealLevel::Full).unwrap();
    store.close().unwrap();
    Store::open(&path).unwrap().close().unwrap();
    assert_eq!(check_prefix(&old), seen);
    own.refresh().unwrap();
    assert_eq!(check_prefix(&own.snapshot()), 300);
}

#[test]
fn a_second_writer_is_refused_with_the_pid_of_the_first() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let mut holder = start("hold", &path, "notes");
    holder.wait_for(|line| line == "open");
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    let named = format!("pid {} on ", holder.pid());
    assert!(error.to_string().contains(&named), "{error}");
    let reader = Store::open_read_only(&path).unwrap();
    assert_eq!(check_prefix(&reader.snapshot()), 0);
    // The lock goes with its holder.
    holder.kill();
    Store::open(&path).unwrap().close().unwrap();
}
