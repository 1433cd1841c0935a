//! Lists are in order, whole, and filtered.

use crate::world::{World, append, at, erase_trace, full, id, observation, quick, seed, trace};
use tracekeep::model::{
    Field, ObservationRecord, Operation, Record, Target, TimeRange, TraceRecord,
};
use tracekeep::{Cursor, Order, Snapshot, Store, TraceQuery};
use tracekeep_workload::Rng;

/// What one trace is made of, and so which filters it passes.
#[derive(Debug, Clone)]
struct Made {
    name: String,
    start: i64,
    user: usize,
    environment: Option<usize>,
    tags: Vec<usize>,
}

/// Many traces, few starts: ties everywhere. Sealed in several steps, some touched later.
fn fill(store: &Store, rng: &mut Rng) -> Vec<Made> {
    let mut made = Vec::new();
    for i in 0..300 {
        let one = Made {
            name: format!("trace {i:03}"),
            start: rng.below(40) as i64,
            user: rng.below(5) as usize,
            environment: (rng.below(3) > 0).then(|| rng.below(2) as usize),
            tags: (0..4).filter(|_| rng.below(3) == 0).collect(),
        };
        let mut record = trace(&one.name, one.start)
            .name(format!("name {}", i % 3))
            .user(format!("user {}", one.user))
            .session(id(&format!("session {}", one.user)))
            .tags(one.tags.iter().map(|t| format!("tag {t}").into()).collect());
        if let Some(environment) = one.environment {
            record = record.environment(format!("env {environment}"));
        }
        append::<Record>(store, [record.into(), observation(&one.name, "a", one.start).into()]);
        made.push(one);
        match i {
            60 | 180 => quick(store),
            120 => full(store),
            _ => {}
        }
    }
    // Some that are sealed are touched again, and one of them changes its user.
    for i in (0..250).step_by(7) {
        made[i].user = 9;
        let later = at(made[i].start + 1000);
        let record = TraceRecord::new(id(&made[i].name), later, Operation::Update);
        append(store, [record.user("user 9")]);
    }
    made
}

fn list(snapshot: &Snapshot, query: &TraceQuery) -> Vec<String> {
    let query = TraceQuery { limit: usize::MAX, ..query.clone() };
    let page = snapshot.traces(&query).unwrap();
    assert!(page.next.is_none());
    page.traces.iter().map(|t| t.id.to_string()).collect()
}

fn paged(snapshot: &Snapshot, query: &TraceQuery, limit: usize) -> Vec<String> {
    let mut query = TraceQuery { limit, ..query.clone() };
    let mut all = Vec::new();
    loop {
        let page = snapshot.traces(&query).unwrap();
        assert!(page.traces.len() == limit || page.next.is_none());
        all.extend(page.traces.iter().map(|t| t.id.to_string()));
        assert!(all.len() <= 1_000, "pages go on");
        let Some(next) = page.next else { return all };
        // A cursor goes over the wire as text.
        query.cursor = Some(next.to_string().parse::<Cursor>().unwrap());
    }
}

/// Whether a trace should be listed.
type Wanted = Box<dyn Fn(&Made) -> bool>;

fn queries() -> Vec<(TraceQuery, Wanted)> {
    let all = TraceQuery::default;
    let range = TimeRange { start: at(10), end: at(20) };
    vec![
        (all(), Box::new(|_| true)),
        (TraceQuery { range, ..all() }, Box::new(|m| (10..20).contains(&m.start))),
        (
            TraceQuery { name: Some("name 1".into()), ..all() },
            Box::new(|m| m.name[6..].parse::<usize>().unwrap() % 3 == 1),
        ),
        (TraceQuery { user: Some("user 2".into()), ..all() }, Box::new(|m| m.user == 2)),
        (TraceQuery { user: Some("user 9".into()), ..all() }, Box::new(|m| m.user == 9)),
        (TraceQuery { tag: Some("tag 3".into()), ..all() }, Box::new(|m| m.tags.contains(&3))),
        (
            TraceQuery { environment: Some("env 1".into()), ..all() },
            Box::new(|m| m.environment == Some(1)),
        ),
        (
            TraceQuery { environment: Some("default".into()), ..all() },
            Box::new(|m| m.environment.is_none()),
        ),
        (
            TraceQuery { tag: Some("tag 0".into()), user: Some("user 1".into()), range, ..all() },
            Box::new(|m| m.tags.contains(&0) && m.user == 1 && (10..20).contains(&m.start)),
        ),
        (TraceQuery { user: Some("nobody".into()), ..all() }, Box::new(|_| false)),
    ]
}

