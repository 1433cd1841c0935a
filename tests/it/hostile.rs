use crate::world::{World, append, observation};
use tracekeep::internals::frame::{FILE_HEADER_BYTES, FileHeader, FileKind};
use tracekeep::{ErrorKind, Store, Verdict, verify};

/// A store with a log whose records nothing promises.
fn unsealed() -> World {
    let world = World::new();
    let store = world.store();
    append(&store, [observation("trace", "a", 1).input("something to read")]);
    let twin = world.twin();
    store.close().unwrap();
    twin
}

#[test]
fn a_log_of_a_terabyte_is_refused_before_it_is_read() {
    let world = unsealed();
    let log = &world.files("log-")[0];
    let before = std::fs::read(log).unwrap();
    std::fs::OpenOptions::new().write(true).open(log).unwrap().set_len(1 << 40).unwrap();
    for error in
        [Store::open(world.path()).map(drop), Store::open_read_only(world.path()).map(drop)]
    {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corruption);
        assert!(error.to_string().contains("a log has at most"), "{error}");
    }
    assert_eq!(verify(&world.path(), &mut |_| {}).unwrap(), Verdict::Damaged);
    std::fs::OpenOptions::new()
        .write(true)
        .open(log)
        .unwrap()
        .set_len(before.len() as u64)
        .unwrap();
    world.store().close().unwrap();
}

#[test]
fn numbers_that_no_store_comes_to_are_refused() {
    let world = unsealed();
    std::fs::write(world.path().join("CURRENT"), "MANIFEST-18446744073709551615\n").unwrap();
    let error = Store::open(world.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error}");
}

#[test]
fn a_newer_format_of_any_file_is_refused_and_nothing_is_written() {
    let world = unsealed();
    let store = world.store();
    crate::world::quick(&store);
    append(&store, [observation("trace", "b", 2).input("more")]);
    store.close().unwrap();
    let kinds = [
        ("MANIFEST-", FileKind::Manifest),
        ("log-", FileKind::Log),
        ("seg-000001.tks", FileKind::Skeleton),
        ("seg-000001.tkp", FileKind::Payload),
    ];
    for (prefix, kind) in kinds {
        let file = &world.files(prefix)[0];
        let sound = std::fs::read(file).unwrap();
        assert!(FileHeader::parse(&sound, kind).is_ok());
        let mut newer = sound.clone();
        newer[8..12].copy_from_slice(&[9, 0, 9, 0]);
        let crc = crc32fast::hash(&newer[..FILE_HEADER_BYTES - 4]);
        newer[FILE_HEADER_BYTES - 4..FILE_HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
        std::fs::write(file, &newer).unwrap();
        let names = world.files("");
        for result in
            [Store::open(world.path()).map(drop), Store::open_read_only(world.path()).map(drop)]
        {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnsupportedFormat, "{prefix}: {error}");
        }
        assert_eq!((world.files(""), std::fs::read(file).unwrap()), (names, newer), "{prefix}");
        std::fs::write(file, &sound).unwrap();
    }
    world.store().close().unwrap();
}
