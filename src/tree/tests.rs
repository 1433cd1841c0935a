use super::*;
use crate::id::Form;
use crate::model::{Decimal, Level, ObservationKind, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn identity(bits: u128) -> Identity {
    Identity { form: Form::Hex16, bits }
}

fn node(id: u128, start: i64, link: Link) -> Node {
    Node {
        identity: identity(id),
        link,
        start: Timestamp(start),
        end: Some(Timestamp(start + 10)),
        completion_start: None,
        kind: ObservationKind::Span,
        level: Level::Default,
        name: TextRef::NONE,
        model: TextRef::NONE,
        tokens: Tokens { input: 1, output: 2, total: 3 },
        cost: Decimal(5),
        place: Place { segment: Place::UNSEALED, row: 0 },
    }
}

fn tree(nodes: Vec<Node>) -> Tree {
    Tree::build(TreeInput { trace: identity(0), nodes, texts: vec![], id_texts: vec![] })
}

fn missing(id: u128) -> Link {
    Link::Missing(identity(id))
}

/// Checks what holds for every tree.
fn check(tree: &Tree) {
    let mut visits = vec![0; tree.len()];
    let mut path: Vec<u32> = Vec::new();
    for (node, depth) in tree.walk() {
        visits[index(node)] += 1;
        path.truncate(index(depth));
        assert_eq!(path.last().copied(), tree.parent(node));
        path.push(node);
    }
    assert!(visits.iter().all(|n| *n == 1), "{visits:?}");
    for node in 0..number(tree.len()) {
        let children = tree.children(node);
        assert!(children.is_sorted_by(|a, b| a < b));
        assert!(children.iter().all(|child| tree.parent(*child) == Some(node)));
        assert_eq!(tree.find(&tree.nodes()[index(node)].identity), Some(node));
    }
    let rollups = tree.rollups();
    let roots = tree.roots().iter().map(|root| rollups[index(*root)].observations);
    assert_eq!(roots.sum::<u64>(), tree.len() as u64);
    assert_eq!(tree.critical_path().is_empty(), tree.is_empty());
    let cut = tree.anomalies().iter().filter(|a| {
        !matches!(
            a,
            Anomaly::BeforeParent { .. }
                | Anomaly::EndBeforeStart { .. }
                | Anomaly::SeveralRoots { .. }
        )
    });
    let named = tree.nodes().iter().filter(|n| n.link == Link::Root);
    assert_eq!(tree.roots().len(), cut.count() + named.count());
}

/// What a tree says, whatever its numbers: the parent and the sums of each node by identity.
fn shape(tree: &Tree) -> BTreeMap<Identity, (Option<Identity>, Rollup)> {
    let identity = |node: u32| tree.node(node).unwrap().identity;
    let all = 0..number(tree.len());
    all.map(|n| (identity(n), (tree.parent(n).map(identity), tree.rollups()[index(n)]))).collect()
}

/// Nodes with arbitrary starts whose parents are given by identity: present, missing or itself.
fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let one = (0i64..20, prop::option::of(0u128..70), -5i64..20);
    prop::collection::vec(one, 0..60).prop_map(|all| {
        let nodes = all.into_iter().enumerate().map(|(id, (start, parent, length))| Node {
            end: (length < 15).then_some(Timestamp(start + length)),
            ..node(id as u128, start, parent.map_or(Link::Root, missing))
        });
        nodes.collect()
    })
}

proptest! {
    #[test]
    fn every_node_stands_once_whatever_the_parents(nodes in nodes(), links in prop::collection::vec(0u32..70, 60)) {
        check(&tree(nodes.clone()));
        let by_number = nodes.iter().zip(links).map(|(n, link)| Node {
            link: if link % 7 == 0 { Link::Root } else { Link::Node(link % 59) }, ..*n
        });
        let by_number: Vec<Node> = by_number.collect();
        let len = number(by_number.len());
        let in_range = by_number.iter().map(|n| match n.link {
            Link::Node(p) if p >= len => Node { link: Link::Root, ..*n },
            _ => *n,
        });
        check(&tree(in_range.collect()));
        prop_assert_eq!(tree(by_number.clone()).walk().count(), by_number.len());
    }

    #[test]
    fn arrival_order_does_not_matter(
        (nodes, shuffled) in nodes().prop_flat_map(|n| (Just(n.clone()), Just(n).prop_shuffle()))
    ) {
        let (a, b) = (tree(nodes), tree(shuffled));
        prop_assert_eq!(a.nodes(), b.nodes());
        prop_assert_eq!(a.anomalies(), b.anomalies());
        prop_assert_eq!(shape(&a), shape(&b));
    }

    #[test]
    fn orphans_heal(nodes in nodes(), late in any::<prop::sample::Index>()) {
        prop_assume!(!nodes.is_empty());
        let whole = tree(nodes.clone());
        let mut most = nodes;
        let late = most.remove(late.index(most.len()));
        let before = tree(most);
        check(&before);
        let orphans = before.nodes().iter().filter(|n| n.link == Link::Missing(late.identity));
        let missing = |a: &&Anomaly| matches!(a, Anomaly::MissingParent { parent, .. } if *parent == late.identity);
        prop_assert_eq!(before.anomalies().iter().filter(missing).count(), orphans.count());
        // The nodes as the first tree left them, which is how a caller may keep them.
        let mut all = before.nodes().to_vec();
        all.push(late);
        prop_assert_eq!(shape(&tree(all)), shape(&whole));
    }
}

