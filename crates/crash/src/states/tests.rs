use super::*;
use crate::disk::{Image, SimFs};
use std::collections::BTreeSet;
use std::path::Path;
use tracekeep::fs::{Dir, DirMode, File, FileName, Fs};

const FILE: FileName = FileName::Manifest(1);
const OTHER: FileName = FileName::Manifest(2);
const ALL: Strength = Strength { exhaustive_atoms: 12, samples: 0, most: usize::MAX };

/// What each state after all of this holds: names with their bytes.
fn states(script: impl Fn(&SimFs)) -> BTreeSet<Vec<(String, Vec<u8>)>> {
    let fs = SimFs::new();
    let dir = fs.open_dir(Path::new("d"), DirMode::Create).unwrap();
    let _ = dir;
    script(&fs);
    let mut replay = Replay::of(&Image::default());
    fs.log().iter().for_each(|op| replay.apply(op));
    let unsynced = Unsynced::of(&replay);
    let all = choices(unsynced.atoms(), unsynced.grows(), ALL, 1);
    let held = |image: Image| {
        let names = image.dirs[0].entries.keys();
        names.map(|n| (n.to_string(), image.file(0, *n).unwrap().to_vec())).collect()
    };
    all.iter().map(|choice| held(unsynced.image(choice))).collect()
}

fn dir(fs: &SimFs) -> crate::disk::SimDir {
    fs.open_dir(Path::new("d"), DirMode::Existing).unwrap()
}

fn holds(name: FileName, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    vec![(name.to_string(), bytes.to_vec())]
}

#[test]
fn what_is_synced_is_there_and_nothing_else_is_sure() {
    let synced = states(|fs| {
        let file = dir(fs).create(FILE).unwrap();
        file.write_at(b"ab", 0).unwrap();
        file.sync().unwrap();
        dir(fs).sync().unwrap();
    });
    assert_eq!(synced, BTreeSet::from([holds(FILE, b"ab")]));
    let nameless = states(|fs| {
        let file = dir(fs).create(FILE).unwrap();
        file.write_at(b"ab", 0).unwrap();
        file.sync().unwrap();
    });
    assert_eq!(nameless, BTreeSet::from([vec![], holds(FILE, b"ab")]));
    let unwritten = states(|fs| {
        let file = dir(fs).create(FILE).unwrap();
        dir(fs).sync().unwrap();
        file.write_at(b"ab", 0).unwrap();
    });
    // Nothing, the bytes, zeros, garbage; no other file has bytes that could show up.
    let lens: Vec<usize> = unwritten.iter().map(|names| names[0].1.len()).collect();
    assert_eq!(lens, [0, 2, 2, 2], "{unwritten:?}");
    assert!(unwritten.contains(&holds(FILE, b"ab")) && unwritten.contains(&holds(FILE, &[0, 0])));
}

#[test]
fn sectors_come_in_any_order_and_keep_their_history() {
    let found = states(|fs| {
        let file = dir(fs).create(FILE).unwrap();
        dir(fs).sync().unwrap();
        file.write_at(&[1; 500], 0).unwrap();
        file.write_at(&[2; 24], 500).unwrap();
    });
    let tight = |bytes: &[&[u8]]| found.contains(&holds(FILE, &bytes.concat()));
    assert!(tight(&[&[1; 500], &[2; 24]]), "all");
    assert!(tight(&[&[1; 500]]), "the first write");
    assert!(tight(&[&[1; 500], &[2; 12]]), "torn at 512");
    assert!(tight(&[&[0; 512], &[2; 12]]), "the second sector without the first");
    assert!(!tight(&[&[0; 500], &[2; 24]]), "one sector's later bytes without its earlier ones");
}

#[test]
fn zeros_behind_everything_are_one_piece() {
    let found = states(|fs| {
        let file = dir(fs).create(FILE).unwrap();
        dir(fs).sync().unwrap();
        file.write_at(&[1; 8], 0).unwrap();
        file.write_at(&[0; 1020], 8).unwrap();
        file.write_at(&[2; 8], 8).unwrap();
    });
    let tight = |bytes: &[&[u8]]| found.contains(&holds(FILE, &bytes.concat()));
    assert!(tight(&[&[1; 8], &[2; 8], &[0; 1012]]), "all");
    assert!(tight(&[&[1; 8]]) && tight(&[&[1; 8], &[0; 1020]]), "not what lands on them");
    assert!(tight(&[&[1; 8], &[2; 8]]), "what lands on them, and not they");
    assert!(!tight(&[&[1; 8], &[0; 504]]), "half of them");
    assert!(!tight(&[&[0; 8], &[2; 8]]), "a page without what it held before");
}

#[test]
fn a_rename_is_whole_and_other_names_are_free() {
    let found = states(|fs| {
        dir(fs).create(FILE).unwrap();
        dir(fs).create(OTHER).unwrap();
        dir(fs).sync().unwrap();
        dir(fs).rename(FILE, FileName::Current).unwrap();
        dir(fs).remove(OTHER).unwrap();
    });
    let names = |state: &Vec<(String, Vec<u8>)>| {
        state.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(" ")
    };
    let found: BTreeSet<String> = found.iter().map(names).collect();
    let all = [
        "CURRENT",
        "CURRENT MANIFEST-000002",
        "MANIFEST-000001",
        "MANIFEST-000001 MANIFEST-000002",
    ];
    assert_eq!(found, all.map(str::to_owned).into());
}

#[test]
fn of_many_the_telling_ones_are_chosen() {
    let few = Strength { exhaustive_atoms: 4, samples: 5, most: 1000 };
    let all = choices(30, true, few, 7);
    assert_eq!(all, choices(30, true, few, 7), "a function of the seed");
    assert_ne!(all, choices(30, true, few, 8));
    let kept = |n: usize| all.iter().filter(|c| c.kept.iter().filter(|k| **k).count() == n).count();
    assert!(kept(1) >= 30 && kept(29) >= 30 && kept(0) >= 1 && kept(30) >= 1);
    assert_eq!(choices(4, false, few, 1).len(), 16);
    assert_eq!(choices(0, false, few, 1).len(), 1);
    let fewer = Strength { most: 20, ..few };
    let some = choices(30, true, fewer, 7);
    assert_eq!(some.len(), 20);
    assert!(some[0].kept.iter().all(|k| !k) && some[1].is_all());
    assert!(choices(70, true, few, 1).iter().all(|c| c.kept.len() == 70));
}
