//! The engine of this repository, with its default options.

use super::names::{Setting, setting};
use super::{Costs, EachPayload, Engine, Reader, Setup, Skeleton, Sync, add_cost};
use crate::{Fault, Result};
use std::collections::VecDeque;
use tracekeep::model::{Field, Record, TimeRange};
use tracekeep::tree::Link;
use tracekeep::{Batch, Commit, Durability, Id, Options, SealLevel, Store, Tree};

pub(crate) const SETTINGS: &[Setting] = &[
    setting("default options; sealing in the background goes on while appending", "README.md"),
    setting("settled: seal at SealLevel::Full", "README.md"),
];

/// An open store.
#[derive(Debug)]
pub(crate) struct Tracekeep(Store);

impl Tracekeep {
    pub(crate) fn open(setup: &Setup) -> Result<Tracekeep> {
        let durability = match setup.sync {
            Sync::Disk => Durability::Disk,
            Sync::Os => Durability::Os,
        };
        let options = Options { durability, ..Options::default() };
        Ok(Tracekeep(Store::builder().options(options).open(&setup.dir)?))
    }
}

impl Engine for Tracekeep {
    fn append(&mut self, batches: Vec<Vec<Record>>, in_flight: usize) -> Result<()> {
        let mut commits: VecDeque<Commit> = VecDeque::with_capacity(in_flight);
        for records in batches {
            if commits.len() >= in_flight
                && let Some(oldest) = commits.pop_front()
            {
                oldest.wait()?;
            }
            let mut batch = Batch::new();
            for record in records {
                batch.push(record)?;
            }
            if in_flight == 1 {
                self.0.append_and_wait(batch)?;
            } else {
                commits.push_back(self.0.append(batch)?);
            }
        }
        for commit in commits {
            commit.wait()?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        self.0.seal(SealLevel::Full)?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.0.close()?)
    }

    fn reader(&self) -> Option<&dyn Reader> {
        Some(self)
    }
}

impl Tracekeep {
    fn found(&self, trace: &Id) -> Result<Option<Tree>> {
        Ok(self.0.snapshot().trace(trace)?)
    }
}

impl Reader for Tracekeep {
    fn tree(&self, trace: &Id) -> Result<usize> {
        Ok(std::hint::black_box(self.found(trace)?).map_or(0, |tree| tree.len()))
    }

    fn skeletons(&self, trace: &Id) -> Result<Vec<Skeleton>> {
        let Some(tree) = self.found(trace)? else { return Ok(Vec::new()) };
        let mut all = Vec::with_capacity(tree.len());
        for (number, node) in (0..).zip(tree.nodes()) {
            let parent = match node.link {
                Link::Root => None,
                Link::Node(parent) => tree.id(parent),
                Link::Missing(identity) => Id::from_identity(identity),
            };
            all.extend(tree.id(number).map(|id| Skeleton {
                id,
                parent,
                kind: node.kind,
                level: node.level,
                start: node.start,
                end: node.end,
                name: tree.name(number).map(Into::into),
                model: tree.model(number).map(Into::into),
                cost: node.cost,
            }));
        }
        Ok(all)
    }

    fn whole(&self, trace: &Id, each: &mut EachPayload<'_>) -> Result<usize> {
        let snapshot = self.0.snapshot();
        let nodes = snapshot.trace(trace)?.map_or(0, |tree| tree.len());
        let mut failed: Option<Fault> = None;
        snapshot.payloads(trace, &mut |id: &Id, field: Field, bytes: &[u8]| {
            if failed.is_none() {
                failed = each(id, field, bytes).err();
            }
            Ok(())
        })?;
        failed.map_or(Ok(nodes), Err)
    }

    fn input(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>> {
        Ok(self.0.snapshot().input(trace, observation)?)
    }

    fn scan(&self) -> Result<Costs> {
        let mut costs = Costs::new();
        self.0.snapshot().scan(TimeRange::ALL, &mut |observation| {
            add_cost(&mut costs, observation.model().unwrap_or_default(), observation.cost().0);
            Ok(())
        })?;
        Ok(costs)
    }

    fn scores(&self) -> Result<u64> {
        let mut count = 0;
        self.0.snapshot().each_score(&mut |_, _| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }
}
