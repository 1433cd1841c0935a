//! The runner: rounds of children, and whether they agree.

use crate::args::Args;
use crate::child::CHILD;
use crate::engine::answers::Answers;
use crate::engine::{Name, Setup};
use crate::input::{Input, Survey, open_lines, survey};
use crate::job::{Job, Measures, Phase};
use crate::machine::Machine;
use crate::programs::Programs;
use crate::progress::Progress;
use crate::report::{Report, Row};
use crate::{Result, fault, plot};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs what the arguments ask for and prints the report.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut engines: Vec<Name> = args.engines.clone();
    engines.sort_unstable();
    engines.dedup();
    if args.batch == 0 || args.in_flight == 0 || args.rounds == 0 {
        return Err(fault("--batch, --in-flight and --rounds are at least 1"));
    }
    let input = match &args.input {
        Some(path) => Input::File(std::path::absolute(path)?),
        None => Input::Generated(args.generate, args.megabytes.saturating_mul(1_000_000)),
    };
    let programs = Programs::of(&engines)?;
    let scratch = match &args.dir {
        Some(dir) => tempfile::Builder::new().prefix("bench-peers-").tempdir_in(dir)?,
        None => tempfile::Builder::new().prefix("bench-peers-").tempdir()?,
    };
    let mut machine = Machine::of(scratch.path());
    let rounds = (0..args.rounds).flat_map(|round| engines.iter().map(move |e| phases(*e, round)));
    let progress = Progress::new(rounds.flatten().map(|phases| phases.len()).sum());
    progress.say("reading the input".into());
    let survey = survey(&input)?;
    let mut rows: Vec<Row> = engines.iter().map(|engine| Row::new(*engine)).collect();
    let mut expected: Option<(Name, Answers)> = None;
    for round in 0..args.rounds {
        for at in 0..engines.len() {
            let at = (at + round) % engines.len();
            let work = Work { args, input: &input, survey: &survey, programs: &programs };
            let work = work.on(engines[at], scratch.path(), round, &progress);
            for measures in work? {
                if let Some(answers) = &measures.answers {
                    agree(&mut expected, engines[at], answers)?;
                }
                rows[at].rounds.push(measures);
            }
        }
    }
    machine.ended();
    drop(progress);
    let report = Report { args, input: &input, survey: &survey, machine: &machine, rows: &rows };
    if let Some(path) = &args.svg {
        let drawn = plot::draw(&report);
        std::fs::write(path, drawn).map_err(|e| fault(format!("{}: {e}", path.display())))?;
    }
    report.print()
}

/// The first engine's answers are everybody's.
fn agree(expected: &mut Option<(Name, Answers)>, engine: Name, answers: &Answers) -> Result<()> {
    match expected {
        None => *expected = Some((engine, answers.clone())),
        Some((first, expected)) => {
            if let Some(what) = expected.differs(answers) {
                return Err(fault(format!("{first} and {engine} answer differently: {what}")));
            }
        }
    }
    Ok(())
}

struct Work<'a> {
    args: &'a Args,
    input: &'a Input,
    survey: &'a Survey,
    programs: &'a Programs,
}

impl Work<'_> {
    /// All phases of one engine in one round.
    fn on(
        &self,
        engine: Name,
        scratch: &Path,
        round: usize,
        progress: &Progress,
    ) -> Result<Vec<Measures>> {
        let mut all = Vec::new();
        for same_files in phases(engine, round) {
            let dir = scratch.join(engine.text());
            std::fs::create_dir_all(&dir)?;
            for phase in same_files {
                progress.say(format!("round {}: {engine}, {phase:?}", round + 1).to_lowercase());
                let measures = self.child(engine, *phase, &dir);
                all.push(measures.map_err(|e| fault(format!("{engine}, {phase:?}: {e}")))?);
                progress.step();
            }
            std::fs::remove_dir_all(&dir)?;
        }
        if !cfg!(debug_assertions) {
            return Ok(all);
        }
        if round == 0 && engine == Name::Tracekeep {
            progress.note("this is a debug build: its times say nothing");
        }
        Ok(all)
    }

    fn child(&self, engine: Name, phase: Phase, dir: &Path) -> Result<Measures> {
        let Args { sync, parquet_level, batch, in_flight, .. } = *self.args;
        let piped = match (phase, self.input) {
            (Phase::Stream, Input::File(path)) => Some(path),
            _ => None,
        };
        let job = Job {
            engine,
            phase,
            setup: Setup { dir: dir.to_path_buf(), sync, parquet_level },
            input: if piped.is_some() { Input::Pipe } else { self.input.clone() },
            batch,
            in_flight,
            survey: self.survey.clone(),
        };
        let file = dir.with_extension("job.json");
        std::fs::write(&file, serde_json::to_vec(&job)?)?;
        let mut child = Command::new(self.programs.path(engine))
            .arg(CHILD)
            .arg(&file)
            .stdin(match (phase, piped) {
                (Phase::Crash, _) | (_, Some(_)) => Stdio::piped(),
                _ => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .spawn()?;
        if phase == Phase::Crash {
            return killed(child);
        }
        if let (Some(path), Some(mut stdin)) = (piped, child.stdin.take()) {
            let copied = std::io::copy(&mut open_lines(path)?, &mut stdin);
            // A child that stops listening has said why itself.
            let _ = copied.and_then(|_| stdin.flush());
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(fault(format!("its process ended with {}", output.status)));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// What is done with an engine in a round: lists of children that work on the same files, one after
/// the other.
fn phases(engine: Name, round: usize) -> Vec<&'static [Phase]> {
    let mut phases: Vec<&[Phase]> = vec![&[Phase::Append, Phase::Read]];
    if engine.appends() {
        phases.push(&[Phase::Crash, Phase::Recover]);
    }
    if round == 0 {
        phases.push(&[Phase::Stream]);
    }
    phases
}

/// Kills a child once it has said what it measured.
fn killed(mut child: Child) -> Result<Measures> {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    child.kill()?;
    if child.wait()?.code().is_some() {
        return Err(fault("its process ended before it was killed"));
    }
    Ok(serde_json::from_str(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_answers_something_else_is_an_error() {
        let mut expected = None;
        let answers = Answers { skeletons: 3, scores: 1, ..Answers::default() };
        assert!(agree(&mut expected, Name::Tracekeep, &answers).is_ok());
        assert!(agree(&mut expected, Name::Redb, &answers.clone()).is_ok());
        let fewer = Answers { skeletons: 2, ..answers.clone() };
        let told = agree(&mut expected, Name::Sqlite, &fewer).unwrap_err().to_string();
        assert_eq!(told, "tracekeep and sqlite answer differently: skeletons: 3 and 2");
        let mut dearer = answers;
        dearer.costs.insert("a model".into(), (1, 5));
        let told = agree(&mut expected, Name::Lmdb, &dearer).unwrap_err().to_string();
        assert_eq!(told, "tracekeep and lmdb answer differently: cost by model");
    }
}
