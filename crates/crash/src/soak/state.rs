//! What a soak must remember from piece to piece.

use std::fmt;
use std::path::Path;
use tracekeep::{Error, ErrorKind, Result};

/// What was done so far, over all pieces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lives of a writer.
    pub rounds: u64,
    /// Those that ended with `kill -9`.
    pub kills: u64,
    /// Those that ended with a close.
    pub closes: u64,
    /// Stores whose every acknowledged byte was compared, after a round.
    pub checks: u64,
    /// Batches that were acknowledged.
    pub acknowledged: u64,
    /// Batches in the largest store.
    pub batches: u64,
    /// Stores that were sealed, checked and left.
    pub stores: u64,
    /// Bits that were flipped in copies of sealed files, each found by `verify`.
    pub flips: u64,
    /// Second writers that were refused.
    pub second_writers: u64,
    /// Times that the disk was full under a writer.
    pub full_disks: u64,
    /// Violations.
    pub violations: u64,
    /// Time that all of it took.
    pub milliseconds: u64,
}

impl Counts {
    fn fields(&mut self) -> [(&'static str, &mut u64); 12] {
        [
            ("rounds", &mut self.rounds),
            ("kills", &mut self.kills),
            ("closes", &mut self.closes),
            ("checks", &mut self.checks),
            ("acknowledged", &mut self.acknowledged),
            ("batches", &mut self.batches),
            ("stores", &mut self.stores),
            ("flips", &mut self.flips),
            ("second_writers", &mut self.second_writers),
            ("full_disks", &mut self.full_disks),
            ("violations", &mut self.violations),
            ("milliseconds", &mut self.milliseconds),
        ]
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} closes, {} checks of {} stores, {} batches acknowledged, {} bits flipped, \
             {} second writers, {} full disks, {} violations in {} s",
            self.kills,
            self.closes,
            self.checks,
            self.stores + 1,
            self.acknowledged,
            self.flips,
            self.second_writers,
            self.full_disks,
            self.violations,
            self.milliseconds / 1000
        )
    }
}

/// Lines of a name and a number, replaced as a whole after each round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    pub seed: u64,
    /// The number of the store at hand.
    pub store: u64,
    /// Acknowledgements of that store that are counted already.
    pub noted: u64,
    pub counts: Counts,
}

impl State {
    /// Starts afresh: whatever an earlier soak left in the folder is removed.
    pub fn start(dir: &Path, seed: u64) -> Result<State> {
        let failed = |e| Error::io("clear", dir, e);
        std::fs::create_dir_all(dir).map_err(failed)?;
        for entry in std::fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let ours =
                ["store-", "acknowledged-", "violation-", "flipped", "looked", "used", "state"];
            if !ours.iter().any(|start| name.starts_with(start)) {
                continue;
            }
            let removed = match path.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            removed.map_err(failed)?;
        }
        let state = State { seed, ..State::default() };
        state.save(dir)?;
        Ok(state)
    }

    fn fields(&mut self) -> Vec<(&'static str, &mut u64)> {
        let mut fields =
            vec![("seed", &mut self.seed), ("store", &mut self.store), ("noted", &mut self.noted)];
        fields.extend(self.counts.fields());
        fields
    }

    /// What the last piece left, if there was one.
    pub fn load(dir: &Path) -> Result<Option<State>> {
        let path = dir.join("state");
        let text = match std::fs::read_to_string(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| Error::io("read", &path, e))?,
        };
        let mut state = State::default();
        for (name, field) in state.fields() {
            let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
            *field = line.and_then(|number| number.parse().ok()).ok_or_else(|| {
                let what = format!("{}: no soak that can be resumed: no {name}", path.display());
                Error::new(ErrorKind::InvalidInput, what)
            })?;
        }
        Ok(Some(state))
    }

    pub fn save(mut self, dir: &Path) -> Result<()> {
        let lines: Vec<_> = self.fields().iter().map(|(name, n)| format!("{name} {n}\n")).collect();
        let (path, temp) = (dir.join("state"), dir.join("state.tmp"));
        std::fs::write(&temp, lines.concat())
            .and_then(|()| std::fs::rename(&temp, &path))
            .map_err(|e| Error::io("write", &path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_loaded_as_it_was_saved() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(State::load(dir.path()).unwrap(), None);
        let mut state = State::start(dir.path(), 7).unwrap();
        for (at, (_, field)) in state.fields().into_iter().enumerate() {
            *field = at as u64 + 10;
        }
        state.save(dir.path()).unwrap();
        assert_eq!(State::load(dir.path()).unwrap(), Some(state));
        std::fs::write(dir.path().join("state"), "seed 7\n").unwrap();
        let error = State::load(dir.path()).unwrap_err();
        assert!(error.to_string().contains("no store"), "{error}");
    }
}
