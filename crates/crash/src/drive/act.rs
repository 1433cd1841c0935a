//! The alphabet: what a workload is made of, a letter each.

use crate::disk::Phase;
use std::fmt;
use std::str::FromStr;
use tracekeep::Durability;
use tracekeep_workload::Rng;

/// One public operation on a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Append a step of a trace, of a new one or of the last, and wait.
    Small,
    /// Append the end of an open step, and wait.
    Update,
    /// Append a step with a payload of several sectors, and wait.
    Big,
    /// Append a score, and wait.
    Score,
    /// Append a tombstone of a trace, and wait.
    Erase,
    /// Append one batch, and several that share the next frame while it is written.
    Group,
    /// Seal, quickly.
    Quick,
    /// Seal, and rewrite everything into one segment.
    Full,
    /// Close the store and open it.
    Reopen,
    /// Kill the process and open the store.
    Kill,
    /// Take a snapshot, read all of it, and hold it.
    Look,
    /// Open the store for reading beside the writer, or refresh, and read all of it.
    Follow,
    /// Make a backup, or bring it up to date, and read all of it.
    Backup,
}

impl Act {
    /// All of them.
    pub const ALL: [Act; 13] = [
        Act::Small,
        Act::Update,
        Act::Big,
        Act::Score,
        Act::Erase,
        Act::Group,
        Act::Quick,
        Act::Full,
        Act::Reopen,
        Act::Kill,
        Act::Look,
        Act::Follow,
        Act::Backup,
    ];

    /// Its letter.
    pub fn letter(self) -> char {
        match self {
            Act::Small => 's',
            Act::Update => 'u',
            Act::Big => 'b',
            Act::Score => 'c',
            Act::Erase => 'e',
            Act::Group => 'g',
            Act::Quick => 'q',
            Act::Full => 'f',
            Act::Reopen => 'r',
            Act::Kill => 'k',
            Act::Look => 'v',
            Act::Follow => 'w',
            Act::Backup => 'p',
        }
    }
}

/// When a log's promise is advanced without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// Never: only logs that are finished are promised.
    Never,
    /// After each append, by the marker of quiet time, at `Os` by the clock.
    Always,
}

/// A workload: a function of this alone. Written `disk:7:ssgqr`: level, seed, letters; `disk+` has
/// promises after each append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The store's level.
    pub level: Durability,
    /// When promises are written.
    pub promise: Promise,
    /// What else is random: the store's id, texts, which trace is meant.
    pub seed: u64,
    /// What is done, after the store was made.
    pub acts: Vec<Act>,
}

impl Script {
    /// The `n`-th random script of a seed, at any level; of things that a phase is made of, where
    /// one is to be seen more.
    pub fn random(seed: u64, n: u64, phase: Option<Phase>) -> Script {
        let mut rng = Rng::stream(seed, n);
        let level =
            [Durability::Disk, Durability::DiskStrict, Durability::Os][rng.below(3) as usize];
        let promise = match level {
            Durability::DiskStrict => Promise::Never,
            _ => [Promise::Never, Promise::Always][rng.below(2) as usize],
        };
        let (letters, least, most) = match phase {
            Some(Phase::Create) => ("s", 0, 1),
            Some(Phase::Append) => ("ssucceb", 4, 10),
            Some(Phase::GroupCommit) => ("gggggk", 4, 8),
            Some(Phase::ManifestSwitch) => ("rrrrrsq", 6, 12),
            Some(Phase::Recovery) => ("kkksug", 4, 8),
            Some(Phase::Backup) => ("pppppsuqfrk", 5, 10),
            _ => ("ssssuuubccegggqqfrrkkvwp", 4, 12),
        };
        let (letters, length) = (letters.as_bytes(), rng.between(least, most));
        let acts = (0..length)
            .filter_map(|_| letter(letters[rng.below(letters.len() as u64) as usize] as char));
        Script { level, promise, acts: acts.collect(), seed: rng.next_u64() >> 16 }
    }
}

fn letter(letter: char) -> Option<Act> {
    Act::ALL.into_iter().find(|act| act.letter() == letter)
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Durability::Os => "os",
            Durability::Disk => "disk",
            Durability::DiskStrict => "strict",
        };
        let plus = if self.promise == Promise::Always { "+" } else { "" };
        let acts: String = self.acts.iter().map(|act| act.letter()).collect();
        write!(f, "{level}{plus}:{}:{acts}", self.seed)
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Script, String> {
        let wrong = || format!("{text}: a workload is written like disk:7:ssgqr");
        let mut parts = text.split(':');
        let (level, seed, acts) = (parts.next(), parts.next(), parts.next());
        let (Some(level), Some(seed), Some(acts), None) = (level, seed, acts, parts.next()) else {
            return Err(wrong());
        };
        let promise = if level.ends_with('+') { Promise::Always } else { Promise::Never };
        let level = match level.trim_end_matches('+') {
            "os" => Durability::Os,
            "disk" => Durability::Disk,
            "strict" => Durability::DiskStrict,
            _ => return Err(wrong()),
        };
        let seed = seed.parse().map_err(|_| wrong())?;
        let acts = acts.chars().map(letter).collect::<Option<Vec<Act>>>().ok_or_else(wrong)?;
        Ok(Script { level, promise, seed, acts })
    }
}
