//! A process that nobody kills: it fills a store, reads in it, closes and removes it, and begins the
//! next one, for a whole piece. What it uses at the end of a store must not grow from store to store.

use super::child::{Running, role};
use super::heap;
use super::sample::{self, Samples};
use super::stream::{Stream, damaged, options};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tracekeep::{Durability, Error, Result, SealLevel, Store, Verdict, verify};
use tracekeep_workload::Rng;

/// Between two batches, so that the disk and the processors are there for the others too.
const PAUSE: Duration = Duration::from_millis(2);

/// Batches of each store.
const BATCHES: u64 = 3_000;

/// What the process does until it is told to stop.
pub(super) fn stay(path: &Path, notes: &Path, stream: Stream) -> Result<()> {
    let mut stream = stream;
    while !stop(path).exists() {
        fill(path, notes, stream)?;
        std::fs::remove_dir_all(path).map_err(|e| Error::io("remove", path, e))?;
        // By five, so that none passes for one on a small disk.
        stream.store -= 5;
    }
    Ok(())
}

fn stop(path: &Path) -> PathBuf {
    path.with_extension("stop")
}

/// The life of one store: all that was acknowledged is there at its end.
fn fill(path: &Path, notes: &Path, stream: Stream) -> Result<()> {
    let store = Store::builder().options(options(Durability::Disk)).open(path)?;
    let mut rng = Rng::stream(stream.seed, stream.store);
    let mut acknowledged = BTreeSet::new();
    while (acknowledged.len() as u64) < BATCHES && !stop(path).exists() {
        let number = acknowledged.len() as u64;
        store.append(stream.batch(number)?)?.wait()?;
        acknowledged.insert(number);
        if rng.chance(3) {
            stream.check(&store.snapshot(), &acknowledged).map_err(damaged)?;
        }
        std::thread::sleep(PAUSE);
    }
    store.seal(SealLevel::Full)?;
    stream.check(&store.snapshot(), &acknowledged).map_err(damaged)?;
    let whole = acknowledged.len() as u64 == BATCHES;
    if whole {
        say(notes, "resident with a store")?;
    }
    store.close()?;
    drop(acknowledged);
    match verify(path, &mut |_| {})? {
        Verdict::Clean if whole => say(notes, "resident without"),
        Verdict::Clean => Ok(()),
        verdict => Err(damaged(format!("verify says {verdict:?} of {}", path.display()))),
    }
}

fn say(notes: &Path, when: &str) -> Result<()> {
    heap::give_back();
    sample::say(notes, when)
}

/// That process, as its parent knows it.
#[derive(Debug)]
pub(super) struct Resident {
    running: Running,
    path: PathBuf,
    notes: PathBuf,
}

impl Resident {
    /// Begins in a folder of its own, whatever an earlier piece has left there.
    pub fn start(dir: &Path, seed: u64, mut program: Command) -> std::io::Result<Resident> {
        let folder = dir.join("resident");
        let _old = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let (path, notes) = (folder.join("store"), folder.join("notes"));
        // From the last number down: no other store of the soak comes to these.
        let stream = Stream { seed, store: u64::MAX };
        // glibc's first value, kept: else it grows with what is freed, and with it what stays unused at
        // the end of each arena.
        program.env("MALLOC_TRIM_THRESHOLD_", "131072");
        role(&mut program, "resident", Durability::Disk, stream, &path, &notes);
        Ok(Resident { running: Running::start(program)?, path, notes })
    }

    /// What it said of itself since it was asked last. It lives.
    pub fn sample(&mut self, samples: &mut Samples) -> std::result::Result<(), String> {
        samples.take_said(&self.notes);
        self.running.alive().map_err(|e| self.told(&e))
    }

    /// Stops it.
    pub fn end(mut self) -> std::result::Result<(), String> {
        self.running.stop(&stop(&self.path)).map_err(|e| self.told(&e))
    }

    fn told(&self, what: &str) -> String {
        format!("the resident process, {}: {what}", self.path.display())
    }
}
