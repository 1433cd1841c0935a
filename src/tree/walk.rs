use super::{Tree, index};
use std::slice::Iter;

/// The nodes of a tree before their children, each with its depth: 0 for where the walk began.
///
/// Holds one place for each level it is in; nothing else is allocated.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    tree: &'a Tree,
    /// What is left of each level, from the top.
    levels: Vec<Iter<'a, u32>>,
}

impl Iterator for Walk<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        loop {
            if let Some(node) = self.levels.last_mut()?.next() {
                let depth = super::number(self.levels.len() - 1);
                self.levels.push(self.tree.children(*node).iter());
                return Some((*node, depth));
            }
            self.levels.pop();
        }
    }
}

impl Tree {
    /// Every node once, with its depth, parents before children, siblings in start order.
    pub fn walk(&self) -> Walk<'_> {
        Walk { tree: self, levels: vec![self.roots().iter()] }
    }

    /// A node and what is below it, as [`Tree::walk`].
    pub fn walk_from(&self, node: u32) -> Walk<'_> {
        let siblings = self.parent(node).map_or(self.roots(), |parent| self.children(parent));
        let at = siblings.binary_search(&node).ok();
        let alone = at.and_then(|at| siblings.get(at..=at)).unwrap_or(&[]);
        Walk { tree: self, levels: vec![alone.iter()] }
    }

    /// How many ancestors a node has. Takes as many steps.
    pub fn depth(&self, node: u32) -> u32 {
        let above = std::iter::successors(self.parent(node), |at| self.parent(*at));
        super::number(above.count())
    }

    /// How many levels the tree has; zero if it is empty. Linear.
    pub fn height(&self) -> u32 {
        self.walk().map(|(_, depth)| depth + 1).max().unwrap_or(0)
    }

    /// What the trace waited for: from the root whose subtree ends last to the child whose
    /// subtree ends last, and so on down to a leaf.
    ///
    /// A subtree ends with the last end in it; a node without an end counts with its start. Of
    /// subtrees that end together, the one that starts first is taken, which was waited for
    /// longest. Linear.
    pub fn critical_path(&self) -> Vec<u32> {
        let rollups = self.rollups();
        // `max_by_key` takes the last of equals, so the order is turned around.
        let last = |nodes: &[u32]| -> Option<u32> {
            let ends = |node: &&u32| rollups.get(index(**node)).map(|rollup| rollup.end);
            nodes.iter().rev().max_by_key(ends).copied()
        };
        std::iter::successors(last(self.roots()), |node| last(self.children(*node))).collect()
    }
}
