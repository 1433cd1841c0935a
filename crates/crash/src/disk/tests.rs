use super::*;
use std::path::Path;
use std::sync::Arc;
use tracekeep::fs::{Dir, DirMode, File, FileName, Fs};
use tracekeep::model::{Operation, Timestamp, TraceRecord};
use tracekeep::{Background, Batch, Id, Options, SealLevel, StoreBuilder};

fn batch(name: &str) -> Batch {
    let mut batch = Batch::new();
    let trace = Id::parse(name).unwrap();
    batch.push(TraceRecord::new(trace, Timestamp(1), Operation::Create).name(name)).unwrap();
    batch
}

fn builder(fs: &SimFs) -> StoreBuilder<SimFs> {
    let options = Options { background: Background::Off, ..Options::default() };
    StoreBuilder::new(fs.clone()).options(options)
}

#[test]
fn a_store_lives_on_it() {
    let fs = SimFs::new();
    let store = builder(&fs).open("store").unwrap();
    store.append(batch("t")).unwrap().wait().unwrap();
    store.seal(SealLevel::Full).unwrap();
    store.close().unwrap();
    let copy = SimFs::of(&fs.image());
    let store = builder(&copy).open("store").unwrap();
    assert!(store.snapshot().trace_state(&Id::parse("t").unwrap()).unwrap().is_some());
    assert!(fs.broken().is_empty() && copy.broken().is_empty(), "{:?}", fs.broken());
    assert_eq!(fs.count(OpKind::Rename), 3, "{:?}", fs.log());
}

#[test]
fn a_killed_process_does_nothing_more() {
    let fs = SimFs::new();
    let store = builder(&fs).open("store").unwrap();
    store.append(batch("t")).unwrap().wait().unwrap();
    fs.kill();
    let operations = fs.log().len();
    let next = builder(&fs).open("store").unwrap();
    assert!(store.append(batch("u")).unwrap().wait().is_err());
    drop(store);
    assert!(fs.log()[operations..].iter().all(|op| op.kind() != OpKind::Kill));
    assert_eq!(next.recovery().copied_records, 1);
}

#[test]
fn broken_rules_are_noted() {
    let fs = SimFs::new();
    let dir = fs.open_dir(Path::new("d"), DirMode::Create).unwrap();
    let file = dir.create(FileName::Manifest(1)).unwrap();
    file.write_at(b"bytes", 0).unwrap();
    assert_eq!(fs.broken().len(), 0);
    assert_eq!(dir.map(FileName::Manifest(1)).unwrap().len(), 5);
    assert_eq!(fs.broken().len(), 1);
    file.sync().unwrap();
    file.write_at(b"more", 5).unwrap();
    assert_eq!(fs.broken().len(), 1);
    file.write_at(b"less", 4).unwrap();
    assert_eq!(fs.broken().len(), 2, "{:?}", fs.broken());
    // Zeros are no content yet, durable or not.
    file.write_at(&[0; 8], 9).unwrap();
    file.sync().unwrap();
    file.write_at(b"more", 9).unwrap();
    file.sync().unwrap();
    assert_eq!(fs.broken().len(), 2, "{:?}", fs.broken());
    file.write_at(b"less", 12).unwrap();
    assert_eq!(fs.broken().len(), 3);
}

#[test]
fn held_operations_wait() {
    let fs = SimFs::new();
    let dir = fs.open_dir(Path::new("d"), DirMode::Create).unwrap();
    let file = Arc::new(dir.create(FileName::Manifest(1)).unwrap());
    fs.hold(|attempt| attempt.kind == OpKind::Write);
    let writer = {
        let file = Arc::clone(&file);
        std::thread::Builder::new().spawn(move || file.write_at(b"x", 0)).unwrap()
    };
    fs.wait_until_held(1).unwrap();
    file.sync().unwrap();
    assert_eq!(fs.count(OpKind::Write), 0);
    fs.allow(1);
    fs.wait_for(OpKind::Write, 1).unwrap();
    writer.join().unwrap().unwrap();
}
