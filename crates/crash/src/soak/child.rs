//! The processes beside the parent: what they are told, and what they do.

use super::look::Look;
use super::stream::{MEASURED, Stream, acknowledged, damaged, options};
use super::{resident, sample};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tracekeep::clock::Clock;
use tracekeep::{Commit, Durability, Error, ErrorKind, Result, SealLevel, Store};
use tracekeep_workload::Rng;

const ROLE: &str = "TRACEKEEP_SOAK_ROLE";
const LEVEL: &str = "TRACEKEEP_SOAK_LEVEL";
const SEED: &str = "TRACEKEEP_SOAK_SEED";
const NUMBER: &str = "TRACEKEEP_SOAK_STORE";
const STORE: &str = "TRACEKEEP_SOAK_PATH";
const NOTES: &str = "TRACEKEEP_SOAK_NOTES";
const WHAT: &str = "TRACEKEEP_SOAK_WHAT";
const ROUND: &str = "TRACEKEEP_SOAK_ROUND";

/// Nobody is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tells a child what it is.
pub(super) fn role(
    command: &mut Command,
    role: &str,
    durability: Durability,
    stream: Stream,
    store: &Path,
    notes: &Path,
) {
    let level = match durability {
        Durability::Os => "os",
        Durability::Disk => "disk",
        Durability::DiskStrict => "strict",
    };
    let (seed, number) = (stream.seed.to_string(), stream.store.to_string());
    command.env(ROLE, role).env(LEVEL, level).env(SEED, seed).env(NUMBER, number);
    command.env(STORE, store).env(NOTES, notes);
}

/// Tells a child what it is to look at.
pub(super) fn role_of_look(command: &mut Command, look: &Look<'_>) {
    role(command, "look", Durability::Disk, look.stream, look.store, look.notes);
    command.env(WHAT, &look.what).env(ROUND, look.round.to_string());
}

/// What to do where this process is such a child: does it, and says how it went. `None` where it is
/// none.
pub fn child() -> Option<Result<()>> {
    let role = std::env::var(ROLE).ok()?;
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    let number = |name: &str| text(name).parse::<u64>().unwrap_or_default();
    let stream = Stream { seed: number(SEED), store: number(NUMBER) };
    let (store, notes) = (PathBuf::from(text(STORE)), PathBuf::from(text(NOTES)));
    let durability = match text(LEVEL).as_str() {
        "os" => Durability::Os,
        "strict" => Durability::DiskStrict,
        _ => Durability::Disk,
    };
    Some(match role.as_str() {
        "writer" => write(&store, &notes, stream, durability),
        "reader" => read(&store, &notes, stream),
        "resident" => resident::stay(&store, &notes, stream),
        "look" => {
            let (what, round) = (text(WHAT), number(ROUND));
            Look { store: &store, notes: &notes, stream, what, round }.run()
        }
        other => Err(Error::new(ErrorKind::InvalidInput, format!("no such role: {other}"))),
    })
}

/// Jumps at every look, anywhere.
#[derive(Debug)]
struct Jumping(u64, AtomicU64);

impl Clock for Jumping {
    fn now_ns(&self) -> i64 {
        Rng::stream(self.0, self.1.fetch_add(1, Ordering::Relaxed)).next_u64() as i64
    }
}

/// Appends what is missing, several batches in flight, and notes what was acknowledged.
fn write(path: &Path, notes: &Path, stream: Stream, durability: Durability) -> Result<()> {
    let failed = |e| Error::io("write", notes, e);
    let mut file = OpenOptions::new().create(true).append(true).open(notes).map_err(failed)?;
    let clock = Jumping(u64::from(std::process::id()), AtomicU64::new(0));
    let builder = Store::builder().options(options(durability)).clock(Arc::new(clock));
    let store = patiently(|| builder.clone().open(path))?;
    let first = stream.check(&store.snapshot(), &BTreeSet::new()).map_err(damaged)?;
    let mut next = first;
    let (stop, mut flight) = (path.with_extension("stop"), std::collections::VecDeque::new());
    while !stop.exists() {
        flight.push_back((next, append(&store, stream, next)?));
        next += 1;
        if flight.len() >= 6
            && let Some((number, commit)) = flight.pop_front()
        {
            settle(&store, stream, number, commit, &mut flight, &mut file)?;
        }
        if next.is_multiple_of(400) {
            let level = if next.is_multiple_of(1200) { SealLevel::Full } else { SealLevel::Quick };
            match store.seal(level) {
                Err(e) if e.kind() != ErrorKind::StorageFull => return Err(e),
                _ => {}
            }
        }
        if next == MEASURED && first == 0 {
            settle_all(&store, stream, &mut flight, &mut file)?;
            sample::say(notes, "writer")?;
        }
    }
    settle_all(&store, stream, &mut flight, &mut file)?;
    store.close()
}

