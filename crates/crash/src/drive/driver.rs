//! Opening, sealing, closing, killing, looking.

use super::act::{Act, Promise, Script};
use super::say::Speaker;
use crate::broken::Broken;
use crate::disk::{Image, Mark, Op, Phase, SimFs};
use crate::model::Model;
use std::sync::Arc;
use tracekeep::clock::ManualClock;
use tracekeep::entropy::FixedEntropy;
use tracekeep::{
    Background, Durability, Options, ReadStore, SealLevel, Snapshot, Store, StoreBuilder,
};

/// Where the store is, on every simulated disk.
pub const PATH: &str = "store";
/// Where its backup is.
pub const COPY: &str = "copy";

/// A manifest of so many bytes is long.
const MANIFEST_BYTES_MAX: u64 = 700;
/// Markers of quiet time come after an hour, which is never.
const NEVER_MS: u64 = 3_600_000;

/// A store on a simulated disk, and what it must hold.
#[derive(Debug)]
pub struct Driver {
    pub(super) fs: SimFs,
    pub(super) level: Durability,
    pub(super) promise: Promise,
    pub(super) clock: ManualClock,
    pub(super) speaker: Speaker,
    pub(super) model: Model,
    /// A log is written: the next append starts none.
    pub(super) log_is_open: bool,
    seed: u64,
    opened: i64,
    store: Option<Store<SimFs>>,
    reader: Option<ReadStore<SimFs>>,
    held: Vec<(Snapshot<SimFs>, usize)>,
}

/// What a workload left behind.
#[derive(Debug)]
pub struct Run {
    /// The disk before.
    pub base: Image,
    /// What was done to it.
    pub log: Vec<Op>,
    /// Where in the log each act began; the first is the store's opening.
    pub starts: Vec<usize>,
    /// What the store must hold.
    pub model: Model,
}

/// Runs a workload on an empty disk.
///
/// # Errors
/// What the store promised and did not do.
pub fn run(script: &Script) -> Result<Run, Broken> {
    let fs = SimFs::new();
    let mut driver = Driver::new(fs.clone(), script.level, script.promise, script.seed);
    let mut starts = vec![0];
    driver.open(Phase::Create)?;
    for act in &script.acts {
        starts.push(fs.log().len());
        driver.act(*act)?;
    }
    starts.push(fs.log().len());
    let model = driver.close()?;
    Ok(Run { base: Image::default(), log: fs.log(), starts, model })
}

impl Driver {
    /// A driver of a disk without a store.
    pub fn new(fs: SimFs, level: Durability, promise: Promise, seed: u64) -> Driver {
        Driver {
            fs,
            level,
            promise,
            clock: ManualClock::default(),
            speaker: Speaker::new(seed),
            model: Model::new(),
            log_is_open: false,
            seed,
            opened: 0,
            store: None,
            reader: None,
            held: Vec::new(),
        }
    }

    /// What the store must hold by now.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The store that is open.
    ///
    /// # Errors
    /// There is none.
    pub fn store(&self) -> Result<&Store<SimFs>, Broken> {
        self.store.as_ref().ok_or_else(|| Broken::new("driver", "no store is open"))
    }

    /// Each process that writes has a time of its own.
    fn later(&mut self) {
        self.opened += 1;
        self.clock.set_ns((1_768_204_800 + 1_000 * self.opened) * 1_000_000_000);
    }

    fn builder(&self) -> StoreBuilder<SimFs> {
        let promises = self.promise == Promise::Always && self.level == Durability::Disk;
        let options = Options {
            durability: self.level,
            background: Background::Off,
            marker_ms: if promises { 1 } else { NEVER_MS },
            ..options()
        };
        StoreBuilder::new(self.fs.clone())
            .options(options)
            .clock(Arc::new(self.clock.clone()))
            .entropy(Arc::new(FixedEntropy(self.seed)))
    }

    /// Opens the store.
    ///
    /// # Errors
    /// It does not open, or lost something.
    pub fn open(&mut self, phase: Phase) -> Result<(), Broken> {
        self.fs.mark(Mark::Phase(phase));
        self.later();
        let store = self.builder().open(PATH).map_err(|e| Broken::of("opens", &e))?;
        let snapshot = store.snapshot();
        self.store = Some(store);
        self.log_is_open = false;
        self.hold_promises();
        self.compare(&snapshot, self.model.batches(), "I1 after opening")
    }

