//! A soak on the real disk: one process appends a stream, another follows it, and this one kills
//! the first with `kill -9`, again and again, and looks at what is left.
//!
//! ```text
//!  writer    appends batch n of (seed, store), notes "ack n" in a file outside of the store
//!  reader    follows, and finds a prefix with every byte as it was sent
//!  look      checks what is left, verifies; and now and then flips a bit of a copy, or seals it all
//!  resident  fills one store after the other, and is never killed
//!  parent    kills, and has what is left looked at; and now and then tries a second writer, fills the
//!            disk, closes in peace; samples memory and open files of all of them
//! ```
//!
//! The children are the program that calls [`run`], started again with what it is to do in the
//! environment: it calls [`child`] first thing. All that a piece of the soak must know to go on is
//! in `state` in its folder, so that hours can be run in pieces.
//!
//! Read in this order: `stream`, `child`, `look`, `resident`, `state`, `sample`, `heap`, `trials`.

#![expect(
    clippy::disallowed_methods,
    reason = "the oracle stands outside of the store, on the real disk and the real clock"
)]

mod child;
mod heap;
mod look;
mod resident;
mod sample;
mod state;
mod stream;
mod trials;

pub use child::child;
pub use sample::Flat;
pub use state::Counts;

use child::{Running, role};
use look::{Look, look_at};
use resident::Resident;
use sample::Samples;
use state::State;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use stream::Stream;
use tracekeep::{Durability, Error, Result};
use tracekeep_workload::Rng;
use trials::SmallDisk;

/// What a piece of the soak is to do.
#[derive(Debug)]
pub struct Soak<'a> {
    /// Its folder. Stores, notes and state go below it.
    pub dir: &'a Path,
    /// How long this piece takes, about.
    pub seconds: u64,
    /// Where chance comes from; a resumed soak keeps the one it has.
    pub seed: u64,
    /// Whether it goes on where the last piece stopped.
    pub resume: bool,
    /// Starts this program anew, so that it calls [`child`].
    pub program: fn() -> Command,
}

/// What a piece found.
#[derive(Debug)]
pub struct Report {
    /// Over all pieces so far.
    pub counts: Counts,
    /// Memory and open files over this piece.
    pub flat: Vec<Flat>,
    /// Each with what is needed to look at it. A piece ends at its first.
    pub violations: Vec<String>,
}

/// A store is left for a new one after so many batches.
const BATCHES_OF_A_STORE: u64 = 6_000;

/// A writer appends so many in a life, about: what the processes hold of a store then has a bound
/// that does not depend on how quick the machine is.
const BATCHES_OF_A_LIFE: u64 = 4_000;

/// Runs a piece. `each` is told of the counts after every round.
///
/// # Errors
/// Where the folder, a child or a look at them fails; what the store does wrong is a violation.
pub fn run(soak: &Soak<'_>, each: &mut dyn FnMut(&Counts)) -> Result<Report> {
    let mut state = match soak.resume.then(|| State::load(soak.dir)).transpose()?.flatten() {
        Some(state) => state,
        None => State::start(soak.dir, soak.seed)?,
    };
    if (Stream { seed: state.seed, store: state.store }).is_small() {
        // Its disk went with the last piece.
        (state.store, state.noted) = (state.store + 1, 0);
    }
    let (start, limit) = (Instant::now(), Duration::from_secs(soak.seconds));
    let mut samples = Samples::default();
    let mut violations = Vec::new();
    let small = SmallDisk::mount(&soak.dir.join("small"));
    let mut resident = Resident::start(soak.dir, state.seed, (soak.program)())
        .map_err(|e| Error::io("start a process for", soak.dir, e))?;
    while start.elapsed() < limit && violations.is_empty() {
        let began = Instant::now();
        let mut round = Round::new(soak, &state, small.as_ref());
        let outcome = round.run(&mut state, &mut samples, limit.saturating_sub(start.elapsed()));
        if let Err(what) = outcome {
            let kept = round.keep();
            violations.push(format!(
                "{what} [seed {}, store {}, round {}; files kept in {}]",
                state.seed,
                state.store,
                state.counts.rounds,
                kept.display()
            ));
        }
        if let Err(what) = resident.sample(&mut samples) {
            violations.push(format!("{what} [seed {}]", state.seed));
        }
        state.counts.violations += violations.len() as u64;
        state.counts.rounds += 1;
        state.counts.milliseconds += began.elapsed().as_millis() as u64;
        state.save(soak.dir)?;
        each(&state.counts);
    }
    let before = violations.len();
    if violations.is_empty()
        && let Err(what) = resident.end()
    {
        violations.push(format!("{what} [seed {}]", state.seed));
    }
    let flat = samples.flat();
    let grown = flat.iter().filter(|flat| !flat.holds());
    violations.extend(grown.map(|what| format!("{what} [seed {}]", state.seed)));
    state.counts.violations += (violations.len() - before) as u64;
    Ok(Report { counts: state.counts, flat, violations })
}

/// One life of a writer on one store, and what is looked at after it.
struct Round<'a> {
    soak: &'a Soak<'a>,
    stream: Stream,
    rng: Rng,
    path: PathBuf,
    notes: PathBuf,
    small: Option<&'a SmallDisk>,
    durability: Durability,
}

/// How a round ends, in words, where it must not.
type Outcome = std::result::Result<(), String>;

