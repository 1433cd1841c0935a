//! A tree of any links at all: each node once, no cycle left, sums that add up.

use arbitrary::{Arbitrary, Unstructured};
use tracekeep::Tree;
use tracekeep::id::{Form, Identity};
use tracekeep::model::{Decimal, Level, ObservationKind, Timestamp};
use tracekeep::tree::{Anomaly, Link, Node, Place, TextRef, Tokens, TreeInput};

/// One observation, in few bytes so that many fit an input.
#[derive(Debug, Arbitrary)]
struct Given {
    /// Of few, so that parents are found; one twice is dropped.
    id: u8,
    start: i8,
    /// From the start; half of them are open.
    duration: i8,
    link: u8,
    parent: u8,
    more: u8,
}

fn identity(id: u8) -> Identity {
    Identity { form: Form::Hex16, bits: u128::from(id) }
}

fn node(given: &Given, nodes: usize) -> Node {
    let start = Timestamp(i64::from(given.start));
    let link = match given.link % 4 {
        0 => Link::Root,
        // Also numbers that are not there.
        1 => Link::Node(u32::from(given.parent) % (nodes as u32 + 2)),
        2 => Link::Node(u32::MAX - u32::from(given.parent)),
        _ => Link::Missing(identity(given.parent)),
    };
    let huge = u64::MAX / (u64::from(given.more) + 1);
    Node {
        identity: identity(given.id),
        link,
        start,
        end: (given.duration % 2 == 0).then(|| Timestamp(start.0 + i64::from(given.duration))),
        completion_start: None,
        kind: ObservationKind::ALL[usize::from(given.more) % ObservationKind::ALL.len()],
        level: Level::ALL[usize::from(given.more) % Level::ALL.len()],
        name: TextRef(u32::from(given.more % 3)),
        model: TextRef::NONE,
        tokens: Tokens { input: huge, output: u64::from(given.more), total: huge },
        cost: Decimal(i128::MAX / (i128::from(given.more) + 1)),
        place: Place { segment: Place::UNSEALED, row: 0 },
    }
}

/// Builds a tree of the observations in `data`.
pub fn tree(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut given: Vec<Given> = Vec::new();
    let mut seen = [false; 256];
    while !u.is_empty()
        && let Ok(next) = Given::arbitrary(&mut u)
    {
        if !std::mem::replace(&mut seen[usize::from(next.id)], true) {
            given.push(next);
        }
    }
    let nodes: Vec<Node> = given.iter().map(|g| node(g, given.len())).collect();
    let id_texts = (0..nodes.len() as u32).step_by(3).map(|i| (i, "an id".into())).collect();
    let input =
        TreeInput { trace: identity(0), nodes, texts: vec!["a".into(), "b".into()], id_texts };
    let ids: Vec<Identity> = input.nodes.iter().map(|n| n.identity).collect();
    check(&Tree::build(input), &ids);
}

fn check(tree: &Tree, ids: &[Identity]) {
    let count = ids.len();
    assert_eq!(tree.len(), count);
    assert!(tree.nodes().is_sorted_by_key(|n| (n.start, n.identity)));
    assert!(ids.iter().all(|id| tree.find(id).and_then(|n| tree.node(n)).is_some()));
    let mut walked = vec![false; count];
    let mut depths = vec![0; count];
    for (node, depth) in tree.walk() {
        assert!(!std::mem::replace(&mut walked[node as usize], true), "node {node} twice");
        depths[node as usize] = depth;
        match tree.parent(node) {
            None => assert_eq!(depth, 0),
            Some(parent) => {
                assert_eq!(depth, depths[parent as usize] + 1);
                assert!(walked[parent as usize], "node {node} before its parent");
                assert!(tree.children(parent).binary_search(&node).is_ok());
            }
        }
    }
    assert!(walked.iter().all(|w| *w), "a node is in no branch");
    assert!(tree.roots().iter().all(|root| tree.parent(*root).is_none()));
    assert_eq!(tree.height(), depths.iter().map(|d| d + 1).max().unwrap_or(0));
    check_sums(tree);
    check_anomalies(tree);
}

fn check_sums(tree: &Tree) {
    let below: u64 =
        tree.roots().iter().filter_map(|r| tree.rollup(*r)).map(|r| r.observations).sum();
    assert_eq!(below, tree.len() as u64);
    for node in 0..tree.len() as u32 {
        let children = tree.children(node).iter().filter_map(|c| tree.rollup(*c));
        let sum: u64 = children.map(|r| r.observations).sum();
        assert_eq!(tree.rollup(node).map(|r| r.observations), Some(sum + 1));
    }
    let path = tree.critical_path();
    assert!(path.windows(2).all(|pair| tree.parent(pair[1]) == Some(pair[0])));
    assert_eq!(path.is_empty(), tree.is_empty());
}

fn check_anomalies(tree: &Tree) {
    let roots = tree.nodes().iter().filter(|n| n.link == Link::Root).count() as u32;
    let mut several = None;
    for anomaly in tree.anomalies() {
        match *anomaly {
            Anomaly::MissingParent { node, parent } => {
                assert_eq!((tree.parent(node), tree.find(&parent)), (None, None));
            }
            Anomaly::SelfParent { node } | Anomaly::Cycle { node } => {
                assert_eq!(tree.parent(node), None);
            }
            Anomaly::BeforeParent { node } => {
                let start = |n: u32| tree.node(n).map(|n| n.start);
                assert!(tree.parent(node).and_then(start) > start(node));
            }
            Anomaly::EndBeforeStart { node } => {
                assert!(tree.node(node).is_some_and(|n| n.end.is_some_and(|end| end < n.start)));
            }
            Anomaly::SeveralRoots { count } => several = Some(count),
            _ => {}
        }
    }
    assert_eq!(several, Some(roots).filter(|count| *count > 1));
}
