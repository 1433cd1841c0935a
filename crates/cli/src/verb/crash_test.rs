//! `crash-test DIR`: crashes stores on a simulated disk at every operation, then kills writers on
//! this one, for as long as it is let, and says how to see again what it found.

mod kills;

use super::{now_ns, seconds_since};
use crate::args::{CrashTest, Half};
use crate::exit::{Exit, Failure};
use crate::output::Out;
use crate::progress::Progress;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use tracekeep_crash::explore::{Place, Reach, Seen, Simulation, Tally, replay};

/// What the directory keeps between runs: how far the test has come, and which images it saw.
const STATE: &str = "crash-test.json";
const IMAGES: &str = "images";

/// It keeps them after so many seconds, too.
const SAVE_EVERY: f64 = 5.0;

/// How far the test has come, over all runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    seed: u64,
    next_workload: u64,
    tally: Tally,
    kills: u64,
    closes: u64,
    checks: u64,
    violations: u64,
    seconds: f64,
}

pub(super) fn run(args: &CrashTest, out: &mut Out) -> Result<Exit, Failure> {
    if let Some(place) = &args.reproduce {
        return reproduce(place, out);
    }
    std::fs::create_dir_all(&args.dir).map_err(|e| refused(&args.dir, "make", &e))?;
    let file = args.dir.join(STATE);
    let mut state = begin(args, &file)?;
    let start = now_ns();
    let (simulated, killed) = match args.only {
        None => (args.seconds.div_ceil(2), args.seconds / 2),
        Some(Half::Simulated) => (args.seconds, 0),
        Some(Half::Killed) => (0, args.seconds),
    };
    let mut violations = Vec::new();
    let mut lines = Vec::new();
    if simulated > 0 {
        lines.push(simulate(args, simulated, &mut state, &mut violations)?);
    }
    if killed > 0 {
        let killed = kills::kill(&args.dir, killed, state.seed, args.resume)?;
        state.kills = killed.counts.kills;
        state.closes = killed.counts.closes;
        state.checks = killed.counts.checks;
        violations.extend(killed.violations);
        lines.push(killed.counts.to_string());
        lines.extend(killed.used);
    }
    state.violations += violations.len() as u64;
    state.seconds += seconds_since(start);
    save(&state, &args.dir)?;
    if args.json {
        let found: Vec<_> = violations
            .iter()
            .map(|(what, command)| json!({ "what": what, "reproduce": command }))
            .collect();
        let total = state.tally.total();
        out.json(&json!({
            "seed": state.seed,
            "images": total.distinct,
            "images_during_recovery": state.tally.in_recovery(),
            "recoveries": total.recoveries,
            "phases": state.tally.phases,
            "kills": state.kills,
            "closes": state.closes,
            "checks": state.checks,
            "violations": state.violations,
            "seconds": state.seconds,
            "found": found,
        }))?;
    } else {
        for line in &lines {
            out.line(line)?;
        }
        for (what, command) in &violations {
            out.line(&format!("violation: {what}\n  {command}"))?;
        }
        let total = state.tally.total();
        out.line(&format!(
            "{} images, {} recoveries, {} kills, {} violations",
            total.distinct, total.recoveries, state.kills, state.violations
        ))?;
    }
    Ok(if violations.is_empty() { Exit::Done } else { Exit::Findings })
}

/// Crashes stores on the simulated disk for so long; gives the table of all runs.
fn simulate(
    args: &CrashTest,
    seconds: u64,
    state: &mut State,
    violations: &mut Vec<(String, String)>,
) -> Result<String, Failure> {
    let images = args.dir.join(IMAGES);
    let seen = Seen::load(&images)?;
    let bar = Progress::things("images", None);
    let simulation =
        Simulation::new(state.seed, state.next_workload, seen.clone(), state.tally.clone());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (start, mut saved, mut failed) = (now_ns(), now_ns(), None);
    let keep = |state: &mut State| -> Result<(), Failure> {
        (state.tally, state.next_workload) = (simulation.tally(), simulation.next());
        // First the images: one that is kept and not counted is never counted twice.
        seen.save(&images)?;
        save(state, &args.dir)
    };
    simulation.run(threads, Reach::WIDE, &mut |tally| {
        bar.at(tally.total().distinct);
        if seconds_since(saved) >= SAVE_EVERY {
            failed = keep(state).err();
            saved = now_ns();
        }
        failed.is_some() || seconds_since(start) >= seconds as f64
    });
    drop(bar);
    failed.map_or(Ok(()), Err)?;
    keep(state)?;
    violations.extend(simulation.found().iter().map(|f| {
        let command =
            format!("tracekeep crash-test {} --reproduce {}", args.dir.display(), f.place);
        (f.broken.to_string(), command)
    }));
    Ok(state.tally.to_string())
}

/// Keeps how far the test has come: the old state stays until the new one is whole.
#[expect(clippy::disallowed_methods, reason = "this file is no part of a store")]
fn save(state: &State, dir: &Path) -> Result<(), Failure> {
    let (file, new) = (dir.join(STATE), dir.join(format!("{STATE}.new")));
    std::fs::write(&new, serde_json::to_string_pretty(state)?)
        .and_then(|()| std::fs::rename(&new, &file))
        .map_err(|e| refused(&file, "write", &e))
}

/// The state to go on from.
fn begin(args: &CrashTest, file: &Path) -> Result<State, Failure> {
    if !args.resume {
        if file.exists() {
            let dir = args.dir.display();
            let hint = format!("go on with it: tracekeep crash-test {dir} --resume");
            let message = format!("{dir}: a crash test was begun here");
            return Err(Failure::refused(message, Some(hint)));
        }
        return Ok(State { seed: args.seed, ..State::default() });
    }
    let text = std::fs::read_to_string(file).map_err(|e| refused(file, "read", &e))?;
    serde_json::from_str(&text)
        .map_err(|e| Failure::refused(format!("{}: {e}", file.display()), None))
}

fn reproduce(place: &str, out: &mut Out) -> Result<Exit, Failure> {
    let place: Place = place.parse().map_err(Failure::usage)?;
    match replay(&place) {
        Ok(()) => {
            out.line(&format!("{place}: every promise is kept"))?;
            Ok(Exit::Done)
        }
        Err(broken) => {
            out.line(&format!("{place}: {broken}"))?;
            Ok(Exit::Findings)
        }
    }
}

fn refused(path: &Path, what: &str, error: &std::io::Error) -> Failure {
    Failure::refused(format!("{}: cannot {what}: {error}", path.display()), None)
}
