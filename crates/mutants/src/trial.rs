//! Each mutant: the tests that reach it, quickest first, until one fails.

use crate::compile::Build;
use crate::list::Mutant;
use crate::reach::{End, Test, into, lock, pop, push};
use crate::{Args, Result, report};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// So many tests that caught mutants of a file are tried first with its others.
const KEEN: usize = 12;

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// This test failed.
    Caught(String),
    /// This test took ten times as long as without, and twenty seconds.
    Hung(String),
    /// So many tests reached it, and passed.
    Missed(usize),
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    mutant: String,
    fate: Fate,
}

/// Tries every planted mutant, but for those that `dir` has a result of.
pub(crate) fn run(
    dir: &Path,
    tree: &Path,
    args: &Args,
    mutants: &[Mutant],
    build: &Build,
    tests: &[Test],
) -> Result<BTreeMap<usize, Fate>> {
    let path = dir.join("results.jsonl");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = before.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let known: BTreeMap<String, Fate> = lines.map(|line| (line.mutant, line.fate)).collect();
    let mut fates = BTreeMap::new();
    let mut todo = Vec::new();
    for number in build.planted.iter().copied() {
        match known.get(&mutants[number].name) {
            Some(fate) => drop(fates.insert(number, fate.clone())),
            None => todo.push(number),
        }
    }
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
    let (bar, file) = (report::bar("mutants", todo.len()), Mutex::new(file));
    let (todo, done) = (Mutex::new(todo), Mutex::new(Vec::new()));
    let keen = Mutex::new(BTreeMap::<String, Vec<String>>::new());
    let worker = |n: usize| -> Result<(), String> {
        let scratch = tree.with_file_name(format!("scratch-{n}"));
        while let Some(number) = pop(&todo) {
            let file_of = &mutants[number].file;
            let first = lock(&keen).get(file_of).cloned().unwrap_or_default();
            let mut order: Vec<&Test> =
                tests.iter().filter(|test| test.reaches.contains(&number)).collect();
            order.sort_by_key(|t| first.iter().position(|name| *name == t.name).unwrap_or(KEEN));
            let fate = fate(number, &order, &scratch).map_err(|e| e.to_string())?;
            if let Fate::Caught(test) = &fate {
                let mut keen = lock(&keen);
                let list = keen.entry(file_of.clone()).or_default();
                list.retain(|name| name != test);
                list.insert(0, test.clone());
                list.truncate(KEEN);
            }
            let line = Line { mutant: mutants[number].name.clone(), fate: fate.clone() };
            let text = serde_json::to_string(&line).map_err(|e| e.to_string())? + "\n";
            lock(&file).write_all(text.as_bytes()).map_err(|e| e.to_string())?;
            push(&done, (number, fate));
            bar.inc(1);
        }
        Ok(())
    };
    in_parallel(args.jobs, &worker)?;
    bar.finish_and_clear();
    fates.extend(into(done));
    Ok(fates)
}

fn fate(number: usize, tests: &[&Test], scratch: &Path) -> Result<Fate> {
    let mut tried = 0;
    for test in tests {
        let limit = Duration::from_secs(20) + test.took * 10;
        tried += 1;
        match test.run(("MUTANT", &number.to_string()), scratch, limit)? {
            End::Passed => {}
            End::Failed => return Ok(Fate::Caught(test.name.clone())),
            End::Hung => return Ok(Fate::Hung(test.name.clone())),
        }
    }
    Ok(Fate::Missed(tried))
}

/// Runs workers, each with its number.
pub(crate) fn in_parallel(
    jobs: usize,
    worker: &(dyn Fn(usize) -> Result<(), String> + Sync),
) -> Result<()> {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..jobs).map(|n| scope.spawn(move || worker(n))).collect();
        for thread in running {
            thread.join().map_err(|_| "a worker panicked")??;
        }
        Ok(())
    })
}
