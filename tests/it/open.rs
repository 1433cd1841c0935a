//! A store is made once, opened by one writer, and never made by a reader.

use crate::world::{Dump, World, append, assert_same, at, files, full, observation, quick, trace};
use std::sync::Arc;
use tracekeep::{Create, ErrorKind, Store};

#[test]
fn a_store_is_made_and_found_again() {
    let world = World::new();
    let store = world.store();
    append(&store, [observation("t", "a", 0).input("one")]);
    let before = Dump::of(&store.snapshot());
    let seq = store.snapshot().seq();
    store.close().unwrap();
    let store = world.store();
    assert_same(&before, &Dump::of(&store.snapshot()), "reopened");
    assert_eq!(store.snapshot().seq(), seq);
    // Seqs go on, and are not used twice.
    let next = store.append(crate::world::batch([trace("u", 1)])).unwrap().wait().unwrap();
    assert_eq!(next.0, seq.0 + 1);
}

#[test]
fn missing_parents_of_the_directory_are_made() {
    let world = World::new();
    let deep = world.path().join("a").join("b");
    Store::open(&deep).unwrap().close().unwrap();
    assert_eq!(files(&deep, "CURRENT").len(), 1);
}

#[test]
fn create_never_makes_nothing() {
    let world = World::new();
    for make_dir in [false, true] {
        if make_dir {
            std::fs::create_dir(world.path()).unwrap();
        }
        let error = Store::builder().create(Create::Never).open(world.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(world.path().exists(), make_dir);
        assert!(!make_dir || files(&world.path(), "").is_empty());
    }
    drop(world.store());
    Store::builder().create(Create::Never).open(world.path()).unwrap();
}

#[test]
fn reading_never_makes_a_store() {
    let world = World::new();
    let error = Store::open_read_only(world.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(!world.path().exists());
    std::fs::create_dir(world.path()).unwrap();
    let error = Store::open_read_only(world.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(files(&world.path(), "").len(), 0);
}

#[test]
fn a_file_is_no_directory() {
    let world = World::new();
    std::fs::write(world.path(), "hello").unwrap();
    assert!(Store::open(world.path()).is_err());
    assert!(Store::open_read_only(world.path()).is_err());
    assert_eq!(std::fs::read(world.path()).unwrap(), b"hello");
}

#[test]
fn the_second_writer_is_told_who_is_the_first() {
    let world = World::new();
    let store = world.store();
    let error = Store::open(world.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let holder = format!("pid {} on ", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    // The one who holds it is not disturbed, and readers are welcome.
    append(&store, [trace("t", 0)]);
    let reader = Store::open_read_only(world.path()).unwrap();
    assert_eq!(Dump::of(&reader.snapshot()).len(), 1);
    store.close().unwrap();
    drop(world.store());
    drop(world.store());
}

#[test]
fn stray_files_are_removed_and_foreign_ones_left_alone() {
    let world = World::new();
    let store = world.store();
    append(&store, [observation("t", "a", 0).input("x".repeat(100))]);
    store.close().unwrap();
    let strays = [
        "seg-000777.tks",
        "seg-000777.tkp",
        "seg-000001.tks.tmp",
        "seg-000778.tkp.tmp",
        "index-000009.tki",
        "index-000009.tki.tmp",
        "log-000002.tkl",
        "log-000099.tkl",
        "MANIFEST-000002",
        "MANIFEST-000099",
        "CURRENT.tmp",
    ];
    let foreign = ["notes.txt", ".DS_Store", "log-1.tkl", "log-000001.tkl.bak"];
    for name in strays.iter().chain(&foreign) {
        std::fs::write(world.path().join(name), "stray").unwrap();
    }
    let reader = Store::open_read_only(world.path()).unwrap();
    assert_eq!(Dump::of(&reader.snapshot()).observations(), 1);
    assert!(world.path().join("seg-000777.tks").exists(), "a reader changes nothing");
    let store = world.store();
    let manifest = std::fs::read_to_string(world.path().join("CURRENT")).unwrap();
    for name in strays {
        let lives = manifest.trim_end() == name;
        assert_eq!(world.path().join(name).exists(), lives, "{name}");
    }
    for name in foreign {
        assert_eq!(std::fs::read(world.path().join(name)).unwrap(), b"stray", "{name}");
    }
    append(&store, [observation("t", "b", 1)]);
    assert_eq!(Dump::of(&store.snapshot()).observations(), 2);
}

#[test]
fn a_closed_store_can_be_moved() {
    let world = World::new();
    let store = world.store();
    append(&store, [observation("t", "a", 0).input("x".repeat(1000))]);
    quick(&store);
    append(&store, [observation("t", "b", 1).input("y".repeat(1000))]);
    let before = Dump::of(&store.snapshot());
    store.close().unwrap();
    let moved = world.path().with_file_name("elsewhere");
    std::fs::rename(world.path(), &moved).unwrap();
    let store = Store::open(&moved).unwrap();
    assert_same(&before, &Dump::of(&store.snapshot()), "moved");
    assert!(!world.path().exists());
}

#[test]
fn opening_and_closing_leaves_no_litter() {
    let world = World::new();
    let store = world.store();
    append(&store, [trace("t", 0)]);
    store.close().unwrap();
    world.store().close().unwrap();
    let names = files(&world.path(), "").len();
    for _ in 0..5 {
        world.store().close().unwrap();
    }
    assert_eq!(files(&world.path(), "").len(), names, "{:?}", files(&world.path(), ""));
}

#[test]
fn a_store_without_its_current_is_not_made_anew() {
    let world = World::new();
    let store = world.store();
    append(&store, [trace("t", 0)]);
    store.close().unwrap();
    std::fs::remove_file(world.path().join("CURRENT")).unwrap();
    let error = Store::open(world.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert!(error.corruption().unwrap().file.ends_with("CURRENT"), "{error}");
    assert_eq!(world.files("log-").len(), 1);
}

#[test]
fn another_format_is_refused_and_left_alone() {
    for (version, oldest, said) in [(9u16, 9u16, "upgrade"), (1, 1, "export the store with")] {
        let world = World::new();
        world.store().close().unwrap();
        let manifest = world.files("MANIFEST-").pop().unwrap();
        let mut bytes = std::fs::read(&manifest).unwrap();
        bytes[8..10].copy_from_slice(&version.to_le_bytes());
        bytes[10..12].copy_from_slice(&oldest.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..124]);
        bytes[124..128].copy_from_slice(&crc.to_le_bytes());
        std::fs::write(&manifest, &bytes).unwrap();
        let to = world.path().with_extension("repaired");
        for error in [
            Store::open(world.path()).map(drop).unwrap_err(),
            Store::open_read_only(world.path()).map(drop).unwrap_err(),
            tracekeep::verify(&world.path(), &mut |_| {}).map(drop).unwrap_err(),
            tracekeep::repair(world.path(), &to, &mut |_| {}).map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::UnsupportedFormat, "{error}");
            let text = error.to_string();
            assert!(text.contains(&format!("format {version}")) && text.contains(said), "{error}");
        }
        assert_eq!(std::fs::read(&manifest).unwrap(), bytes);
    }
}

#[test]
fn a_manifest_is_started_anew_whatever_the_limit() {
    for (manifest_bytes_max, least, most) in [(0, 3, 16), (1024, 3, 10), (4 << 20, 1, 1)] {
        let mut world = World::new();
        world.options.manifest_bytes_max = manifest_bytes_max;
        let store = world.store();
        for i in 0..8 {
            append(&store, [trace(&format!("t{i}"), i)]);
            quick(&store);
        }
        let manifests = world.files("MANIFEST-");
        assert_eq!(manifests.len(), 1, "{manifests:?}");
        let name = manifests[0].file_name().unwrap().to_str().unwrap().to_owned();
        let number: u64 = name["MANIFEST-".len()..].parse().unwrap();
        assert!((least..=most).contains(&number), "{manifest_bytes_max}: {number}");
        let before = Dump::of(&store.snapshot());
        store.close().unwrap();
        assert_same(&before, &Dump::of(&world.store().snapshot()), "after the switches");
    }
}

#[test]
fn two_stores_of_one_entropy_and_clock_have_the_same_files() {
    let made = |n: u64| {
        let world = World::new();
        let clock = tracekeep::clock::ManualClock::default();
        clock.set_ns(at(0).0);
        let store = Store::builder()
            .options(world.options.clone())
            .clock(Arc::new(clock))
            .entropy(Arc::new(tracekeep::entropy::FixedEntropy(n)))
            .open(world.path())
            .unwrap();
        append(&store, [trace("t", 0)]);
        full(&store);
        store.close().unwrap();
        let mut files = world.files("MANIFEST-");
        files.extend(world.files("seg-"));
        assert_eq!(files.len(), 3, "{files:?}");
        files.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(made(1), made(1));
    assert_ne!(made(1), made(2));
}
