//! A repaired store holds everything that could be read, and what is missing was listed, at the
//! place that is damaged.

/// The same damage, compared.
mod compare;
/// What was appended, and what a store says.
mod model;
/// Every region of every file, flipped, cut, wiped and removed.
mod regions;

use crate::world::{World, append, full, id, noise, observation, trace};
use compare::repaired;
use model::{Said, appended, fill};
use tracekeep::model::Record;
use tracekeep::{ErrorKind, Lost, Store, Verdict, repair, verify};

#[test]
fn a_sound_store_is_the_same_afterwards() {
    let world = World::new();
    let store = world.store();
    fill(&store);
    let expected = Said::of(&store.snapshot());
    let seq = store.snapshot().seq();
    // What a kill -9 leaves, with a torn tail behind it.
    let killed = world.twin();
    store.close().unwrap();
    let log = killed.files("log-").pop().unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend_from_slice(&[7; 300]);
    std::fs::write(&log, bytes).unwrap();
    for (world, what) in [(&world, "closed"), (&killed, "killed")] {
        let found = repaired(world);
        assert_eq!(found.losses, [], "{what}");
        expected.assert_same(&found.said, what);
        assert!(found.report.seq > seq, "{what}: seqs go on");
        let again = Store::open(found.path()).unwrap();
        let next = again.append(crate::world::batch([trace("new", 9)])).unwrap();
        assert!(next.wait().unwrap() > found.report.seq);
    }
}

#[test]
fn a_repaired_store_can_be_repaired_and_sealed() {
    let world = World::new();
    let store = world.store();
    fill(&store);
    full(&store);
    let expected = Said::of(&store.snapshot());
    store.close().unwrap();
    let once = repaired(&world);
    let twice = World::at(once.path());
    let store = twice.store();
    full(&store);
    store.close().unwrap();
    let twice = repaired(&twice);
    assert_eq!(twice.losses, []);
    expected.assert_same(&twice.said, "twice");
}

#[test]
fn it_goes_from_a_store_that_nobody_writes_to_a_new_place() {
    let world = World::new();
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let refused = |from: &std::path::Path, to: &std::path::Path| {
        let error = repair(from, to, &mut |_| {}).unwrap_err();
        (error.kind(), error.to_string())
    };
    let (kind, words) = refused(temp.path(), &out);
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert!(words.contains("no store here") && !temp.path().join("LOCK").exists(), "{words}");
    let store = world.store();
    append(&store, [observation("t", "a", 1)]);
    assert_eq!(refused(&world.path(), &out).0, ErrorKind::Locked);
    assert!(!out.exists());
    store.close().unwrap();
    let (kind, words) = refused(&world.path(), &world.path());
    assert_eq!(kind, ErrorKind::InvalidInput, "{words}");
    assert!(words.contains("a repaired store goes to a new directory"), "{words}");
    let before = world.twin();
    repair(world.path(), &out, &mut |_| {}).unwrap();
    for (path, twin) in world.files("").iter().zip(before.files("")) {
        // The lock's file holds a note for people.
        let same =
            path.ends_with("LOCK") || std::fs::read(path).unwrap() == std::fs::read(twin).unwrap();
        assert!(same, "{} was changed", path.display());
    }
    assert_eq!(refused(&world.path(), &out).0, ErrorKind::InvalidInput);
}

#[test]
fn frames_behind_a_damaged_one_are_saved_but_for_payloads_that_need_it() {
    let world = World::new();
    let store = world.store();
    let history = noise(5, 20_000);
    let call = |id, ms| observation("t", id, ms).name("call");
    append(&store, [call("first", 1).input(history.clone()).output("one")]);
    append(&store, [call("second", 2).input(format!("{history}!")).output("two")]);
    append(&store, [observation("u", "third", 3).input("three")]);
    store.close().unwrap();
    let path = world.files("log-").remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[300] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    assert!(Store::open(world.path()).is_err());
    let found = repaired(&world);
    let what: Vec<_> = found.losses.iter().map(|l| (l.what, l.field, l.offset)).collect();
    let input = Some(tracekeep::model::Field::Input);
    assert_eq!(what[0], (Lost::Records, None, 128), "{:?}", found.losses);
    assert_eq!(what.len(), 2, "{:?}", found.losses);
    assert_eq!((what[1].0, what[1].1), (Lost::Field, input));
    assert_eq!(found.losses[1].bytes, 20_001);
    let copy = Store::open_read_only(found.path()).unwrap().snapshot();
    assert!(copy.observation(&id("t"), &id("first")).unwrap().is_none());
    assert_eq!(copy.output(&id("t"), &id("second")).unwrap().unwrap(), b"two");
    assert_eq!(copy.input(&id("t"), &id("second")).unwrap(), None);
    assert_eq!(copy.input(&id("u"), &id("third")).unwrap().unwrap(), b"three");
}

#[test]
fn without_a_manifest_replaced_files_stay_replaced() {
    let world = World::new();
    let store = world.store();
    append::<Record>(&store, [trace("t", 0).into(), observation("t", "a", 1).output("x").into()]);
    crate::world::quick(&store);
    // Files that a crash brings back after their unlink.
    let before = world.twin();
    append::<Record>(&store, [crate::world::erase_trace("t", 5), trace("u", 6).into()]);
    full(&store);
    let expected = Said::of(&store.snapshot());
    store.close().unwrap();
    for path in before.files("seg-").iter().chain(&before.files("log-")) {
        let to = world.path().join(path.file_name().unwrap());
        if !to.exists() {
            std::fs::copy(path, to).unwrap();
        }
    }
    for path in world.files("MANIFEST").iter().chain(&world.files("CURRENT")) {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(verify(&world.path(), &mut |_| {}).unwrap(), Verdict::Damaged);
    let found = repaired(&world);
    assert_eq!(found.losses, []);
    expected.assert_same(&found.said, "without a manifest");
    assert!(found.report.notes[0].contains("CURRENT"), "{:?}", found.report.notes);
}

#[test]
fn what_was_appended_is_what_the_model_says() {
    let world = World::new();
    let store = world.store();
    let appended = appended();
    fill(&store);
    let said = Said::of(&store.snapshot());
    assert!(appended.len() > 20 && said.len() > 12, "{} {}", appended.len(), said.len());
}
