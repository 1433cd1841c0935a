//! Joining segments in the background is paused, has a limit, gives way and hurries; sealing logs
//! goes on.

use crate::world::{
    Dump, World, append, assert_same, erase_trace, lines, noise, observation, quick,
};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tracekeep::clock::{Clock, ManualClock};
use tracekeep::internals::codec::compress::{Decompressor, unpack};
use tracekeep::{Background, Event, Listener, Options, Progress, Store, Verdict, verify};

/// What joins told, and when; logs are sealed beside.
#[derive(Debug, Default)]
struct Heard {
    clock: ManualClock,
    all: Mutex<Told>,
}

#[derive(Debug, Default, Clone)]
struct Told {
    /// Of the rewrite at hand, or of the last one.
    steps: Vec<(i64, Progress)>,
    logs_sealed: u64,
    joined: u64,
}

impl Listener for Heard {
    fn event(&self, event: &Event) {
        let mut all = self.all.lock().unwrap();
        match event {
            Event::Sealing(at) => {
                if at.done == 0 {
                    all.steps.clear();
                }
                all.steps.push((self.clock.now_ns(), *at));
            }
            Event::Sealed { logs, segments, .. } => {
                all.logs_sealed += logs;
                all.joined += segments;
            }
            Event::Failed(why) => panic!("{why}"),
            _ => {}
        }
    }
}

impl Heard {
    fn told(&self) -> Told {
        self.all.lock().unwrap().clone()
    }

