use super::{Link, NONE, Node, index, number};
use crate::id::Identity;

/// Something odd about a trace. The tree is whole all the same.
///
/// An open observation is no anomaly, and neither is a trace without any root of its own as long
/// as its missing parents may still arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Anomaly {
    /// The parent it names has not arrived: it stands as a root. Ordinary in distributed
    /// tracing.
    MissingParent {
        /// The orphan.
        node: u32,
        /// The parent that is missing.
        parent: Identity,
    },
    /// It names itself as its parent: it stands as a root.
    SelfParent {
        /// The node.
        node: u32,
    },
    /// Its ancestors lead back to it. Of the cycle's members it starts first, and stands as a
    /// root.
    Cycle {
        /// The member that was cut off from its parent.
        node: u32,
    },
    /// It starts before its parent does.
    BeforeParent {
        /// The child.
        node: u32,
    },
    /// It ends before it starts; its duration reads as zero.
    EndBeforeStart {
        /// The node.
        node: u32,
    },
    /// More than one observation names no parent.
    SeveralRoots {
        /// How many do.
        count: u32,
    },
}

impl Anomaly {
    /// The node it is about.
    pub fn node(&self) -> Option<u32> {
        match *self {
            Anomaly::MissingParent { node, .. }
            | Anomaly::SelfParent { node }
            | Anomaly::Cycle { node }
            | Anomaly::BeforeParent { node }
            | Anomaly::EndBeforeStart { node } => Some(node),
            Anomaly::SeveralRoots { .. } => None,
        }
    }
}

/// Cuts each cycle at its smallest number, which starts first. Linear: each node is passed
/// twice at most.
pub(super) fn cut_cycles(parents: &mut [u32], anomalies: &mut Vec<Anomaly>) {
    // The walk upwards that first came by each node; walks are named by where they began.
    let mut seen_by = vec![NONE; parents.len()];
    for begin in 0..number(parents.len()) {
        let mut at = begin;
        while let Some(seen) = seen_by.get_mut(index(at)).filter(|seen| **seen == NONE) {
            *seen = begin;
            at = parents[index(at)];
        }
        if at == NONE || seen_by[index(at)] != begin {
            continue;
        }
        let (mut first, mut member) = (at, parents[index(at)]);
        while member != at {
            first = first.min(member);
            member = parents[index(member)];
        }
        parents[index(first)] = NONE;
        anomalies.push(Anomaly::Cycle { node: first });
    }
}

/// Finds children that start before their parents. Numbers are in start order, so that only a
/// parent with a larger number can start later.
pub(super) fn before_parents(nodes: &[Node], parents: &[u32], anomalies: &mut Vec<Anomaly>) {
    for (i, (node, parent)) in nodes.iter().zip(parents).enumerate() {
        let later = |parent: &Node| parent.start > node.start;
        if index(*parent) > i && nodes.get(index(*parent)).is_some_and(later) {
            anomalies.push(Anomaly::BeforeParent { node: number(i) });
        }
    }
}

/// Finds what a single node shows.
pub(super) fn of_node(node: &Node, i: u32, anomalies: &mut Vec<Anomaly>) {
    match node.link {
        Link::Missing(parent) if parent != node.identity => {
            anomalies.push(Anomaly::MissingParent { node: i, parent });
        }
        Link::Missing(_) => anomalies.push(Anomaly::SelfParent { node: i }),
        Link::Node(parent) if parent == i => anomalies.push(Anomaly::SelfParent { node: i }),
        Link::Node(_) | Link::Root => {}
    }
    if node.end.is_some_and(|end| end < node.start) {
        anomalies.push(Anomaly::EndBeforeStart { node: i });
    }
}
