//! The same records give the same state, however they come and wherever they lie.

use crate::world::{Dump, World, assert_same, batch, full, quick, seed};
use tracekeep::model::Record;
use tracekeep::{Background, Durability, Options};
use tracekeep_workload::{Arrivals, Rng, Shape, batches};

/// Two dozen traces of every kind, in pieces, late and twice.
fn records(seed: u64) -> Vec<Record> {
    let shape = Shape {
        in_flight: 6,
        traces: 14,
        split_per_mille: 600,
        duplicate_per_mille: 150,
        late_per_mille: 100,
        ..Shape::default()
    };
    let mut records: Vec<Record> = Arrivals::new(seed, shape).take(700).collect();
    records.extend(tracekeep_workload::odd_id_trace(seed));
    records.extend(tracekeep_workload::cyclic_trace(seed, 5));
    let orphans = tracekeep_workload::Parents::Last;
    records.extend(tracekeep_workload::orphan_trace(seed, 30, orphans));
    records
}

/// An empty closed store, whose copies share its key: their states compare in full.
fn template() -> World {
    let world = World::new();
    world.store().close().unwrap();
    world
}

fn plain(template: &World, records: &[Record]) -> Dump {
    let world = template.twin();
    let store = world.store();
    for records in batches(records.to_vec(), 100) {
        store.append(batch(records)).unwrap();
    }
    store.append(batch(Vec::<Record>::new())).unwrap();
    store.close().unwrap();
    Dump::of(&world.store().snapshot())
}

fn shuffle(rng: &mut Rng, records: &mut [Record]) {
    for i in (1..records.len()).rev() {
        records.swap(i, rng.below(i as u64 + 1) as usize);
    }
}

/// Appends in batches of any size, with seals, compactions and reopenings in between.
fn wander(template: &World, records: Vec<Record>, rng: &mut Rng) -> (World, Vec<&'static str>) {
    let world = template.twin();
    let mut store = world.store();
    let mut steps = Vec::new();
    let mut rest = records.into_iter().peekable();
    while rest.peek().is_some() {
        let size = rng.size(1, 150) as usize;
        let records: Vec<Record> = rest.by_ref().take(size).collect();
        store.append(batch(records)).unwrap().wait().unwrap();
        match rng.below(10) {
            0 | 1 => {
                quick(&store);
                steps.push("quick");
            }
            2 => {
                full(&store);
                steps.push("full");
            }
            3 => {
                store.close().unwrap();
                store = world.store();
                steps.push("close");
            }
            4 => {
                drop(store);
                store = world.store();
                steps.push("drop");
            }
            _ => {}
        }
    }
    drop(store);
    (world, steps)
}

#[test]
fn any_way_there_is_the_same_state() {
    let seed = seed();
    let template = template();
    let records = records(seed);
    let expected = plain(&template, &records);
    assert!(expected.len() > 15 && expected.observations() > 200);
    for round in 0..4 {
        let mut rng = Rng::stream(seed, round);
        let mut records = records.clone();
        // Some come again, all in any order.
        for _ in 0..100 {
            let again = records[rng.below(records.len() as u64) as usize].clone();
            records.push(again);
        }
        shuffle(&mut rng, &mut records);
        let (world, steps) = wander(&template, records, &mut rng);
        let what = format!("round {round}: {}", steps.join(" "));
        let store = world.store();
        assert_same(&expected, &Dump::of(&store.snapshot()), &what);
        full(&store);
        assert_same(&expected, &Dump::of(&store.snapshot()), &format!("{what}, compacted"));
        let stats = store.stats().unwrap();
        assert_eq!(stats.observations as usize, expected.observations(), "{what}");
        assert_eq!((stats.segments, stats.logs), (1, 0), "{what}");
    }
}

#[test]
fn so_does_the_background() {
    let seed = seed();
    let template = template();
    let records = records(seed);
    let expected = plain(&template, &records);
    let mut world = template.twin();
    world.options = Options {
        durability: Durability::Os,
        background: Background::On,
        log_bytes_max: 20_000,
        seal_logs: 2,
        seal_level: 1,
        ..Options::default()
    };
    let mut rng = Rng::stream(seed, 99);
    let mut shuffled = records.clone();
    shuffle(&mut rng, &mut shuffled);
    let store = world.store();
    for records in batches(shuffled, 20) {
        store.append(batch(records)).unwrap().wait().unwrap();
    }
    assert_same(&expected, &Dump::of(&store.snapshot()), "while it is sealed");
    assert!(store.stats().unwrap().segments > 1);
    store.close().unwrap();
    assert_same(&expected, &Dump::of(&world.store().snapshot()), "reopened");
}

/// Segments so small that they cannot become one: neighbours are joined wherever they stand, also
/// under newer ones that hold the live rows.
#[test]
fn neighbours_are_joined_under_newer_segments() {
    let seed = seed();
    let template = template();
    let records = records(seed);
    let expected = plain(&template, &records);
    for round in 0..6 {
        let mut rng = Rng::stream(seed, 1000 + round);
        let mut world = template.twin();
        world.options.rewrite_bytes_max = rng.between(80_000, 160_000);
        let mut shuffled = records.clone();
        shuffle(&mut rng, &mut shuffled);
        let store = world.store();
        let mut seals = 0;
        for records in batches(shuffled, 60) {
            store.append(batch(records)).unwrap().wait().unwrap();
            match rng.below(4) {
                0 => full(&store),
                _ => quick(&store),
            }
            seals += 1;
        }
        let what = format!("round {round}");
        assert_same(&expected, &Dump::of(&store.snapshot()), &what);
        full(&store);
        assert_same(&expected, &Dump::of(&store.snapshot()), &format!("{what}, settled"));
        let stats = store.stats().unwrap();
        assert_eq!(stats.observations as usize, expected.observations(), "{what}");
        assert!((2..seals).contains(&stats.segments), "{what}: {} segments", stats.segments);
        store.close().unwrap();
        assert_same(&expected, &Dump::of(&world.store().snapshot()), &format!("{what}, reopened"));
        let mut found = Vec::new();
        let verdict = tracekeep::verify(&world.path(), &mut |f| found.push(f)).unwrap();
        assert_eq!(verdict, tracekeep::Verdict::Clean, "{what}: {found:?}");
    }
}

#[test]
fn equal_stamps_are_decided_by_what_was_sent() {
    use crate::world::{id, observation};
    let template = template();
    let pieces: Vec<Record> = (0..6)
        .map(|i| {
            let text = format!("payload of one length, number {i}").repeat(3);
            let record = observation("t", "a", 0).input(text.clone()).output(text);
            record.name(format!("name {i}")).level(tracekeep::model::Level::ALL[i % 4]).into()
        })
        .collect();
    let expected = plain(&template, &pieces);
    for round in 0..20 {
        let mut rng = Rng::stream(seed(), round);
        let mut pieces = pieces.clone();
        shuffle(&mut rng, &mut pieces);
        let world = template.twin();
        let store = world.store();
        for piece in pieces {
            crate::world::append(&store, [piece]);
            match rng.below(3) {
                0 => quick(&store),
                1 => full(&store),
                _ => {}
            }
        }
        assert_same(&expected, &Dump::of(&store.snapshot()), &format!("round {round}"));
        assert!(store.snapshot().input(&id("t"), &id("a")).unwrap().is_some());
    }
}