    /// Waits for something that will come, whenever that is.
    fn until(&self, mut holds: impl FnMut(&Told) -> bool) {
        while !holds(&self.told()) {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

const SEGMENTS: usize = 4;
const TRACES: usize = 40;

/// Four segments of one tier, which are due to be joined.
fn world() -> World {
    let mut world = World::new();
    let store = world.store();
    for s in 0..SEGMENTS {
        for t in 0..TRACES {
            let record = observation(&format!("{s} {t}"), "o", t as i64);
            append(&store, [record.input(format!("{s} and {t} ").repeat(20))]);
        }
        quick(&store);
    }
    store.close().unwrap();
    assert_eq!(world.files("seg-").len(), 2 * SEGMENTS);
    world.options = Options {
        background: Background::On,
        log_bytes_max: 1,
        seal_logs: 1,
        seal_level: 1,
        ..world.options
    };
    world
}

fn open(world: &World, heard: &Arc<Heard>) -> Store {
    let builder = Store::builder().options(world.options.clone());
    let builder = builder.listener(Arc::<Heard>::clone(heard)).clock(Arc::new(heard.clock.clone()));
    builder.open(world.path()).unwrap()
}

/// Each of these records finishes a log.
fn append_logs(store: &Store, count: usize) {
    for n in 0..count {
        append(store, [observation("new", &format!("{n}"), n as i64)]);
    }
}

#[test]
fn a_limit_holds_step_by_step() {
    const RATE: u64 = 1_000;
    let mut world = world();
    world.options.join_bytes_per_second_max = RATE;
    let heard = Arc::new(Heard::default());
    let store = open(&world, &heard);
    let before = Dump::of(&store.snapshot());
    let mut now = 0;
    heard.until(|told| {
        now += 10_000_000;
        heard.clock.set_ns(now);
        told.joined > 0
    });
    let told = heard.told();
    assert_eq!(told.joined as usize, SEGMENTS);
    assert!(told.steps.len() > 50, "{told:?}");
    let (begin, _) = told.steps[0];
    let paid = |ns: i64| (ns - begin) as u128 * u128::from(RATE) / 1_000_000_000;
    for pair in told.steps.windows(2) {
        assert!(u128::from(pair[0].1.done) <= paid(pair[1].0) + 1, "{pair:?} of {told:?}");
    }
    assert_same(&before, &Dump::of(&store.snapshot()), "joined");
}

/// A store whose clock stands still, so that its first join waits after the first bytes.
fn held_back() -> (World, Arc<Heard>, Store) {
    let mut world = world();
    world.options.join_bytes_per_second_max = 1;
    let heard = Arc::new(Heard::default());
    let store = open(&world, &heard);
    heard.until(|told| told.steps.last().is_some_and(|(_, at)| at.done > 0));
    (world, heard, store)
}

#[test]
fn a_limit_keeps_no_log_waiting() {
    let (_world, heard, store) = held_back();
    append_logs(&store, 6);
    heard.until(|told| told.logs_sealed >= 5);
    // What was joined meanwhile is not paid for yet, so that nothing else is.
    assert_eq!(heard.told().joined as usize, SEGMENTS);
}

#[test]
fn nothing_is_joined_while_it_is_paused_and_logs_are_sealed() {
    let (world, heard, store) = held_back();
    assert_eq!(heard.told().joined, 0);
    store.pause_compaction();
    assert_eq!(world.files("seg-").len(), 2 * SEGMENTS, "what was begun is gone");
    // A day later the limit would hold nothing back.
    heard.clock.set_ns(24 * 3_600 * 1_000_000_000);
    append_logs(&store, 20);
    heard.until(|told| told.logs_sealed >= 10);
    assert_eq!(heard.told().joined, 0);
    assert!(store.stats().unwrap().segments as usize >= SEGMENTS + 10);
    let before = Dump::of(&store.snapshot());

    store.resume_compaction();
    let mut hours = 24;
    heard.until(|told| {
        hours += 1;
        heard.clock.set_ns(hours * 3_600 * 1_000_000_000);
        told.joined as usize >= SEGMENTS
    });
    assert_same(&before, &Dump::of(&store.snapshot()), "joined after the pause");
    store.close().unwrap();
}

#[test]
fn a_caller_and_the_end_do_not_wait_for_a_join() {
    // Its clock stands still: the join would never end.
    let (world, heard, store) = held_back();
    append_logs(&store, 1);
    quick(&store);
    let told = heard.told();
    assert_eq!((told.joined, told.logs_sealed), (0, 1));
    store.close().unwrap();

    let (other, heard, store) = held_back();
    store.close().unwrap();
    assert_eq!(heard.told().joined, 0);
    for (world, segments) in [(&world, SEGMENTS + 1), (&other, SEGMENTS)] {
        assert_eq!(world.files("seg-").len(), 2 * segments, "nothing is left of what was begun");
    }
}

/// Tells what sealing has done and stops the first join until it may go on.
#[derive(Debug, Default)]
struct Gate {
    heard: Heard,
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Listener for Gate {
    fn event(&self, event: &Event) {
        self.heard.event(event);
        if let Event::Sealing(at) = event
            && at.done > 0
        {
            let mut closed = self.closed.lock().unwrap();
            while *closed {
                closed = self.opened.wait(closed).unwrap();
            }
        }
    }
}

impl Gate {
    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }
}

#[test]
fn a_thorough_join_is_given_up_for_logs_that_pile_up() {
    let world = world();
    let gate = Arc::new(Gate { closed: Mutex::new(true), ..Gate::default() });
    let builder = Store::builder().options(world.options.clone());
    let store = builder.listener(Arc::<Gate>::clone(&gate)).open(world.path()).unwrap();
    let heard = &gate.heard;
    heard.until(|told| told.steps.last().is_some_and(|(_, at)| at.done > 0));
    // More than half of the logs that there may be.
    append_logs(&store, 10);
    let before = Dump::of(&store.snapshot());
    gate.open();
    heard.until(|told| told.logs_sealed >= 9);
    assert_eq!(heard.told().joined, 0, "the join was not given up");
    // What is overdue is joined all the same.
    append_logs(&store, 10);
    heard.until(|told| told.joined as usize > SEGMENTS);
    assert_same(&before, &Dump::of(&store.snapshot()), "joined quickly");
    store.close().unwrap();
}

/// Each block of parts of a store, as it is stored and decompressed.
fn blocks(world: &World) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut blocks = Vec::new();
    for path in world.files("seg-").iter().filter(|path| path.extension().unwrap() == "tkp") {
        let bytes = std::fs::read(path).unwrap();
        let sections = lines(path, "section");
        let (at, ..) = sections.iter().find(|(.., name)| name == "BLOCK_DIRECTORY").unwrap();
        for (i, (offset, len, _)) in lines(path, "block").into_iter().enumerate() {
            let stored = bytes[offset as usize..(offset + len) as usize].to_vec();
            let raw = *bytes[*at as usize + 24 * i + 12..].first_chunk().unwrap();
            let mut out = Vec::new();
            let raw = u32::from_le_bytes(raw) as usize;
            unpack(&mut Decompressor::new(), &stored, raw, &mut out).unwrap();
            blocks.push((stored, out));
        }
    }
    blocks
}

/// Logs with two traces of their own each, one of which is erased by a later log, and of another one
/// of which a newer output comes later.
#[test]
fn a_quick_join_moves_blocks_as_they_are_and_nothing_that_is_erased() {
    const SECRET: &str = "a secret that is looked for";
    let world = world();
    let gate = Arc::new(Gate { closed: Mutex::new(true), ..Gate::default() });
    let builder = Store::builder().options(world.options.clone());
    let store = builder.listener(Arc::<Gate>::clone(&gate)).open(world.path()).unwrap();
    gate.heard.until(|told| told.steps.last().is_some_and(|(_, at)| at.done > 0));
    let log = |n: usize| {
        let (first, input) =
            if n == 2 { (3, SECRET.repeat(20)) } else { (6, format!("input {n}")) };
        let call = observation(&format!("own {n}"), "o", 5).input(input);
        let call = call.output(noise(n as u64, 40_000));
        // The secret shares a block with what stays, which is the first thing of it that is moved.
        let stays = observation(&format!("other {n}"), "o", first);
        let stays = stays.input(noise(100 + n as u64, 3_000));
        append(&store, [call, stays]);
    };
    (0..10).for_each(log);
    gate.open();
    gate.heard.until(|told| told.logs_sealed >= 9);
    // The first join was given up: the next one will be quick.
    store.pause_compaction();
    append(&store, [observation("own 3", "o", 6).output("newer")]);
    append(&store, [erase_trace("own 2", 9)]);
    // What comes last says what else is of its tier.
    (10..19).for_each(log);
    gate.heard.until(|told| told.logs_sealed >= 20);
    let (dumped, before) = (Dump::of(&store.snapshot()), blocks(&world));
    let holds = |blocks: &[(Vec<u8>, Vec<u8>)]| {
        let is_secret = |raw: &[u8]| raw.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
        blocks.iter().any(|(_, raw)| is_secret(raw))
    };
    assert!(holds(&before));

    store.resume_compaction();
    gate.heard.until(|told| told.joined as usize > SEGMENTS);
    store.pause_compaction();
    assert_same(&dumped, &Dump::of(&store.snapshot()), "joined quickly");
    let after = blocks(&world);
    assert!(!holds(&after), "what was erased is there");
    let moved = after.iter().filter(|block| before.contains(block)).count();
    assert!(moved * 2 > after.len(), "{moved} of {} blocks are as they were", after.len());
    store.close().unwrap();
    assert_eq!(verify(&world.path(), &mut |_| ()).unwrap(), Verdict::Clean);
}

/// A newer piece brings the payloads of the row that it supersedes along, and nothing else.
#[test]
fn a_quick_seal_takes_no_whole_blocks_of_segments_that_stay() {
    let world = World::new();
    let store = world.store();
    let both = [("a", noise(1, 3_000)), ("b", noise(2, 3_000))];
    append(&store, both.map(|(name, text)| observation(name, "o", 0).input(text)));
    quick(&store);
    append(&store, [observation("a", "o", 1).output("newer")]);
    quick(&store);
    let blocks = blocks(&world);
    let holding = |seed| {
        let text = noise(seed, 100).into_bytes();
        blocks.iter().filter(|(_, raw)| raw.windows(100).any(|w| w == text)).count()
    };
    assert_eq!((holding(1), holding(2)), (2, 1));
}
