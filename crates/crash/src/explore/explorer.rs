//! Walks a trial's moments and states, and the recoveries below.

use super::place::{Crash, Place};
use super::seen::{Outcome, Seen};
use super::tally::Tally;
use super::trial::{Moment, Trial, moments};
use crate::broken::Broken;
use crate::check::{Expect, Recovered, Share, check};
use crate::disk::{Image, OpKind, Phase};
use crate::drive::{Script, run};
use crate::states::{Choice, Replay, Strength, Unsynced, choices};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracekeep_workload::mix;

/// How far an exploration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Of a workload.
    pub strength: Strength,
    /// Of a recovery.
    pub below: Strength,
    /// Of the recoveries of a workload's images, one in so many is crashed in turn.
    pub second_of: u64,
    /// Of the recoveries of those, again one in so many.
    pub third_of: u64,
    /// Which of the costly checks are done; of none a share by the image's hash.
    pub share: Option<Share>,
}

impl Reach {
    /// What every test run does with all short sequences.
    pub const SHORT: Reach = Reach {
        strength: Strength { exhaustive_atoms: 3, samples: 1, most: 10 },
        below: Strength { exhaustive_atoms: 2, samples: 1, most: 8 },
        second_of: 70,
        third_of: 200,
        share: None,
    };
    /// What every test run does with random workloads.
    pub const QUICK: Reach = Reach {
        strength: Strength { exhaustive_atoms: 5, samples: 4, most: 48 },
        below: Strength { exhaustive_atoms: 3, samples: 2, most: 24 },
        second_of: 70,
        third_of: 200,
        share: None,
    };
    /// What a campaign does.
    pub const WIDE: Reach = Reach {
        strength: Strength { exhaustive_atoms: 10, samples: 40, most: 4096 },
        below: Strength { exhaustive_atoms: 6, samples: 8, most: 256 },
        second_of: 70,
        third_of: 200,
        share: None,
    };
}

/// A promise that was not kept, and how to see it again.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where.
    pub place: Place,
    /// What.
    pub broken: Broken,
}

/// Explores workloads, and counts.
#[derive(Debug)]
pub struct Explorer {
    reach: Reach,
    seen: Seen,
    /// What was done.
    pub tally: Tally,
    /// What was found.
    pub found: Vec<Found>,
    /// After so many finds nothing more is explored.
    pub found_max: usize,
    stop: Arc<AtomicBool>,
}

impl Explorer {
    /// An explorer that counts what is not in `seen`.
    pub fn new(reach: Reach, seen: Seen) -> Explorer {
        Explorer {
            reach,
            seen,
            tally: Tally::default(),
            found: Vec::new(),
            found_max: 10,
            stop: Arc::default(),
        }
    }

    /// Goes so far from now on.
    pub fn reach(&mut self, reach: Reach) {
        self.reach = reach;
    }

    /// Explores nothing more once this is set.
    pub fn stop_at(&mut self, stop: Arc<AtomicBool>) {
        self.stop = stop;
    }

    /// Whether nothing more is to be done.
    pub fn is_done(&self) -> bool {
        self.found.len() >= self.found_max || self.stop.load(Ordering::Relaxed)
    }

    /// Runs a workload and crashes it at every operation of its acts from the `from`-th on; the
    /// 0-th is the making of the store.
    pub fn script(&mut self, script: &Script, from: usize) {
        self.tally.scripts += 1;
        let run = match run(script) {
            Ok(run) => run,
            Err(broken) => {
                let place = Place { script: script.clone(), crashes: Vec::new() };
                self.report(place, broken, Phase::Create);
                return;
            }
        };
        let trial = Trial {
            base: run.base,
            log: run.log,
            model: Arc::new(run.model),
            level: script.level,
            exactly: None,
            backed_up: 0,
            from: run.starts.get(from).copied().unwrap_or(0),
            depth: 0,
        };
        self.trial(&trial, &Place { script: script.clone(), crashes: Vec::new() });
    }

    /// Crashes a log at every moment.
    fn trial(&mut self, trial: &Trial, place: &Place) {
        let strength = if trial.depth == 0 { self.reach.strength } else { self.reach.below };
        let moments = moments(trial);
        let mut replay = Replay::of(&trial.base);
        for (at, moment) in moments.iter().enumerate() {
            let next = trial.log.get(at);
            let kind = next.map_or(OpKind::Kill, |op| op.kind());
            // A mark is no operation, but what must hold before it and after it differs.
            if at >= trial.from {
                if kind != OpKind::Mark {
                    self.tally.phases.entry(moment.phase).or_default().operations += 1;
                    *self.tally.kinds.entry(kind).or_default() += 1;
                }
                let unsynced = Unsynced::of(&replay);
                let seed = mix(place.script.seed ^ at as u64);
                for choice in choices(unsynced.atoms(), unsynced.grows(), strength, seed) {
                    if self.is_done() {
                        return;
                    }
                    let crash = Crash { moment: at, choice };
                    self.state(trial, moment, &unsynced, crash, place);
                }
            }
            next.into_iter().for_each(|op| replay.apply(op));
        }
    }

