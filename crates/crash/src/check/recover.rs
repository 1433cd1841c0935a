//! Opening an image, and comparing what it says.

use super::again::{Share, Strays, again, backup, beside, verified};
use crate::broken::Broken;
use crate::disk::{Image, Op, SimFs};
use crate::drive::{COPY, PATH, options};
use crate::model::Model;
use std::sync::Arc;
use tracekeep::clock::ManualClock;
use tracekeep::entropy::FixedEntropy;
use tracekeep::fs::FileName;
use tracekeep::{Durability, Options, Store, StoreBuilder};

/// What an image must hold.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'m> {
    /// All batches that were ever handed in.
    pub model: &'m Model,
    /// So many of them at least.
    pub least: usize,
    /// So many at most.
    pub most: usize,
    /// So many in the backup, at least.
    pub backed_up: usize,
    /// So many there at most: at `Os` the backup is durable before the store is.
    pub backed_up_most: usize,
    /// The store's level.
    pub level: Durability,
    /// How many recoveries this image has behind it: each is later by the clock.
    pub depth: usize,
}

/// What recovery made of an image.
#[derive(Debug)]
pub struct Recovered {
    /// How many batches are there.
    pub batches: usize,
    /// How many are in the backup.
    pub backed_up: usize,
    /// What recovery did to the disk.
    pub log: Vec<Op>,
    /// How often a store was opened on the way.
    pub openings: u64,
}

/// Recovers an image and checks it. `share` says which of the costly checks are due.
///
/// # Errors
/// The first invariant that does not hold.
pub fn check(image: &Image, expect: &Expect<'_>, share: Share) -> Result<Recovered, Broken> {
    let mut openings = 1;
    if share.verify {
        verified(&SimFs::of(image), PATH, Strays::Allowed, "I7 before recovery")?;
        verified(&SimFs::of(image), COPY, Strays::Allowed, "I7 of a backup")?;
    }
    let fs = SimFs::of(image);
    let store = open(&fs, expect)?;
    let log = fs.take_log();
    let snapshot = store.snapshot();
    let seq = snapshot.seq().0;
    let Some(batches) = expect.model.batches_at(seq) else {
        return Err(Broken::new("I4", format!("it ends at seq {seq}, inside of a batch")));
    };
    if batches < expect.least {
        let what = format!("{} batches were acknowledged, {batches} are there", expect.least);
        return Err(Broken::new("I1", what));
    }
    if batches > expect.most {
        let what = format!("{} batches are possible, {batches} are there", expect.most);
        return Err(Broken::new("I3", what));
    }
    let differs = expect.model.difference(batches, &snapshot);
    if let Some(what) = differs.map_err(|e| Broken::of("I1", &e))? {
        return Err(Broken::new("I1, I2", format!("with {batches} batches it {what}")));
    }
    tidy(&fs)?;
    let backed_up = backup(image, expect)?;
    if share.beside {
        openings += 1;
        beside(&SimFs::of(image), &store, expect, batches)?;
    }
    if share.again {
        openings += again(&fs, store, expect, batches)?;
    }
    match fs.broken().first() {
        Some(rule) => Err(Broken::new("a rule of the disk", rule.clone())),
        None => Ok(Recovered { batches, backed_up, log, openings }),
    }
}

/// A builder as the workload's, by a later clock.
pub(super) fn builder(fs: &SimFs, expect: &Expect<'_>) -> StoreBuilder<SimFs> {
    let clock = ManualClock::default();
    clock.set_ns((1_800_000_000 + 1_000 * expect.depth as i64) * 1_000_000_000);
    StoreBuilder::new(fs.clone())
        .options(Options { durability: expect.level, ..options() })
        .clock(Arc::new(clock))
        .entropy(Arc::new(FixedEntropy(expect.depth as u64)))
}

pub(super) fn open(fs: &SimFs, expect: &Expect<'_>) -> Result<Store<SimFs>, Broken> {
    builder(fs, expect).open(PATH).map_err(|e| Broken::of("I1, it does not open", &e))
}

/// No unfinished work is left, and one manifest.
pub(super) fn tidy(fs: &SimFs) -> Result<(), Broken> {
    let names = fs.names(PATH);
    let manifests = names.iter().filter(|n| matches!(n, FileName::Manifest(_))).count();
    if let Some(temp) = names.iter().find(|name| name.is_temp()) {
        return Err(Broken::new("I9", format!("{temp} is left")));
    }
    match manifests {
        1 => Ok(()),
        n => Err(Broken::new("I9", format!("{n} manifests are left"))),
    }
}
