//! A soak in small: it finds nothing in a sound store, goes on where it stopped, and notices what
//! is lost.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a helper that fails is a test that fails; the oracle is outside of the store"
)]

use std::path::Path;
use std::process::Command;
use tracekeep_crash::soak::{Report, Soak, child, run};

/// Where the children begin. Nobody's child has nothing to do.
#[test]
fn entry() {
    let outcome = child().unwrap_or(Ok(()));
    assert!(outcome.is_ok(), "{outcome:?}");
}

fn piece(dir: &Path, seconds: u64, resume: bool) -> Report {
    let program = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "entry", "--nocapture"]);
        command
    };
    let soak = Soak { dir, seconds, seed: 3, resume, program };
    let report = run(&soak, &mut |_| {}).unwrap();
    eprintln!("{}; {:?}", report.counts, report.violations);
    report
}

#[test]
fn a_piece_finds_nothing_and_the_next_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let first = piece(dir.path(), 10, false);
    assert_eq!(first.violations, Vec::<String>::new());
    assert!(first.counts.acknowledged > 0);
    let second = piece(dir.path(), 3, true);
    assert_eq!(second.violations, Vec::<String>::new());
    for counts in [&first.counts, &second.counts] {
        assert!(counts.checks >= counts.kills + counts.closes);
    }
    // How many of them ten seconds hold is the machine's affair.
    assert!(first.counts.kills + first.counts.closes > 0);
    assert!(second.counts.kills + second.counts.closes > 1);
    assert!(second.counts.rounds > first.counts.rounds);
    assert!(second.counts.acknowledged > first.counts.acknowledged);
}

#[test]
fn what_was_acknowledged_and_is_lost_is_a_violation() {
    let dir = tempfile::tempdir().unwrap();
    assert!(piece(dir.path(), 1, false).violations.is_empty());
    let notes = dir.path().join("acknowledged-0");
    let text = std::fs::read_to_string(&notes).unwrap();
    std::fs::write(&notes, text + "ack 900000\n").unwrap();
    let report = piece(dir.path(), 3, true);
    assert_eq!(report.violations.len(), 1, "{report:?}");
    assert!(report.violations[0].contains("[seed 3, store 0, round"), "{report:?}");
    assert!(dir.path().join("violation-0/store/CURRENT").exists());
}
