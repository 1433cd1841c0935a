//! The tree of a trace: skeletons, who called whom, and what went wrong with it.
//!
//! A [`Tree`] is self-contained and flat: it holds no file, and is read by node number, which is
//! the position in the order of (start, identity).
//!
//! ```text
//!  nodes      [ skeleton of 0, skeleton of 1, .. ]         sorted by start, then identity
//!  parents    [ number or none, .. ]                       after cutting cycles
//!  children   [ roots .. | children of 0 .. | of 1 .. ]    one array, each group in start order
//!  firsts     [ where the roots start, where 0's children start, .. ]
//!  texts      names and models, each once
//! ```
//!
//! Building never fails. A parent that has not arrived, a cycle and a node that names itself make
//! roots, and are listed as [`Anomaly`]s; when the missing parent arrives the tree is built
//! again and the anomaly is gone. Nothing here recurses: a chain of 100,000 is as good as a star.
//!
//! Read in this order: `node`, `build`, `anomaly`, `walk`, `rollup`.

mod anomaly;
mod build;
mod node;
mod rollup;
#[cfg(test)]
mod tests;
mod walk;

pub use crate::merge::Tokens;
pub use anomaly::Anomaly;
pub use build::TreeInput;
pub use node::{Link, Node, Place, TextRef};
pub use rollup::Rollup;
pub use walk::Walk;

use crate::id::{Id, Identity};
use std::sync::OnceLock;

/// Stands for "no parent" in [`Tree::parents`].
const NONE: u32 = u32::MAX;
/// Up to this many nodes a search looks at each; an index would cost more.
const SCAN_NODES_MAX: usize = 32;

/// The observations of one trace as a tree; a forest where it has several roots.
///
/// Nodes are named by number. A number that is not in the tree reads as a node without parent,
/// children or texts.
#[derive(Debug, Clone)]
pub struct Tree {
    trace: Identity,
    nodes: Vec<Node>,
    texts: Vec<Box<str>>,
    id_texts: Vec<(u32, Box<str>)>,
    parents: Vec<u32>,
    children: Vec<u32>,
    /// Where each group of `children` starts: the roots', then that of each node; then the end.
    firsts: Vec<u32>,
    anomalies: Vec<Anomaly>,
    /// Node numbers by identity, made when first asked for.
    by_identity: OnceLock<Vec<u32>>,
    /// Made when first asked for.
    rollups: OnceLock<Vec<Rollup>>,
}

impl Tree {
    /// Builds the tree. Linear in the number of nodes when they come sorted; parents that come
    /// by identity are searched for.
    pub fn build(input: TreeInput) -> Tree {
        build::build(input)
    }

    /// The trace's identity.
    pub fn trace(&self) -> Identity {
        self.trace
    }

    /// All nodes, by number: sorted by start, then identity.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    pub fn node(&self, node: u32) -> Option<&Node> {
        self.nodes.get(index(node))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The nodes without a parent in the tree, in start order. Not empty unless the tree is.
    pub fn roots(&self) -> &[u32] {
        self.group(0)
    }

    /// The children of a node, in start order.
    pub fn children(&self, node: u32) -> &[u32] {
        self.group(index(node).saturating_add(1))
    }

    /// The parent of a node in the tree.
    pub fn parent(&self, node: u32) -> Option<u32> {
        self.parents.get(index(node)).copied().filter(|parent| *parent != NONE)
    }

    /// The name of a node.
    pub fn name(&self, node: u32) -> Option<&str> {
        self.text(self.node(node)?.name)
    }

    /// The model of a node.
    pub fn model(&self, node: u32) -> Option<&str> {
        self.text(self.node(node)?.model)
    }

    /// The text of a reference.
    pub fn text(&self, text: TextRef) -> Option<&str> {
        self.texts.get(index(text.0)).map(|text| &**text)
    }

    /// The id of a node, as it was sent.
    pub fn id(&self, node: u32) -> Option<Id> {
        Id::from_identity(self.node(node)?.identity).or_else(|| {
            let at = self.id_texts.binary_search_by_key(&node, |(node, _)| *node).ok()?;
            Id::parse(&self.id_texts.get(at)?.1).ok()
        })
    }

    /// The node with this identity. The first search of a large tree sorts an index.
    pub fn find(&self, identity: &Identity) -> Option<u32> {
        if self.nodes.len() <= SCAN_NODES_MAX {
            return self.nodes.iter().position(|n| n.identity == *identity).map(number);
        }
        let index = self.by_identity.get_or_init(|| build::by_identity(&self.nodes));
        build::find(&self.nodes, index, identity)
    }

    /// What is odd about the trace, by node; what concerns no single node comes last.
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    /// The children of the node `group - 1`, or the roots.
    fn group(&self, group: usize) -> &[u32] {
        match self.firsts.get(group..=group.saturating_add(1)) {
            Some(&[start, end]) => self.children.get(index(start)..index(end)).unwrap_or(&[]),
            _ => &[],
        }
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The number of the node at `index`; there are never more than [`build::NODES_MAX`].
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}
