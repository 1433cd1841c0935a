//! `demo [DIR]`: a generated agent workload through the whole store, with figures.
//!
//! ```text
//! generate > append durably > read back, compare > seal > read back, compare > verify > draw
//! ```

use super::{now_ns, seconds_since, trace::Opened};
use crate::args::Demo;
use crate::exit::{Exit, Failure};
use crate::output::{self, Out};
use crate::progress::Progress;
use crate::scratch;
use expect::Expected;
use figures::{Shown, closing_lines};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use tracekeep::model::{Record, Timestamp};
use tracekeep::{Batch, Order, SealLevel, Snapshot, Store, TraceQuery, TraceState, Verdict};
use tracekeep_workload::{AgentOptions, Arrivals, Shape, agent_trace, batches, payload_bytes};

mod expect;
mod figures;

const SEED: u64 = 7;
/// Of about 25 observations and 0.6 MB each.
const TRACES: u64 = 220;
const BATCH_RECORDS: usize = 64;
const COMMITS_MAX: usize = 8;
/// Traces asked for at once.
const PAGE: usize = 256;
/// The tree that is drawn has about this many observations.
const DRAWN: std::ops::RangeInclusive<u64> = 10..=22;

pub(super) fn run(args: &Demo, out: &mut Out) -> Result<Exit, Failure> {
    // Removed when it goes out of scope.
    let mut temporary = None;
    let dir = match &args.dir {
        Some(dir) => new_directory(dir)?,
        None => {
            let made = scratch::room(&std::env::temp_dir())?;
            temporary.insert(made).path().join("store")
        }
    };
    if !args.json {
        output::note(&format!(
            "making {TRACES} traces of agents, as they arrive from many at once"
        ));
    }
    let shown = through_the_store(&dir, out, args.json)?;
    if args.json {
        out.json(&shown.as_json(args.dir.as_deref()))?;
    } else {
        shown.print(out)?;
        closing_lines(args.dir.as_deref(), &shown.drawn, out)?;
    }
    let whole = shown.wrong == 0 && shown.verdict == Verdict::Clean;
    Ok(if whole { Exit::Done } else { Exit::Findings })
}

fn new_directory(dir: &Path) -> Result<PathBuf, Failure> {
    #[expect(clippy::disallowed_methods, reason = "no store is there yet")]
    let is_empty = || std::fs::read_dir(dir).is_ok_and(|mut files| files.next().is_none());
    if dir.exists() && !is_empty() {
        let dir = dir.display();
        return Err(Failure::usage(format!("{dir}: is not empty: name a new directory")));
    }
    Ok(dir.to_path_buf())
}

fn through_the_store(dir: &Path, out: &mut Out, quiet: bool) -> Result<Shown, Failure> {
    let records = generate();
    let expected = Expected::of(&records);
    let bytes = records.iter().map(payload_bytes).sum();
    let count = records.len() as u64;

    let store = Store::open(dir)?;
    let start = now_ns();
    append(&store, records, bytes)?;
    let append_s = seconds_since(start);
    let before = store.stats()?;

    let start = now_ns();
    let mut wrong = read_back(&store.snapshot(), &expected, "reading")?;
    let read_s = seconds_since(start);

    let start = now_ns();
    let bar = Progress::things("sealing", None);
    let sealed = store.seal(SealLevel::Full)?;
    drop(bar);
    let seal_s = seconds_since(start);

    let start = now_ns();
    let snapshot = store.snapshot();
    wrong += read_back(&snapshot, &expected, "reading")?;
    let read_sealed_s = seconds_since(start);
    let tree_us = build_trees(&snapshot)?;
    let after = store.stats()?;
    let drawn = draw_one(snapshot, out, quiet)?;
    store.close()?;

    let start = now_ns();
    let bar = Progress::bytes("verifying", None);
    let verdict = tracekeep::verify_with_progress(dir, &mut |_| {}, &mut |p| bar.show(p))?;
    drop(bar);
    let verify_s = seconds_since(start);
    let records = count;
    Ok(Shown {
        records,
        bytes,
        append_s,
        read_s,
        seal_s,
        read_sealed_s,
        tree_us,
        verify_s,
        wrong,
        sealed,
        before,
        after,
        verdict,
        drawn,
    })
}

/// Agents of many users at once; pieces of an observation apart, some late, some twice.
fn generate() -> Vec<Record> {
    fn agents(seed: u64, n: u64, start: Timestamp) -> Vec<Record> {
        agent_trace(seed, n, start, &AgentOptions::default())
    }
    Arrivals::of(agents, SEED, Shape { traces: TRACES, ..Shape::default() }).collect()
}

fn append(store: &Store, records: Vec<Record>, bytes: u64) -> Result<(), Failure> {
    let progress = Progress::bytes("appending", Some(bytes));
    let (mut commits, mut done) = (VecDeque::new(), 0);
    for records in batches(records, BATCH_RECORDS) {
        let mut batch = Batch::new();
        for record in records {
            done += payload_bytes(&record);
            batch.push(record)?;
        }
        commits.push_back(store.append(batch)?);
        if commits.len() > COMMITS_MAX
            && let Some(oldest) = commits.pop_front()
        {
            oldest.wait()?;
        }
        progress.at(done);
    }
    for commit in commits {
        commit.wait()?;
    }
    Ok(())
}

fn each_trace(
    snapshot: &Snapshot,
    mut each: impl FnMut(&TraceState) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut query = TraceQuery { order: Order::OldestFirst, limit: PAGE, ..TraceQuery::default() };
    loop {
        let page = snapshot.traces(&query)?;
        page.traces.iter().try_for_each(&mut each)?;
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return Ok(()),
        }
    }
}

/// Reads every input and output and counts what is not as it was appended.
fn read_back(snapshot: &Snapshot, expected: &Expected, what: &str) -> Result<u64, Failure> {
    let progress = Progress::things(what, Some(expected.len() as u64));
    let mut check = expected.check();
    each_trace(snapshot, |state| {
        snapshot.payloads(&state.id, &mut |id, field, bytes| {
            check.payload(&state.id, id, field, bytes);
            Ok(())
        })?;
        progress.at(check.right());
        Ok(())
    })?;
    Ok(check.wrong())
}

/// Microseconds for the tree of a trace, on average.
fn build_trees(snapshot: &Snapshot) -> Result<f64, Failure> {
    let mut ids = Vec::new();
    each_trace(snapshot, |state| {
        ids.push(state.id.clone());
        Ok(())
    })?;
    let start = now_ns();
    for id in &ids {
        snapshot.trace(id)?;
    }
    Ok(seconds_since(start) * 1e6 / ids.len().max(1) as f64)
}

/// Draws the tree of a trace of middling size and gives its id.
fn draw_one(snapshot: Snapshot, out: &mut Out, quiet: bool) -> Result<String, Failure> {
    let query = TraceQuery { limit: PAGE, ..TraceQuery::default() };
    let traces = snapshot.traces(&query)?.traces;
    let middling = traces.iter().find(|t| DRAWN.contains(&t.summary.observations));
    let Some(state) = middling.or(traces.first()) else { return Ok(String::new()) };
    if !quiet {
        Opened::find(snapshot, &state.id)?.draw(Default::default(), usize::MAX, out)?;
        out.line("")?;
    }
    Ok(state.id.to_string())
}