fn check(store: &Store, made: &[Made], what: &str) {
    let snapshot = store.snapshot();
    for (query, wanted) in queries() {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let query = TraceQuery { order, ..query.clone() };
            let listed = list(&snapshot, &query);
            let what = format!("{what}: {query:?}");
            let mut sorted = listed.clone();
            sorted.sort();
            let mut expected: Vec<String> =
                made.iter().filter(|m| wanted(m)).map(|m| m.name.clone()).collect();
            expected.sort();
            assert_eq!(sorted, expected, "{what}");
            let start = |name: &String| made.iter().find(|m| m.name == *name).unwrap().start;
            let ordered = listed.is_sorted_by(|a, b| match order {
                Order::NewestFirst => start(a) >= start(b),
                Order::OldestFirst => start(a) <= start(b),
            });
            assert!(ordered, "{what}");
            for limit in [1, 7, 100, 1000] {
                assert_eq!(paged(&snapshot, &query, limit), listed, "{what} by {limit}");
            }
        }
    }
    let newest = list(&snapshot, &TraceQuery::default());
    let oldest = TraceQuery { order: Order::OldestFirst, ..TraceQuery::default() };
    let mut oldest = list(&snapshot, &oldest);
    oldest.reverse();
    assert_eq!(newest, oldest, "{what}: one order is the other one reversed, ties too");
}

#[test]
fn every_filter_in_every_place() {
    let world = World::new();
    let store = world.store();
    let mut rng = Rng::new(seed());
    let made = fill(&store, &mut rng);
    check(&store, &made, "mixed");
    let session = TraceQuery { session: Some("session 3".into()), ..TraceQuery::default() };
    let before = list(&store.snapshot(), &session);
    assert!(!before.is_empty());
    quick(&store);
    check(&store, &made, "several segments");
    assert_eq!(list(&store.snapshot(), &session), before);
    full(&store);
    check(&store, &made, "one segment");
    assert_eq!(list(&store.snapshot(), &session), before);
    store.close().unwrap();
    check(&world.store(), &made, "reopened");
}

#[test]
fn a_page_of_nothing_ends() {
    let world = World::new();
    let store = world.store();
    assert!(list(&store.snapshot(), &TraceQuery::default()).is_empty());
    append(&store, [trace("t", 0)]);
    let range = TimeRange { start: at(5), end: at(1) };
    for seal in [quick, full] {
        let query = TraceQuery { range, ..TraceQuery::default() };
        assert!(list(&store.snapshot(), &query).is_empty(), "an empty range");
        let query = TraceQuery { limit: 0, ..TraceQuery::default() };
        assert!(store.snapshot().traces(&query).unwrap().traces.is_empty());
        seal(&store);
    }
}

#[test]
fn a_late_piece_moves_a_trace() {
    let world = World::new();
    let store = world.store();
    for (name, ms) in [("a", 10), ("b", 20), ("c", 30)] {
        append(&store, [observation(name, "root", ms)]);
    }
    quick(&store);
    assert_eq!(list(&store.snapshot(), &TraceQuery::default()), ["c", "b", "a"]);
    append(&store, [observation("c", "earlier", 5)]);
    for seal in [quick, full, full] {
        assert_eq!(list(&store.snapshot(), &TraceQuery::default()), ["b", "a", "c"]);
        for limit in [1, 2] {
            let pages = paged(&store.snapshot(), &TraceQuery::default(), limit);
            assert_eq!(pages, ["b", "a", "c"]);
        }
        seal(&store);
    }
}

/// Whether anything of it is sealed is asked anew once the segments are others.
#[test]
fn a_trace_that_was_sealed_since_it_was_listed_may_start_earlier() {
    let world = World::new();
    let store = world.store();
    let before = TimeRange { end: at(15), ..TimeRange::ALL };
    let early = TraceQuery { range: before, ..TraceQuery::default() };
    append(&store, [observation("a", "root", 10)]);
    assert_eq!(list(&store.snapshot(), &early), ["a"]);
    quick(&store);
    append(&store, [observation("a", "later", 20)]);
    assert_eq!(list(&store.snapshot(), &early), ["a"]);
}

