//! A look at what a writer left, in a process of its own: what it takes of memory is then that of
//! one look, and can be compared with that of a look an hour ago.

use super::child::{Running, role_of_look};
use super::stream::{self, Stream, options};
use super::{heap, sample, trials};
use std::path::{Path, PathBuf};
use std::process::Command;
use tracekeep::{Durability, Error, Result, SealLevel, Store, Verdict, verify};
use tracekeep_workload::Rng;

/// What is looked at.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub store: &'a Path,
    pub notes: &'a Path,
    pub stream: Stream,
    /// Words: `peace` where the writer closed the store, `flip` to flip bits of a copy, `leave` to
    /// recover the store a last time and seal all of it.
    pub what: String,
    /// Where chance comes from.
    pub round: u64,
}

/// What was found, in words, where it must not be.
type Outcome<T> = std::result::Result<T, String>;

/// What a look came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// Batches in the store.
    pub batches: u64,
    /// Bits that were flipped, each found.
    pub flips: u64,
    /// Anonymous memory that is held at the end, in KiB, where the system tells.
    pub memory: u64,
}

/// Where a look says what it came to.
pub(super) fn answer(notes: &Path) -> PathBuf {
    notes.with_file_name("looked")
}

impl Look<'_> {
    /// Looks, and writes down what it came to.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn run(&self) -> Result<()> {
        let text = match self.look() {
            Ok(Looked { batches, flips, memory }) => format!("sound {batches} {flips} {memory}\n"),
            Err(what) => format!("wrong {what}\n"),
        };
        let path = answer(self.notes);
        std::fs::write(&path, text).map_err(|e| Error::io("write", &path, e))
    }

    fn is(&self, word: &str) -> bool {
        self.what.split(' ').any(|w| w == word)
    }

    fn look(&self) -> Outcome<Looked> {
        let acknowledged = stream::acknowledged(self.notes);
        let reader = Store::open_read_only(self.store).map_err(|e| format!("a reader: {e}"))?;
        let batches = self.stream.check(&reader.snapshot(), &acknowledged)?;
        drop(reader);
        let mut findings = Vec::new();
        let verdict = verify(self.store, &mut |f| findings.push(f)).map_err(|e| e.to_string())?;
        if verdict == Verdict::Damaged || (self.is("peace") && verdict != Verdict::Clean) {
            return Err(format!("verify says {verdict:?}: {findings:?}"));
        }
        let mut flips = 0;
        if self.is("flip") {
            let copy = self.notes.with_file_name("flipped");
            let mut rng = Rng::stream(self.stream.seed, self.round);
            flips = trials::flips(self.store, &copy, self.stream, &acknowledged, &mut rng)?;
        }
        if self.is("leave") {
            self.leave().map_err(|e| format!("leaving the store: {e}"))?;
        }
        heap::give_back();
        let memory = sample::anonymous_kib(std::process::id()).unwrap_or(0);
        Ok(Looked { batches, flips, memory })
    }

    /// Recovers the store a last time, and seals all of it.
    fn leave(&self) -> Outcome<()> {
        let failed = |e: Error| e.to_string();
        let acknowledged = stream::acknowledged(self.notes);
        let store = Store::builder().options(options(Durability::Disk)).open(self.store);
        let store = store.map_err(failed)?;
        self.stream.check(&store.snapshot(), &acknowledged)?;
        store.seal(SealLevel::Full).map_err(failed)?;
        self.stream.check(&store.snapshot(), &acknowledged)?;
        store.close().map_err(failed)?;
        match verify(self.store, &mut |_| {}).map_err(failed)? {
            Verdict::Clean => Ok(()),
            verdict => {
                Err(format!("verify says {verdict:?} of a store that was sealed and closed"))
            }
        }
    }
}

/// Has a process take this look.
///
/// # Errors
/// What it found, or that it told nothing.
pub(super) fn look_at(mut program: Command, look: &Look<'_>) -> Outcome<Looked> {
    role_of_look(&mut program, look);
    Running::start(program)
        .map_err(|e| format!("a look does not start: {e}"))
        .and_then(|mut running| running.end())?;
    read_answer(look.notes)
}

/// What a look wrote down.
fn read_answer(notes: &Path) -> Outcome<Looked> {
    let path = answer(notes);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("a look says nothing: {e}"))?;
    let _gone = std::fs::remove_file(&path);
    let (word, rest) = text.trim_end().split_once(' ').unwrap_or((&text, ""));
    let numbers: Vec<u64> = rest.split(' ').filter_map(|n| n.parse().ok()).collect();
    match (word, numbers.as_slice()) {
        ("sound", &[batches, flips, memory]) => Ok(Looked { batches, flips, memory }),
        _ => Err(rest.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let notes = dir.path().join("notes");
        assert!(read_answer(&notes).is_err());
        std::fs::write(answer(&notes), "sound 3 4 5\n").unwrap();
        assert_eq!(read_answer(&notes), Ok(Looked { batches: 3, flips: 4, memory: 5 }));
        std::fs::write(answer(&notes), "wrong batch 7 is lost\n").unwrap();
        assert_eq!(read_answer(&notes), Err("batch 7 is lost".to_owned()));
        assert!(read_answer(&notes).is_err(), "it is read once");
    }
}
