//! The half of the crash test that runs on the disk itself: this program again, as a writer that
//! is killed and a reader beside it.

use crate::exit::Failure;
use crate::progress::Progress;
use std::path::Path;
use std::process::Command;
use tracekeep_crash::soak::{Counts, Soak, run};

/// What was found, and how to look at it.
pub(super) struct Killed {
    pub(super) counts: Counts,
    /// What happened, and the command that shows it.
    pub(super) violations: Vec<(String, String)>,
    /// Memory and open files, a line each.
    pub(super) used: Vec<String>,
}

/// Kills for so long, in a folder of its own.
pub(super) fn kill(dir: &Path, seconds: u64, seed: u64, resume: bool) -> Result<Killed, Failure> {
    let folder = dir.join("kills");
    let bar = Progress::things("kills", None);
    let soak = Soak { dir: &folder, seconds, seed, resume, program };
    let report = run(&soak, &mut |counts| bar.at(counts.kills))?;
    drop(bar);
    let shown = |what: String| {
        let kept = what.split("files kept in ").nth(1).map(|rest| rest.trim_end_matches(']'));
        let store = kept.map_or(folder.display().to_string(), |kept| format!("{kept}/store"));
        (what.clone(), format!("tracekeep verify {store}"))
    };
    let violations = report.violations.into_iter().map(shown).collect();
    let used = report.flat.iter().map(ToString::to_string).collect();
    Ok(Killed { counts: report.counts, violations, used })
}

fn program() -> Command {
    Command::new(std::env::current_exe().unwrap_or_else(|_| "tracekeep".into()))
}
