//! The power fails after a phase in which nothing went wrong: what was acknowledged is there.

use super::judge::{after_power_failure, states};
use super::model::{Fate, batch};
use super::phase::{Image, Phase, Stage};
use tracekeep_crash::disk::{Attempt, OpKind};

/// Runs a phase, takes everything that was not synced, and opens what is left.
#[track_caller]
fn check_survives(phase: Phase) {
    let image = Image::for_phase(phase);
    let mut stage = Stage::new(phase, &image);
    stage.act();
    assert_eq!(after_power_failure(&image, &stage), Ok(()), "{phase}");
}

#[test]
fn a_store_that_was_made_survives() {
    check_survives(Phase::Create);
}

#[test]
fn a_log_that_was_started_survives() {
    check_survives(Phase::Append);
}

#[test]
fn groups_in_flight_survive() {
    check_survives(Phase::Group);
}

#[test]
fn a_segment_survives() {
    check_survives(Phase::Seal);
}

#[test]
fn a_store_that_was_rewritten_survives() {
    check_survives(Phase::Compact);
}

#[test]
fn a_copied_tail_survives() {
    check_survives(Phase::Recover);
}

/// Frames are written and none is synced: whichever of their sectors are kept, nothing that
/// they promise is missing.
#[test]
fn a_frame_promises_nothing_that_may_be_lost() {
    let image = Image::for_phase(Phase::Group);
    let mut stage = Stage::new(Phase::Group, &image);
    let first = stage.ledger.0.len();
    let append = |k: usize| drop(stage.store.as_ref().unwrap().append(batch(k)).unwrap());
    // The first frame has company, else nothing would be written before it is synced.
    stage.fs.hold(Attempt::writes_log);
    append(first);
    stage.fs.wait_until_held(1).unwrap();
    append(first + 1);
    let mut writes = stage.fs.count(OpKind::Write);
    stage.fs.hold(|attempt| attempt.kind == OpKind::Sync);
    stage.fs.wait_for(OpKind::Write, writes + 2).unwrap();
    for k in first + 2..first + 5 {
        writes = stage.fs.count(OpKind::Write);
        append(k);
        stage.fs.wait_for(OpKind::Write, writes + 1).unwrap();
    }
    (first..first + 5).for_each(|k| stage.ledger.note(k, Fate::Unknown));
    let states = states(&image, &stage);
    stage.fs.release();
    assert!(states.len() > 100, "{} states", states.len());
    for (choice, outcome) in states {
        assert_eq!(outcome, Ok(()), "kept: {choice}");
    }
}
