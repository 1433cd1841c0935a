//! The expectation, kept outside of the store: plain maps that know what every batch said.
//!
//! It knows nothing of logs, segments or merging by stamps. Records are made so that a plain rule
//! gives the same: times grow with each batch, a later piece replaces what it names, and a
//! tombstone takes everything of its trace.
//!
//! Read in this order: `fact`, `world`, `read`.

mod fact;
mod read;
mod world;

pub use fact::{Fact, Facts, batch};
pub use read::dump;
pub use world::World;

use tracekeep::fs::Fs;
use tracekeep::{Result, Snapshot};

/// What was handed to a store, batch by batch, and what it must say after each.
#[derive(Debug, Clone)]
pub struct Model {
    after: Vec<After>,
}

#[derive(Debug, Clone)]
struct After {
    last_seq: u64,
    world: World,
    says: Vec<u8>,
    print: u64,
}

impl Default for Model {
    fn default() -> Model {
        Model { after: vec![After::new(0, World::default())] }
    }
}

impl After {
    fn new(last_seq: u64, world: World) -> After {
        let says = world.dump();
        let mut all = blake3::Hasher::new();
        all.update(&last_seq.to_le_bytes()).update(&says);
        let mut print = [0; 8];
        print.copy_from_slice(&all.finalize().as_bytes()[..8]);
        After { last_seq, says, world, print: u64::from_le_bytes(print) }
    }
}

impl Model {
    /// A store without a batch.
    pub fn new() -> Model {
        Model::default()
    }

    /// How many batches there are.
    pub fn batches(&self) -> usize {
        self.after.len() - 1
    }

    /// What is there after all batches.
    pub fn world(&self) -> World {
        self.after.last().map(|after| after.world.clone()).unwrap_or_default()
    }

    /// Adds a batch whose last record has this seq.
    pub fn push(&mut self, facts: &Facts, last_seq: u64) {
        let mut world = self.world();
        facts.iter().for_each(|fact| world.apply(fact));
        self.after.push(After::new(last_seq, world));
    }

    /// What a crash left: so many batches.
    #[must_use]
    pub fn truncated(&self, batches: usize) -> Model {
        Model { after: self.after.iter().take(batches + 1).cloned().collect() }
    }

    /// After how many batches this is the last seq; `None` in the middle of one.
    pub fn batches_at(&self, last_seq: u64) -> Option<usize> {
        self.after.iter().position(|after| after.last_seq == last_seq)
    }

    /// What there is after so many batches.
    pub fn world_after(&self, batches: usize) -> Option<&World> {
        self.after.get(batches).map(|after| &after.world)
    }

    /// The last seq after so many batches.
    pub fn seq(&self, batches: usize) -> u64 {
        self.after.get(batches).map_or(0, |after| after.last_seq)
    }

    /// Stands for all that a store with so many batches says: two models whose prints agree
    /// expect the same.
    pub fn print(&self, batches: usize) -> u64 {
        self.after.get(batches).map_or(0, |after| after.print)
    }

    /// Compares with everything that a snapshot says; gives the first difference.
    ///
    /// # Errors
    /// Those of reading.
    pub fn difference<F: Fs>(
        &self,
        batches: usize,
        snapshot: &Snapshot<F>,
    ) -> Result<Option<String>> {
        let said = dump(snapshot)?;
        let expected = self.after.get(batches).map_or(&[][..], |after| &after.says);
        if said == expected {
            return Ok(None);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, expected) = (text(&said), text(expected));
        let differs = said.lines().zip(expected.lines()).find(|(a, b)| a != b);
        Ok(Some(match differs {
            Some((said, expected)) => format!("says\n  {said}\nand should say\n  {expected}"),
            None => format!(
                "says {} lines and should say {}",
                said.lines().count(),
                expected.lines().count()
            ),
        }))
    }
}
