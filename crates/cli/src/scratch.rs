//! Temporary directories that go away, also where the command is interrupted.

use crate::exit::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// What a shell reports for a command that was interrupted: 128 and the signal's number.
const INTERRUPTED: i32 = 130;
/// While the command still writes into a directory, removing it takes more than one attempt.
const ATTEMPTS: usize = 1000;

static ROOM: Mutex<Option<PathBuf>> = Mutex::new(None);
static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A new directory in `dir` that goes away with its handle, and when the command is interrupted
/// or asked to end. One for a command.
pub(crate) fn room(dir: &Path) -> Result<TempDir, Failure> {
    leave_at_signals()
        .map_err(|error| Failure::refused(format!("cannot wait for signals: {error}"), None))?;
    // Held until the name is known: nothing is left between.
    let mut room = ROOM.lock().unwrap_or_else(PoisonError::into_inner);
    let made = tracekeep_measure::room(dir).map_err(|error| Failure::of_store(dir, &error))?;
    *room = Some(made.path().to_owned());
    Ok(made)
}

/// SIGHUP stays what it is: `nohup` has it ignored.
fn leave_at_signals() -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let wait = move || {
        if signals.forever().next().is_some() {
            leave();
        }
    };
    std::thread::Builder::new().name("tracekeep-signals".to_owned()).spawn(wait).map(|_| ())
}

#[expect(clippy::exit, reason = "what is interrupted ends, whatever its threads are at")]
fn leave() {
    IS_INTERRUPTED.store(true, Ordering::Relaxed);
    let room = ROOM.lock().unwrap_or_else(PoisonError::into_inner);
    let remove = |path: &PathBuf| std::fs::remove_dir_all(path).is_ok() || !path.exists();
    let gone = room.as_ref().is_none_or(|path| (0..ATTEMPTS).any(|_| remove(path)));
    std::process::exit(if gone { INTERRUPTED } else { 1 });
}

/// Where the command is interrupted, what fails for want of its directory is no news: waits for the
/// end.
pub(crate) fn wait_if_interrupted() {
    while IS_INTERRUPTED.load(Ordering::Relaxed) {
        std::thread::park();
    }
}
