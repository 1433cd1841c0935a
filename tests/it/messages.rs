//! What is wrong is said in words that do not change by accident.

use crate::world::{World, append, files, observation, trace};
use tracekeep::{Create, Cursor, Error, Id, Store};

/// The message, with the test's directory cut out.
fn said(world: &World, error: &Error) -> String {
    error.to_string().replace(world.path().to_str().unwrap(), "DIR")
}

#[test]
fn where_there_is_no_store() {
    let world = World::new();
    let text = "DIR: there is no store here; import something, or check the path";
    std::fs::create_dir(world.path()).unwrap();
    let error = Store::open_read_only(world.path()).unwrap_err();
    assert_eq!(said(&world, &error), text);
    let error = Store::builder().create(Create::Never).open(world.path()).unwrap_err();
    assert_eq!(said(&world, &error), text);
}

#[test]
fn where_another_writer_is() {
    let world = World::new();
    let _store = world.store();
    let error = Store::open(world.path()).unwrap_err();
    let text = said(&world, &error);
    let start = format!("DIR: the store is open for writing by pid {} on ", std::process::id());
    assert!(text.starts_with(&start), "{text}");
    assert!(text.ends_with("; close it there, or open it read-only here"), "{text}");
}

#[test]
fn what_is_wrong_with_an_id() {
    let said = |text: &str| Id::parse(text).unwrap_err().to_string();
    assert_eq!(said(""), "an id is empty: ids have 1 to 800 characters");
    assert_eq!(said(&"x".repeat(801)), "an id has 801 characters: ids have 1 to 800");
}

#[test]
fn what_is_wrong_with_a_cursor() {
    let error = "here".parse::<Cursor>().unwrap_err();
    assert_eq!(error.to_string(), "that is no cursor: use one that a list ended with");
}

#[test]
fn what_does_not_fit_a_batch() {
    let mut batch = tracekeep::Batch::new();
    let error = batch.push(trace("t", 0).user("x".repeat(70_000))).unwrap_err();
    assert_eq!(error.to_string(), "a text of 70000 bytes: at most 65536");
    batch.push(observation("t", "a", 0).input(vec![b'x'; 64 << 20])).unwrap();
    let error = batch.push(observation("t", "b", 0).input("abc")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a batch of more than one record has at most 67108864 payload bytes"
    );
}

#[test]
fn where_a_file_is_missing() {
    let world = World::new();
    let store = world.store();
    append(&store, [observation("t", "a", 0).input("x".repeat(100))]);
    crate::world::quick(&store);
    append(&store, [observation("t", "b", 0)]);
    store.close().unwrap();
    for (name, text) in [
        ("log-000002.tkl", "the manifest names this file, and it is missing"),
        ("seg-000001.tks", "the manifest names this file, and it is missing"),
        ("seg-000001.tkp", "the manifest names this file, and it is missing"),
    ] {
        let broken = world.twin();
        std::fs::remove_file(broken.path().join(name)).unwrap();
        let error = Store::open(broken.path()).unwrap_err();
        assert_eq!(said(&broken, &error), format!("DIR/{name}: at byte 0: {text}"));
    }
    let manifest = files(&world.path(), "MANIFEST-").pop().unwrap();
    std::fs::remove_file(&manifest).unwrap();
    let error = Store::open(world.path()).unwrap_err();
    let name = manifest.file_name().unwrap().to_str().unwrap();
    assert_eq!(
        said(&world, &error),
        format!("DIR/{name}: at byte 0: CURRENT names this file, and it is missing")
    );
}
