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
use tracekeep_crash::explore::{Place, Reach, Simulation, replay};

/// What the directory keeps between runs.
const STATE: &str = "crash-test.json";

/// How far the test has come, over all runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    seed: u64,
    next_workload: u64,
    images: u64,
    images_during_recovery: u64,
    recoveries: u64,
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
        lines.push(simulate(args, simulated, &mut state, &mut violations));
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
    let text = serde_json::to_string_pretty(&state)?;
    std::fs::write(&file, text).map_err(|e| refused(&file, "write", &e))?;
    if args.json {
        let found: Vec<_> = violations
            .iter()
            .map(|(what, command)| json!({ "what": what, "reproduce": command }))
            .collect();
        let mut value = serde_json::to_value(&state)?;
        value["found"] = json!(found);
        out.json(&value)?;
    } else {
        for line in &lines {
            out.line(line)?;
        }
        for (what, command) in &violations {
            out.line(&format!("violation: {what}\n  {command}"))?;
        }
        out.line(&format!(
            "{} images, {} recoveries, {} kills, {} violations",
            state.images, state.recoveries, state.kills, state.violations
        ))?;
    }
    Ok(if violations.is_empty() { Exit::Done } else { Exit::Findings })
}

/// Crashes stores on the simulated disk for so long; gives the table of it.
fn simulate(
    args: &CrashTest,
    seconds: u64,
    state: &mut State,
    violations: &mut Vec<(String, String)>,
) -> String {
    let start = now_ns();
    let bar = Progress::things("images", None);
    let simulation = Simulation::new(state.seed, state.next_workload);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    simulation.run(threads, Reach::WIDE, &mut |tally| {
        let distinct = tally.total().distinct;
        bar.at(distinct);
        seconds_since(start) >= seconds as f64
    });
    drop(bar);
    let tally = simulation.tally();
    let total = tally.total();
    state.next_workload = simulation.next();
    state.images += total.distinct;
    state.images_during_recovery += tally.in_recovery();
    state.recoveries += total.recoveries;
    violations.extend(simulation.found().iter().map(|f| {
        let command =
            format!("tracekeep crash-test {} --reproduce {}", args.dir.display(), f.place);
        (f.broken.to_string(), command)
    }));
    tally.to_string()
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
