//! What the matrix found first, by name.

use super::judge::{Outcome, run};
use super::phase::{Image, Phase};
use tracekeep_crash::faulty::{Fault, Op, Rule, Span};

/// Fails one operation of a phase. It is judged as in the matrix.
fn once(phase: Phase, fault: Fault, op: Op, nth: u64) -> Result<Outcome, String> {
    run(phase, &Image::for_phase(phase), Rule { op, fault, nth, span: Span::Once })
}

/// The manifest may name the new log, whatever the failed sync says: the log was removed.
#[test]
fn a_log_whose_edit_may_be_durable_is_not_removed() {
    for sync in [2, 3] {
        assert_eq!(once(Phase::Append, Fault::Eio, Op::SyncFile, sync), Ok(Outcome::Told));
    }
}

/// The bytes are on the disk: a caller who was told "refused" would append them twice.
#[test]
fn a_full_disk_that_a_sync_tells_of_is_no_refusal() {
    for fault in [Fault::Enospc, Fault::Edquot] {
        assert_eq!(once(Phase::Group, fault, Op::SyncFile, 1), Ok(Outcome::Told));
        assert_eq!(once(Phase::AppendStrict, fault, Op::SyncFile, 5), Ok(Outcome::Told));
    }
}

/// The next frame went behind a marker that was not written, and the store could not be opened.
#[test]
fn a_marker_that_meets_a_full_disk_leaves_no_hole() {
    assert_eq!(once(Phase::Seal, Fault::Enospc, Op::WriteAt, 1), Ok(Outcome::Silent));
    assert_eq!(once(Phase::Marker, Fault::Short, Op::WriteAt, 2), Ok(Outcome::Silent));
}

/// The edit is durable before the switch begins: it was called failed, and tried again.
#[test]
fn a_manifest_that_cannot_be_started_anew_takes_no_edit_back() {
    for (fault, op) in [
        (Fault::Enospc, Op::Rename),
        (Fault::Eio, Op::Rename),
        (Fault::DoneAnyway, Op::Rename),
        (Fault::Eio, Op::SyncDir),
    ] {
        let last = if op == Op::Rename { 3 } else { 5 };
        for nth in 1..=last {
            let outcome = once(Phase::Switch, fault, op, nth);
            assert!(outcome.is_ok(), "{fault} at {op} {nth}: {outcome:?}");
        }
    }
}

/// A read that ends early was taken for the end of the log, and what was acknowledged dropped.
#[test]
fn a_log_that_is_not_read_to_its_end_has_no_torn_tail() {
    for fault in [Fault::Short, Fault::Zero] {
        for nth in 1..=13 {
            let outcome = once(Phase::Recover, fault, Op::ReadAt, nth);
            let whole = matches!(outcome, Ok(Outcome::Told | Outcome::Silent));
            assert!(whole, "{fault} at read {nth}: {outcome:?}");
        }
    }
}

/// The device took the copy of the tail and kept none of it: the store opened without the tail.
#[test]
fn a_copied_tail_that_is_not_there_is_not_served() {
    let image = Image::for_phase(Phase::Recover);
    for nth in 1..=3 {
        let rule = Rule { op: Op::WriteAt, fault: Fault::Undone, nth, span: Span::Onwards };
        assert_eq!(run(Phase::Recover, &image, rule), Ok(Outcome::Told), "write {nth}");
    }
}

/// The copy of the newest log ended where the read did, and the backup was called whole.
#[test]
fn a_backup_is_not_whole_where_a_log_was_not_read_to_its_end() {
    for fault in [Fault::Short, Fault::Zero, Fault::WrongBytes] {
        let image = Image::for_phase(Phase::Backup);
        for nth in 1..=9 {
            let rule = Rule { op: Op::ReadAt, fault, nth, span: Span::Once };
            let outcome = run(Phase::Backup, &image, rule);
            assert!(outcome.is_ok(), "{fault} at read {nth}: {outcome:?}");
        }
    }
}

/// What was not read was listed as lost, and the repair went on without it.
#[test]
fn a_repair_loses_nothing_that_was_not_read_to_its_end() {
    for fault in [Fault::Short, Fault::Zero] {
        let reads = (1..=10).map(|nth| (Op::ReadAt, nth));
        for (op, nth) in reads.chain((1..=5).map(|nth| (Op::Map, nth))) {
            let outcome = once(Phase::Repair, fault, op, nth);
            assert_eq!(outcome, Ok(Outcome::Told), "{fault} at {op} {nth}");
        }
    }
}

/// The kernel has marked the pages clean: a second sync would return without having written.
#[test]
fn a_failed_sync_is_not_tried_again() {
    assert_eq!(once(Phase::Group, Fault::Eio, Op::SyncFile, 1), Ok(Outcome::Told));
}

#[test]
fn a_failed_sync_acknowledges_nothing() {
    let image = Image::for_phase(Phase::Marker);
    for fault in [Fault::Eio, Fault::DoneAnyway] {
        let rule = Rule { op: Op::SyncFile, fault, nth: 1, span: Span::Onwards };
        assert_eq!(run(Phase::Marker, &image, rule), Ok(Outcome::Told), "{fault}");
    }
}

#[test]
fn a_log_that_cannot_be_read_has_no_torn_tail() {
    for nth in 1..=13 {
        let outcome = once(Phase::Recover, Fault::Eio, Op::ReadAt, nth);
        assert_eq!(outcome, Ok(Outcome::Told), "read {nth}");
    }
}

#[test]
fn a_batch_that_a_full_disk_refused_leaves_no_hole() {
    for fault in [Fault::Enospc, Fault::Short] {
        assert_eq!(once(Phase::Append, fault, Op::WriteAt, 4), Ok(Outcome::Told), "{fault}");
    }
}

#[test]
fn a_refused_batch_leaves_no_parts_to_refer_to() {
    for fault in [Fault::Enospc, Fault::Short] {
        assert_eq!(once(Phase::AppendOs, fault, Op::WriteAt, 4), Ok(Outcome::Told), "{fault}");
    }
}

#[test]
fn a_seal_whose_edit_fails_keeps_its_logs() {
    // Room for the edit is all that sealing reserves.
    assert_eq!(once(Phase::Seal, Fault::Eio, Op::Reserve, 1), Ok(Outcome::Told));
}

#[test]
fn a_reader_finds_every_log() {
    let image = Image::for_phase(Phase::Refresh);
    let never = Rule { op: Op::Lock, fault: Fault::Eio, nth: 9, span: Span::Once };
    assert_eq!(run(Phase::Refresh, &image, never), Ok(Outcome::Untouched));
}
