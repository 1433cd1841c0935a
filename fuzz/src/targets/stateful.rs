//! Operations on a store, crashes of the process and of the machine, and what it says after,
//! beside a model in memory. The disk is the simulated one.

use super::base::builder;
use super::model::Model;
use arbitrary::{Result, Unstructured};
use std::path::Path;
use tracekeep::internals::verify::verify_in;
use tracekeep::{
    Background, Durability, Options, SealLevel, Snapshot, Store, StoreBuilder, Verdict,
};
use tracekeep_crash::disk::{Image, Op, SimFs};
use tracekeep_crash::states::{Choice, Replay, Tail, Unsynced};

const PATH: &str = "store";
/// Steps of one input.
const STEPS_MAX: usize = 14;

/// The first bytes choose options; then come steps.
pub fn stateful(data: &[u8]) {
    let u = &mut Unstructured::new(data);
    let mut world = World::new(u.arbitrary().unwrap_or(0));
    for _ in 0..STEPS_MAX {
        if u.is_empty() || world.step(u).is_err() {
            break;
        }
    }
    world.check();
    world.check_held();
}

struct World {
    options: Options,
    /// The disk when the store was opened, and what was done to it since, as far as it is known.
    image: Image,
    fs: SimFs,
    ops: Vec<Op>,
    /// After so many of these operations so many batches were acknowledged.
    acknowledged: Vec<(usize, usize)>,
    /// So many batches the image has, whatever happens to it.
    floor: usize,
    store: Option<Store<SimFs>>,
    model: Model,
    /// A snapshot and the batches that it shows.
    held: Option<(Snapshot<SimFs>, usize)>,
}

impl World {
    fn new(choice: u8) -> World {
        let options = Options {
            durability: match choice % 4 {
                0 => Durability::Os,
                1 => Durability::DiskStrict,
                _ => Durability::Disk,
            },
            // So small that logs and manifests are finished now and then.
            log_bytes_max: if choice & 4 == 0 { 1 << 20 } else { 1500 },
            manifest_bytes_max: if choice & 8 == 0 { 1 << 20 } else { 700 },
            background: Background::Off,
            marker_ms: 1 << 40,
            seal_level: 1,
            stream_bytes_max: 1 << 20,
            block_cache_bytes: 1 << 16,
            ..Options::default()
        };
        let mut world = World {
            options,
            image: Image::default(),
            fs: SimFs::new(),
            ops: Vec::new(),
            acknowledged: Vec::new(),
            floor: 0,
            store: None,
            model: Model::default(),
            held: None,
        };
        world.open();
        world
    }

    fn builder(&self) -> StoreBuilder<SimFs> {
        builder(self.fs.clone()).options(self.options.clone())
    }

    /// Opens the store, which has at least these batches and no other than were appended.
    fn open(&mut self) {
        let store = self.builder().open(PATH);
        self.store = Some(store.unwrap_or_else(|e| panic!("a crash is not to be seen: {e}")));
        self.ops.extend(self.fs.take_log());
        let snapshot = self.snapshot();
        let seq = snapshot.seq();
        let batches = self.model.batches_at(seq.0);
        let batches = batches.unwrap_or_else(|| panic!("{seq} is in the middle of a batch"));
        let kept = self.acknowledged.last().map_or(self.floor, |(_, batches)| *batches);
        assert!(batches >= kept, "{batches} batches are left of {kept} acknowledged");
        self.model.truncate(batches);
        // What was found is durable now, whether it was acknowledged or not.
        self.acknowledged = vec![(self.ops.len(), batches)];
        self.model.check(&snapshot);
    }

    fn store(&self) -> &Store<SimFs> {
        self.store.as_ref().expect("a store is open between steps")
    }

    fn snapshot(&self) -> Snapshot<SimFs> {
        self.store().snapshot()
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let kind: u8 = u.arbitrary()?;
        match kind % 16 {
            0..=6 => {
                let batch = self.model.batch(u)?;
                let done = self.store().append_and_wait(batch);
                assert!(done.is_ok(), "{done:?}");
                self.note();
            }
            7 | 8 => {
                let level = if kind & 16 == 0 { SealLevel::Quick } else { SealLevel::Full };
                let sealed = self.store().seal(level);
                assert!(sealed.is_ok(), "{sealed:?}");
                self.note();
            }
            9 => self.check(),
            10 => self.held = Some((self.snapshot(), self.model.len())),
            11 => {
                self.close();
                self.open();
            }
            12 => self.kill(),
            _ => self.fail(u)?,
        }
        Ok(())
    }

    /// Everything appended so far is acknowledged.
    fn note(&mut self) {
        self.ops.extend(self.fs.take_log());
        self.acknowledged.push((self.ops.len(), self.model.len()));
    }

    fn check(&self) {
        self.model.check(&self.snapshot());
    }

    /// A snapshot that is held says what it said, whatever was done since.
    fn check_held(&mut self) {
        if let Some((snapshot, batches)) = self.held.take() {
            let mut then = Model::default();
            std::mem::swap(&mut then, &mut self.model);
            then.truncate(batches);
            then.check(&snapshot);
        }
    }

    fn close(&mut self) {
        self.held = None;
        let closed = self.store.take().map_or(Ok(()), Store::close);
        assert!(closed.is_ok(), "{closed:?}");
        assert_eq!(self.verdict(), Verdict::Clean);
    }

    fn verdict(&self) -> Verdict {
        let mut findings = Vec::new();
        let each = &mut |finding| findings.push(finding);
        let verdict = verify_in(&self.fs, Path::new(PATH), each, &mut |_| {});
        match verdict {
            Ok(verdict) if verdict != Verdict::Damaged => verdict,
            _ => panic!("{verdict:?}: {findings:#?}"),
        }
    }

    /// The process ends between two instructions: what it wrote is in the page cache.
    fn kill(&mut self) {
        let image = self.fs.image();
        self.restart(image, self.model.len());
    }

    /// Goes on with this image, which has at least so many batches.
    fn restart(&mut self, image: Image, kept: usize) {
        self.held = None;
        self.fs.kill();
        // The threads of the dead find that their files are gone.
        drop(self.store.take());
        self.fs = SimFs::of(&image);
        (self.image, self.ops) = (image, Vec::new());
        self.acknowledged.clear();
        self.floor = self.floor.max(kept);
        if self.floor > 0 {
            self.verdict();
        }
        self.open();
    }

    /// The power fails, now or some operations ago, and some of what was not synced is lost.
    fn fail(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.ops.extend(self.fs.take_log());
        let (ago, tail, bits): (u8, u8, u64) = u.arbitrary()?;
        let at = self.ops.len() - usize::from(ago).min(self.ops.len());
        let mut replay = Replay::of(&self.image);
        self.ops[..at].iter().for_each(|op| replay.apply(op));
        let unsynced = Unsynced::of(&replay);
        let kept = (0..unsynced.atoms()).map(|atom| bits >> (atom % 64) & 1 == 1).collect();
        let tail = if unsynced.grows() { Tail::ALL[usize::from(tail) % 4] } else { Tail::Tight };
        let image = unsynced.image(&Choice { kept, tail });
        // At `Os` nothing was promised for this, but what opening found: that is durable.
        let promised = match self.options.durability {
            Durability::Os => 1,
            _ => self.acknowledged.len(),
        };
        let before = self.acknowledged.iter().take(promised).rev().find(|(ops, _)| *ops <= at);
        let kept = before.map_or(0, |(_, batches)| *batches);
        self.restart(image, kept);
        Ok(())
    }
}