/// Of an erased trace nothing is left once it is sealed, and as many records as before make another
/// one.
#[test]
fn a_trace_that_was_erased_and_comes_again_is_not_the_old_one() {
    let world = World::new();
    let store = world.store();
    let user = |store: &Store| {
        let page = store.snapshot().traces(&TraceQuery::default()).unwrap();
        page.traces
            .iter()
            .map(|t| t.fields.text(Field::User).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    append(&store, [trace("t", 1).user("old")]);
    assert_eq!(user(&store), ["old"]);
    append(&store, [erase_trace("t", 2)]);
    quick(&store);
    append(&store, [trace("t", 3).user("new")]);
    assert_eq!(user(&store), ["new"]);
}

/// What is said late of a trace that is sealed can be older than its start, and what is erased of it can
/// leave a newer one than anything that is sealed.
#[test]
fn what_is_sealed_of_a_trace_says_where_it_stands() {
    let world = World::new();
    let store = world.store();
    append::<Record>(&store, [trace("erased", 5000).into(), observation("erased", "o", 20).into()]);
    append(&store, [observation("late", "o", 50), observation("other", "o", 40)]);
    quick(&store);
    let update = ObservationRecord::new(id("late"), id("o"), at(10), Operation::Update);
    append(&store, [update.name("late"), observation("new", "o", 3000)]);
    let listed = |order| list(&store.snapshot(), &TraceQuery { order, ..TraceQuery::default() });
    assert_eq!(listed(Order::NewestFirst), ["new", "late", "other", "erased"]);
    let target = Target::Observation { trace: id("erased"), observation: id("o") };
    append(&store, [Record::tombstone(target, at(21))]);
    assert_eq!(listed(Order::NewestFirst), ["erased", "new", "late", "other"]);
    assert_eq!(listed(Order::OldestFirst), ["other", "late", "new", "erased"]);
}

/// Lists in every order and some ranges, whole and in pages, are what states by themselves say.
fn assert_stand_where_they_start(snapshot: &Snapshot, names: &[String], ranges: &[TimeRange]) {
    let start = |name: &str| snapshot.trace_state(&id(name)).unwrap().map(|s| s.summary.start);
    for range in ranges {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let query = TraceQuery { range: *range, order, ..TraceQuery::default() };
            let listed = list(snapshot, &query);
            let inside = |name: &&String| start(name).is_some_and(|start| range.contains(start));
            let (mut sorted, mut expected) =
                (listed.clone(), names.iter().filter(inside).cloned().collect::<Vec<_>>());
            sorted.sort();
            expected.sort();
            assert_eq!(sorted, expected, "{query:?}");
            assert!(listed.is_sorted_by(|a, b| match order {
                Order::NewestFirst => start(a) >= start(b),
                Order::OldestFirst => start(a) <= start(b),
            }));
            for limit in [1, 7] {
                assert_eq!(paged(snapshot, &query, limit), listed, "{query:?} by {limit}");
            }
        }
    }
}

/// Starts that are corrected, starts far from when they were sent, pieces without any, and things
/// that are erased, in several logs: where an unsealed trace stands is where merging puts it.
#[test]
fn unsealed_traces_stand_where_merging_puts_them() {
    let mut world = World::new();
    world.options.log_bytes_max = 3 << 10;
    let store = world.store();
    let mut rng = Rng::new(seed());
    let names: Vec<String> = (0..60).map(|t| format!("t{t}")).collect();
    let mut earlier: Option<(Snapshot, Vec<String>)> = None;
    for round in 0..8 {
        // What comes later is newer as a rule, as it is in a service.
        let base = if round % 3 == 1 { 0 } else { round * 300 };
        let near = TimeRange { start: at(base + 200), end: at(base + 400) };
        let ranges = [TimeRange::ALL, TimeRange { start: at(200), end: at(400) }, near];
        for _ in 0..120 {
            let name = format!("t{}", rng.below(60));
            let mut time = || base + rng.below(1000) as i64;
            let (sent, start) = (time(), time());
            let observed = format!("o{}", rng.below(3));
            let record = match rng.below(if round < 4 { 8 } else { 24 }) {
                0 => trace(&name, start).into(),
                1 => TraceRecord::new(id(&name), at(sent), Operation::Update).user("u").into(),
                2 => ObservationRecord::new(id(&name), id(&observed), at(sent), Operation::Update)
                    .name("late")
                    .into(),
                3 => erase_trace(&name, sent),
                4 => Record::tombstone(
                    Target::Observation { trace: id(&name), observation: id(&observed) },
                    at(sent),
                ),
                _ => ObservationRecord::new(id(&name), id(&observed), at(sent), Operation::Update)
                    .start(at(start))
                    .into(),
            };
            append::<Record>(&store, [record]);
        }
        if let Some((snapshot, listed)) = earlier {
            assert_eq!(list(&snapshot, &TraceQuery::default()), listed, "what was seen stays");
        }
        let snapshot = store.snapshot();
        assert_stand_where_they_start(&snapshot, &names, &ranges);
        let listed = list(&snapshot, &TraceQuery::default());
        earlier = Some((snapshot, listed));
        assert!(store.stats().unwrap().logs > 1);
        // From now on some are sealed in part.
        if round == 2 || round == 5 {
            quick(&store);
        }
    }
}