    /// Does one thing.
    ///
    /// # Errors
    /// What the store promised and did not do.
    pub fn act(&mut self, act: Act) -> Result<(), Broken> {
        match act {
            Act::Small | Act::Update | Act::Big | Act::Score | Act::Erase => self.append(act)?,
            Act::Group => self.group()?,
            Act::Quick => self.seal(SealLevel::Quick)?,
            Act::Full => self.seal(SealLevel::Full)?,
            Act::Reopen => {
                self.shut()?;
                self.open(Phase::ManifestSwitch)?;
            }
            Act::Kill => {
                self.check_held()?;
                self.held.clear();
                self.reader = None;
                self.fs.kill();
                self.store = None;
                self.open(Phase::Recovery)?;
            }
            Act::Look => {
                let snapshot = self.store()?.snapshot();
                self.compare(&snapshot, self.model.batches(), "I1 in a snapshot")?;
                self.held.push((snapshot, self.model.batches()));
            }
            Act::Follow => self.follow()?,
            Act::Backup => self.back_up()?,
        }
        self.check_held()
    }

    fn compare(
        &self,
        snapshot: &Snapshot<SimFs>,
        batches: usize,
        invariant: &'static str,
    ) -> Result<(), Broken> {
        let difference = self.model.difference(batches, snapshot);
        match difference.map_err(|e| Broken::of(invariant, &e))? {
            Some(what) => Err(Broken::new(invariant, what)),
            None => Ok(()),
        }
    }

    /// A snapshot that was taken before stays as it was.
    fn check_held(&self) -> Result<(), Broken> {
        let held = self.held.iter();
        held.into_iter().try_for_each(|(s, n)| self.compare(s, *n, "I14 in an older snapshot"))
    }

    fn follow(&mut self) -> Result<(), Broken> {
        let reader = match self.reader.take() {
            Some(reader) => {
                reader.refresh().map_err(|e| Broken::of("refreshes", &e))?;
                reader
            }
            None => self.builder().open_read_only(PATH).map_err(|e| Broken::of("opens", &e))?,
        };
        self.compare(&reader.snapshot(), self.model.batches(), "I1 in a reader")?;
        self.reader = Some(reader);
        Ok(())
    }

    fn back_up(&mut self) -> Result<(), Broken> {
        self.fs.mark(Mark::Phase(Phase::Backup));
        self.store()?.backup(COPY).map_err(|e| Broken::of("backs up", &e))?;
        self.fs.mark(Mark::BackedUp(self.model.batches()));
        let copy = self.builder().open_read_only(COPY);
        let snapshot = copy.map_err(|e| Broken::of("opens the backup", &e))?.snapshot();
        self.compare(&snapshot, self.model.batches(), "I1 in a backup")
    }

    fn seal(&mut self, level: SealLevel) -> Result<(), Broken> {
        self.fs.mark(Mark::Phase(Phase::Seal));
        self.fs.release();
        self.store()?.seal(level).map_err(|e| Broken::of("seals", &e))?;
        self.log_is_open = false;
        self.fs.mark(Mark::Durable(self.model.batches()));
        self.hold_promises();
        self.compare(&self.store()?.snapshot(), self.model.batches(), "I1 after sealing")
    }

    fn shut(&mut self) -> Result<(), Broken> {
        self.fs.release();
        if let Some(store) = self.store.take() {
            store.close().map_err(|e| Broken::of("closes", &e))?;
        }
        self.fs.mark(Mark::Durable(self.model.batches()));
        Ok(())
    }

    /// Ends the workload.
    ///
    /// # Errors
    /// What the store promised and did not do.
    pub fn close(&mut self) -> Result<Model, Broken> {
        self.fs.mark(Mark::Phase(Phase::Append));
        self.check_held()?;
        self.held.clear();
        self.shut()?;
        match self.fs.broken().first() {
            Some(rule) => Err(Broken::new("a rule of the disk", rule.clone())),
            None => Ok(self.model.clone()),
        }
    }
}

impl Drop for Driver {
    /// Whoever is held back would be waited for.
    fn drop(&mut self) {
        self.fs.release();
    }
}

/// Options of every simulated store: small, and with nothing that is not needed.
pub(crate) fn options() -> Options {
    Options {
        background: Background::Off,
        marker_ms: NEVER_MS,
        manifest_bytes_max: MANIFEST_BYTES_MAX,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}