    fn state(
        &mut self,
        trial: &Trial,
        moment: &Moment,
        unsynced: &Unsynced<'_>,
        crash: Crash,
        place: &Place,
    ) {
        let image = unsynced.image(&crash.choice);
        let hash = image.hash();
        let expect = expectation(trial, moment, &crash.choice);
        let counts = self.tally.phases.entry(moment.phase).or_default();
        counts.images += 1;
        let here = |crash: Crash| {
            let mut place = place.clone();
            place.crashes.push(crash);
            place
        };
        if let Some(Outcome { batches, backed_up, print }) = self.seen.outcome(hash) {
            let (batches, backed_up) = (batches as usize, backed_up as usize);
            let Expect { least, most, .. } = expect;
            if batches < least
                || batches > most
                || trial.model.print(batches) != print
                || backed_up < expect.backed_up
            {
                let what = format!("{batches} batches are there, of {least} to {most}");
                self.report(here(crash), Broken::new("I1", what), moment.phase);
            }
            return;
        }
        if self.seen.is_new(hash) {
            counts.distinct += 1;
            *self.tally.depths.entry(trial.depth).or_default() += 1;
        }
        let share = self.reach.share.unwrap_or(Share::of(hash));
        match check(&image, &expect, share) {
            Ok(recovered) => {
                let print = trial.model.print(recovered.batches);
                let (batches, backed_up) = (recovered.batches as u32, recovered.backed_up as u32);
                let outcome = Outcome { batches, backed_up, print };
                self.seen.found(hash, outcome);
                let counts = self.tally.phases.entry(moment.phase).or_default();
                counts.recoveries += recovered.openings;
                self.below(trial, moment, image, hash, recovered, || here(crash));
            }
            Err(broken) => self.report(here(crash), broken, moment.phase),
        }
    }

    /// Crashes a share of the recoveries in turn.
    fn below(
        &mut self,
        trial: &Trial,
        moment: &Moment,
        base: Image,
        hash: u128,
        recovered: Recovered,
        place: impl FnOnce() -> Place,
    ) {
        let one_of = match trial.depth {
            0 => self.reach.second_of,
            1 => self.reach.third_of,
            _ => 0,
        };
        if one_of == 0 || !((hash >> 64) as u64).is_multiple_of(one_of) {
            return;
        }
        let below = Trial {
            base,
            log: recovered.log,
            model: Arc::clone(&trial.model),
            level: trial.level,
            exactly: Some(recovered.batches),
            backed_up: moment.backed_up,
            from: 0,
            depth: trial.depth + 1,
        };
        self.trial(&below, &place());
    }

    fn report(&mut self, place: Place, broken: Broken, phase: Phase) {
        self.tally.phases.entry(phase).or_default().violations += 1;
        self.found.push(Found { place, broken });
    }
}

/// What an image of this choice at this moment must hold.
fn expectation<'t>(trial: &'t Trial, moment: &Moment, choice: &Choice) -> Expect<'t> {
    // Of a killed process everything is kept, and what was written is what counts.
    let killed = choice.is_all();
    let least = if killed { moment.acknowledged } else { moment.durable };
    let most = trial.exactly.unwrap_or(moment.submitted);
    let (level, depth, backed_up) = (trial.level, trial.depth + 1, moment.backed_up);
    let backed_up_most = match trial.exactly {
        Some(_) => trial.model.batches(),
        None => most,
    };
    Expect { model: &trial.model, least, most, backed_up, backed_up_most, level, depth }
}

/// Brings a crash back: runs the workload, crashes it where the place says, and checks what is
/// left with every check.
///
/// # Errors
/// What is broken there, or that the place does not exist.
pub fn replay(place: &Place) -> Result<(), Broken> {
    let run = run(&place.script)?;
    let mut trial = Trial {
        base: run.base,
        log: run.log,
        model: Arc::new(run.model),
        level: place.script.level,
        exactly: None,
        backed_up: 0,
        from: 0,
        depth: 0,
    };
    for crash in &place.crashes {
        let moments = moments(&trial);
        let Some(moment) = moments.get(crash.moment) else {
            return Err(Broken::new("place", "the log has no such moment"));
        };
        let mut replay = Replay::of(&trial.base);
        trial.log.iter().take(crash.moment).for_each(|op| replay.apply(op));
        let unsynced = Unsynced::of(&replay);
        if unsynced.atoms() != crash.choice.kept.len() {
            return Err(Broken::new("place", "the moment has another number of atoms"));
        }
        let image = unsynced.image(&crash.choice);
        let recovered = check(&image, &expectation(&trial, moment, &crash.choice), Share::ALL)?;
        trial = Trial {
            base: image,
            log: recovered.log,
            exactly: Some(recovered.batches),
            backed_up: moment.backed_up,
            depth: trial.depth + 1,
            ..trial
        };
    }
    Ok(())
}
