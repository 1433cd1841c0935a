//! Trees never fail.

use crate::world::{World, append, at, batch, full, id, observation, quick};
use tracekeep::model::{Record, Target};
use tracekeep::{Anomaly, Store, Tree};
use tracekeep_workload as workload;

fn load(store: &Store, records: impl Iterator<Item = Record>) -> tracekeep::Id {
    let mut trace = None;
    let mut last = None;
    for records in workload::batches(records, 5_000) {
        if let Target::Trace { trace: id } | Target::Observation { trace: id, .. } =
            &records[0].target
        {
            trace = Some(id.clone());
        }
        last = Some(store.append(batch(records)).unwrap());
    }
    last.unwrap().wait().unwrap();
    trace.unwrap()
}

/// The tree before and after each kind of seal.
fn everywhere(world: &World, records: impl Iterator<Item = Record>, check: &dyn Fn(&Tree)) {
    let store = world.store();
    let trace = load(&store, records);
    let tree = || store.snapshot().trace(&trace).unwrap().unwrap();
    check(&tree());
    quick(&store);
    check(&tree());
    full(&store);
    check(&tree());
}

/// So many observations that it takes a while; all of them where `TRACEKEEP_LONG` is set.
fn many(all: u64) -> u64 {
    if std::env::var_os("TRACEKEEP_LONG").is_some() {
        return all;
    }
    eprintln!("{} of {all} observations; TRACEKEEP_LONG=1 takes all", all / 20);
    all / 20
}

#[test]
fn a_million_observations_in_one_trace() {
    let n = many(1_000_000);
    everywhere(&World::new(), workload::big_trace(7, n), &|tree| {
        assert_eq!(tree.len() as u64, n);
        assert_eq!(tree.roots().len(), 1);
        assert!(tree.anomalies().is_empty());
        let root = tree.roots()[0];
        assert_eq!(tree.walk().count() as u64, n);
        assert_eq!(tree.children(root).len(), 8);
        assert!(tree.height() < 10);
        let sum = tree.rollups()[root as usize];
        assert_eq!(sum.tokens.output, n.div_ceil(3) * 5);
        assert!(!tree.critical_path().is_empty());
    });
}

#[test]
fn a_chain_a_hundred_thousand_deep() {
    let n = 100_000;
    everywhere(&World::new(), workload::deep_trace(7, n), &|tree| {
        assert_eq!(tree.len() as u64, n);
        assert_eq!(u64::from(tree.height()), n);
        assert_eq!(tree.critical_path().len() as u64, n);
        assert_eq!(u64::from(tree.depth(*tree.critical_path().last().unwrap())), n - 1);
        assert!(tree.anomalies().is_empty());
    });
}

#[test]
fn a_chain_that_arrives_from_its_end() {
    let n = 5_000;
    everywhere(&World::new(), workload::deep_trace(3, n).rev(), &|tree| {
        assert_eq!(u64::from(tree.height()), n);
        assert!(tree.anomalies().is_empty());
    });
}

#[test]
fn a_root_with_many_children() {
    everywhere(&World::new(), workload::wide_trace(7, 5_000), &|tree| {
        assert_eq!(tree.children(tree.roots()[0]).len(), 5_000);
    });
}

#[test]
fn cycles_are_cut_and_named() {
    for length in [1, 2, 3, 100] {
        everywhere(&World::new(), workload::cyclic_trace(7, length), &|tree| {
            assert_eq!(tree.len() as u64, 2 * length + 2);
            assert_eq!(tree.walk().count(), tree.len(), "every node once");
            let cut =
                |a: &&Anomaly| matches!(a, Anomaly::Cycle { .. } | Anomaly::SelfParent { .. });
            assert_eq!(tree.anomalies().iter().filter(cut).count(), 1);
            assert_eq!(tree.roots().len(), 2);
        });
    }
}

#[test]
fn orphans_wait_and_heal() {
    use workload::Parents::{Last, Missing};
    everywhere(&World::new(), workload::orphan_trace(7, 50, Missing), &|tree| {
        assert_eq!((tree.len(), tree.roots().len()), (50, 50));
        let missing = |a: &&Anomaly| matches!(a, Anomaly::MissingParent { .. });
        assert_eq!(tree.anomalies().iter().filter(missing).count(), 50);
    });
    everywhere(&World::new(), workload::orphan_trace(7, 50, Last), &|tree| {
        assert_eq!((tree.len(), tree.roots().len()), (61, 1));
        let missing = |a: &Anomaly| matches!(a, Anomaly::MissingParent { .. });
        assert!(!tree.anomalies().iter().any(missing));
    });
}

#[test]
fn an_orphan_heals_across_segments() {
    for seal in [None, Some(quick as fn(&Store)), Some(full)] {
        let world = World::new();
        let store = world.store();
        let seal = || {
            if let Some(seal) = seal {
                seal(&store);
            }
        };
        let tree = || store.snapshot().trace(&id("t")).unwrap().unwrap();
        append(&store, [observation("t", "child", 2).parent(id("parent"))]);
        seal();
        assert_eq!((tree().roots().len(), tree().anomalies().len()), (1, 1));
        append(&store, [observation("t", "parent", 1).end(at(5))]);
        for _ in 0..2 {
            let tree = tree();
            assert!(tree.anomalies().is_empty());
            let root = tree.roots()[0];
            assert_eq!(tree.id(root), Some(id("parent")));
            assert_eq!(tree.children(root).len(), 1);
            seal();
        }
    }
}

#[test]
fn ids_of_every_form_keep_their_texts() {
    let records = workload::odd_id_trace(7);
    let texts: Vec<String> = records[1..]
        .iter()
        .map(|r| match &r.target {
            Target::Observation { observation, .. } => observation.to_string(),
            _ => String::new(),
        })
        .collect();
    everywhere(&World::new(), records.into_iter(), &|tree| {
        let read: Vec<String> =
            tree.walk().map(|(node, _)| tree.id(node).unwrap().to_string()).collect();
        assert_eq!(read, texts);
    });
}

#[test]
fn odd_times_are_kept_as_they_were_sent() {
    let world = World::new();
    let store = world.store();
    // Columns hold distances of less than 2^63 ns, which is 292 years.
    let times = [i64::MIN / 2, i64::MIN / 2 + 1, -1, 0, 1, i64::MAX / 2];
    for (i, start) in times.iter().enumerate() {
        for (j, end) in times.iter().enumerate() {
            let stamp = tracekeep::model::Timestamp;
            let record = observation("t", &format!("{i}-{j}"), 0);
            append(&store, [record.start(stamp(*start)).end(stamp(*end))]);
        }
    }
    for seal in [quick, full, full] {
        let snapshot = store.snapshot();
        let tree = snapshot.trace(&id("t")).unwrap().unwrap();
        assert_eq!(tree.len(), times.len() * times.len());
        for (i, start) in times.iter().enumerate() {
            for (j, end) in times.iter().enumerate() {
                let name = id(&format!("{i}-{j}"));
                let fields = snapshot.observation(&id("t"), &name).unwrap().unwrap();
                assert_eq!(fields.time(tracekeep::model::Field::Start).unwrap().0, *start);
                assert_eq!(fields.time(tracekeep::model::Field::End).unwrap().0, *end);
                let node = tree.walk().find(|(n, _)| tree.id(*n).as_ref() == Some(&name));
                let node = tree.node(node.unwrap().0).unwrap();
                assert_eq!((node.start.0, node.end.unwrap().0), (*start, *end));
            }
        }
        seal(&store);
    }
}