type Flight = std::collections::VecDeque<(u64, Commit)>;

fn append(store: &Store, stream: Stream, number: u64) -> Result<Commit> {
    patiently(|| store.append(stream.batch(number)?))
}

/// Tries again while the disk is full.
fn patiently<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        match work() {
            Err(e) if e.kind() == ErrorKind::StorageFull && start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

/// Waits for a batch. Where a full disk refused it, it and those that were refused behind it are
/// appended again one by one, so that what is there stays a prefix but for a moment.
fn settle(
    store: &Store,
    stream: Stream,
    number: u64,
    commit: Commit,
    flight: &mut Flight,
    notes: &mut File,
) -> Result<()> {
    let mut waiting = vec![(number, commit)];
    let mut refused = Vec::new();
    while let Some((number, commit)) = waiting.pop() {
        match commit.wait() {
            Ok(_) => note(notes, number)?,
            Err(e) if e.kind() == ErrorKind::StorageFull => {
                refused.push(number);
                // Those behind it, too, before anything is appended again.
                waiting.extend(flight.drain(..).rev());
            }
            Err(e) => return Err(e),
        }
    }
    for number in refused {
        patiently(|| store.append_and_wait(stream.batch(number)?))?;
        note(notes, number)?;
    }
    Ok(())
}

fn settle_all(store: &Store, stream: Stream, flight: &mut Flight, notes: &mut File) -> Result<()> {
    while let Some((number, commit)) = flight.pop_front() {
        settle(store, stream, number, commit, flight, notes)?;
    }
    Ok(())
}

fn note(notes: &mut File, number: u64) -> Result<()> {
    let failed = |e| Error::io("write", Path::new("the notes"), e);
    notes.write_all(format!("ack {number}\n").as_bytes()).map_err(failed)
}

/// Follows the writer; each look holds all that was acknowledged before it.
fn read(path: &Path, notes: &Path, stream: Stream) -> Result<()> {
    let store = Store::builder().options(options(Durability::Disk)).open_read_only(path)?;
    let mut seen = MEASURED;
    loop {
        let before = acknowledged(notes);
        store.refresh()?;
        let next = stream.check(&store.snapshot(), &before).map_err(damaged)?;
        if seen < MEASURED && next >= MEASURED {
            sample::say(notes, "reader")?;
        }
        seen = next;
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A child, killed at the end whatever happens.
#[derive(Debug)]
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    pub fn start(mut command: Command) -> std::io::Result<Running> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().map(Running)
    }

    /// kill -9.
    pub fn kill(&mut self) {
        // Gone already is gone.
        let _killed = self.0.kill();
        let _status = self.0.wait();
    }

    /// A child that ends by itself has found something, and said it on standard error.
    pub fn alive(&mut self) -> Result<(), String> {
        match self.0.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("a child ended: {status}")),
            Err(e) => Err(format!("a child cannot be looked at: {e}")),
        }
    }

    /// Waits until the child has ended, well.
    pub fn end(&mut self) -> Result<(), String> {
        match self.0.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("a child ended: {status}")),
            Err(e) => Err(format!("a child cannot be waited for: {e}")),
        }
    }

    /// Waits until something holds, while the child lives.
    pub fn wait(&mut self, holds: &dyn Fn() -> bool) -> Result<(), String> {
        let start = Instant::now();
        while !holds() {
            self.alive()?;
            if start.elapsed() > PATIENCE {
                return Err("a child does nothing".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Asks the writer to close its store, and waits until it has.
    pub fn stop(&mut self, file: &Path) -> Result<(), String> {
        let said = std::fs::write(file, "").map_err(|e| e.to_string());
        let start = Instant::now();
        let outcome = said.and_then(|()| {
            loop {
                match self.0.try_wait() {
                    Ok(Some(status)) if status.success() => return Ok(()),
                    Ok(Some(status)) => return Err(format!("closing: a child ended: {status}")),
                    Err(e) => return Err(e.to_string()),
                    Ok(None) if start.elapsed() > PATIENCE => {
                        return Err("closing takes for ever".to_owned());
                    }
                    Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        let _gone = std::fs::remove_file(file);
        outcome
    }
}
