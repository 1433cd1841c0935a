use super::compare::{blame, compare, repaired};
use super::model::{Said, appended, fill};
use crate::world::{World, seed};
use std::path::{Path, PathBuf};
use tracekeep::{Loss, Verdict, dump, verify};

/// A store with two segments, a finished log and one behind it, and what it says.
fn original() -> (World, Said) {
    let mut world = World::new();
    world.options.log_bytes_max = 2_000;
    let store = world.store();
    fill(&store);
    let said = Said::of(&store.snapshot());
    store.close().unwrap();
    (world, said)
}

/// Writes a file anew: no map of the old one changes.
fn replace(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The parts of a file: sections, frames, and what is around them.
fn parts_of(path: &Path) -> Vec<(u64, u64)> {
    let mut parts = vec![(0, 128)];
    dump(path, &mut |line| {
        if matches!(&*line.kind, "section" | "frame" | "footer") {
            parts.push((line.offset, line.offset + line.len.next_multiple_of(8)));
        }
        Ok(())
    })
    .unwrap();
    parts
}

/// A loss by a flipped bit is told at the section, frame or end that holds it; damage around them
/// may take what is in them.
fn assert_there(loss: &Loss, path: &Path, part: (u64, u64), at: u64) {
    let around = part.0 == 0 || part.1 >= std::fs::metadata(path).unwrap().len();
    let inside = part.0 <= loss.offset && loss.offset <= part.1;
    // Without its own place, as a payload that does not come together.
    let nowhere = loss.offset == 0;
    assert!(around || inside || nowhere, "byte {at} of {part:?} in {}: {loss:?}", path.display());
}

fn data(world: &World) -> Vec<PathBuf> {
    let mut files = world.files("");
    files.retain(|path| !path.ends_with("LOCK") && !path.ends_with("BALLAST"));
    files
}

#[test]
fn a_flipped_bit_costs_what_is_listed_and_nothing_else() {
    let (world, expected) = original();
    let appended = appended();
    let seed = seed();
    let (mut tried, mut lossless, mut lost) = (0, 0, 0);
    for path in data(&world) {
        let bytes = std::fs::read(&path).unwrap();
        let step = (bytes.len() / 40).max(1);
        let parts = parts_of(&path);
        for at in (seed as usize % step..bytes.len()).step_by(step) {
            let within = |(start, end): &&(u64, u64)| (*start..*end).contains(&(at as u64));
            let part = parts.iter().find(within).copied().unwrap_or((at as u64, at as u64 + 1));
            let mut bad = bytes.clone();
            bad[at] ^= 1 << ((seed as usize + at) % 8);
            replace(&path, &bad);
            let what = format!("byte {at} of {}", path.display());
            let found = repaired(&world);
            compare(&expected, &found, &appended, &what);
            blame(&found, &[&path], &what);
            found.losses.iter().for_each(|loss| assert_there(loss, &path, part, at as u64));
            tried += 1;
            lossless += u64::from(found.losses.is_empty());
            lost += u64::from(!found.losses.is_empty());
        }
        replace(&path, &bytes);
    }
    assert!(tried > 200 && lossless > 20 && lost > 100, "{tried} {lossless} {lost}");
}

#[test]
fn a_cut_or_wiped_file_costs_what_is_listed_and_nothing_else() {
    let (world, expected) = original();
    let appended = appended();
    for path in data(&world) {
        let bytes = std::fs::read(&path).unwrap();
        let len = bytes.len();
        let wiped = |at: usize| {
            let mut bad = bytes.clone();
            let end = len.min(at + 512);
            bad[at..end].fill(0);
            bad
        };
        let mut cases: Vec<Vec<u8>> = [0, 1, 64, 128, 200, len / 2, len - 1]
            .iter()
            .filter(|end| **end < len)
            .map(|end| bytes[..*end].to_vec())
            .collect();
        cases.extend((0..len).step_by(512).map(wiped));
        for (case, bad) in cases.iter().enumerate() {
            replace(&path, bad);
            let what = format!("case {case} of {}, {} of {len} bytes", path.display(), bad.len());
            let found = repaired(&world);
            match verify(&world.path(), &mut |_| {}).unwrap() {
                Verdict::Damaged => compare(&expected, &found, &appended, &what),
                // Cut or wiped with the promise of it, the end of the last log cannot be told
                // from a torn tail. Opening would do the same.
                _ => {
                    let opened = World::at(world.path()).store();
                    Said::of(&opened.snapshot()).assert_same(&found.said, &what);
                    assert_eq!(found.losses, [], "{what}");
                }
            }
            blame(&found, &[&path], &what);
        }
        replace(&path, &bytes);
    }
}

#[test]
fn a_missing_file_costs_what_is_listed_and_nothing_else() {
    let (world, expected) = original();
    let appended = appended();
    let files = data(&world);
    for (i, path) in files.iter().enumerate() {
        // One by itself, and each with the manifest.
        for with in [None, files.iter().find(|p| p.to_str().unwrap().contains("MANIFEST"))] {
            let mut gone: Vec<(&PathBuf, Vec<u8>)> = vec![(path, std::fs::read(path).unwrap())];
            if let Some(with) = with.filter(|with| *with != path) {
                gone.push((with, std::fs::read(with).unwrap()));
            }
            gone.iter().for_each(|(path, _)| std::fs::remove_file(path).unwrap());
            let what = format!("without {:?}", gone.iter().map(|g| g.0).collect::<Vec<_>>());
            let found = repaired(&world);
            // Without its name in a manifest, nothing tells that a last log or segment was there.
            let newest = |p: &str| world.files(p).last().is_none_or(|last| last < path);
            let unknown = with.is_some() && (newest("log-") || newest("seg-"));
            if !unknown {
                compare(&expected, &found, &appended, &what);
            }
            let names: Vec<&Path> = gone.iter().map(|(path, _)| path.as_path()).collect();
            blame(&found, &names, &what);
            gone.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
        }
        assert!(i < 20);
    }
}
