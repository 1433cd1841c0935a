//! Which of the unsynced pieces are kept: all subsets of few, the telling ones of many.

use std::fmt;
use tracekeep_workload::Rng;

/// What stands behind the bytes that were kept, in files whose length was seen to be more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tail {
    /// Nothing: the file ends where the kept bytes end, and holes before are zeros.
    Tight,
    /// Zeros, up to the length that was seen.
    Zeros,
    /// Garbage, in holes too.
    Garbage,
    /// Bytes of another file, in holes too: blocks that were used before.
    Stale,
}

impl Tail {
    /// All of them.
    pub const ALL: [Tail; 4] = [Tail::Tight, Tail::Zeros, Tail::Garbage, Tail::Stale];
}

/// Which atoms are kept, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Choice {
    /// One for each atom.
    pub kept: Vec<bool>,
    /// What is behind.
    pub tail: Tail,
}

impl Choice {
    /// Everything is kept: what a kill -9 leaves, too.
    pub fn is_all(&self) -> bool {
        self.kept.iter().all(|kept| *kept)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kept in &self.kept {
            f.write_str(if *kept { "1" } else { "0" })?;
        }
        f.write_str(match self.tail {
            Tail::Tight => "",
            Tail::Zeros => " and zeros behind",
            Tail::Garbage => " and garbage behind",
            Tail::Stale => " and old bytes behind",
        })
    }
}

/// How many states of one moment are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strength {
    /// All subsets of so many atoms; of more, the telling ones.
    pub exhaustive_atoms: usize,
    /// Random subsets besides, where there are more.
    pub samples: usize,
    /// So many states of one moment at most, drawn from those.
    pub most: usize,
}

/// The choices for so many atoms. `grows`: some file was seen longer than it is durable.
///
/// Of many atoms: none, all, each alone, each alone missing, each prefix and each suffix in the
/// order of writing, and samples. `seed` decides the samples only.
pub fn choices(atoms: usize, grows: bool, strength: Strength, seed: u64) -> Vec<Choice> {
    let tails: &[Tail] = if grows { &Tail::ALL } else { &[Tail::Tight] };
    let mut all = Vec::new();
    if atoms <= strength.exhaustive_atoms {
        for bits in 0..1u64 << atoms {
            let kept: Vec<bool> = (0..atoms).map(|i| bits >> i & 1 == 1).collect();
            // Of what is whole there is no tail.
            let tails = if kept.iter().all(|k| *k) { &tails[..1] } else { tails };
            all.extend(tails.iter().map(|tail| Choice { kept: kept.clone(), tail: *tail }));
        }
        return all;
    }
    let mut rng = Rng::new(seed);
    let add = |all: &mut Vec<Choice>, kept: &dyn Fn(usize) -> bool, tail: Tail| {
        all.push(Choice { kept: (0..atoms).map(kept).collect(), tail });
    };
    add(&mut all, &|_| false, Tail::Tight);
    add(&mut all, &|_| true, Tail::Tight);
    for i in 0..=atoms {
        // Prefixes and suffixes.
        let tail = tails[i % tails.len()];
        add(&mut all, &|at| at < i, Tail::Tight);
        add(&mut all, &|at| at >= i, tail);
        if i < atoms {
            add(&mut all, &|at| at == i, tail);
            add(&mut all, &|at| at != i, tail);
            if tail != Tail::Tight {
                add(&mut all, &|at| at < i, tail);
            }
        }
    }
    for _ in 0..strength.samples {
        let share = rng.between(1, 9);
        let kept: Vec<bool> = (0..atoms).map(|_| rng.below(10) < share).collect();
        let tail = tails[rng.below(tails.len() as u64) as usize];
        all.push(Choice { kept, tail });
    }
    while all.len() > strength.most {
        // Nothing kept and everything kept stay.
        let at = 2 + rng.below(all.len() as u64 - 2) as usize;
        all.swap_remove(at);
    }
    all
}
