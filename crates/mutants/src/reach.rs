//! Which mutants each test reaches, and how long it takes.

use crate::compile::Build;
use crate::{Args, Result, report};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One test.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    pub program: PathBuf,
    pub folder: PathBuf,
    pub name: String,
    pub took: Duration,
    pub reaches: BTreeSet<usize>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Passed,
    Failed,
    /// It took too long.
    Hung,
}

impl Test {
    /// Runs it alone, with this in its environment, in at most 6 GiB.
    pub(crate) fn run(&self, env: (&str, &str), scratch: &Path, limit: Duration) -> Result<End> {
        std::fs::create_dir_all(scratch)?;
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 6291456; exec \"$@\"", "sh"]).arg(&self.program);
        command.args(["--exact", &self.name, "--test-threads", "1"]).current_dir(&self.folder);
        command.env(env.0, env.1).env("TMPDIR", scratch).env("RUST_BACKTRACE", "0");
        command.env("TRACEKEEP_SIM_IMAGES", "6000");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let end = wait(&mut command.spawn()?, limit)?;
        std::fs::remove_dir_all(scratch)?;
        Ok(end)
    }
}

fn wait(child: &mut Child, limit: Duration) -> Result<End> {
    let start = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(End::Passed),
            Some(_) => return Ok(End::Failed),
            None if start.elapsed() > limit => {
                child.kill()?;
                child.wait()?;
                return Ok(End::Hung);
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Runs each test without a mutant; all of them must pass.
pub(crate) fn measure(tree: &Path, args: &Args, build: &Build) -> Result<Vec<Test>> {
    let mut todo = Vec::new();
    for (program, folder) in &build.tests {
        let list = ["--list", "--format", "terse"];
        let output = Command::new(program).args(list).current_dir(folder).output()?;
        for name in
            String::from_utf8(output.stdout)?.lines().filter_map(|l| l.strip_suffix(": test"))
        {
            let (program, folder, name) = (program.clone(), folder.clone(), name.to_owned());
            let (took, reaches) = (Duration::ZERO, BTreeSet::new());
            todo.push(Test { program, folder, name, took, reaches });
        }
    }
    let bar = report::bar("each test alone", todo.len());
    let (todo, done) = (Mutex::new(todo), Mutex::new(Vec::new()));
    let left_out = Mutex::new(Vec::new());
    let worker = |n: usize| -> Result<(), String> {
        let scratch = tree.with_file_name(format!("scratch-{n}"));
        let reached = tree.with_file_name(format!("reached-{n}"));
        while let Some(mut test) = pop(&todo) {
            let _old = std::fs::remove_file(&reached);
            let start = Instant::now();
            let env = ("MUTANTS_REACHED", reached.to_str().unwrap_or_default());
            let limit = Duration::from_secs(args.test_seconds);
            let end = test.run(env, &scratch, limit).map_err(|e| e.to_string())?;
            test.took = start.elapsed();
            bar.inc(1);
            match end {
                End::Passed => {}
                End::Hung => {
                    push(&left_out, test.name);
                    continue;
                }
                End::Failed => return Err(format!("{} fails without a mutant", test.name)),
            }
            let numbers = std::fs::read_to_string(&reached).unwrap_or_default();
            test.reaches = numbers.lines().filter_map(|line| line.parse().ok()).collect();
            push(&done, test);
        }
        Ok(())
    };
    crate::trial::in_parallel(args.jobs, &worker)?;
    bar.finish_and_clear();
    for name in into(left_out) {
        report::note(&format!("left out, for its length: {name}"));
    }
    let mut tests = into(done);
    tests.sort_by(|a, b| (a.took, &a.name).cmp(&(b.took, &b.name)));
    Ok(tests)
}

pub(crate) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn pop<T>(from: &Mutex<Vec<T>>) -> Option<T> {
    lock(from).pop()
}

pub(crate) fn push<T>(to: &Mutex<Vec<T>>, item: T) {
    lock(to).push(item);
}

pub(crate) fn into<T>(from: Mutex<Vec<T>>) -> Vec<T> {
    from.into_inner().unwrap_or_else(PoisonError::into_inner)
}
