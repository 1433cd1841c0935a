//! Which workloads are explored.

use super::explorer::Explorer;
use super::tally::Tally;
use crate::disk::Phase;
use crate::drive::{Act, Promise, Script};
use tracekeep::Durability;

/// All sequences of up to `longest` acts, shorter ones first.
pub fn sequences(longest: usize) -> Vec<Vec<Act>> {
    let mut all: Vec<Vec<Act>> = vec![Vec::new()];
    let mut last = 0;
    for _ in 0..longest {
        let end = all.len();
        for at in last..end {
            for act in Act::ALL {
                let mut longer = all[at].clone();
                longer.push(act);
                all.push(longer);
            }
        }
        last = end;
    }
    all
}

/// Explores each sequence that is the `part`-th of `parts`, at one level. A sequence's beginning
/// is a sequence of its own: only the last act, and the closing after it, are crashed.
pub fn run_sequences(
    explorer: &mut Explorer,
    level: Durability,
    longest: usize,
    (part, parts): (usize, usize),
) {
    for acts in sequences(longest).into_iter().skip(part).step_by(parts.max(1)) {
        let from = acts.len();
        let script = Script { level, promise: Promise::Never, seed: 1, acts };
        explorer.script(&script, from);
        if explorer.is_done() {
            return;
        }
    }
}

/// Explores random scripts of a seed, the `part`-th of `parts`, until `enough`.
pub fn run_random(
    explorer: &mut Explorer,
    seed: u64,
    (part, parts): (u64, u64),
    enough: &mut dyn FnMut(&Explorer) -> bool,
) {
    let mut n = part;
    while !explorer.is_done() && !enough(explorer) {
        let script = Script::random(seed, n, thinnest(&explorer.tally));
        explorer.script(&script, 0);
        n += parts.max(1);
    }
}

/// The phase with the fewest images yet, if it has less than its share.
pub fn thinnest(tally: &Tally) -> Option<Phase> {
    let distinct = |phase: &Phase| tally.phases.get(phase).map_or(0, |counts| counts.distinct);
    let thin = Phase::ALL.into_iter().min_by_key(distinct)?;
    // A little more than the twentieth that is wanted.
    (distinct(&thin) * 16 < tally.total().distinct).then_some(thin)
}
