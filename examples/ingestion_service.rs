//! An ingestion service in small: many producers, a bounded queue, back-pressure, acknowledgement
//! after durability, and a reader that follows.
//!
//! ```text
//! producer 0 --\                      +-> append, keep the commit --\
//! producer 1 ---+--> bounded queue ---+   (appender thread)          +--> acknowledger: wait,
//! ...           |    full: they wait  |                              |    then answer producers
//! producer 7 --/                      +------------------------------/
//!                                                        reader: a snapshot now and then
//! ```
//!
//! The appender never waits for the disk: it has up to `IN_FLIGHT` commits outstanding, and the
//! engine puts what comes in meanwhile into the next group. A producer learns that its event is
//! stored only when the commit says so; before that it would send it again, and that is
//! harmless, since appending twice merges to the same.
//!
//! ```text
//! cargo run --release --example ingestion_service
//! ```

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example prints what it does"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use tracekeep::model::Record;
use tracekeep::{Batch, Commit, ErrorKind, Result, SealLevel, Store, TraceQuery};
use tracekeep_workload::{AgentOptions, EPOCH, agent_trace};

const PRODUCERS: u64 = 8;
const TRACES_EACH: u64 = 12;
/// Events that may wait: when there are as many, producers wait.
const QUEUE: usize = 256;
/// Records of one batch, at most.
const BATCH: usize = 64;
/// Batches whose durability is not known yet, at most.
const IN_FLIGHT: usize = 8;

/// An event, and where its producer waits for the answer.
struct Event {
    record: Record,
    stored: SyncSender<Result<(), ErrorKind>>,
}

/// Batches that were appended, with the producers to answer.
struct Appended {
    commit: Result<Commit, ErrorKind>,
    waiting: Vec<SyncSender<Result<(), ErrorKind>>>,
}

fn produce(producer: u64, queue: &SyncSender<Event>, acknowledged: &AtomicU64) {
    for n in 0..TRACES_EACH {
        let records = agent_trace(producer, n, EPOCH, &AgentOptions::default());
        let answers: Vec<_> = records
            .into_iter()
            .map(|record| {
                let (stored, answer) = sync_channel(1);
                // Blocks while the queue is full: this is where back-pressure arrives.
                let sent = queue.send(Event { record, stored });
                sent.map(|()| answer)
            })
            .collect();
        for answer in answers.into_iter().flatten() {
            match answer.recv() {
                Ok(Ok(())) => _ = acknowledged.fetch_add(1, Ordering::Relaxed),
                // A real producer keeps the event and sends it again after a while.
                Ok(Err(kind)) => println!("producer {producer}: refused, {kind:?}"),
                Err(_) => return,
            }
        }
    }
}

fn append(store: &Store, events: &Receiver<Event>, appended: &SyncSender<Appended>) {
    while let Ok(first) = events.recv() {
        let mut batch = Batch::new();
        let mut waiting = Vec::new();
        // What is there goes along; nobody waits for a batch to fill up.
        for event in std::iter::once(first).chain(events.try_iter()).take(BATCH) {
            match batch.push(event.record) {
                Ok(()) => waiting.push(event.stored),
                Err(e) => drop(event.stored.send(Err(e.kind()))),
            }
        }
        // Waits where the engine has too much in flight, so the queue fills and producers wait.
        let commit = store.append(batch).map_err(|e| e.kind());
        if appended.send(Appended { commit, waiting }).is_err() {
            return;
        }
    }
}

fn acknowledge(appended: &Receiver<Appended>) {
    for Appended { commit, waiting } in appended.iter() {
        let outcome = commit.and_then(|c| c.wait().map(drop).map_err(|e| e.kind()));
        for stored in waiting {
            stored.send(outcome).ok();
        }
    }
}

fn watch(store: &Store, done: &AtomicBool, acknowledged: &AtomicU64) -> Result<()> {
    while !done.load(Ordering::Relaxed) {
        let snapshot = store.snapshot();
        let newest = snapshot.traces(&TraceQuery { limit: 3, ..TraceQuery::default() })?;
        let sizes: Vec<_> = newest.traces.iter().map(|t| t.summary.observations).collect();
        println!(
            "seq {:>5}, {:>5} acknowledged, observations of the newest traces so far: {sizes:?}",
            snapshot.seq().0,
            acknowledged.load(Ordering::Relaxed)
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn main() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("tracekeep-service-{}", std::process::id()));
    let store = Store::open(&dir)?;
    let (acknowledged, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let start = Instant::now();
    let (queue, events) = sync_channel(QUEUE);
    let (appended, commits) = sync_channel(IN_FLIGHT);
    thread::scope(|scope| -> Result<()> {
        let (store, acknowledged, done) = (&store, &acknowledged, &done);
        scope.spawn(move || append(store, &events, &appended));
        scope.spawn(move || acknowledge(&commits));
        let reader = scope.spawn(move || watch(store, done, acknowledged));
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|n| {
                let queue = queue.clone();
                scope.spawn(move || produce(n, &queue, acknowledged))
            })
            .collect();
        // The threads behind the queue end when its last sender is gone.
        drop(queue);
        for producer in producers {
            producer.join().ok();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap_or(Ok(()))
    })?;
    let elapsed = start.elapsed();
    store.seal(SealLevel::Full)?;
    let stats = store.stats()?;
    println!(
        "{} records from {PRODUCERS} producers acknowledged in {elapsed:.2?}: {} traces, {} observations",
        acknowledged.into_inner(),
        stats.traces,
        stats.observations,
    );
    println!(
        "{} payload bytes are {} bytes on disk, sealed",
        stats.bytes.logical, stats.bytes.total
    );
    store.close()?;
    std::fs::remove_dir_all(&dir).ok();
    Ok(())
}
