use super::{Node, Tokens, Tree, index};
use crate::model::{Decimal, Level, ObservationKind, Timestamp};

/// Sums over a node and everything below it. Sums stop at the end of their range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollup {
    /// How many observations.
    pub observations: u64,
    /// How many of them are of level ERROR.
    pub errors: u64,
    /// How many of them have not ended.
    pub open: u64,
    /// Token counts.
    pub tokens: Tokens,
    /// Cost.
    pub cost: Decimal,
    /// The first start.
    pub start: Timestamp,
    /// The last end; an observation without one counts with its start.
    pub end: Timestamp,
}

impl Rollup {
    fn of(node: &Node) -> Rollup {
        Rollup {
            observations: 1,
            errors: u64::from(node.level == Level::Error),
            open: u64::from(node.end.is_none() && node.kind != ObservationKind::Event),
            tokens: node.tokens,
            cost: node.cost,
            start: node.start,
            end: node.last(),
        }
    }

    fn plus(self, other: Rollup) -> Rollup {
        Rollup {
            observations: self.observations + other.observations,
            errors: self.errors + other.errors,
            open: self.open + other.open,
            tokens: self.tokens.plus(other.tokens),
            cost: self.cost.plus(other.cost),
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Nanoseconds from the first start to the last end.
    pub fn duration(&self) -> i64 {
        self.end.since(self.start)
    }
}

impl Tree {
    /// The sums of each node's subtree, by number. Computed once, when first asked for; linear.
    pub fn rollups(&self) -> &[Rollup] {
        self.rollups.get_or_init(|| {
            let mut sums: Vec<Rollup> = self.nodes.iter().map(Rollup::of).collect();
            // Parents come before their children in a walk: backwards, every sum is complete
            // when it is added to the parent's.
            let order: Vec<u32> = self.walk().map(|(node, _)| node).collect();
            for node in order.into_iter().rev() {
                if let Some(parent) = self.parent(node) {
                    let sum = sums[index(node)];
                    sums[index(parent)] = sums[index(parent)].plus(sum);
                }
            }
            sums
        })
    }

    /// The sums of a node's subtree.
    pub fn rollup(&self, node: u32) -> Option<&Rollup> {
        self.rollups().get(index(node))
    }

    /// The sums of the whole trace; none if it is empty. Linear, and needs no other sums.
    pub fn total(&self) -> Option<Rollup> {
        self.nodes.iter().map(Rollup::of).reduce(Rollup::plus)
    }

    /// Nanoseconds from the first start to the last end; zero if the tree is empty.
    pub fn duration(&self) -> i64 {
        self.total().map_or(0, |total| total.duration())
    }
}
