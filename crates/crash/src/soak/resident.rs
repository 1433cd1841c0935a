//! A store that nobody kills: a process of its own appends to it at a steady pace for a whole piece,
//! and reads in it. What that process uses must not grow with the store.

use super::child::{Running, note, role};
use super::look::{Look, look_at};
use super::sample::Samples;
use super::stream::{Stream, options};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tracekeep::{Durability, Error, Result, Store};
use tracekeep_workload::Rng;

/// Between two batches, so that the disk and the processors are there for the others too.
const PAUSE: Duration = Duration::from_millis(5);

/// A store that begins fills its caches and its first levels; samples are taken from then on.
const WARM: Duration = Duration::from_secs(120);

/// What the process does: appends, notes, reads a trace now and then, until it is told to stop.
pub(super) fn stay(path: &Path, notes: &Path, stream: Stream) -> Result<()> {
    let failed = |e| Error::io("write", notes, e);
    let mut file = OpenOptions::new().create(true).append(true).open(notes).map_err(failed)?;
    let store = Store::builder().options(options(Durability::Disk)).open(path)?;
    let stop = path.with_extension("stop");
    let mut rng = Rng::stream(stream.seed, 0);
    for number in 0.. {
        if stop.exists() {
            break;
        }
        store.append(stream.batch(number)?)?.wait()?;
        note(&mut file, number)?;
        if rng.chance(50) {
            stream.check_trace(&store.snapshot(), rng.below(number + 1), number + 1)?;
        }
        std::thread::sleep(PAUSE);
    }
    store.close()
}

/// That process, as its parent knows it.
#[derive(Debug)]
pub(super) struct Resident {
    running: Running,
    stream: Stream,
    path: PathBuf,
    notes: PathBuf,
    since: Instant,
}

impl Resident {
    /// Begins with an empty store, whatever an earlier piece has left.
    pub fn start(dir: &Path, seed: u64, mut program: Command) -> std::io::Result<Resident> {
        let (path, notes) = (dir.join("store-resident"), dir.join("acknowledged-resident"));
        let _old = std::fs::remove_dir_all(&path);
        let _old = std::fs::remove_file(&notes);
        // A number that no other store of the soak comes to.
        let stream = Stream { seed, store: u64::MAX };
        role(&mut program, "resident", Durability::Disk, stream, &path, &notes);
        let running = Running::start(program)?;
        Ok(Resident { running, stream, path, notes, since: Instant::now() })
    }

    /// What it uses by now. It lives.
    pub fn sample(&mut self, samples: &mut Samples) -> std::result::Result<(), String> {
        self.running.alive().map_err(|e| self.told(&e))?;
        if self.since.elapsed() > WARM {
            samples.take("resident", self.running.pid());
        }
        Ok(())
    }

    /// Stops it, and has its whole store looked at. A sound one is removed.
    pub fn end(mut self, program: Command) -> std::result::Result<(), String> {
        self.running.stop(&self.path.with_extension("stop")).map_err(|e| self.told(&e))?;
        let (store, notes, stream) = (&self.path, &self.notes, self.stream);
        let look = Look { store, notes, stream, what: "peace".to_owned(), round: 0 };
        look_at(program, &look).map_err(|e| self.told(&e))?;
        let _gone = std::fs::remove_dir_all(&self.path);
        let _gone = std::fs::remove_file(&self.notes);
        Ok(())
    }

    fn told(&self, what: &str) -> String {
        format!("the resident store, {}: {what}", self.path.display())
    }
}