impl<'a> Round<'a> {
    fn new(soak: &'a Soak<'a>, state: &State, small: Option<&'a SmallDisk>) -> Round<'a> {
        let mut rng = Rng::stream(state.seed, state.counts.rounds);
        // Every fifth store is on a small disk, where there may be one.
        let stream = Stream { seed: state.seed, store: state.store };
        let small = small.filter(|_| stream.is_small());
        let folder = small.map_or(soak.dir, |disk| disk.path());
        let durability = match rng.below(4) {
            0 => Durability::Os,
            1 => Durability::DiskStrict,
            _ => Durability::Disk,
        };
        Round {
            soak,
            stream,
            rng,
            path: folder.join(format!("store-{}", state.store)),
            notes: soak.dir.join(format!("acknowledged-{}", state.store)),
            small,
            durability,
        }
    }

    fn start(&self, what: &str) -> std::result::Result<Running, String> {
        let mut command = (self.soak.program)();
        role(&mut command, what, self.durability, self.stream, &self.path, &self.notes);
        Running::start(command).map_err(|e| format!("a {what} does not start: {e}"))
    }

    fn run(&mut self, state: &mut State, samples: &mut Samples, left: Duration) -> Outcome {
        sample::forget(&self.notes);
        let mut writer = self.start("writer")?;
        let before = self.acknowledged();
        writer.wait(&|| self.acknowledged() > before)?;
        let mut reader = self.start("reader")?;
        let soon = Duration::from_millis(self.rng.below(1_500));
        let mut until = Instant::now() + soon.min(left.max(Duration::from_millis(500)));
        if before == 0 && self.small.is_none() {
            // The first life of a store goes on until its processes have said what they use.
            let start = Instant::now();
            self.wait_until_said([&mut writer, &mut reader], left)?;
            samples.take_said(&self.notes);
            until += start.elapsed();
        }
        if self.rng.chance(200) {
            trials::second_writer(&self.path)?;
            state.counts.second_writers += 1;
        }
        let enough = (before + BATCHES_OF_A_LIFE).min(BATCHES_OF_A_STORE);
        while Instant::now() < until && self.acknowledged() < enough {
            writer.alive()?;
            reader.alive()?;
            if let Some(disk) = self.small.filter(|_| self.rng.chance(100)) {
                disk.fill_for(Duration::from_millis(150));
                state.counts.full_disks += 1;
            }
            let rest = until.saturating_duration_since(Instant::now());
            std::thread::sleep(rest.min(Duration::from_millis(self.rng.between(1, 200))));
        }
        let peace = self.rng.chance(100);
        if peace {
            writer.stop(&self.path.with_extension("stop"))?;
            state.counts.closes += 1;
        } else {
            writer.kill();
            state.counts.kills += 1;
        }
        reader.kill();
        self.look(state, samples, peace)?;
        samples.take("parent", std::process::id());
        Ok(())
    }

    /// Waits until writer and reader have said what they use, at the batch that is for it.
    fn wait_until_said(&self, mut who: [&mut Running; 2], left: Duration) -> Outcome {
        let until = Instant::now() + Duration::from_secs(30).min(left);
        while Instant::now() < until && !sample::have_said(&self.notes, &["writer", "reader"]) {
            for child in &mut who {
                child.alive()?;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Batches that were acknowledged by now.
    fn acknowledged(&self) -> u64 {
        stream::acknowledged(&self.notes).len() as u64
    }

    /// What is left of the store has all that was acknowledged, byte for byte, and is sound. Now and
    /// then it is sealed as a whole, looked at again, and left for the next one.
    fn look(&mut self, state: &mut State, samples: &mut Samples, peace: bool) -> Outcome {
        let acknowledged = self.acknowledged();
        let leave = acknowledged >= BATCHES_OF_A_STORE || self.rng.chance(10);
        let words =
            [("peace", peace), ("flip", self.rng.chance(150)), ("leave", leave)].into_iter();
        let what: Vec<&str> = words.filter(|(_, yes)| *yes).map(|(word, _)| word).collect();
        let (store, notes, stream) = (&self.path, &self.notes, self.stream);
        let look = Look { store, notes, stream, what: what.join(" "), round: state.counts.rounds };
        let looked = look_at((self.soak.program)(), &look)?;
        if acknowledged >= BATCHES_OF_A_STORE {
            // Of stores of one size only.
            samples.memory("last look at a store", looked.memory);
        }
        state.counts.checks += 1;
        state.counts.flips += looked.flips;
        state.counts.batches = state.counts.batches.max(looked.batches);
        state.counts.acknowledged += acknowledged - state.noted;
        state.noted = acknowledged;
        if leave {
            let removed = std::fs::remove_dir_all(&self.path)
                .and_then(|()| std::fs::remove_file(&self.notes));
            removed.map_err(|e| format!("the store cannot be removed: {e}"))?;
            state.store += 1;
            state.noted = 0;
            state.counts.stores += 1;
        }
        Ok(())
    }

    /// Keeps the files of a violation, as far as they are there.
    fn keep(&self) -> PathBuf {
        let kept = self.soak.dir.join(format!("violation-{}", self.stream.store));
        let _kept = trials::copy_dir(&self.path, &kept.join("store"));
        let _kept = std::fs::copy(&self.notes, kept.join("acknowledged"));
        kept
    }
}
