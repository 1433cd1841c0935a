use super::{Anomaly, Link, NONE, Node, Tree, anomaly, index, number};
use crate::id::Identity;
use std::sync::OnceLock;

/// Most nodes of a tree; what is more is left out. Their skeletons would take 700 GB.
pub(super) const NODES_MAX: usize = u32::MAX as usize - 2;

/// What a [`Tree`] is built of.
#[derive(Debug, Clone)]
pub struct TreeInput {
    /// The trace's identity.
    pub trace: Identity,
    /// The observations, each once; fastest if sorted by start, then identity. A
    /// [`Link::Node`] counts in the order given here; one that points nowhere reads as
    /// [`Link::Root`].
    pub nodes: Vec<Node>,
    /// What the nodes' [`TextRef`](super::TextRef)s refer to.
    pub texts: Vec<Box<str>>,
    /// The ids whose form is text, by position in `nodes`.
    pub id_texts: Vec<(u32, Box<str>)>,
}

pub(super) fn build(input: TreeInput) -> Tree {
    let TreeInput { trace, mut nodes, texts, mut id_texts } = input;
    nodes.truncate(NODES_MAX);
    if !nodes.is_sorted_by(|a, b| key(a) <= key(b)) {
        sort(&mut nodes, &mut id_texts);
    }
    if !id_texts.is_sorted_by_key(|(node, _)| *node) {
        id_texts.sort_by_key(|(node, _)| *node);
    }
    let by_identity = heal(&mut nodes);

    let mut anomalies = Vec::new();
    let mut parents = Vec::with_capacity(nodes.len());
    let (mut roots, mut parents_first) = (0u32, true);
    for (i, node) in (0..).zip(&nodes) {
        let parent = match node.link {
            Link::Node(parent) if index(parent) < nodes.len() && parent != i => parent,
            _ => NONE,
        };
        roots += u32::from(node.link == Link::Root);
        parents_first &= parent == NONE || parent < i;
        parents.push(parent);
        anomaly::of_node(node, i, &mut anomalies);
    }
    // Where every parent stands before its children, there is neither a cycle nor a child that
    // starts early.
    if !parents_first {
        anomaly::cut_cycles(&mut parents, &mut anomalies);
        anomaly::before_parents(&nodes, &parents, &mut anomalies);
        anomalies.sort_by_key(Anomaly::node);
    }
    if roots > 1 {
        anomalies.push(Anomaly::SeveralRoots { count: roots });
    }
    let (firsts, children) = adjacency(&parents);
    let rollups = OnceLock::new();
    Tree {
        trace,
        nodes,
        texts,
        id_texts,
        parents,
        children,
        firsts,
        anomalies,
        by_identity,
        rollups,
    }
}

fn key(node: &Node) -> (crate::model::Timestamp, Identity) {
    (node.start, node.identity)
}

/// Puts the nodes in order, and lets links and texts follow.
fn sort(nodes: &mut Vec<Node>, id_texts: &mut [(u32, Box<str>)]) {
    let mut order: Vec<u32> = (0..number(nodes.len())).collect();
    order.sort_by_key(|i| key(&nodes[index(*i)]));
    let mut moved = vec![NONE; nodes.len()];
    for (to, from) in (0..).zip(&order) {
        moved[index(*from)] = to;
    }
    let moved = |from: u32| moved.get(index(from)).copied().unwrap_or(NONE);
    *nodes = order.iter().map(|i| nodes[index(*i)]).collect();
    for node in nodes {
        if let Link::Node(parent) = &mut node.link {
            *parent = moved(*parent);
        }
    }
    for (node, _) in id_texts {
        *node = moved(*node);
    }
}

/// Links the nodes whose missing parent is there after all. Gives back the index by identity, if
/// it took one.
fn heal(nodes: &mut [Node]) -> OnceLock<Vec<u32>> {
    let missing = |node: &Node| matches!(node.link, Link::Missing(_));
    let Some(first) = nodes.iter().position(missing) else { return OnceLock::new() };
    let order = by_identity(nodes);
    for i in first..nodes.len() {
        if let Link::Missing(parent) = nodes[i].link
            && let Some(parent) = find(nodes, &order, &parent)
        {
            nodes[i].link = Link::Node(parent);
        }
    }
    OnceLock::from(order)
}

/// The numbers of the nodes, sorted by identity.
pub(super) fn by_identity(nodes: &[Node]) -> Vec<u32> {
    let mut keyed: Vec<_> = (0..).zip(nodes).map(|(i, n)| (n.identity, i)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, i): (Identity, u32)| i).collect()
}

/// Finds a node by the index that [`by_identity`] made.
pub(super) fn find(nodes: &[Node], order: &[u32], identity: &Identity) -> Option<u32> {
    let at = order.binary_search_by_key(identity, |i| nodes[index(*i)].identity).ok()?;
    order.get(at).copied()
}

/// Groups the nodes by parent with a counting sort: where each group starts, and the groups.
/// Group 0 is the roots, group `p + 1` the children of `p`.
fn adjacency(parents: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let group = |parent: u32| if parent == NONE { 0 } else { index(parent) + 1 };
    // Counted two groups ahead: the sums then are each group's start, one group ahead, and
    // filling moves them to its end, which is where the next group starts.
    let mut firsts = vec![0u32; parents.len() + 3];
    for parent in parents {
        firsts[group(*parent) + 2] += 1;
    }
    let mut sum = 0;
    for first in &mut firsts {
        sum += *first;
        *first = sum;
    }
    let mut children = vec![0u32; parents.len()];
    for (i, parent) in (0..).zip(parents) {
        let next = &mut firsts[group(*parent) + 1];
        children[index(*next)] = i;
        *next += 1;
    }
    firsts.pop();
    (firsts, children)
}