#[test]
fn cycles_are_cut_where_they_start_first() {
    // 1 -> 3 -> 2 -> 1 with 4 hanging below 3, and 5 <-> 6; nobody names no parent.
    let ring = tree(vec![
        node(1, 10, missing(2)),
        node(2, 20, missing(3)),
        node(3, 30, missing(1)),
        node(4, 5, missing(3)),
        node(5, 50, missing(6)),
        node(6, 50, missing(5)),
    ]);
    check(&ring);
    let at = |id| ring.find(&identity(id)).unwrap();
    assert_eq!(ring.roots(), [at(1), at(5)]);
    assert_eq!(
        ring.anomalies(),
        [
            Anomaly::BeforeParent { node: at(4) },
            Anomaly::Cycle { node: at(1) },
            Anomaly::BeforeParent { node: at(2) },
            Anomaly::Cycle { node: at(5) },
        ]
    );
    assert_eq!(ring.depth(at(4)), 2);
    assert_eq!(ring.height(), 3);
}

#[test]
fn each_oddity_is_named() {
    let odd = tree(vec![
        node(1, 0, Link::Root),
        node(2, 1, Link::Root),
        node(3, 2, missing(3)),
        node(4, 3, missing(99)),
        Node { end: Some(Timestamp(1)), ..node(5, 4, Link::Node(0)) },
        Node { end: None, ..node(6, 5, Link::Node(5)) },
    ]);
    check(&odd);
    assert_eq!(
        odd.anomalies(),
        [
            Anomaly::SelfParent { node: 2 },
            Anomaly::MissingParent { node: 3, parent: identity(99) },
            Anomaly::EndBeforeStart { node: 4 },
            Anomaly::SelfParent { node: 5 },
            Anomaly::SeveralRoots { count: 2 },
        ]
    );
    assert_eq!(odd.nodes()[4].duration(), Some(0));
    assert_eq!(odd.roots(), [0, 1, 2, 3, 5]);
}

#[test]
fn sums_and_the_critical_path_see_the_whole_subtree() {
    let call = |id, start, end, link| Node { end, ..node(id, start, link) };
    let at = |end| Some(Timestamp(end));
    let agent = tree(vec![
        call(1, 0, None, Link::Root),
        call(2, 1, at(5), Link::Node(0)),
        call(3, 2, at(4), Link::Node(0)),
        // Outlives its parent.
        Node { level: Level::Error, ..call(4, 3, at(9), Link::Node(2)) },
        call(5, 4, at(9), Link::Node(2)),
    ]);
    assert_eq!(agent.critical_path(), [0, 2, 3]);
    let sum = agent.rollup(2).unwrap();
    assert_eq!((sum.observations, sum.errors, sum.open), (3, 1, 0));
    assert_eq!((sum.tokens.total, sum.cost, sum.duration()), (9, Decimal(15), 7));
    assert_eq!(agent.total().as_ref(), agent.rollup(0));
    assert_eq!(agent.duration(), 9);
    assert_eq!(agent.walk_from(2).collect::<Vec<_>>(), [(2, 0), (3, 1), (4, 1)]);
    assert_eq!(agent.walk_from(9).count(), 0);
    assert_eq!(tree(vec![]).total(), None);
}

#[test]
fn ids_and_texts_follow_their_nodes() {
    let text = Identity { form: Form::Text, bits: 77 };
    let nodes = vec![
        Node { identity: text, name: TextRef(0), ..node(0, 5, Link::Root) },
        Node { model: TextRef(1), ..node(0xab, 1, Link::Root) },
    ];
    let texts = vec!["call".into(), "m-1".into()];
    let id_texts = vec![(0, "run 7".into())];
    let both = Tree::build(TreeInput { trace: identity(9), nodes, texts, id_texts });
    assert_eq!(both.id(1).unwrap().to_string(), "run 7");
    assert_eq!(both.id(0).unwrap().to_string(), "00000000000000ab");
    assert_eq!((both.name(1), both.model(1)), (Some("call"), None));
    assert_eq!((both.name(0), both.model(0)), (None, Some("m-1")));
    assert_eq!((both.id(2), both.parent(2), both.children(u32::MAX)), (None, None, &[][..]));
}

#[test]
fn a_chain_and_a_crowd_are_ordinary() {
    let link = |i: u32| if i == 0 { Link::Root } else { Link::Node(i - 1) };
    let chain = tree((0..100_000).map(|i| node(i.into(), i.into(), link(i))).collect());
    assert_eq!(chain.height(), 100_000);
    assert_eq!(chain.critical_path().len(), 100_000);
    check(&chain);
    // One ring of all.
    let ring =
        tree((0..100_000).map(|i| node(i.into(), 0, Link::Node((i + 1) % 100_000))).collect());
    assert_eq!((ring.roots(), ring.height()), (&[0][..], 100_000));
    let under = |i: u32| if i == 0 { Link::Root } else { Link::Node(i / 7) };
    let crowd = tree((0..1_000_000).map(|i| node(i.into(), i.into(), under(i))).collect());
    assert_eq!(crowd.rollup(0).unwrap().observations, 1_000_000);
    assert!(crowd.anomalies().is_empty());
}
