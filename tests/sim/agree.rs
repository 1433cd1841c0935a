//! The simulated disk answers as the real one does.

use crate::seed;
use std::collections::BTreeMap;
use tracekeep::fs::{Dir, DirMode, File, FileName, Fs, RealFs};
use tracekeep::id::{LogId, SegmentId};
use tracekeep::{ErrorKind, Result};
use tracekeep_crash::disk::SimFs;
use tracekeep_workload::Rng;

const NAMES: [FileName; 8] = [
    FileName::Current,
    FileName::CurrentTemp,
    FileName::Manifest(1),
    FileName::Log(LogId(1)),
    FileName::Log(LogId(2)),
    FileName::Skeleton(SegmentId(1)),
    FileName::SkeletonTemp(SegmentId(1)),
    FileName::Lock,
];

/// What an operation answered, without what is of this file system alone.
#[derive(Debug, PartialEq)]
enum Answer {
    Done,
    Number(u64),
    Bytes(Vec<u8>),
    Names(Vec<FileName>),
    Failed(ErrorKind, bool),
}

fn answer<T>(result: Result<T>, say: impl FnOnce(T) -> Answer) -> Answer {
    match result {
        Ok(value) => say(value),
        Err(e) => Answer::Failed(e.kind(), e.is_not_found()),
    }
}

/// A directory, another one, and handles that stay open.
struct World<D: Dir> {
    dirs: [D; 2],
    open: BTreeMap<u64, D::File>,
    lock: Option<D::Lock>,
}

impl<D: Dir> World<D> {
    fn act(&mut self, rng: &mut Rng) -> (String, Answer) {
        let name = NAMES[rng.below(8) as usize];
        let other = NAMES[rng.below(8) as usize];
        let (slot, which) = (rng.below(4), rng.below(4).min(1) as usize);
        let (offset, len) = (rng.below(3000), rng.below(1500));
        let bytes: Vec<u8> = (0..len).map(|i| (offset + i * 7) as u8).collect();
        let dir = self.dirs[1 - which].clone();
        let file = self.open.get(&slot);
        let done = |()| Answer::Done;
        match rng.below(14) {
            0 | 1 => {
                let made = dir.create(name);
                let made = made.map(|file| self.open.insert(slot, file));
                (format!("create {name}"), answer(made, |_| Answer::Done))
            }
            2 => {
                let opened = dir.open(name).map(|file| self.open.insert(slot, file));
                (format!("open {name}"), answer(opened, |_| Answer::Done))
            }
            3..=5 => {
                let Some(file) = file else { return ("no file".to_owned(), Answer::Done) };
                let what = format!("write {} at {offset} of {slot}", bytes.len());
                (what, answer(file.write_at(&bytes, offset), done))
            }
            6 => {
                let Some(file) = file else { return ("no file".to_owned(), Answer::Done) };
                let mut into = vec![0; len as usize];
                let n = file.read_at(&mut into, offset);
                let read = n.map(|n| into[..n].to_vec());
                (format!("read {len} at {offset} of {slot}"), answer(read, Answer::Bytes))
            }
            7 => {
                let Some(file) = file else { return ("no file".to_owned(), Answer::Done) };
                file.sync().unwrap();
                (format!("length of {slot}"), answer(file.len(), Answer::Number))
            }
            8 => {
                let Some(file) = file else { return ("no file".to_owned(), Answer::Done) };
                let what = format!("reserve {offset} to {} in {slot}", offset + len);
                (what, answer(file.reserve(offset, offset + len), done))
            }
            9 => (format!("rename {name} to {other}"), answer(dir.rename(name, other), done)),
            10 => (format!("remove {name}"), answer(dir.remove(name), done)),
            11 => {
                let mapped = dir.map(name).map(|map| map.to_vec());
                (format!("map {name}"), answer(mapped, Answer::Bytes))
            }
            12 => {
                dir.sync().unwrap();
                let list = dir.list().map(|mut names| {
                    names.sort_unstable();
                    names
                });
                ("list".to_owned(), answer(list, Answer::Names))
            }
            _ if self.lock.is_some() && rng.below(2) == 0 => {
                self.lock = None;
                ("unlock".to_owned(), Answer::Done)
            }
            _ => {
                let locked = self.dirs[0].lock("a note");
                let said = answer(locked.map(|lock| self.lock = Some(lock)), |()| Answer::Done);
                ("lock".to_owned(), said)
            }
        }
    }
}

fn world<F: Fs>(fs: &F, root: &std::path::Path) -> World<F::Dir> {
    let dir = |name: &str| fs.open_dir(&root.join(name), DirMode::Create).unwrap();
    World { dirs: [dir("one"), dir("two")], open: BTreeMap::new(), lock: None }
}

#[test]
fn the_simulated_disk_answers_as_the_real_one() {
    let seed = seed();
    for round in 0..20 {
        let root = tempfile::tempdir().unwrap();
        let (mut real, mut sim) = (world(&RealFs, root.path()), world(&SimFs::new(), root.path()));
        let mut rngs = [Rng::stream(seed, round), Rng::stream(seed, round)];
        for step in 0..400 {
            let (what, real) = real.act(&mut rngs[0]);
            let (_, sim) = sim.act(&mut rngs[1]);
            assert!(
                sim == real,
                "round {round}, step {step}: {what}\n{:.400}\n{:.400}",
                format!("{sim:?}"),
                format!("{real:?}")
            );
        }
    }
}

#[test]
fn a_directory_that_is_not_there_is_not_found_on_either() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("missing");
    let real = RealFs.open_dir(&missing, DirMode::Existing).unwrap_err();
    let sim = SimFs::new().open_dir(&missing, DirMode::Existing).unwrap_err();
    assert_eq!((real.kind(), real.is_not_found()), (sim.kind(), sim.is_not_found()));
}
